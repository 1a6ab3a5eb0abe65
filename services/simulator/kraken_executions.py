"""What the channels `executions` and `balances` say: whole orders first, then only what changed."""

from __future__ import annotations

from decimal import Decimal

from aristobot.matching import STOPS
from aristobot.money import ZERO
from aristobot.orders import OrderStatus
from services.simulator.kraken_catalogue import asset_named
from services.simulator.kraken_json import (
    Json,
    average,
    fill_id,
    is_expired,
    made_id,
    order_id,
    reason_of,
    rfc3339,
    total_fee,
    wanted_of,
)
from services.simulator.kraken_requests import WORDS
from services.simulator.records import Account, Change, Fill, Order, OrderChanged, Transferred

#: Events of an order that are told when `order_status` is not wanted.
TURNS = frozenset({"new", "trade", "filled", "canceled", "expired"})


def _status(order: Order) -> str:
    match order.status:
        case OrderStatus.PARTIALLY_FILLED:
            return "partially_filled"
        case OrderStatus.FILLED:
            return "filled"
        case OrderStatus.OPEN | OrderStatus.PENDING:
            return "new"
    return "expired" if is_expired(order) else "canceled"


def _names(order: Order) -> Json:
    wanted = wanted_of(order)
    names: Json = {"order_id": order_id(order)}
    if wanted.client_id:
        names["cl_ord_id"] = wanted.client_id
    if wanted.userref is not None:
        names["order_userref"] = wanted.userref
    return names


def _prices(order: Order, last: Decimal) -> Json:
    prices: Json = {}
    if order.price:
        prices = {"limit_price": order.price, "limit_price_type": "static"}
    if order.type in STOPS:
        told = rfc3339(order.updated_at * 1000)
        prices["triggers"] = {
            "reference": wanted_of(order).trigger,
            "price": order.stop_price,
            "price_type": "static",
            "actual_price": last if order.awake else None,
            "peak_price": None,
            "last_price": last,
            "status": "triggered" if order.awake else "untriggered",
            "timestamp": told,
        }
    return prices


def whole(order: Order, last: Decimal) -> Json:
    """An order with all that is known of it, but its state."""
    wanted = wanted_of(order)
    force = "GTD" if wanted.expires_at else order.time_in_force.value.upper()
    body = _names(order) | {
        "symbol": order.symbol,
        "side": order.side.value,
        "order_type": WORDS[order.type],
        "order_qty": order.quantity,
        "cum_cost": order.quote_filled,
        "time_in_force": force,
        "fee_ccy_pref": "fcib" if "fcib" in wanted.flags else "fciq",
        "fee_usd_equiv": total_fee(order),
        "timestamp": rfc3339(order.updated_at * 1000),
    }
    if wanted.in_quote:
        body["cash_order_qty"] = wanted.volume
    if "post" in wanted.flags:
        body["post_only"] = True
    return body | _prices(order, last)


def snapshot(order: Order, last: Decimal) -> Json:
    """An open order, as a snapshot has it."""
    filled = {"cum_qty": order.filled, "avg_price": average(order), "exec_type": "status", "order_status": _status(order)}
    return whole(order, last) | filled


def execution(fill: Fill) -> Json:
    """One execution. That it was the last one is said by the message after it alone."""
    order = fill.order
    so_far = order.fills[: order.fills.index(fill) + 1]
    quantity = sum((one.quantity for one in so_far), ZERO)
    cost = sum((one.value for one in so_far), ZERO)
    return _names(order) | {
        "exec_id": fill_id(fill),
        "exec_type": "trade",
        "trade_id": fill.trade_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "last_qty": fill.quantity,
        "last_price": fill.price,
        "liquidity_ind": "m" if fill.maker else "t",
        "cost": fill.value,
        "order_status": "partially_filled",
        "order_type": WORDS[order.type],
        "cum_qty": quantity,
        "cum_cost": cost,
        "avg_price": cost / quantity,
        "fees": [{"asset": asset_named(fill.fee_asset).name, "qty": fill.fee}],
        "fee_usd_equiv": fill.fee,
        "timestamp": rfc3339(fill.at * 1000),
    }


def told(event: OrderChanged, last: Decimal) -> list[Json]:
    """What the channel says of an event: one message for each."""
    order, stamp = event.order, rfc3339(event.order.updated_at * 1000)
    state: Json = {"order_id": order_id(order), "order_status": _status(order), "timestamp": stamp}
    sums: Json = {"cum_qty": order.filled, "cum_cost": order.quote_filled, "avg_price": average(order)}
    sums["fee_usd_equiv"] = total_fee(order)
    match event.change:
        case Change.NEW if order.type in STOPS and order.awake:
            return [state | {"exec_type": "status"} | _prices(order, last)]
        case Change.NEW:
            pending = whole(order, last) | {"exec_type": "pending_new", "order_status": "pending_new"}
            return [pending, state | {"exec_type": "new"}]
        case Change.FILLED if event.fill is not None:
            done = [state | {"exec_type": "filled"} | sums] if order.status is OrderStatus.FILLED else []
            return [execution(event.fill), *done]
        case Change.AMENDED:
            return [state | {"exec_type": "amended", "order_qty": order.quantity, "amended": True} | _prices(order, last)]
        case _:
            why = reason_of(order)
            return [state | {"exec_type": state["order_status"], "reason": why, "cancel_reason": why} | sums]


def holdings(account: Account) -> list[Json]:
    """The balances of an account, with what its orders hold."""
    told_ones = []
    for asset, holding in account.holdings.items():
        whole_amount = holding.free + holding.locked
        wallets = [{"type": "spot", "id": "main", "balance": whole_amount}]
        told_ones.append({"asset": asset, "asset_class": "currency", "balance": whole_amount, "wallets": wallets})
    return told_ones


def _entry(account: Account, asset: str, amount: Decimal, fee: Decimal, seeds: tuple[object, ...]) -> Json:
    holding = account.holding(asset)
    return {
        "ledger_id": made_id("L", asset, *seeds),
        "asset": asset,
        "asset_class": "currency",
        "wallet_type": "spot",
        "wallet_id": "main",
        "amount": amount,
        "fee": fee,
        "balance": holding.free + holding.locked,
    }


def entries(event: OrderChanged | Transferred, now: int) -> list[Json]:
    """The ledger entries of an event; `now` in microseconds. What orders set aside is none."""
    if isinstance(event, Transferred):
        kind = "deposit" if event.amount > ZERO else "withdrawal"
        more = {"ref_id": made_id("Q", event.asset, now), "timestamp": rfc3339(now), "type": kind, "category": kind}
        return [_entry(event.account, event.asset, event.amount, ZERO, (now,)) | more]
    fill = event.fill
    if fill is None:
        return []
    order, instrument = fill.order, fill.order.instrument
    sign = 1 if order.side.value == "buy" else -1
    moved = ((instrument.base, sign * fill.quantity), (instrument.quote, -sign * fill.value))
    more = {"ref_id": fill_id(fill), "timestamp": rfc3339(fill.at * 1000), "type": "trade", "category": "trade"}
    return [
        _entry(order.account, asset, amount, fill.fee if asset == fill.fee_asset else ZERO, (fill_id(fill),)) | more
        for asset, amount in moved
    ]
