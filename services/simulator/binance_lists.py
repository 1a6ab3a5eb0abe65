"""Order lists on Binance: OCO, OTO, OTOCO, OPO, OPOCO; their cancellation and their queries."""

from __future__ import annotations

from collections.abc import Callable

from aristobot.matching import STOPS
from aristobot.orders import OrderRequest, OrderType, Side
from services.simulator.binance_catalogue import BinanceSymbol
from services.simulator.binance_errors import BinanceError, cancel_rejected, new_order_rejected
from services.simulator.binance_filters import check_positive
from services.simulator.binance_json import Json, canceled, listed, placed
from services.simulator.binance_limits import Limits
from services.simulator.binance_orders import BinanceOrders
from services.simulator.binance_requests import Ask, Leg, leg_names, read_order, read_side
from services.simulator.records import Account, OrderList, Reason, VenueRefusal
from services.simulator.world import World

_COMMON = {"symbol", "listClientOrderId", "newOrderRespType", "selfTradePreventionMode"}
_WORKING = leg_names("working") | {"workingSide", "workingQuantity"}
_PENDING = leg_names("pending") | {"pendingSide"}
_PENDING_PAIR = leg_names("pendingAbove") | leg_names("pendingBelow") | {"pendingSide"}
#: The answer is written before the working order can be filled, whatever happens next.
_WAITING: Json = {"status": "PENDING_NEW", "workingTime": -1}
_PROFITS = (OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
_LOSSES = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)


def check_legs(side: Side, upper: OrderRequest, lower: OrderRequest) -> None:
    """Which type may stand above, which below."""
    if upper.type not in STOPS and lower.type not in STOPS:
        raise BinanceError(-1168, "At least one OCO order must be contingent.")
    profit, loss = (upper, lower) if side is Side.SELL else (lower, upper)
    where = "SELL" if side is Side.SELL else "BUY"
    if profit.type in _LOSSES:
        place, other = ("sell", "below") if side is Side.SELL else ("buy", "above")
        raise BinanceError(-1197 if where == "SELL" else -1196, f"A stop loss order in a {place} OCO must be {other}.")
    if loss.type is OrderType.LIMIT_MAKER:
        place, other = ("sell", "above") if side is Side.SELL else ("buy", "below")
        raise BinanceError(-1166 if where == "SELL" else -1165, f"A limit order in a {place} OCO must be {other}.")
    if loss.type in _PROFITS:
        place, other = ("sell", "above") if side is Side.SELL else ("buy", "below")
        raise BinanceError(-1199 if where == "SELL" else -1198, f"A take profit order in a {place} OCO must be {other}.")
    if profit.type not in _PROFITS or loss.type not in _LOSSES:
        raise BinanceError(-1158, "Order type not supported in OCO.")


