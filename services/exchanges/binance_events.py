"""Binance's user stream in our words. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from aristobot.exchange import BalanceChanged
from aristobot.money import ZERO
from aristobot.orders import Fill, OrderReport
from aristobot.portfolio import Balance
from services.exchanges.binance_wire import SIDES, TYPES, Naming, check, decoded, moment, signed, status_of, word

TERMINATED = "eventStreamTerminated"
SHUTDOWN = "serverShutdown"


class Kind(msgspec.Struct):
    """Which event it is."""

    e: str = ""


_EXECUTION_NAMES = {
    "symbol": "s",
    "client_id": "c",
    "side": "S",
    "type": "o",
    "quantity": "q",
    "price": "p",
    "status": "X",
    "order_id": "i",
    "filled": "z",
    "time": "T",
    "stop_price": "P",
    "original_client_id": "C",
    "list_id": "g",
    "execution": "x",
    "reject_reason": "r",
    "quote_filled": "Z",
    "last_quantity": "l",
    "last_price": "L",
    "fee": "n",
    "fee_asset": "N",
    "trade_id": "t",
    "maker": "m",
    "expiry_reason": "eR",
}


class ExecutionReport(msgspec.Struct, rename=_EXECUTION_NAMES):
    """An order changed."""

    symbol: str
    client_id: str
    side: str
    type: str
    quantity: Decimal
    price: Decimal
    status: str
    order_id: int
    filled: Decimal
    time: int
    stop_price: Decimal = ZERO
    original_client_id: str = ""
    list_id: int = -1
    execution: str = ""
    reject_reason: str = "NONE"
    quote_filled: Decimal = ZERO
    last_quantity: Decimal = ZERO
    last_price: Decimal = ZERO
    fee: Decimal | None = None
    fee_asset: str | None = None
    trade_id: int = -1
    maker: bool = False
    expiry_reason: str | int | None = None


class Held(msgspec.Struct, rename={"asset": "a", "free": "f", "locked": "l"}):
    """One asset of an account position."""

    asset: str
    free: Decimal
    locked: Decimal


class AccountPosition(msgspec.Struct, rename={"balances": "B"}):
    """The assets an event touched."""

    balances: list[Held]


KIND = msgspec.json.Decoder(Kind)
EXECUTION = msgspec.json.Decoder(ExecutionReport)
POSITION = msgspec.json.Decoder(AccountPosition)


def kind_of(event: bytes | msgspec.Raw) -> str:
    """The event's name, empty when it has none."""
    return decoded(KIND, event).e


def update_of(event: bytes | msgspec.Raw, naming: Naming) -> OrderReport | BalanceChanged | None:
    """An order's report or new balances; None for events that say nothing new of either.

    List states repeat what the legs' own reports say, deposits are followed by an account position.
    """
    kind = kind_of(event)
    if kind == "executionReport":
        return _report(decoded(EXECUTION, event), naming)
    if kind == "outboundAccountPosition":
        held = decoded(POSITION, event).balances
        for one in held:
            check(one.free, one.locked)
        return BalanceChanged(tuple(Balance.of(one.asset, one.free, one.locked) for one in held))
    return None


def _report(event: ExecutionReport, naming: Naming) -> OrderReport:
    """On a cancel or a replacement the client id names the request and the original one the order; else that is empty."""
    check(event.quantity, event.price, event.stop_price, event.filled, event.quote_filled)
    symbol, side, at = naming(event.symbol), word(SIDES, event.side, "side"), moment(event.time)
    client_id, exchange_id = event.original_client_id or event.client_id, str(event.order_id)
    fills: tuple[Fill, ...] = ()
    if event.execution == "TRADE" and event.trade_id >= 0:
        fee = event.fee or ZERO
        check(event.last_price, event.last_quantity)
        signed(fee)
        fills = (
            Fill(
                trade_id=str(event.trade_id),
                symbol=symbol,
                side=side,
                price=event.last_price,
                quantity=event.last_quantity,
                fee=fee,
                fee_asset=event.fee_asset or "",
                at=at,
                exchange_order_id=exchange_id,
                client_order_id=client_id,
                maker=event.maker,
            ),
        )
    return OrderReport(
        client_order_id=client_id,
        exchange_order_id=exchange_id,
        symbol=symbol,
        side=side,
        type=word(TYPES, event.type, "type"),
        status=status_of(event.status, event.filled),
        quantity=event.quantity,
        filled=event.filled,
        at=at,
        price=event.price,
        stop_price=event.stop_price,
        quote_filled=event.quote_filled,
        fills=fills,
        list_id=str(event.list_id) if event.list_id >= 0 else "",
        reason=_reason(event),
    )


def _reason(event: ExecutionReport) -> str:
    if event.expiry_reason:
        return str(event.expiry_reason)
    return "" if event.reject_reason == "NONE" else event.reject_reason
