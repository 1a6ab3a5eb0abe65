"""Plan orders (classic) and strategy orders (unified): they sleep beside the book until the price reaches their trigger."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from aristobot.money import ZERO, round_down
from aristobot.orders import OrderRequest, OrderType, Side
from services.simulator.amending import amend
from services.simulator.bitget_catalogue import BitgetSymbol
from services.simulator.bitget_errors import BitgetError
from services.simulator.bitget_json import is_market
from services.simulator.bitget_keys import check_window
from services.simulator.bitget_orders import BitgetOrders
from services.simulator.bitget_params import Params
from services.simulator.plans import Plans
from services.simulator.records import Account, Order, OrderList, VenueRefusal
from services.simulator.world import World

_TYPES = {
    (True, False): OrderType.STOP_LOSS,
    (True, True): OrderType.STOP_LOSS_LIMIT,
    (False, False): OrderType.TAKE_PROFIT,
    (False, True): OrderType.TAKE_PROFIT_LIMIT,
}


def type_of(side: Side, trigger: Decimal, last: Decimal, *, limit: bool) -> OrderType:
    """What a trigger on this side of the last price waits for: a plan does not say whether it is a stop or a target."""
    stops = trigger <= last if side is Side.SELL else trigger >= last
    return _TYPES[stops, limit]


def plan_status(order: Order) -> str:
    """The state of a plan in the classic interface's words."""
    if order.is_open and not order.awake:
        return "live"
    if order.book_id:
        return "executed"
    return "fail_execute" if order.awake else "cancelled"


class BitgetPlans:
    """What changes plans."""

    def __init__(self, world: World, plans: Plans, orders: BitgetOrders) -> None:
        self._world = world
        self._plans = plans
        self.orders = orders

    def last(self, symbol: BitgetSymbol) -> Decimal:
        """The last price."""
        return self._world.feed.tapes[symbol.instrument.symbol].last

    def read(self, params: Params) -> OrderRequest:
        """A plan order of the classic interface: `planType` amount is sized in base, total in quote."""
        orders = self.orders
        symbol = orders.symbol(params)
        side = Side(params.choice("side", "buy", "sell"))
        limit = params.choice("orderType", "limit", "market") == "limit"
        trigger = params.need_decimal("triggerPrice", symbol.price_digits)
        price = params.need_decimal("executePrice", symbol.price_digits) if limit else ZERO
        params.choice("triggerType", "fill_price", "mark_price", default="fill_price")
        in_quote = side is Side.BUY and params.choice("planType", "amount", "total", default="amount") == "total"
        size = orders.size(params, symbol, quote=in_quote)
        quantity = round_down(size / (price or trigger), symbol.instrument.lot) if in_quote else size
        kind = type_of(side, trigger, self.last(symbol), limit=limit)
        client = params.client_id(orders.tongue) or orders.new_id()
        request = OrderRequest(client, symbol.instrument.symbol, side, kind, quantity, size if in_quote else ZERO, price, trigger)
        orders.check(symbol, request)
        return request

    def place(self, account: Account, params: Params, request: OrderRequest, **tags: object) -> Order:
        """Let a plan sleep; raise BitgetError."""
        check_window(params, self._world.clock)
        self.orders.check_free(account, request.client_order_id)
        self.orders.check_room(account, self.orders.symbol(params))
        try:
            return self._plans.place(account, request, **tags)
        except VenueRefusal as refusal:
            raise self.orders.tongue.refuse(refusal) from None

    def place_pair(self, account: Account, params: Params, stop: OrderRequest, target: OrderRequest) -> OrderList:
        """Let a stop and a target sleep, of which one cancels the other; raise BitgetError."""
        check_window(params, self._world.clock)
        self.orders.check_free(account, stop.client_order_id)
        try:
            return self._plans.place_pair(account, stop.client_order_id, stop, target)
        except VenueRefusal as refusal:
            raise self.orders.tongue.refuse(refusal) from None

    def sleeping(self, account: Account, params: Params) -> Order:
        """The plan that is asked for, if it still sleeps; else raise BitgetError."""
        order = self.orders.find_plan(account, params)
        if order is None or not order.is_open or order.awake:
            raise self.orders.tongue.unknown_order(plan=True)
        return order

    def cancel(self, account: Account, params: Params) -> Order:
        """Cancel a plan; raise BitgetError."""
        order = self.sleeping(account, params)
        self._world.venue.cancel(order)
        return order

    def modify(self, account: Account, params: Params) -> Order:
        """Give a classic plan other prices or another size, in place; raise BitgetError."""
        order = self.sleeping(account, params)
        symbol = self.orders.symbol(params) if params.text("symbol") else self.orders.symbol_of(order)
        in_quote = bool(order.quote_quantity)
        limit = params.choice("orderType", "limit", "market", default="market" if is_market(order) else "limit") == "limit"
        trigger = params.decimal("triggerPrice", symbol.price_digits) or order.stop_price
        price = (params.decimal("executePrice", symbol.price_digits) or order.price) if limit else ZERO
        if limit and not price:
            params.need("executePrice")
        size = params.decimal("size", symbol.quote_digits if in_quote else symbol.base_digits)
        if size is None:
            size = order.quote_quantity if in_quote else order.quantity
        quantity = round_down(size / (price or trigger), symbol.instrument.lot) if in_quote else size
        self.orders.check_value(symbol, quantity * (price or trigger), market=not limit)
        order.quote_quantity = size if in_quote else ZERO
        self.retell(order, symbol, quantity, price, trigger)
        return order

    def retell(self, order: Order, symbol: BitgetSymbol, quantity: Decimal, price: Decimal, trigger: Decimal) -> None:
        """New terms for a plan that sleeps; on which side of the last price its trigger lies is seen anew."""
        order.type = type_of(order.side, trigger, self.last(symbol), limit=bool(price))
        amend(self._world.venue, order, (quantity, price, trigger))

    def amend(self, order: Order, quantity: Decimal, price: Decimal) -> None:
        """Another price or quantity for a limit order in the book; raise BitgetError, and leave it, when that cannot be."""
        try:
            amend(self._world.venue, order, (quantity, price, order.stop_price))
        except VenueRefusal as refusal:
            raise self.orders.tongue.refuse(refusal) from None


def as_leg(request: OrderRequest, suffix: str) -> OrderRequest:
    """The same request under a name of its own."""
    return replace(request, client_order_id=request.client_order_id + suffix)


def refuse_side(stop: Decimal | None, target: Decimal | None, side: Side, last: Decimal) -> None:
    """A stop lies behind the last price, a target before it; raise BitgetError when one does not."""
    selling = side is Side.SELL
    if target is not None and (target <= last if selling else target >= last):
        words = "greater" if selling else "less"
        raise BitgetError("43013" if selling else "43014", f"The take profit price needs to be {words} than the current price")
    if stop is not None and (stop >= last if selling else stop <= last):
        words = "less" if selling else "greater"
        raise BitgetError("43015" if selling else "43016", f"The stop loss price needs to be {words} than the current price")
