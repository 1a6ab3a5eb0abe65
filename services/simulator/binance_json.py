"""Binance's JSON of orders, lists, executions, balances; REST and WebSocket API alike, and the events of the user stream."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aristobot.money import ZERO
from aristobot.orders import OrderStatus
from services.simulator.records import (
    Account,
    BalancesChanged,
    Change,
    Fill,
    ListChanged,
    ListStage,
    Order,
    OrderChanged,
    OrderList,
    Reason,
    Transferred,
)

Json = dict[str, Any]
STATUS = {
    OrderStatus.PENDING: "PENDING_NEW",
    OrderStatus.OPEN: "NEW",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
    OrderStatus.REJECTED: "REJECTED",
}
_EXECUTION = {
    Change.NEW: "NEW",
    Change.FILLED: "TRADE",
    Change.CANCELED: "CANCELED",
    Change.EXPIRED: "EXPIRED",
    Change.REJECTED: "REJECTED",
    Change.AMENDED: "REPLACED",
}
_REJECTED = {
    Reason.INSUFFICIENT_FUNDS: "INSUFFICIENT_BALANCES",
    Reason.WOULD_TRIGGER: "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    Reason.WOULD_MATCH: "WOULD_MATCH_IMMEDIATELY",
    Reason.BAD_PRICES: "OCO_BAD_PRICES",
}
_STAGES = {
    ListStage.STARTED: ("EXEC_STARTED", "EXECUTING"),
    ListStage.UPDATED: ("UPDATED", "EXECUTING"),
    ListStage.DONE: ("ALL_DONE", "ALL_DONE"),
    ListStage.REJECTED: ("RESPONSE", "REJECT"),
}
NO_PREVENTION = "NONE"


def eight(value: Decimal) -> str:
    """Eight decimals, as Binance writes amounts."""
    return f"{value:.8f}"


def native(symbol: str) -> str:
    """Binance's spelling."""
    return symbol.replace("/", "")


def _list_id(order: Order) -> int:
    return order.group.id if order.group is not None else -1


def placed(order: Order, response: str) -> Json:
    """The answer to a new order: ACK, RESULT or FULL."""
    ack: Json = {
        "symbol": native(order.symbol),
        "orderId": order.id,
        "orderListId": _list_id(order),
        "clientOrderId": order.client_id,
        "transactTime": order.updated_at,
    }
    if response == "ACK":
        return ack
    ack |= _state(order)
    ack["workingTime"] = order.working_at
    if response == "FULL":
        ack["fills"] = [_fill(fill) for fill in order.fills]
    ack["selfTradePreventionMode"] = NO_PREVENTION
    ack.update(order.tags)
    return ack


def _state(order: Order) -> Json:
    state: Json = {
        "price": eight(order.price),
        "origQty": eight(order.quantity),
        "executedQty": eight(order.filled),
        "origQuoteOrderQty": eight(order.quote_quantity),
        "cummulativeQuoteQty": eight(order.quote_filled),
        "status": STATUS[order.status],
        "timeInForce": order.time_in_force.value.upper(),
        "type": order.type.value.upper(),
        "side": order.side.value.upper(),
    }
    if order.stop_price:
        state["stopPrice"] = eight(order.stop_price)
    return state


def _fill(fill: Fill) -> Json:
    return {
        "price": eight(fill.price),
        "qty": eight(fill.quantity),
        "commission": eight(fill.fee),
        "commissionAsset": fill.fee_asset,
        "tradeId": fill.trade_id,
    }


def canceled(order: Order, cancel_id: str) -> Json:
    """The answer to a cancellation: `clientOrderId` is the cancellation's own."""
    return {
        "symbol": native(order.symbol),
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": _list_id(order),
        "clientOrderId": cancel_id,
        "transactTime": order.updated_at,
        **_state(order),
        "selfTradePreventionMode": NO_PREVENTION,
    }


def queried(order: Order) -> Json:
    """An order, as queries tell it."""
    body: Json = {
        "symbol": native(order.symbol),
        "orderId": order.id,
        "orderListId": _list_id(order),
        "clientOrderId": order.client_id,
        **_state(order),
        "stopPrice": eight(order.stop_price),
        "icebergQty": eight(ZERO),
        "time": order.accepted_at,
        "updateTime": order.updated_at,
        "isWorking": order.working_at != -1,
        "workingTime": order.working_at,
        "selfTradePreventionMode": NO_PREVENTION,
    }
    body.update(order.tags)
    return body


