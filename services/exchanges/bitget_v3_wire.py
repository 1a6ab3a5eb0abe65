"""The unified account (v3) of Bitget in our words: orders, strategies, executions, balances, rights. Pure.

Fees are positive here; an order's `amount` is the quote that a market buy may spend.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from aristobot.exchange import KeyRights
from aristobot.money import ZERO
from aristobot.orders import Fill, OrderReport, OrderType, Side
from aristobot.portfolio import Balance
from services.exchanges.bitget_plans import Plan, Stage
from services.exchanges.bitget_wire import SIDES, Naming, Reply, cost, decoded, moment, number, status_of, type_of, word

T = TypeVar("T")
STAGES = {
    "pending": Stage.WAITING,
    "live": Stage.WAITING,
    "submitting": Stage.TRIGGERED,
    "success": Stage.TRIGGERED,
    "executed": Stage.TRIGGERED,
    "failed": Stage.FAILED,
    "fail_execute": Stage.FAILED,
    "cancelled": Stage.CANCELLED,
    "canceled": Stage.CANCELLED,
}
SPOT = "SPOT"
_MAY_WITHDRAW = frozenset({"withdraw", "transfer"})


class FeeDetail(msgspec.Struct, rename="camel"):
    """What an order or an execution cost, in one coin."""

    fee_coin: str | None = ""
    fee: str | None = ""


class NativeOrder(msgspec.Struct, rename="camel"):
    """An order, in an answer or pushed."""

    symbol: str
    order_id: str
    order_type: str
    side: str
    order_status: str
    category: str = SPOT
    client_oid: str | None = ""
    price: str | None = ""
    qty: str | None = ""
    cum_exec_qty: str | None = ""
    cum_exec_value: str | None = ""
    time_in_force: str | None = ""
    created_time: str | None = ""
    updated_time: str | None = ""


class NativeStrategy(msgspec.Struct, rename="camel"):
    """A strategy order, in an answer (which leaves out side and type) or pushed."""

    symbol: str
    order_id: str
    status: str
    category: str = SPOT
    client_oid: str | None = ""
    side: str | None = ""
    type: str | None = ""
    qty: str | None = ""
    take_profit: str | None = ""
    stop_loss: str | None = ""
    tp_order_type: str | None = ""
    sl_order_type: str | None = ""
    tp_limit_price: str | None = ""
    sl_limit_price: str | None = ""
    trigger_price: str | None = ""
    trigger_order_type: str | None = ""
    trigger_order_price: str | None = ""
    created_time: str | None = ""
    updated_time: str | None = ""


class NativeFill(msgspec.Struct, rename="camel"):
    """One of the account's executions, in an answer or pushed."""

    symbol: str
    order_id: str
    exec_id: str
    side: str
    exec_price: str
    exec_qty: str
    category: str = SPOT
    client_oid: str | None = ""
    fee_detail: list[FeeDetail] | None = None
    trade_scope: str | None = ""
    created_time: str | None = ""
    exec_time: str | None = ""


class Page(msgspec.Struct, Generic[T], rename={"entries": "list"}):
    """Some entries, newest first, and where to go on."""

    entries: list[T] | None = None
    cursor: str | None = ""


class NativeHolding(msgspec.Struct, rename="camel", gc=False):
    """One asset of the account."""

    coin: str
    available: str
    locked: str = "0"


class Assets(msgspec.Struct):
    """What the account holds."""

    assets: list[NativeHolding]


class PushedAccount(msgspec.Struct):
    """The assets that a push of the account names."""

    coin: list[NativeHolding]


class AccountInfo(msgspec.Struct, rename="camel"):
    """What a key may do, and from which addresses."""

    perm_type: str | None = ""
    permissions: list[str] = []
    ips: str | None = ""


class Settings(msgspec.Struct, rename="camel"):
    """How the account is set up; only unified accounts have one."""

    account_mode: str


