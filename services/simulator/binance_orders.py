"""Orders on Binance: place, test, cancel, amend, cancel-replace. REST and WebSocket API ask the same."""

from __future__ import annotations

import random
import string
from typing import Any

from aristobot.orders import OrderRequest, OrderStatus
from services.simulator.binance_catalogue import BinanceSymbol
from services.simulator.binance_errors import BinanceError, cancel_rejected, filter_failure, new_order_rejected
from services.simulator.binance_filters import check_order, check_room
from services.simulator.binance_json import Json, canceled, eight, listed, placed, queried
from services.simulator.binance_limits import Limits
from services.simulator.binance_requests import ORDER_NAMES, Ask, Leg, read_order, read_tags, response_type
from services.simulator.records import Account, Order, Reason, VenueRefusal
from services.simulator.world import World

_LETTERS = string.ascii_letters + string.digits
_CANCEL_NAMES = frozenset({"symbol", "orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions"})
_REPLACE_NAMES = ORDER_NAMES | {
    "cancelReplaceMode", "cancelNewClientOrderId", "cancelOrigClientOrderId", "cancelOrderId", "cancelRestrictions",
    "orderRateLimitExceededMode",
}  # fmt: skip
_AMEND_NAMES = frozenset({"symbol", "orderId", "origClientOrderId", "newClientOrderId", "newQty"})


