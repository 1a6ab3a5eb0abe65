"""Classic (v2) JSON of orders, plans, executions and balances: answers, and pushes of the private socket."""

from __future__ import annotations

from decimal import Decimal

from aristobot.money import ZERO, plain
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
    native,
    negative,
    order_id,
    scope,
    sixteen,
    size,
    status,
)
from services.simulator.bitget_plans import plan_status
from services.simulator.records import Account, Fill, Order

_FILLS = {False: "T", True: "M"}


def _fee_text(order: Order) -> str:
    """Fees of an order: a text that is JSON itself."""
    paid = fees(order)
    if not paid:
        return ""
    total = negative(sum(paid.values(), ZERO))
    parts = [f'"newFees":{{"c":0,"d":0,"deduction":false,"r":{total},"t":{total},"totalDeductionFee":0}}']
    parts += [
        f'"{coin}":{{"deduction":false,"feeCoinCode":"{coin}","totalDeductionFee":0,"totalFee":{negative(fee)}}}'
        for coin, fee in paid.items()
    ]
    return "{" + ",".join(parts) + "}"


def _common(order: Order) -> Json:
    return {
        "userId": str(order.account.number),
        "symbol": native(order.symbol),
        "orderId": order_id(order),
        "clientOid": client_id(order),
        "size": sixteen(size(order)),
        "orderType": kind(order),
        "side": order.side.value,
        "status": status(order),
        "baseVolume": sixteen(order.filled),
        "quoteVolume": sixteen(order.quote_filled),
        "enterPointSource": "API",
        "cTime": str(created(order)),
        "uTime": str(order.updated_at),
        "tpslType": "normal",
        "triggerPrice": None,
    }


def open_order(order: Order) -> Json:
    """One row of `unfilled-orders`: the order's price stands in `priceAvg`, that of its executions in `basePrice`."""
    return _common(order) | {
        "priceAvg": sixteen(order.price),
        "basePrice": plain(average(order)),
        "orderSource": "market" if is_market(order) else "normal",
    }


def told_order(order: Order) -> Json:
    """One row of `orderInfo` and of `history-orders`."""
    return _common(order) | {
        "price": "0" if is_market(order) else sixteen(order.price),
        "priceAvg": sixteen(average(order)) if order.filled else "0",
        "feeDetail": _fee_text(order),
        "orderSource": "market" if is_market(order) else "normal",
        "quoteCoin": order.instrument.quote,
        "baseCoin": order.instrument.base,
        "cancelReason": "normal_cancel" if status(order) == "cancelled" else "",
    }


def told_fill(fill: Fill) -> Json:
    """One row of `fills`; its fee is an object, and negative."""
    order = fill.order
    return {
        "userId": str(order.account.number),
        "symbol": native(order.symbol),
        "orderId": order_id(order),
        "tradeId": str(fill.trade_id),
        "orderType": kind(order),
        "side": order.side.value,
        "priceAvg": plain(fill.price),
        "size": plain(fill.quantity),
        "amount": plain(fill.value),
        "feeDetail": {
            "deduction": "no",
            "feeCoin": fill.fee_asset,
            "totalDeductionFee": "",
            "totalFee": negative(fill.fee),
        },
        "tradeScope": scope(fill),
        "cTime": str(fill.at),
        "uTime": str(fill.at),
    }


def told_plan(order: Order) -> Json:
    """One row of `current-plan-order` and `history-plan-order`."""
    in_quote = bool(order.quote_quantity)
    return {
        "orderId": str(order.id),
        "clientOid": order.client_id,
        "symbol": native(order.symbol),
        "size": plain(order.quote_quantity if in_quote else order.quantity),
        "executePrice": plain(order.price),
        "triggerPrice": plain(order.stop_price),
        "status": plan_status(order),
        "orderType": kind(order),
        "side": order.side.value,
        "planType": "total" if in_quote else "amount",
        "triggerType": "fill_price",
        "enterPointSource": "API",
        "uTime": str(order.updated_at),
        "cTime": str(order.accepted_at),
    }


def sub_order(order: Order) -> Json:
    """What became of a plan that was triggered."""
    return {
        "orderId": order_id(order),
        "price": plain(order.price),
        "type": kind(order),
        "status": "success" if order.book_id else "fail",
    }


def told_balance(account: Account, asset: str) -> Json:
    """One coin: `frozen` is what orders have set aside."""
    holding = account.holding(asset)
    return {
        "coin": asset,
        "available": plain(holding.free),
        "frozen": plain(holding.locked),
        "locked": "0",
        "limitAvailable": "0",
        "uTime": str(account.updated_at),
    }


def pushed_order(order: Order, fill: Fill | None) -> Json:
    """One row of the channel `orders`; `fill` is the execution that is the reason."""
    quote_sized = is_quote_sized(order)
    notional = order.quote_quantity if quote_sized else order.quantity * (order.price or order.stop_price or ZERO)
    row: Json = {
        "instId": native(order.symbol),
        "orderId": order_id(order),
        "clientOid": client_id(order),
        "size": plain(notional if order.side.value == "buy" else order.quantity),
        "newSize": plain(size(order)),
        "notional": plain(notional),
        "orderType": kind(order),
        "force": force(order),
        "side": order.side.value,
        "accBaseVolume": plain(order.filled),
        "priceAvg": plain(average(order)),
        "status": status(order),
        "cTime": str(created(order)),
        "uTime": str(order.updated_at),
        "stpMode": "none",
        "feeDetail": [{"feeCoin": coin, "fee": negative(fee)} for coin, fee in fees(order).items()],
        "enterPointSource": "API",
    }
    if not is_market(order):
        row["price"] = plain(order.price)
    if fill is not None:
        row |= {
            "fillPrice": plain(fill.price),
            "tradeId": str(fill.trade_id),
            "baseVolume": plain(fill.quantity),
            "fillTime": str(fill.at),
            "fillFee": negative(fill.fee),
            "fillFeeCoin": fill.fee_asset,
            "tradeScope": _FILLS[fill.maker],
        }
    return row


def pushed_plan(order: Order) -> Json:
    """One row of the channel `orders-algo`."""
    told = told_plan(order)
    del told["symbol"]
    return told | {
        "instId": native(order.symbol),
        "price": plain(order.stop_price),
        "actualSize": plain(order.quantity if order.book_id else Decimal(0)),
    }


def pushed_fill(fill: Fill) -> Json:
    """One row of the channel `fill`: its fee is a list, and positive."""
    row = told_fill(fill)
    del row["userId"]
    paid = {"feeCoin": fill.fee_asset, "deduction": "no", "totalDeductionFee": "0", "totalFee": plain(fill.fee)}
    return row | {"feeDetail": [paid]}
