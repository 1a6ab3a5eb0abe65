"""What we ask of Binance, in its words: parameters of orders and order lists. Pure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from aristobot.errors import DataError, ExchangeError, InvalidOrder, OutcomeUnknown, Refused
from aristobot.market import Symbol
from aristobot.money import ZERO, plain
from aristobot.orders import OcoRequest, OrderReport, OrderRequest, OrderType, OtocoRequest, Side, TimeInForce
from services.exchanges.binance_errors import (
    CANCEL_REPLACE_HALF_DONE,
    CANCEL_REPLACE_NOT_DONE,
    NAME,
    Complaint,
    complaint_of,
    judge,
    verdict,
)
from services.exchanges.binance_wire import ORDER, NativeOrder, decoded, report_of

Params = dict[str, str | int | bool]

_LIMITS = frozenset({OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
_STOPS = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})


class Call(NamedTuple):
    """One request that changes orders: its name on the socket, its place on REST, its weight when it fails."""

    socket: str
    method: str
    path: str
    weight: int = 1
    judge: Callable[..., ExchangeError] = judge


PLACE = Call("order.place", "POST", "/api/v3/order")
CANCEL = Call("order.cancel", "DELETE", "/api/v3/order")
AMEND = Call("order.amend.keepPriority", "PUT", "/api/v3/order/amend/keepPriority", 4)
OCO = Call("orderList.place.oco", "POST", "/api/v3/orderList/oco")
OTOCO = Call("orderList.place.otoco", "POST", "/api/v3/orderList/otoco")
OPOCO = Call("orderList.place.opoco", "POST", "/api/v3/orderList/opoco")
CANCEL_LIST = Call("orderList.cancel", "DELETE", "/api/v3/orderList")


def order_params(request: OrderRequest, native: str, window_ms: int) -> Params:
    """A single order, asking for the full answer."""
    kind = request.type
    params: Params = {
        "symbol": native,
        "side": request.side.name,
        "type": kind.name,
        "newClientOrderId": request.client_order_id,
        "newOrderRespType": "FULL",
        "recvWindow": window_ms,
    }
    if kind is OrderType.MARKET and request.quote_quantity:
        params["quoteOrderQty"] = plain(request.quote_quantity)
    else:
        params["quantity"] = plain(request.quantity)
    if kind in _LIMITS:
        params["timeInForce"] = request.time_in_force.name
    if kind in _LIMITS or kind is OrderType.LIMIT_MAKER:
        params["price"] = plain(request.price)
    if kind in _STOPS:
        params["stopPrice"] = plain(request.stop_price)
    return params


def oco_params(request: OcoRequest, native: str, window_ms: int) -> Params:
    """Stop and target of a holding: selling, the target lies above the price and the stop below."""
    return {
        "symbol": native,
        "listClientOrderId": request.list_client_id,
        "side": Side.SELL.name,
        "quantity": plain(request.quantity),
        **_exit("above", request.target),
        **_exit("below", request.stop),
        "newOrderRespType": "FULL",
        "recvWindow": window_ms,
    }


def otoco_params(request: OtocoRequest, native: str, window_ms: int, *, sized_by_exchange: bool) -> Params:
    """A limit entry with the stop and target it brings; for OPOCO the exchange sizes the exits by what the entry bought."""
    entry = request.entry
    params: Params = {
        "symbol": native,
        "listClientOrderId": request.list_client_id,
        "workingType": entry.type.name,
        "workingSide": entry.side.name,
        "workingClientOrderId": entry.client_order_id,
        "workingPrice": plain(entry.price),
        "workingQuantity": plain(entry.quantity),
        "pendingSide": request.target.side.name,
        **_exit("pendingAbove", request.target),
        **_exit("pendingBelow", request.stop),
        "newOrderRespType": "FULL",
        "recvWindow": window_ms,
    }
    if entry.type is OrderType.LIMIT:
        params["workingTimeInForce"] = entry.time_in_force.name
    if not sized_by_exchange:
        params["pendingQuantity"] = plain(request.exit_quantity)
    return params


def _exit(prefix: str, leg: OrderRequest) -> Params:
    """One leg of a list. A plain limit target is sent as LIMIT_MAKER, the only limit type a list takes there."""
    kind = OrderType.LIMIT_MAKER if leg.type is OrderType.LIMIT else leg.type
    if kind is OrderType.MARKET:
        raise InvalidOrder("order_not_supported", exchange=NAME, detail=kind.name)
    params: Params = {f"{prefix}Type": kind.name, f"{prefix}ClientOrderId": leg.client_order_id}
    if kind in _STOPS:
        params[f"{prefix}StopPrice"] = plain(leg.stop_price)
    if kind in _LIMITS or kind is OrderType.LIMIT_MAKER:
        params[f"{prefix}Price"] = plain(leg.price)
    if kind in _LIMITS:
        params[f"{prefix}TimeInForce"] = TimeInForce.GTC.name
    return params


def cancel_params(native: str, client_order_id: str, window_ms: int) -> Params:
    """Cancel one order by its client id."""
    return {"symbol": native, "origClientOrderId": client_order_id, "recvWindow": window_ms}


def cancel_list_params(native: str, list_client_id: str, window_ms: int) -> Params:
    """Cancel a list by its client id."""
    return {"symbol": native, "listClientOrderId": list_client_id, "recvWindow": window_ms}


def amend_params(native: str, request: OrderRequest, window_ms: int) -> Params:
    """Make an order smaller in place; it keeps its id and its place in the queue."""
    return {
        "symbol": native,
        "origClientOrderId": request.client_order_id,
        "newClientOrderId": request.client_order_id,
        "newQty": plain(request.quantity),
        "recvWindow": window_ms,
    }


def replace_params(native: str, client_order_id: str, request: OrderRequest, window_ms: int) -> Params:
    """Cancel one order and place another; when the cancel fails nothing is placed."""
    return {
        **order_params(request, native, window_ms),
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "cancelOrigClientOrderId": client_order_id,
    }


class AmendedOrder(msgspec.Struct, rename="camel"):
    """An order made smaller: two of its amounts are documented under other names than everywhere else, so both are read."""

    symbol: str
    order_id: int
    client_order_id: str
    price: Decimal
    executed_qty: Decimal
    status: str
    type: str
    side: str
    qty: Decimal = ZERO
    orig_qty: Decimal = ZERO
    cumulative_quote_qty: Decimal = ZERO
    cummulative_quote_qty: Decimal = ZERO
    orig_client_order_id: str = ""
    order_list_id: int = -1
    stop_price: Decimal = ZERO


class Amended(msgspec.Struct, rename="camel"):
    """The answer to an amend; the order in it has no time of its own."""

    amended_order: AmendedOrder
    transact_time: int


class Halves(msgspec.Struct, rename="camel"):
    """Both halves of a cancel-and-replace: SUCCESS, FAILURE or NOT_ATTEMPTED, and each one's answer."""

    cancel_result: str = ""
    new_order_result: str = ""
    cancel_response: msgspec.Raw = msgspec.Raw(b"null")
    new_order_response: msgspec.Raw = msgspec.Raw(b"null")
    data: msgspec.Raw = msgspec.Raw()