ORDER = msgspec.json.Decoder(Reply[NativeOrder | None])
ORDERS = msgspec.json.Decoder(Reply[Page[NativeOrder]])
STRATEGIES = msgspec.json.Decoder(Reply[list[NativeStrategy] | Page[NativeStrategy] | None])
FILLS = msgspec.json.Decoder(Reply[Page[NativeFill]])
HOLDINGS = msgspec.json.Decoder(Reply[Assets])
ACCOUNT = msgspec.json.Decoder(Reply[AccountInfo])
SETTINGS = msgspec.json.Decoder(Reply[Settings])


def strategies_in(body: bytes) -> tuple[list[NativeStrategy], str]:
    """Strategies and the mark of the next page: those that wait come as a bare list, those that ended as a page."""
    said = decoded(STRATEGIES, body).data
    if isinstance(said, Page):
        return said.entries or [], said.cursor or ""
    return said or [], ""


def report_of(order: NativeOrder, naming: Naming) -> OrderReport:
    """What is said of one order."""
    kind, side = type_of(order.order_type, order.time_in_force), word(SIDES, order.side, "side")
    filled = number(order.cum_exec_qty)
    bought = kind is OrderType.MARKET and side is Side.BUY
    return OrderReport(
        symbol=naming(order.symbol.upper()),
        client_order_id=order.client_oid or "",
        exchange_order_id=order.order_id,
        status=status_of(order.order_status, filled),
        side=side,
        type=kind,
        quantity=filled if bought else number(order.qty),
        filled=filled,
        at=moment(order.updated_time or order.created_time),
        price=ZERO if kind is OrderType.MARKET else number(order.price),
        quote_filled=number(order.cum_exec_value),
    )


def plan_of(native: NativeStrategy) -> Plan:
    """A strategy order; with both a stop and a target it is read as its stop. Where no side is said it sells what is held."""
    if number(native.trigger_price) and not (native.type == "tpsl" and (native.stop_loss or native.take_profit)):
        limit, stop_price, price = native.trigger_order_type, native.trigger_price, native.trigger_order_price
        kinds = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
    elif number(native.stop_loss):
        limit, stop_price, price = native.sl_order_type, native.stop_loss, native.sl_limit_price
        kinds = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
    else:
        limit, stop_price, price = native.tp_order_type, native.take_profit, native.tp_limit_price
        kinds = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
    at_limit = limit == "limit"
    return Plan(
        order_id=native.order_id,
        client_id=native.client_oid or "",
        native=native.symbol.upper(),
        side=word(SIDES, native.side or "sell", "side"),
        type=kinds[at_limit],
        stage=word(STAGES, native.status, "status"),
        quantity=number(native.qty),
        stop_price=number(stop_price),
        price=number(price) if at_limit else ZERO,
        created=moment(native.created_time),
        at=moment(native.updated_time or native.created_time),
    )


def fill_of(native: NativeFill, naming: Naming) -> Fill:
    """One execution."""
    paid = native.fee_detail[0] if native.fee_detail else FeeDetail()
    return Fill(
        trade_id=native.exec_id,
        symbol=naming(native.symbol.upper()),
        side=word(SIDES, native.side, "side"),
        price=number(native.exec_price),
        quantity=number(native.exec_qty),
        fee=cost(paid.fee),
        fee_asset=(paid.fee_coin or "").upper(),
        at=moment(native.exec_time or native.created_time),
        exchange_order_id=native.order_id,
        client_order_id=native.client_oid or "",
        maker=native.trade_scope == "maker",
    )


def balances_of(assets: list[NativeHolding]) -> list[Balance]:
    """What is held, without the assets that are empty."""
    return [Balance(one.coin, one.available, one.locked) for one in assets if one.available != "0" or one.locked != "0"]


def rights_of(account: AccountInfo) -> KeyRights:
    """What a key may do."""
    granted = {name.lower() for name in account.permissions}
    writes = (account.perm_type or "").lower().replace("_", "-") in ("read-and-write", "readwrite", "read-write")
    return KeyRights(
        can_read=bool(granted),
        can_trade=writes and "uta_trade" in granted,
        can_withdraw=bool(granted & _MAY_WITHDRAW),
        ip_restricted=bool((account.ips or "").strip()),
    )
