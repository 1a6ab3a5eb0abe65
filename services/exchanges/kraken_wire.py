"""Kraken's orders and executions, as REST answers tell them, in our words. Pure: no network, no clock, no state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from aristobot.clock import EPOCH
from aristobot.errors import DataError
from aristobot.market import Symbol
from aristobot.money import ZERO
from aristobot.orders import Fill, OrderReport, OrderStatus, OrderType, Side
from services.exchanges.kraken_errors import NAME

T = TypeVar("T")
#: Turns a spelling of theirs into our symbol.
Naming = Callable[[str], Symbol]

#: Neither an amount nor a second of this world reaches so far.
_HIGHEST = Decimal(10) ** 30
_LAST_SECOND = Decimal(10) ** 11

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
#: What we place, and what else may rest on an account, as the kind it behaves like.
TYPES: Mapping[str, OrderType] = {
    kind.value.replace("_", "-"): kind for kind in OrderType if kind is not OrderType.LIMIT_MAKER
} | {
    "iceberg": OrderType.LIMIT,
    "trailing-stop": OrderType.STOP_LOSS,
    "trailing-stop-limit": OrderType.STOP_LOSS_LIMIT,
    "settle-position": OrderType.MARKET,
}
STATUSES = {
    "pending": OrderStatus.OPEN,
    "open": OrderStatus.OPEN,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
}
WAITING_FOR_A_PRICE = frozenset(
    {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)


class Answer(msgspec.Struct, Generic[T]):
    """A REST answer without an error."""

    result: T


class Description(msgspec.Struct):
    """What was asked for. Prices are texts: of a trailing stop they are no amounts (`+1.0000%`)."""

    pair: str
    type: str
    ordertype: str
    price: str = "0"
    price2: str = "0"


_ORDER_NAMES = {"opened": "opentm", "closed": "closetm", "quantity": "vol", "filled": "vol_exec", "fill_ids": "trades"}


class NativeOrder(msgspec.Struct, rename=_ORDER_NAMES):
    """An order as OpenOrders, ClosedOrders and QueryOrders show it; times are seconds."""

    status: str
    opened: Decimal
    descr: Description
    quantity: Decimal
    filled: Decimal
    cost: Decimal
    closed: Decimal = ZERO
    cl_ord_id: str | None = None
    oflags: str = ""
    reason: str | None = None
    fill_ids: list[str] = []


class OpenOrders(msgspec.Struct):
    """Orders that rest, by their id."""

    open: dict[str, NativeOrder]


class ClosedOrders(msgspec.Struct):
    """A page of orders that ended, newest first, and how many there are in all."""

    closed: dict[str, NativeOrder]
    count: int = 0


class OwnFill(msgspec.Struct, rename={"order_id": "ordertxid", "side": "type", "quantity": "vol"}):
    """One of the account's executions; its fee is in quote."""

    order_id: str
    pair: str
    time: Decimal
    side: str
    price: Decimal
    fee: Decimal
    quantity: Decimal
    maker: bool = False


class OwnFills(msgspec.Struct, rename={"fills": "trades"}):
    """A page of executions, newest first, and how many there are in all."""

    fills: dict[str, OwnFill]
    count: int = 0


class Taken(msgspec.Struct):
    """The answer to a change of an order: on the socket one id, over REST a list; for a cancel a count."""

    order_id: str = ""
    txid: list[str] | str = ""
    count: int = 1

    @property
    def exchange_id(self) -> str:
        """The order's id, empty when the answer does not tell it."""
        return self.order_id or (self.txid if isinstance(self.txid, str) else next(iter(self.txid), ""))


class Time(msgspec.Struct):
    """The exchange's clock, in whole seconds."""

    unixtime: int


OPEN_ORDERS = msgspec.json.Decoder(Answer[OpenOrders])
CLOSED_ORDERS = msgspec.json.Decoder(Answer[ClosedOrders])
OWN_FILLS = msgspec.json.Decoder(Answer[OwnFills])
QUERIED_FILLS = msgspec.json.Decoder(Answer[dict[str, OwnFill]])
TAKEN = msgspec.json.Decoder(Taken)
RESULT = msgspec.json.Decoder(Answer[msgspec.Raw])
TIME = msgspec.json.Decoder(Answer[Time])