AMENDED = msgspec.json.Decoder(Amended)
HALVES = msgspec.json.Decoder(Halves)


def amended(body: bytes | msgspec.Raw, symbol: Symbol) -> OrderReport:
    """The order that was made smaller. Raise DataError when nobody says how small."""
    answer = decoded(AMENDED, body)
    one = answer.amended_order
    quantity = one.qty or one.orig_qty
    if not quantity:
        raise DataError("unreadable_answer", exchange=NAME, detail="amended to no quantity")
    order = NativeOrder(
        symbol=one.symbol,
        order_id=one.order_id,
        client_order_id=one.client_order_id,
        price=one.price,
        orig_qty=quantity,
        executed_qty=one.executed_qty,
        cummulative_quote_qty=one.cumulative_quote_qty or one.cummulative_quote_qty,
        status=one.status,
        type=one.type,
        side=one.side,
        order_list_id=one.order_list_id,
        orig_client_order_id=one.orig_client_order_id,
        stop_price=one.stop_price,
        transact_time=answer.transact_time,
    )
    return report_of(order, symbol)


def replaced(body: bytes | msgspec.Raw, symbol: Symbol) -> OrderReport:
    """The new order of a cancel-and-replace that succeeded."""
    halves = decoded(HALVES, body)
    if halves.data:
        halves = decoded(HALVES, halves.data)
    return report_of(decoded(ORDER, halves.new_order_response), symbol)


def judge_replacement(status: int, body: bytes | msgspec.Raw, *, order: bool) -> ExchangeError:
    """As `judge`, and it looks into both halves of a cancel-and-replace."""
    complaint = complaint_of(body)
    if complaint is not None and complaint.code in (CANCEL_REPLACE_HALF_DONE, CANCEL_REPLACE_NOT_DONE) and status < 500:
        return half_done(complaint)
    return verdict(status, complaint, order=order)


def half_done(complaint: Complaint) -> ExchangeError:
    """What a cancel-and-replace that failed somewhere means.

    Only the new order refused: the old one is gone, `cancelled_not_replaced`. Only the cancel refused: its own reason.
    A half whose answer leaves doubt makes the whole OutcomeUnknown.
    """
    try:
        halves = decoded(HALVES, complaint.data)
    except DataError:
        halves = Halves()
    cancelled = halves.cancel_result == "SUCCESS"
    reason = verdict(400, complaint_of(halves.new_order_response if cancelled else halves.cancel_response), order=True)
    if not cancelled or isinstance(reason, OutcomeUnknown):
        return reason
    return Refused("cancelled_not_replaced", exchange=NAME, reason=reason.code, native_code=complaint.code)


REPLACE = Call("order.cancelReplace", "POST", "/api/v3/order/cancelReplace", judge=judge_replacement)