def listed(group: OrderList) -> Json:
    """An order list, as queries tell it."""
    status, orders = ("EXEC_STARTED", "EXECUTING") if group.is_open else ("ALL_DONE", "ALL_DONE")
    if group.rejected and not group.is_open:
        status, orders = _STAGES[ListStage.REJECTED]
    return {
        "orderListId": group.id,
        "contingencyType": "OTO" if group.working is not None else "OCO",
        "listStatusType": status,
        "listOrderStatus": orders,
        "listClientOrderId": group.client_id,
        "transactionTime": group.updated_at,
        "symbol": native(group.symbol),
        "orders": [
            {"symbol": native(order.symbol), "orderId": order.id, "clientOrderId": order.client_id} for order in group.orders
        ],
    }


def traded(fill: Fill) -> Json:
    """An execution, as myTrades tells it."""
    order = fill.order
    return {
        "symbol": native(order.symbol),
        "id": fill.trade_id,
        "orderId": order.id,
        "orderListId": _list_id(order),
        "price": eight(fill.price),
        "qty": eight(fill.quantity),
        "quoteQty": eight(fill.value),
        "commission": eight(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.at,
        "isBuyer": order.side.value == "buy",
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def balances(account: Account, *, omit_zero: bool) -> list[Json]:
    """All holdings of an account."""
    return [
        {"asset": asset, "free": eight(holding.free), "locked": eight(holding.locked)}
        for asset, holding in account.holdings.items()
        if not omit_zero or holding.free or holding.locked
    ]


def execution_report(event: OrderChanged, now: int) -> Json:
    """`executionReport`. On a cancellation `c` is the cancellation's id and `C` the order's."""
    order, fill = event.order, event.fill
    other = (order.former_id or order.client_id) if event.change is Change.AMENDED else ""
    if event.change is Change.CANCELED:
        other = order.client_id
    report: Json = {
        "e": "executionReport",
        "E": now,
        "s": native(order.symbol),
        "c": event.cancel_id or order.client_id,
        "S": order.side.value.upper(),
        "o": order.type.value.upper(),
        "f": order.time_in_force.value.upper(),
        "q": eight(order.quantity),
        "p": eight(order.price),
        "P": eight(order.stop_price),
        "F": eight(ZERO),
        "g": _list_id(order),
        "C": other,
        "x": _EXECUTION[event.change],
        "X": STATUS[order.status],
        "r": _REJECTED.get(order.reason, "NONE") if order.reason else "NONE",
        "i": order.id,
        "l": eight(fill.quantity if fill else ZERO),
        "z": eight(order.filled),
        "L": eight(fill.price if fill else ZERO),
        "n": eight(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": order.updated_at,
        "t": fill.trade_id if fill else -1,
        "I": order.id * 2 + len(order.fills),
        "w": order.is_open and order.working_at != -1,
        "m": fill.maker if fill else False,
        "M": fill is not None,
        "O": order.accepted_at,
        "Z": eight(order.quote_filled),
        "Y": eight(fill.value if fill else ZERO),
        "Q": eight(order.quote_quantity),
        "V": NO_PREVENTION,
    }
    if order.working_at != -1:
        report["W"] = order.working_at
    return report


def user_event(event: OrderChanged | ListChanged | BalancesChanged | Transferred, now: int) -> Json:
    """What the user stream says of an event."""
    match event:
        case OrderChanged():
            return execution_report(event, now)
        case BalancesChanged(account, assets):
            held = ((asset, account.holding(asset)) for asset in assets)
            changed = [{"a": asset, "f": eight(holding.free), "l": eight(holding.locked)} for asset, holding in held]
            return {"e": "outboundAccountPosition", "E": now, "u": account.updated_at, "B": changed}
        case Transferred(account, asset, amount):
            return {"e": "balanceUpdate", "E": now, "a": asset, "d": eight(amount), "T": now}
        case ListChanged(group, stage):
            return _list_status(group, stage, now)


def _list_status(group: OrderList, stage: ListStage, now: int) -> Json:
    kind, orders = _STAGES[stage]
    return {
        "e": "listStatus",
        "E": now,
        "s": native(group.symbol),
        "g": group.id,
        "c": "OTO" if group.working is not None else "OCO",
        "l": kind,
        "L": orders,
        "r": "NONE",
        "C": group.client_id,
        "T": group.updated_at,
        "O": [{"s": native(order.symbol), "i": order.id, "c": order.client_id} for order in group.orders],
    }
