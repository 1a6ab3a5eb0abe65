"""The classic account (v2) of Bitget in our words: orders, plans, executions, balances, rights. Pure.

Traps of the protocol (Bitget API, "Spot / Trade"): in `unfilled-orders` an order's price stands in `priceAvg` and that of its
executions in `basePrice`; the size of a market buy is in quote; fees are negative.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from aristobot.exchange import KeyRights
from aristobot.money import ZERO, divided, plain
from aristobot.orders import Fill, OrderReport, OrderType, Side
from aristobot.portfolio import Balance
from services.exchanges.bitget_plans import Plan, Stage
from services.exchanges.bitget_wire import SIDES, Naming, Reply, cost, moment, number, status_of, type_of, word

STAGES = {
    "live": Stage.WAITING,
    "not_trigger": Stage.WAITING,
    "executing": Stage.TRIGGERED,
    "executed": Stage.TRIGGERED,
    "fail_execute": Stage.FAILED,
    "cancelled": Stage.CANCELLED,
    "canceled": Stage.CANCELLED,
}
#: How this protocol writes that nothing is there.
_NOTHING = frozenset({"0", "0.0", "0.00000000", ""})
_READS = frozenset({"readonly", "trade", "stor", "stow"})
_MAY_TRADE = frozenset({"trade", "stow"})
#: Moving coins to another wallet counts as withdrawing them.
_MAY_WITHDRAW = frozenset({"withdraw", "wwow", "transfer", "wtow"})


class NativeOrder(msgspec.Struct, rename="camel"):
    """An order in any answer."""

    symbol: str
    order_id: str
    order_type: str
    side: str
    status: str
    client_oid: str | None = ""
    size: str | None = ""
    price: str | None = ""
    price_avg: str | None = ""
    base_price: str | None = ""
    base_volume: str | None = ""
    quote_volume: str | None = ""
    force: str | None = ""
    c_time: str | None = ""
    u_time: str | None = ""


class NativePlan(msgspec.Struct, rename="camel"):
    """A plan order in any answer, or pushed (there the symbol is called `instId`)."""

    order_id: str
    order_type: str
    side: str
    status: str
    size: str
    trigger_price: str
    client_oid: str | None = ""
    symbol: str = ""
    inst_id: str = ""
    execute_price: str | None = ""
    plan_type: str | None = ""
    c_time: str | None = ""
    u_time: str | None = ""


class PlanPage(msgspec.Struct, rename="camel"):
    """Some plan orders, newest first, and where to go on."""

    order_list: list[NativePlan] | None = None
    next_flag: bool | None = False
    id_less_than: str | None = ""


class SubOrder(msgspec.Struct, rename="camel"):
    """An order that a plan has made."""

    order_id: str


class FeeDetail(msgspec.Struct, rename="camel"):
    """What an execution cost."""

    fee_coin: str = ""
    total_fee: str | None = ""


class NativeFill(msgspec.Struct, rename="camel"):
    """One of the account's executions."""

    symbol: str
    order_id: str
    trade_id: str
    side: str
    price_avg: str
    size: str
    fee_detail: FeeDetail | list[FeeDetail] | None = None
    trade_scope: str = ""
    c_time: str | None = ""


class NativeHolding(msgspec.Struct, rename="camel", gc=False):
    """One asset of the account."""

    coin: str
    available: str
    frozen: str = "0"
    locked: str = "0"


class AccountInfo(msgspec.Struct, rename="camel"):
    """What a key may do, and from which addresses."""

    authorities: list[str] = []
    ips: str | None = ""


class Replaced(msgspec.Struct, rename="camel"):
    """The answer to a cancel-and-replace: its own success stands inside."""

    success: str
    order_id: str | None = ""
    msg: str | None = ""


ORDERS = msgspec.json.Decoder(Reply[list[NativeOrder] | None])
PLANS = msgspec.json.Decoder(Reply[PlanPage])
SUB_ORDERS = msgspec.json.Decoder(Reply[list[SubOrder] | None])
FILLS = msgspec.json.Decoder(Reply[list[NativeFill] | None])
HOLDINGS = msgspec.json.Decoder(Reply[list[NativeHolding]])
ACCOUNT = msgspec.json.Decoder(Reply[AccountInfo])
REPLACED = msgspec.json.Decoder(Reply[Replaced])