class BinanceLists:
    """What places, cancels and tells of order lists."""

    def __init__(self, world: World, orders: BinanceOrders, limits: Limits) -> None:
        self._world = world
        self._orders = orders
        self._limits = limits

    def _list_id(self, ask: Ask) -> str:
        return ask.params.client_id("listClientOrderId") or self._orders.new_id()

    def _pair(self, ask: Ask, symbol: BinanceSymbol, legs: tuple[Leg, Leg]) -> tuple[OrderRequest, OrderRequest]:
        upper, lower = (read_order(ask.params, symbol, leg, self._orders.new_id) for leg in legs)
        check_legs(upper.side, upper, lower)
        return upper, lower

    def _ranked(self, ask: Ask, symbol: BinanceSymbol, legs: tuple[Leg, Leg]) -> list[OrderRequest]:
        return sorted(self._pair(ask, symbol, legs), key=lambda request: request.type not in _LOSSES)

    def _symbol(self, ask: Ask, *features: str) -> BinanceSymbol:
        symbol = self._orders.symbol(ask)
        for feature in features:
            if not symbol.allows(feature):
                kind = feature.removesuffix("Allowed").upper()
                raise BinanceError(-2010, f"{kind} orders are not supported for this symbol.")
        return symbol

    def _finished(self, ask: Ask, place: Callable[[], OrderList]) -> Json:
        try:
            group = place()
        except VenueRefusal as refusal:
            raise new_order_rejected(refusal) from None
        self._limits.count(ask.sender, group.orders)
        response = ask.params.text("newOrderRespType") or "RESULT"
        waiting = {} if response == "ACK" else _WAITING
        reports = [placed(order, response) | (waiting if order in group.pending else {}) for order in group.orders]
        body = listed(group) | {"orderReports": reports}
        if group.is_open:
            return body
        return body | {"listStatusType": "ALL_DONE", "listOrderStatus": "ALL_DONE"}

    def oco(self, ask: Ask) -> Json:
        """`POST /api/v3/orderList/oco`."""
        ask.params.only(_COMMON | {"side", "quantity"} | leg_names("above") | leg_names("below"))
        symbol = self._symbol(ask, "ocoAllowed")
        side = read_side(ask.params)
        quantity = check_positive("quantity", ask.params.need_decimal("quantity"))
        upper, lower = self._pair(ask, symbol, (Leg("above", side, quantity), Leg("below", side, quantity)))
        self._orders.check(ask.sender, symbol, [upper, lower])
        return self._finished(ask, lambda: self._world.venue.place_oco(ask.sender, self._list_id(ask), upper, lower))

    def _working(self, ask: Ask, symbol: BinanceSymbol) -> OrderRequest:
        working = read_order(ask.params, symbol, Leg("working"), self._orders.new_id)
        if working.type not in (OrderType.LIMIT, OrderType.LIMIT_MAKER):
            raise BinanceError(-1116, "Invalid orderType.")
        return working

    def oto(self, ask: Ask) -> Json:
        """`POST /api/v3/orderList/oto`: one working, one pending order."""
        ask.params.only(_COMMON | _WORKING | _PENDING | {"pendingQuantity"})
        symbol = self._symbol(ask, "otoAllowed")
        working = self._working(ask, symbol)
        pending = read_order(ask.params, symbol, Leg("pending"), self._orders.new_id)
        return self._place(ask, symbol, working, [pending], pays=False)

    def otoco(self, ask: Ask) -> Json:
        """`POST /api/v3/orderList/otoco`: one working, a pair pending."""
        ask.params.only(_COMMON | _WORKING | _PENDING_PAIR | {"pendingQuantity"})
        symbol = self._symbol(ask, "otoAllowed", "ocoAllowed")
        working = self._working(ask, symbol)
        side = read_side(ask.params, "pendingSide")
        quantity = check_positive("quantity", ask.params.need_decimal("pendingQuantity"))
        legs = Leg("pendingAbove", side, quantity), Leg("pendingBelow", side, quantity)
        return self._place(ask, symbol, working, self._ranked(ask, symbol, legs), pays=False)

    def opo(self, ask: Ask) -> Json:
        """`POST /api/v3/orderList/opo`: what the working order buys, the pending one sells."""
        ask.params.only(_COMMON | _WORKING | _PENDING)
        symbol = self._symbol(ask, "otoAllowed", "opoAllowed")
        working = self._working(ask, symbol)
        pending = read_order(ask.params, symbol, Leg("pending", quantity=working.quantity * 0), self._orders.new_id)
        return self._place(ask, symbol, working, [pending], pays=True)

    def opoco(self, ask: Ask) -> Json:
        """`POST /api/v3/orderList/opoco`: what the working order buys, a pair sells."""
        ask.params.only(_COMMON | _WORKING | _PENDING_PAIR)
        symbol = self._symbol(ask, "otoAllowed", "opoAllowed", "ocoAllowed")
        working = self._working(ask, symbol)
        side, nothing = read_side(ask.params, "pendingSide"), working.quantity * 0
        legs = Leg("pendingAbove", side, nothing), Leg("pendingBelow", side, nothing)
        return self._place(ask, symbol, working, self._ranked(ask, symbol, legs), pays=True)

    def _place(self, ask: Ask, symbol: BinanceSymbol, working: OrderRequest, pending: list[OrderRequest], *, pays: bool) -> Json:
        if pays and (working.side is not Side.BUY or any(order.side is not Side.SELL for order in pending)):
            raise BinanceError(-1013, "Only working orders on the BUY side and pending orders on the SELL side are accepted.")
        self._orders.check(ask.sender, symbol, [working, *pending])
        venue, list_id = self._world.venue, self._list_id(ask)
        return self._finished(ask, lambda: venue.place_oto(ask.sender, list_id, working, pending, pays=pays))

    def _find(self, account: Account, number: int | None, client_id: str | None) -> OrderList | None:
        if number is not None:
            return account.lists.get(number)
        found = (group for group in reversed(account.lists.values()) if group.client_id == client_id)
        return next(found, None)

    def cancel(self, ask: Ask) -> Json:
        """`DELETE /api/v3/orderList`, `orderList.cancel`."""
        ask.params.only({"symbol", "orderListId", "listClientOrderId", "newClientOrderId"})
        self._orders.symbol(ask)
        number, client_id = ask.params.integer("orderListId"), ask.params.text("listClientOrderId")
        if number is None and client_id is None:
            raise BinanceError(-1102, "Param 'orderListId' or 'listClientOrderId' must be sent, but both were empty/null!")
        group = self._find(ask.sender, number, client_id)
        cancel_id = ask.params.client_id("newClientOrderId") or self._orders.new_id()
        if group is None or not group.is_open:
            raise cancel_rejected(VenueRefusal(Reason.UNKNOWN_ORDER))
        self._world.venue.cancel_list(group, cancel_id)
        return listed(group) | {"orderReports": [canceled(order, cancel_id) for order in group.orders]}

    def query(self, ask: Ask) -> Json:
        """`GET /api/v3/orderList`, `orderList.status`."""
        ask.params.only({"orderListId", "origClientOrderId"})
        number, client_id = ask.params.integer("orderListId"), ask.params.text("origClientOrderId")
        if number is None and client_id is None:
            raise BinanceError(-1102, "Param 'orderListId' or 'origClientOrderId' must be sent, but both were empty/null!")
        group = self._find(ask.sender, number, client_id)
        if group is None or not self._world.venue.is_visible(group.orders[0]):
            raise BinanceError(-2018, "Order list does not exist.")
        return listed(group)

    def open(self, ask: Ask) -> list[Json]:
        """`GET /api/v3/openOrderList`, `openOrderLists.status`."""
        ask.params.only(set())
        return [listed(group) for group in self._visible(ask.sender) if group.is_open]

    def all(self, ask: Ask) -> list[Json]:
        """`GET /api/v3/allOrderList`."""
        ask.params.only({"fromId", "startTime", "endTime", "limit"})
        first, start, end = (ask.params.integer(name) for name in ("fromId", "startTime", "endTime"))
        found = [
            group
            for group in self._visible(ask.sender)
            if group.id >= (first or 0) and group.accepted_at >= (start or 0) and (end is None or group.accepted_at <= end)
        ]
        limit = ask.params.limit(500, 1000)
        return [listed(group) for group in (found[:limit] if first is not None else found[-limit:])]

    def _visible(self, account: Account) -> list[OrderList]:
        return [group for group in account.lists.values() if self._world.venue.is_visible(group.orders[0])]