def read(decoder: msgspec.json.Decoder[T], text: bytes | msgspec.Raw) -> T:
    """What a text says; raise DataError when it is not what was expected."""
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError) as error:
        raise DataError("unreadable_answer", exchange=NAME, detail=str(error)[:200]) from None


def result_of(decoder: msgspec.json.Decoder[Answer[T]], body: bytes) -> T:
    """What a REST answer holds; raise DataError when it is not what was expected."""
    return read(decoder, body).result


def seconds(value: Decimal) -> datetime:
    """A time of theirs, to the microsecond; raise DataError for one that no calendar has."""
    if not (value.is_finite() and ZERO <= value < _LAST_SECOND):
        raise DataError("impossible_time", exchange=NAME, value=str(value)[:40])
    return EPOCH + timedelta(microseconds=int(value.scaleb(6)))


def our_word(table: Mapping[str, T], native: str, field: str) -> T:
    """Our word for theirs; raise DataError for one we do not know."""
    found = table.get(native)
    if found is None:
        raise DataError("unknown_exchange_word", exchange=NAME, field=field, value=native[:40])
    return found


def real(*amounts: Decimal) -> None:
    """Raise DataError unless every amount is one that can be: finite, not negative, of this world."""
    for one in amounts:
        if not (one.is_finite() and ZERO <= one < _HIGHEST):
            raise DataError("impossible_amount", exchange=NAME, value=str(one)[:60])


def real_fee(fee: Decimal) -> None:
    """The same of a fee, which as a rebate may be negative."""
    real(abs(fee))


def report_of(order_id: str, order: NativeOrder, symbol: Symbol, fills: Iterable[Fill] = ()) -> OrderReport:
    """What an answer says of one order. A volume said in quote (`viqc`) is no quantity: then what was filled is."""
    asked = order.descr
    kind: OrderType = our_word(TYPES, asked.ordertype, "ordertype")
    waits = kind in WAITING_FOR_A_PRICE
    price = _price(asked.price2) if waits else _price(asked.price)
    real(order.quantity, order.filled, order.cost, price)
    flags = order.oflags.split(",")
    if kind is OrderType.LIMIT and "post" in flags:
        kind = OrderType.LIMIT_MAKER
    return OrderReport(
        client_order_id=order.cl_ord_id or "",
        exchange_order_id=order_id,
        symbol=symbol,
        side=our_word(SIDES, asked.type, "type"),
        type=kind,
        status=status_of(our_word(STATUSES, order.status, "status"), order.filled),
        quantity=order.filled if "viqc" in flags else order.quantity,
        filled=order.filled,
        at=seconds(order.closed or order.opened),
        price=price,
        stop_price=_price(asked.price) if waits else ZERO,
        quote_filled=order.cost,
        fills=tuple(fills),
        reason=order.reason or "",
    )


def status_of(status: OrderStatus, filled: Decimal) -> OrderStatus:
    """An order that rests and has fills is partially filled, whatever it is called."""
    return OrderStatus.PARTIALLY_FILLED if status is OrderStatus.OPEN and filled > ZERO else status


def fill_of(fill_id: str, own: OwnFill, symbol: Symbol, client_order_id: str = "") -> Fill:
    """One of the account's executions."""
    real(own.price, own.quantity)
    real_fee(own.fee)
    return Fill(
        trade_id=fill_id,
        symbol=symbol,
        side=our_word(SIDES, own.side, "type"),
        price=own.price,
        quantity=own.quantity,
        fee=own.fee,
        fee_asset=symbol.rpartition("/")[2],
        at=seconds(own.time),
        exchange_order_id=own.order_id,
        client_order_id=client_order_id,
        maker=own.maker,
    )


def _price(text: str) -> Decimal:
    """A price that is an amount; zero for one that is only said relative to the market."""
    if not text or not text[0].isdigit():
        return ZERO
    try:
        price = Decimal(text)
    except ArithmeticError:
        return ZERO
    real(price)
    return price
