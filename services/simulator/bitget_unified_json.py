"""Unified (v3) JSON of orders, strategies, executions and balances: answers, and pushes of the private socket."""

from __future__ import annotations

from decimal import Decimal

from aristobot.money import ZERO, plain
from aristobot.orders import OrderType
from services.simulator.bitget_errors import Json
from services.simulator.bitget_json import (
    average,
    client_id,
    created,
    fees,
    force,
    is_market,
    is_quote_sized,
    kind,
    legs_of,
    native,
    order_id,
    scope,
    status,
)
from services.simulator.records import Account, Fill, Order

_STOPS = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
_NO_EXITS = ("takeProfit", "stopLoss", "tpTriggerBy", "slTriggerBy", "tpOrderType", "slOrderType", "tpLimitPrice", "slLimitPrice")


def told_order(order: Order) -> Json:
    """One order; fees are positive here. A market buy has its size in `amount`, in quote."""
    quote_sized = is_quote_sized(order)
    paid = [{"feeCoin": coin, "fee": plain(fee)} for coin, fee in fees(order).items()]
    return {
        "orderId": order_id(order),
        "clientOid": client_id(order),
        "category": "SPOT",
        "symbol": native(order.symbol),
        "orderType": kind(order),
        "side": order.side.value,
        "price": "0" if is_market(order) else plain(order.price),
        "qty": "0" if quote_sized else plain(order.quantity),
        "amount": plain(order.quote_quantity) if quote_sized else "0",
        "cumExecQty": plain(order.filled),
        "cumExecValue": plain(order.quote_filled),
        "avgPrice": plain(average(order)),
        "timeInForce": force(order),
        "orderStatus": status(order),
        "posSide": "",
        "holdMode": "",
        "tradeSide": "",
        "delegateType": "normal",
        "reduceOnly": "NO",
        "marginMode": "crossed",
        "stpMode": "none",
        **dict.fromkeys(_NO_EXITS, ""),
        "feeDetail": paid or [{"feeCoin": "", "fee": ""}],
        "cancelReason": "normal_cancel" if status(order) == "cancelled" else "",
        "execType": "normal",
        "createdTime": str(created(order)),
        "updatedTime": str(order.updated_at),
    }


def told_fill(fill: Fill) -> Json:
    """One execution."""
    order, number = fill.order, str(fill.trade_id)
    return {
        "execId": number,
        "execLinkId": number,
        "orderId": order_id(order),
        "clientOid": client_id(order),
        "category": "SPOT",
        "symbol": native(order.symbol),
        "orderType": kind(order),
        "side": order.side.value,
        "execPrice": plain(fill.price),
        "execQty": plain(fill.quantity),
        "execValue": plain(fill.value),
        "tradeScope": scope(fill),
        "tradeSide": "",
        "feeDetail": [{"feeCoin": fill.fee_asset, "fee": plain(fill.fee)}],
        "createdTime": str(fill.at),
        "updatedTime": str(fill.at),
        "execPnl": "0",
        "isRPI": "no",
    }


def strategy_status(order: Order) -> str:
    """The state of a strategy: that of the part which acted, else pending or cancelled."""
    legs = legs_of(order)
    if any(leg.book_id for leg in legs):
        return "success"
    if any(leg.awake for leg in legs):
        return "failed"
    return "pending" if any(leg.is_open for leg in legs) else "cancelled"


def told_strategy(order: Order) -> Json:
    """One strategy order. `order` is its first part, whose ids are the strategy's."""
    legs = legs_of(order)
    exits = [(("sl", "stopLoss") if leg.type in _STOPS else ("tp", "takeProfit"), leg) for leg in legs]
    is_exit = order.tags.get("strategy", "tpsl") == "tpsl"
    told: Json = {
        "orderId": str(order.id),
        "clientOid": order.client_id,
        "category": "SPOT",
        "symbol": native(order.symbol),
        "qty": plain(order.quote_quantity if is_quote_sized(order) else order.quantity),
        "posSide": "",
        "status": strategy_status(order),
        **dict.fromkeys(_NO_EXITS, ""),
        "triggerBy": "market",
        "triggerPrice": "" if is_exit else plain(order.stop_price),
        "triggerOrderType": "" if is_exit else kind(order),
        "triggerOrderPrice": "" if is_exit or is_market(order) else plain(order.price),
        "createdTime": str(order.accepted_at),
        "updatedTime": str(max(leg.updated_at for leg in legs)),
    }
    for (short, name), leg in exits if is_exit else ():
        told |= {name: plain(leg.stop_price), f"{short}TriggerBy": "market", f"{short}OrderType": kind(leg)}
        told[f"{short}LimitPrice"] = "" if is_market(leg) else plain(leg.price)
    return told


def pushed_strategy(order: Order) -> Json:
    """One row of the topic `strategy-order`."""
    acted = next((leg for leg in legs_of(order) if leg.awake), None)
    trigger = "" if acted is None else "stopLoss" if acted.type in _STOPS else "takeProfit"
    more = {
        "category": "spot",
        "side": order.side.value,
        "reduceOnly": "no",
        "type": str(order.tags.get("strategy", "tpsl")),
        "triggerType": trigger,
    }
    return told_strategy(order) | more


def pushed_order(order: Order) -> Json:
    """One row of the topic `order`."""
    told = told_order(order)
    for name in (*_NO_EXITS, "posSide", "execType"):
        del told[name]
    more = {"category": "spot", "holdSide": "", "marginCoin": "", "totalProfit": "0", "leverage": "", "reduceOnly": "no"}
    return told | more


def pushed_fill(fill: Fill) -> Json:
    """One row of the topic `fill`."""
    told = told_fill(fill)
    del told["createdTime"]
    return told | {"category": "spot", "holdSide": "", "execTime": str(fill.at)}


def told_balance(account: Account, asset: str, value: Decimal) -> Json:
    """One coin; `value` in dollars."""
    holding = account.holding(asset)
    whole = plain(holding.free + holding.locked)
    return {
        "coin": asset,
        "equity": whole,
        "usdValue": plain(value),
        "balance": whole,
        "available": plain(holding.free),
        "debt": "0",
        "locked": plain(holding.locked),
    }


def pushed_balance(account: Account, asset: str, value: Decimal) -> Json:
    """One coin of the topic `account`."""
    told = told_balance(account, asset, value)
    return told | {"debts": told.pop("debt"), "borrow": "0"}


def totals(worth: Decimal, bitcoin: Decimal) -> Json:
    """What all coins together are worth, in dollars and in bitcoin."""
    none = ("unrealisedPnl", "usdtUnrealisedPnl", "btcUnrealizedPnl", "mmr", "imr", "mgnRatio", "positionMgnRatio")
    in_bitcoin = worth / bitcoin if bitcoin else ZERO
    whole = plain(worth)
    return {"accountEquity": whole, "usdtEquity": whole, "btcEquity": f"{in_bitcoin:.8f}", "effEquity": whole} | dict.fromkeys(
        none, "0"
    )
