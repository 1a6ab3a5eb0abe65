"""What both of Bitget's protocols share on the wire: the envelope, numbers as text, words, times. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from aristobot.clock import from_milliseconds
from aristobot.errors import DataError
from aristobot.exchange import Fees
from aristobot.market import Symbol
from aristobot.money import ZERO, amount
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from services.exchanges.bitget_errors import NAME

T = TypeVar("T")
#: Turns an exchange's spelling of a symbol into ours.
Naming = Callable[[str], Symbol]
#: No amount or price of this world reaches that far.
BEYOND = Decimal(10) ** 30

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
#: The words of both protocols; "cancelled" is spelled in two ways.
STATUSES = {
    "init": OrderStatus.OPEN,
    "new": OrderStatus.OPEN,
    "live": OrderStatus.OPEN,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELED,
    "canceled": OrderStatus.CANCELED,
}
LIMITS = frozenset({OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
TRIGGERED_TYPES = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
POST_ONLY = "post_only"


class Reply(msgspec.Struct, Generic[T], rename="camel"):
    """Every answer: what was asked for, and when it was said (milliseconds)."""

    data: T
    request_time: int = 0


class Named(msgspec.Struct, rename="camel"):
    """The answer to an order: its two ids, and nothing of what became of it."""

    order_id: str = ""
    client_oid: str | None = ""


class ServerTime(msgspec.Struct, rename="camel"):
    """The exchange's clock, in milliseconds."""

    server_time: str


class Rates(msgspec.Struct, rename="camel"):
    """What an account pays on one symbol, as fractions."""

    maker_fee_rate: str
    taker_fee_rate: str


RATES = msgspec.json.Decoder(Reply[Rates])
NAMED = msgspec.json.Decoder(Reply[Named])
SERVER_TIME = msgspec.json.Decoder(Reply[ServerTime])


def decoded(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T:
    """What a body says; raise DataError when it is not what was expected."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError) as problem:
        raise DataError("unreadable_answer", exchange=NAME, detail=str(problem)[:200]) from None


def moment(milliseconds: str | int | None) -> datetime:
    """A time of theirs; raise DataError for one that no calendar has."""
    try:
        return from_milliseconds(int(milliseconds or 0))
    except (OverflowError, ValueError):
        raise DataError("impossible_time", exchange=NAME, value=str(milliseconds)[:40]) from None


def word(table: dict[str, T], native: str | None, field: str) -> T:
    """Our word for theirs; raise DataError for one we do not know."""
    found = table.get(native or "")
    if found is None:
        raise DataError("unknown_exchange_word", exchange=NAME, field=field, value=str(native)[:40])
    return found


def number(text: str | None) -> Decimal:
    """An amount or a price, never negative; what is left empty is zero. Raise DataError for what cannot be."""
    if not text:
        return ZERO
    value = amount(text)
    if not ZERO <= value < BEYOND:
        raise DataError("impossible_amount", exchange=NAME, value=text[:60])
    return value


def cost(text: str | None) -> Decimal:
    """A fee: negative in one protocol, positive in the other, a cost in both."""
    value = abs(amount(text)) if text else ZERO
    if value >= BEYOND:
        raise DataError("impossible_amount", exchange=NAME, value=str(text)[:60])
    return value


def status_of(native: str | None, filled: Decimal) -> OrderStatus:
    """Our status for theirs; an order that rests and has fills is partially filled, whatever it is called."""
    status = word(STATUSES, native, "status")
    return OrderStatus.PARTIALLY_FILLED if status is OrderStatus.OPEN and filled else status


def type_of(native: str | None, lives: str | None) -> OrderType:
    """Market, limit, or a limit order that only makes."""
    if native == "market":
        return OrderType.MARKET
    if native != "limit":
        raise DataError("unknown_exchange_word", exchange=NAME, field="orderType", value=str(native)[:40])
    return OrderType.LIMIT_MAKER if lives == POST_ONLY else OrderType.LIMIT


def lives_of(kind: OrderType, lives: TimeInForce) -> str:
    """How long an order lives, in the exchange's word."""
    return POST_ONLY if kind is OrderType.LIMIT_MAKER else lives.value


def fees_of(body: bytes) -> Fees:
    """What an account pays, as both protocols say it; a maker may be paid instead."""
    rates = decoded(RATES, body).data
    return Fees(amount(rates.maker_fee_rate), number(rates.taker_fee_rate))