def report_of(order: NativeOrder, naming: Naming, *, resting: bool = False) -> OrderReport:
    """What an answer says of one order; `resting`: it comes from the list of unfilled orders, which names prices otherwise."""
    kind, side = type_of(order.order_type, order.force), word(SIDES, order.side, "side")
    filled, spent = number(order.base_volume), number(order.quote_volume)
    price = number(order.price) or (number(order.price_avg) if resting else ZERO)
    return OrderReport(
        client_order_id=order.client_oid or "",
        exchange_order_id=order.order_id,
        symbol=naming(order.symbol.upper()),
        side=side,
        type=kind,
        status=status_of(order.status, filled),
        quantity=quantity_of(kind, side, number(order.size), filled),
        filled=filled,
        at=moment(order.u_time or order.c_time),
        price=ZERO if kind is OrderType.MARKET else price,
        quote_filled=spent,
    )


def quantity_of(kind: OrderType, side: Side, size: Decimal, filled: Decimal) -> Decimal:
    """The quantity in base; a market buy is sized in quote, so that only what it bought is known."""
    return filled if kind is OrderType.MARKET and side is Side.BUY else size


def plan_of(native: NativePlan) -> Plan:
    """A plan order. The exchange does not say on which side of the price it was placed: read back, each is a stop-loss."""
    at_market = type_of(native.order_type, "") is OrderType.MARKET
    size, trigger = number(native.size), number(native.trigger_price)
    price = ZERO if at_market else number(native.execute_price)
    if native.plan_type == "total" and (price or trigger):
        size = divided(size, price or trigger)
    return Plan(
        order_id=native.order_id,
        client_id=native.client_oid or "",
        native=(native.symbol or native.inst_id).upper(),
        side=word(SIDES, native.side, "side"),
        type=OrderType.STOP_LOSS if at_market else OrderType.STOP_LOSS_LIMIT,
        stage=word(STAGES, native.status, "status"),
        quantity=size,
        stop_price=trigger,
        price=price,
        created=moment(native.c_time),
        at=moment(native.u_time or native.c_time),
    )


def fill_of(native: NativeFill, naming: Naming, client_id: str = "") -> Fill:
    """One execution; this protocol does not repeat the order's client id there."""
    detail = native.fee_detail[0] if isinstance(native.fee_detail, list) and native.fee_detail else native.fee_detail
    paid = detail if isinstance(detail, FeeDetail) else FeeDetail()
    return Fill(
        trade_id=native.trade_id,
        symbol=naming(native.symbol.upper()),
        side=word(SIDES, native.side, "side"),
        price=number(native.price_avg),
        quantity=number(native.size),
        fee=cost(paid.total_fee),
        fee_asset=paid.fee_coin.upper(),
        at=moment(native.c_time),
        exchange_order_id=native.order_id,
        client_order_id=client_id,
        maker=native.trade_scope == "maker",
    )


def balances_of(holdings: list[NativeHolding]) -> list[Balance]:
    """What is held, without the assets that are empty."""
    return [
        Balance(one.coin.upper(), one.available, one.frozen if one.locked in _NOTHING else _locked(one))
        for one in holdings
        if one.available not in _NOTHING or one.frozen not in _NOTHING or one.locked not in _NOTHING
    ]


def balance_of(one: NativeHolding) -> Balance:
    """One asset, empty or not."""
    return Balance(one.coin.upper(), one.available, _locked(one))


def _locked(one: NativeHolding) -> str:
    """What orders hold, and what is held for other reasons."""
    if one.locked in _NOTHING:
        return one.frozen
    return one.locked if one.frozen in _NOTHING else plain(number(one.frozen) + number(one.locked))


def rights_of(account: AccountInfo) -> KeyRights:
    """What a key may do."""
    codes = {code.lower() for code in account.authorities}
    return KeyRights(
        can_read=bool(codes & _READS),
        can_trade=bool(codes & _MAY_TRADE),
        can_withdraw=bool(codes & _MAY_WITHDRAW),
        ip_restricted=bool((account.ips or "").strip()),
    )