class BinanceOrders:
    """What changes orders one at a time."""

    def __init__(self, world: World, symbols: dict[str, BinanceSymbol], limits: Limits) -> None:
        self._world = world
        self._symbols = symbols
        self._limits = limits
        self._chance = random.Random(world.seed)

    def new_id(self) -> str:
        """A client id, for who gives none."""
        return "".join(self._chance.choices(_LETTERS, k=22))

    def symbol(self, ask: Ask) -> BinanceSymbol:
        """The symbol that is asked for."""
        found = self._symbols.get(ask.params.need("symbol"))
        if found is None:
            raise BinanceError(-1121, "Invalid symbol.")
        return found

    def _checked(self, ask: Ask, symbol: BinanceSymbol) -> OrderRequest:
        request = read_order(ask.params, symbol, Leg(), self.new_id)
        self.check(ask.sender, symbol, [request])
        return request

    def check(self, account: Account, symbol: BinanceSymbol, requests: list[OrderRequest]) -> None:
        """Filters and limits, for orders that are about to be placed together."""
        tape, now = self._world.feed.tapes[symbol.instrument.symbol], self._world.clock.ms()
        for request in requests:
            check_order(symbol, request, tape, now)
        check_room(symbol, account, requests)
        self._limits.check_orders(account, len(requests))

    def place(self, ask: Ask) -> Json:
        """`POST /api/v3/order`, `order.place`."""
        ask.params.only(ORDER_NAMES)
        symbol = self.symbol(ask)
        request = self._checked(ask, symbol)
        response = response_type(ask.params, request.type)
        tags = read_tags(ask.params)
        return placed(self.place_request(ask.sender, request, tags), response)

    def place_request(self, account: Account, request: OrderRequest, tags: dict[str, object]) -> Order:
        """Hand an order to the venue."""
        try:
            order = self._world.venue.place(account, request, **tags)
        except VenueRefusal as refusal:
            raise new_order_rejected(refusal) from None
        self._limits.count(account, [order])
        return order

    def test(self, ask: Ask) -> Json:
        """`POST /api/v3/order/test`, `order.test`: every check, no order."""
        ask.params.only(ORDER_NAMES | {"computeCommissionRates"})
        symbol = self.symbol(ask)
        self._checked(ask, symbol)
        if not ask.params.flag("computeCommissionRates"):
            return {}
        instrument = symbol.instrument
        none = {"maker": eight(instrument.maker_fee * 0), "taker": eight(instrument.taker_fee * 0)}
        return {
            "standardCommissionForOrder": {"maker": eight(instrument.maker_fee), "taker": eight(instrument.taker_fee)},
            "specialCommissionForOrder": none,
            "taxCommissionForOrder": none,
            "discount": discount(ask.sender),
        }

    def find(self, ask: Ask, symbol: BinanceSymbol, number: str, client: str) -> Order | None:
        """The order that `number` or `client` names, if it is this account's and reads find it already."""
        params = ask.params
        order_id, client_id = params.integer(number), params.text(client)
        if order_id is None and client_id is None:
            raise BinanceError(-1102, f"Param '{client}' or '{number}' must be sent, but both were empty/null!")
        return self._world.venue.find(ask.sender, symbol.instrument.symbol, order_id, client_id)

    def cancel(self, ask: Ask) -> Json:
        """`DELETE /api/v3/order`, `order.cancel`."""
        ask.params.only(_CANCEL_NAMES)
        symbol = self.symbol(ask)
        order = self.find(ask, symbol, "orderId", "origClientOrderId")
        return self._cancel(ask, order, ask.params.client_id("newClientOrderId") or self.new_id())

    def _cancel(self, ask: Ask, order: Order | None, cancel_id: str) -> Json:
        restriction = ask.params.text("cancelRestrictions")
        if restriction not in (None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
            words = "Invalid cancelRestrictions. Has to be either ONLY_NEW or ONLY_PARTIALLY_FILLED."
            raise BinanceError(-1145, words)
        if order is None or not order.is_open:
            raise cancel_rejected(VenueRefusal(Reason.UNKNOWN_ORDER))
        wanted = {"ONLY_NEW": OrderStatus.OPEN, "ONLY_PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED}.get(restriction or "")
        if wanted is not None and order.status is not wanted:
            raise cancel_rejected(VenueRefusal(Reason.RESTRICTED))
        group = order.group
        self._world.venue.cancel(order, cancel_id)
        if group is not None:
            return {**listed(group), "orderReports": [canceled(one, cancel_id) for one in group.orders]}
        return canceled(order, cancel_id)

    def cancel_all(self, ask: Ask) -> list[Json]:
        """`DELETE /api/v3/openOrders`, `openOrders.cancelAll`: everything on one symbol, lists included."""
        ask.params.only({"symbol"})
        symbol = self.symbol(ask).instrument.symbol
        answers: list[Json] = []
        for order in list(ask.sender.open_orders.values()):
            if order.symbol == symbol and order.is_open:
                answers.append(self._cancel(ask, order, self.new_id()))
        if not answers:
            raise cancel_rejected(VenueRefusal(Reason.UNKNOWN_ORDER))
        return answers

    def amend(self, ask: Ask) -> Json:
        """`PUT /api/v3/order/amend/keepPriority`: a smaller quantity; id and place are kept, the client id may change."""
        ask.params.only(_AMEND_NAMES)
        symbol = self.symbol(ask)
        order = self.find(ask, symbol, "orderId", "origClientOrderId")
        quantity = ask.params.need_decimal("newQty")
        if order is None or not order.is_open:
            raise BinanceError(-2013, "Order does not exist.")
        if order.amendments >= symbol.filters.get("MAX_NUM_ORDER_AMENDS", {}).get("maxNumOrderAmends", 10):
            raise BinanceError(-2038, "The order has been amended too many times.")
        if quantity % symbol.instrument.lot or quantity < symbol.min_quantity:
            raise filter_failure("LOT_SIZE")
        try:
            self._world.venue.amend(order, quantity, ask.params.client_id("newClientOrderId") or self.new_id())
        except VenueRefusal:
            raise BinanceError(-2038, "Order amend (quantity increase) is not supported.") from None
        return _amended(order)

    def replace(self, ask: Ask) -> Json:
        """`POST /api/v3/order/cancelReplace`: filters are checked first, then cancelled, then placed."""
        ask.params.only(_REPLACE_NAMES)
        symbol = self.symbol(ask)
        mode = ask.params.need("cancelReplaceMode")
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise BinanceError(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
        order = self.find(ask, symbol, "cancelOrderId", "cancelOrigClientOrderId")
        request, tags = self._checked(ask, symbol), read_tags(ask.params)
        cancel_id = ask.params.client_id("cancelNewClientOrderId") or self.new_id()
        data: dict[str, Any] = {"cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED"}
        try:
            data["cancelResponse"] = self._cancel(ask, order, cancel_id)
            data["cancelResult"] = "SUCCESS"
        except BinanceError as error:
            data["cancelResponse"] = error.body()
        data["newOrderResponse"] = None
        if data["cancelResult"] == "SUCCESS" or mode == "ALLOW_FAILURE":
            try:
                made = self.place_request(ask.sender, request, tags)
                data["newOrderResponse"] = placed(made, response_type(ask.params, request.type))
                data["newOrderResult"] = "SUCCESS"
            except BinanceError as error:
                data["newOrderResponse"] = error.body()
                data["newOrderResult"] = "FAILURE"
        return _replaced(data)


def _replaced(data: dict[str, Any]) -> Json:
    done = [data["cancelResult"] == "SUCCESS", data["newOrderResult"] == "SUCCESS"]
    if all(done):
        return data
    if any(done):
        raise BinanceError(-2021, "Order cancel-replace partially failed.", status=409, data=data)
    raise BinanceError(-2022, "Order cancel-replace failed.", data=data)


def _amended(order: Order) -> Json:
    changed = queried(order) | {
        "origClientOrderId": order.former_id,
        "qty": eight(order.quantity),
        "preventedQty": eight(order.quantity * 0),
        "quoteOrderQty": eight(order.quote_quantity),
        "cumulativeQuoteQty": eight(order.quote_filled),
    }
    body: Json = {"transactTime": order.updated_at, "executionId": order.id * 2 + order.amendments, "amendedOrder": changed}
    if order.group is not None:
        body["listStatus"] = listed(order.group)
    return body


def discount(account: Account) -> Json:
    """What paying fees in BNB saves."""
    return {"enabledForAccount": account.fees_in_bnb, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75000000"}
