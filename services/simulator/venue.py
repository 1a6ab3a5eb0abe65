"""The venue: accounts, their money, their orders. It knows no protocol; dialects speak for it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec.structs import replace

from aristobot.market import Instrument, InstrumentState, Symbol
from aristobot.matching import STOPS
from aristobot.money import ZERO, round_down
from aristobot.orders import OrderRequest, OrderStatus, Side
from services.simulator.book import Book
from services.simulator.cashier import Cashier
from services.simulator.order_lists import OrderLists, check_relation, refuse_at_once, trigger_or_limit
from services.simulator.prices import PriceFeed
from services.simulator.records import (
    USUAL,
    Account,
    Change,
    Hold,
    ListChanged,
    ListStage,
    Manner,
    Names,
    Order,
    OrderChanged,
    OrderList,
    Reason,
    Transferred,
    VenueRefusal,
    order_of,
)
from services.simulator.times import ExchangeClock

#: Ids wider than 32 bits, as the large exchanges have them.
FIRST_ORDER_ID = 5_000_000_000


class Venue:
    """Every exchange of the simulator, seen from behind the counter."""

    def __init__(self, clock: ExchangeClock, feed: PriceFeed) -> None:
        self.clock = clock
        self.feed = feed
        self.accounts: dict[tuple[str, str], Account] = {}
        self.instruments: dict[str, dict[Symbol, Instrument]] = defaultdict(dict)
        self.cashier = Cashier(self._last_price)
        self.book = Book(clock, feed, self.cashier)
        self.lists = OrderLists(self.book, self.cashier, feed)
        #: How each exchange calls its orders, where it does not count them.
        self.names: defaultdict[str, Names] = defaultdict(Names)
        #: The kind that a new account is of, where an exchange has said so.
        self.first_modes: dict[str, str] = {}
        self._numbers: defaultdict[tuple[str, Symbol], Iterator[int]] = defaultdict(lambda: itertools.count(FIRST_ORDER_ID))
        self._list_numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
        #: While a request is done: what it places is found by reads only so much later, and it misses what is younger.
        self.lag_ms = 0
        feed.listeners.append(self.book.on_tick)

    def _last_price(self, symbol: Symbol) -> Decimal | None:
        tape = self.feed.tapes.get(symbol)
        return tape.last if tape else None

    def list_instrument(self, instrument: Instrument, start: Decimal) -> None:
        """Offer an instrument at an exchange; `start` is its price when nobody listed it before."""
        self.instruments[instrument.exchange][instrument.symbol] = instrument
        self.feed.add(instrument.symbol, instrument.tick, instrument.lot, start)

    def set_state(self, exchange: str, symbol: Symbol, state: InstrumentState) -> None:
        """Open or close a market; orders that rest stay."""
        self.instruments[exchange][symbol] = replace(self.instruments[exchange][symbol], state=state)

    def open_account(self, exchange: str, key: str, secret: str, balances: Mapping[str, Decimal]) -> Account:
        """Open an account with play money; an account of the same key is replaced."""
        account = Account(exchange, key, secret, 350_000_000 + len(self.accounts), self.book.begin())
        account.mode = self.first_modes.get(exchange, account.mode)
        self.accounts[exchange, key] = account
        for asset, amount in balances.items():
            self.cashier.deposit(account, asset, amount)
        self.book.flush()
        return account

    def transfer(self, account: Account, asset: str, amount: Decimal) -> None:
        """Money from outside, or to it; raise VenueRefusal when there is not enough."""
        self.book.begin()
        self.cashier.deposit(account, asset, amount)
        for listener in account.listeners:
            listener(Transferred(account, asset, amount))
        self.book.flush()

    def place(self, account: Account, request: OrderRequest, manner: Manner = USUAL, /, **tags: object) -> Order:
        """Take one order, or raise VenueRefusal; what can be executed is."""
        self.book.begin()
        order = self.made(account, request, tags)
        order.fee_asset = manner.fee_asset
        quote = self.feed.tapes[order.symbol].quote
        if not (manner.late_stops and order.type in STOPS):
            refuse_at_once(order, quote)
        if order.quote_quantity and not order.quantity:
            order.quantity = round_down(order.quote_quantity / quote.against(order.side), order.instrument.lot)
            if not order.quantity:
                raise VenueRefusal(Reason.NO_LIQUIDITY)
        self.lists.reserve([order])
        self.register(order)
        self.book.enter(order)
        if manner.late_stops:
            self.book.wake_if_due(order)
        self.book.flush()
        return order

    def place_oco(self, account: Account, list_id: str, upper: OrderRequest, lower: OrderRequest) -> OrderList:
        """Take two rivals, or raise VenueRefusal. The one that stops a loss comes first."""
        self.book.begin()
        ranked = (lower, upper) if upper.side is Side.SELL else (upper, lower)
        legs = [self.made(account, request, {}) for request in ranked]
        group = self.group(account, list_id, legs[0].symbol)
        group.rivals = legs
        quote = self.feed.tapes[group.symbol].quote
        above, below = (legs[1], legs[0]) if upper.side is Side.SELL else (legs[0], legs[1])
        check_relation(above, below, quote)
        for order in legs:
            refuse_at_once(order, quote)
        self.lists.reserve(legs)
        return self.begin(group)

    def place_oto(
        self, account: Account, list_id: str, working: OrderRequest, pending: Sequence[OrderRequest], *, pays: bool = False
    ) -> OrderList:
        """Take a working order and one or two that wait for it; `pays`: they sell what it buys."""
        self.book.begin()
        first = self.made(account, working, {})
        group = self.group(account, list_id, first.symbol)
        group.working = first
        group.pending = [self.made(account, request, {}) for request in pending]
        for order in group.pending:
            order.status = OrderStatus.PENDING
        if len(group.pending) == 2:
            group.rivals = group.pending
            upper, lower = sorted(group.pending, key=trigger_or_limit, reverse=True)
            check_relation(upper, lower, None)
        refuse_at_once(first, self.feed.tapes[group.symbol].quote)
        self.lists.reserve([first])
        if pays:
            group.received = Hold(first.instrument.base, ZERO, Decimal(1))
        return self.begin(group)

    def begin(self, group: OrderList) -> OrderList:
        """Let a list live whose orders are made, and paid for where they have to be."""
        group.account.lists[group.id] = group
        for order in group.orders:
            order.group = group
            self.register(order)
        self.lists.start(group)
        self.book.flush()
        return group

    def group(self, account: Account, list_id: str, symbol: Symbol) -> OrderList:
        """An empty list; raise VenueRefusal when one of its name is open."""
        if account.open_list(list_id) is not None:
            raise VenueRefusal(Reason.DUPLICATE_ID)
        now = self.book.now
        return OrderList(next(self._list_numbers[account.exchange]), account, symbol, list_id, now, now)

    def made(self, account: Account, request: OrderRequest, tags: dict[str, object]) -> Order:
        """The order that a request asks for, with a number, not yet known to anybody; raise VenueRefusal when it cannot be."""
        instrument = self.instruments[account.exchange][request.symbol]
        if instrument.state is not InstrumentState.TRADING:
            raise VenueRefusal(Reason.MARKET_CLOSED)
        if account.open_with(request.symbol, request.client_order_id) is not None:
            raise VenueRefusal(Reason.DUPLICATE_ID)
        number = next(self.book.numbers.get(account.exchange) or self._numbers[account.exchange, request.symbol])
        order = order_of(request, account, instrument, number, self.book.now)
        order.tags = tags
        return order

    def register(self, order: Order) -> None:
        """From now on the account has this order."""
        order.visible_at = order.accepted_at + self.lag_ms
        account, key = order.account, (order.symbol, order.id)
        account.orders[key] = account.open_orders[key] = order
        account.latest[order.symbol, order.client_id] = order
        if account.exchange in self.book.numbers:
            account.numbered[order.id] = account.named[order.client_id] = order

    def cancel(self, order: Order, cancel_id: str = "") -> None:
        """Cancel an order, and with it its whole list; raise VenueRefusal when it is not open."""
        if not order.is_open:
            raise VenueRefusal(Reason.UNKNOWN_ORDER)
        if order.group is not None:
            self.cancel_list(order.group, cancel_id)
            return
        self.book.begin()
        self.book.finish(order, OrderStatus.CANCELED, None, cancel_id)
        self.book.flush()

    def cancel_list(self, group: OrderList, cancel_id: str = "") -> None:
        """Cancel a list; raise VenueRefusal when it is done."""
        if not group.is_open:
            raise VenueRefusal(Reason.UNKNOWN_ORDER)
        self.book.begin()
        self.lists.cancel(group, cancel_id)
        self.book.flush()

    def amend(self, order: Order, quantity: Decimal, client_id: str) -> None:
        """Reduce an order in place, and its rival with it; raise VenueRefusal when it is not open or would not become smaller."""
        if not order.is_open:
            raise VenueRefusal(Reason.UNKNOWN_ORDER)
        if not order.filled < quantity < order.quantity:
            raise VenueRefusal(Reason.NOT_SMALLER)
        now, group = self.book.begin(), order.group
        bound = group.rivals if group is not None and order in group.rivals else [order]
        for one in bound:
            if one.is_open:
                one.quantity = quantity
                one.updated_at = now
        order.amendments += 1
        self._rename(order, client_id or order.client_id)
        if order.hold is not None:
            self.cashier.trim(order.account, order.hold, order.remaining * order.hold.per_unit)
        for one in bound:
            if one.is_open:
                self.book.emit(OrderChanged(one, Change.AMENDED), one)
        if group is not None and order.former_id != order.client_id:
            self.book.emit(ListChanged(group, ListStage.UPDATED), order)
        self.book.flush()

    @staticmethod
    def _rename(order: Order, client_id: str) -> None:
        latest, order.former_id = order.account.latest, order.client_id
        if latest.get((order.symbol, order.client_id)) is order:
            del latest[order.symbol, order.client_id]
        order.client_id = client_id
        latest[order.symbol, client_id] = order

    def complete(self, order: Order) -> None:
        """Execute what is left of an open order."""
        self.book.begin()
        self.book.complete(order)
        self.book.flush()

    @staticmethod
    def find(account: Account, symbol: Symbol, number: int | None, client_id: str | None) -> Order | None:
        """An order of this account by its id, else the newest with this client id."""
        if number is not None:
            order = account.orders.get((symbol, number))
            return order if order is None or client_id in (None, order.client_id) else None
        return account.latest.get((symbol, client_id or ""))

    def is_visible(self, order: Order) -> bool:
        """Whether reads find the order already."""
        return max(order.visible_at, order.accepted_at + self.lag_ms) <= self.clock.ms()

    def total(self, asset: str) -> Decimal:
        """All there is of an asset, in all accounts."""
        holdings = (account.holdings.get(asset) for account in self.accounts.values())
        return sum((holding.free + holding.locked for holding in holdings if holding), ZERO)
