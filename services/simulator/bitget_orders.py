"""Orders at Bitget, whichever interface asks: read, checked, placed, found, cancelled."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from decimal import Decimal

from aristobot.money import ZERO, plain
from aristobot.orders import OrderRequest, OrderType, Side, TimeInForce
from services.simulator.bitget_catalogue import BitgetSymbol, dollars
from services.simulator.bitget_errors import BitgetError, missing, wrong
from services.simulator.bitget_json import client_id, is_in_book, legs_of, native
from services.simulator.bitget_keys import check_window
from services.simulator.bitget_params import Params
from services.simulator.bitget_tongue import Tongue
from services.simulator.plans import stillborn
from services.simulator.records import Account, Order, Reason, VenueRefusal
from services.simulator.world import World

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_FORCES = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}
#: Exits that hang on an entry are not spoken here, and refused rather than ignored.
_UNSPOKEN = (
    "presetTakeProfitPrice", "executeTakeProfitPrice", "presetStopLossPrice", "executeStopLossPrice", "takeProfit", "stopLoss",
)  # fmt: skip
#: Open orders that a unified account may have.
MOST_UNIFIED = 400


class BitgetOrders:
    """What changes orders, in one of the two tongues."""

    def __init__(self, world: World, symbols: Mapping[str, BitgetSymbol], tongue: Tongue) -> None:
        self._world = world
        self._symbols = symbols
        self.tongue = tongue
        self._chance = random.Random(world.seed)

    def new_id(self) -> str:
        """A client id, for who gives none."""
        made = uuid.UUID(int=self._chance.getrandbits(128), version=4)
        return made.hex if self.tongue.client_id.fullmatch(str(made)) is None else str(made)

    def symbol(self, params: Params) -> BitgetSymbol:
        """The symbol that is asked for."""
        name = params.need("symbol")
        found = self._symbols.get(name.upper())
        if found is None:
            raise self.tongue.unknown_symbol(name)
        return found

    def symbol_of(self, order: Order) -> BitgetSymbol:
        """The symbol of an order."""
        return self._symbols[native(order.symbol)]

    def read(self, params: Params) -> OrderRequest:
        """The order that is asked for; raise BitgetError for what is missing, wrong, or against the symbol's rules."""
        symbol = self.symbol(params)
        side = _SIDES[params.choice("side", *_SIDES)]
        market = params.choice("orderType", "limit", "market") == "market"
        client = params.client_id(self.tongue) or self.new_id()
        name = symbol.instrument.symbol
        if market:
            bought = side is Side.BUY
            size = self.size(params, symbol, quote=bought)
            request = OrderRequest(client, name, side, OrderType.MARKET, *((ZERO, size) if bought else (size, ZERO)))
        else:
            force = params.choice(self.tongue.force, "gtc", "post_only", "fok", "ioc", default="gtc")
            price = params.need_decimal("price", symbol.price_digits)
            kind = OrderType.LIMIT_MAKER if force == "post_only" else OrderType.LIMIT
            lives = _FORCES.get(force, TimeInForce.GTC)
            request = OrderRequest(client, name, side, kind, self.size(params, symbol), ZERO, price, ZERO, lives)
        self.check(symbol, request)
        return request

    def size(self, params: Params, symbol: BitgetSymbol, *, quote: bool = False) -> Decimal:
        """How much: base, or an amount of the quote coin."""
        return params.need_decimal(self.tongue.size, symbol.quote_digits if quote else symbol.base_digits)

    def check(self, symbol: BitgetSymbol, request: OrderRequest) -> None:
        """The symbol's rules: smallest and largest order, and how far a price may lie on the wrong side of the last one."""
        last = self._world.feed.tapes[request.symbol].last
        if request.quantity and request.quantity < symbol.min_quantity:
            raise BitgetError(*self.tongue.too_small)
        value = request.quote_quantity or request.quantity * (request.price or request.stop_price or last)
        self.check_value(symbol, value, market=not request.price)
        if request.price and not request.stop_price:
            self._check_band(symbol, request, last)

    def check_value(self, symbol: BitgetSymbol, value: Decimal, *, market: bool) -> None:
        """The smallest and the largest value of an order; the smallest is counted in dollars, whatever the quote."""
        in_dollars = value * dollars(symbol.instrument.quote)
        if in_dollars < symbol.min_dollars:
            raise BitgetError(self.tongue.too_little, f"less than the minimum amount {plain(symbol.min_dollars)} USDT")
        if in_dollars > (symbol.max_market_value if market else symbol.max_limit_value):
            raise BitgetError(*self.tongue.too_large)

    def _check_band(self, symbol: BitgetSymbol, request: OrderRequest, last: Decimal) -> None:
        highest, lowest = last * (1 + symbol.most_above), last * (1 - symbol.most_below)
        if request.side is Side.BUY and request.price > highest:
            raise BitgetError(self.tongue.too_high, f"The current commission price exceeds the limit {plain(highest)}")
        if request.side is Side.SELL and request.price < lowest:
            raise BitgetError(self.tongue.too_low, f"The current order price cannot be less than {plain(lowest)}")

    def check_room(self, account: Account, symbol: BitgetSymbol) -> None:
        """How many orders may be open: of one symbol (classic), of the account (unified)."""
        if not self.tongue.most_orders_per_symbol:
            full = len(account.open_orders) >= MOST_UNIFIED
        else:
            full = len(account.open_orders) >= symbol.most_orders and symbol.most_orders <= sum(
                order.symbol == symbol.instrument.symbol for order in account.open_orders.values()
            )
        if full:
            raise BitgetError(*self.tongue.too_many)

    def place(self, account: Account, params: Params) -> Order:
        """Take one order; raise BitgetError."""
        check_window(params, self._world.clock)
        params.choice("tpslType", "normal", default="normal")
        for name in _UNSPOKEN:
            if params.text(name):
                raise wrong(name)
        request = self.read(params)
        self.check_free(account, request.client_order_id)
        self.check_room(account, self.symbol(params))
        return self.hand_over(account, request)

    def check_free(self, account: Account, client: str) -> None:
        """Refuse a client id that an open order has, of whatever symbol."""
        other = account.named.get(client)
        if other is not None and other.is_open:
            raise self.tongue.refuse(VenueRefusal(Reason.DUPLICATE_ID))

    def hand_over(self, account: Account, request: OrderRequest) -> Order:
        """Give an order to the venue. One that must not match and would is taken, and cancelled at once."""
        venue = self._world.venue
        try:
            return venue.place(account, request)
        except VenueRefusal as refusal:
            if refusal.reason is not Reason.WOULD_MATCH:
                raise self.tongue.refuse(refusal) from None
        return stillborn(venue, account, request)

    def find(self, account: Account, params: Params) -> Order | None:
        """The order in the book that `orderId` or `clientOid` names."""
        number, client = self._names(params)
        if number is not None:
            order = account.numbered.get(number)
            return order if order is not None and number == (order.book_id if order.planned else order.id) else None
        named = account.named.get(client)
        if named is None and client.isdigit():
            named = account.numbered.get(int(client))
        if named is None:
            return None
        return next((leg for leg in legs_of(named) if is_in_book(leg) and client_id(leg) == client), None)

    def find_plan(self, account: Account, params: Params, id_name: str = "orderId") -> Order | None:
        """The plan that `orderId` or `clientOid` names."""
        number, client = self._names(params, id_name)
        order = account.named.get(client) if number is None else account.numbered.get(number)
        return order if order is not None and order.planned and number in (None, order.id) else None

    @staticmethod
    def _names(params: Params, id_name: str = "orderId") -> tuple[int | None, str]:
        number, client = params.integer(id_name), params.text("clientOid")
        if number is None and client is None:
            raise missing(id_name)
        return number, client or ""

    def cancel(self, account: Account, params: Params) -> Order:
        """Cancel an order in the book; raise BitgetError when there is none."""
        order = self.find(account, params)
        if order is None or not order.is_open or not is_in_book(order):
            raise self.tongue.unknown_order()
        name = params.text("symbol")
        if name is not None and self.symbol(params).instrument.symbol != order.symbol:
            raise self.tongue.unknown_order()
        self.stop(order)
        return order

    def stop(self, order: Order) -> None:
        """Cancel an order, or a plan, that is open."""
        self._world.venue.cancel(order)

    def resting(self, account: Account, symbol: BitgetSymbol) -> list[Order]:
        """The open orders of a symbol, without plans."""
        name = symbol.instrument.symbol
        return [order for order in account.open_orders.values() if order.symbol == name and is_in_book(order)]


def refuse_category(params: Params) -> None:
    """The unified interface trades more than spot; here it does not."""
    if (params.text("category") or "SPOT").upper() != "SPOT":
        raise wrong("category")
