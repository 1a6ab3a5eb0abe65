"""Whatever happens at the venue, no money appears, none is lost, and nothing is sold twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aristobot.clock import ManualClock
from aristobot.money import ZERO
from aristobot.orders import OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from services.simulator.records import Account, Order, OrderList, Reason, VenueRefusal
from services.simulator.world import World
from tests.builders import an_instrument

BUY, SELL = Side.BUY, Side.SELL
#: Distances from the last price, in cents; prices walk a few dollars around 100.
near = st.integers(-300, 300).map(lambda ticks: Decimal(ticks) / 100)
away = st.integers(1, 400).map(lambda ticks: Decimal(ticks) / 100)
lots = st.integers(1, 150_000).map(lambda count: Decimal(count) / 100_000)
sides = st.sampled_from(list(Side))
forces = st.sampled_from(list(TimeInForce))
stops = st.sampled_from([OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT])
partial = st.sampled_from([{"fraction": "0.3"}, {"fraction": "0.5", "rest": "expire"}, {"fills": 3}, {"fraction": "0"}])

step = st.one_of(
    st.tuples(st.just("move"), near),
    st.tuples(st.just("move"), near),
    st.tuples(st.just("limit"), sides, lots, near, forces),
    st.tuples(st.just("market"), sides, lots),
    st.tuples(st.just("spend"), lots.map(lambda amount: amount * 100)),
    st.tuples(st.just("stop"), sides, lots, near, near, stops),
    st.tuples(st.just("oco"), sides, lots, away, away),
    st.tuples(st.just("otoco"), lots, near, away, away, st.booleans()),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("amend"), st.integers(0, 20), lots),
    st.tuples(st.just("partly"), partial),
)
steps = st.lists(step, min_size=8, max_size=40)


class Pit:
    """A venue with one symbol at 100.00, and an account that trades there."""

    def __init__(self, *, fees_in_bnb: bool = False) -> None:
        self.world = World(ManualClock(), 7)
        self.venue = self.world.venue
        for symbol, price in (("BTC/USDT", "100"), ("BNB/USDT", "600")):
            self.venue.list_instrument(an_instrument(symbol), Decimal(price))
        balances = {"USDT": Decimal(500), "BTC": Decimal(5), "BNB": Decimal("0.001")}
        self.account: Account = self.venue.open_account("binance", "key", "secret", balances)
        self.account.fees_in_bnb = fees_in_bnb
        self._numbers = itertools.count()
        self._acts: dict[str, Callable[..., None]] = {
            "move": lambda change: self.world.feed.move("BTC/USDT", max(Decimal(80), self.last + change)),
            "limit": self._limit,
            "market": lambda side, quantity: self._place(side, OrderType.MARKET, quantity),
            "spend": lambda amount: self._place(BUY, OrderType.MARKET, ZERO, quote_quantity=amount),
            "stop": self._stop,
            "oco": self._oco,
            "otoco": self._otoco,
            "cancel": lambda number: self.venue.cancel(self._chosen(number)),
            "amend": lambda number, quantity: self.venue.amend(self._chosen(number), quantity, ""),
            "partly": lambda options: self.world.faults.write([{"on": "order.*", "do": "partial_fill", **options}]),
        }

    def act(self, name: str, *arguments: Any) -> None:
        """Do one thing; what the venue refuses has not happened."""
        try:
            self._acts[name](*arguments)
        except VenueRefusal:
            return

    def request(self, side: Side, kind: OrderType, quantity: Decimal, price: Decimal = ZERO, **more: Any) -> OrderRequest:
        """An order with an id of its own; a price only where the type has one."""
        limited = kind not in (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)
        return OrderRequest(
            f"order-{next(self._numbers)}", "BTC/USDT", side, kind, quantity, price=price if limited else ZERO, **more
        )

    def _place(self, *arguments: Any, **more: Any) -> None:
        self.venue.place(self.account, self.request(*arguments, **more))

    @property
    def last(self) -> Decimal:
        """The last price of BTC."""
        return self.world.feed.tapes["BTC/USDT"].last

    def _limit(self, side: Side, quantity: Decimal, change: Decimal, force: TimeInForce) -> None:
        self._place(side, OrderType.LIMIT, quantity, self.last + change, time_in_force=force)

    def _stop(self, side: Side, quantity: Decimal, price: Decimal, stop: Decimal, kind: OrderType) -> None:
        self._place(side, kind, quantity, self.last + price, stop_price=self.last + stop)

    def _oco(self, side: Side, quantity: Decimal, above: Decimal, below: Decimal) -> None:
        upper_price, lower_price = self.last + above, self.last - below
        profit, loss = (upper_price, lower_price) if side is SELL else (lower_price, upper_price)
        legs = (
            self.request(side, OrderType.LIMIT_MAKER, quantity, profit),
            self.request(side, OrderType.STOP_LOSS, quantity, stop_price=loss),
        )
        upper, lower = legs if side is SELL else legs[::-1]
        self.venue.place_oco(self.account, f"list-{next(self._numbers)}", upper, lower)

    def _otoco(self, quantity: Decimal, change: Decimal, above: Decimal, below: Decimal, pays: bool) -> None:
        entry = self.last + change
        working = self.request(BUY, OrderType.LIMIT, quantity, entry)
        exits = ZERO if pays else quantity
        target = self.request(SELL, OrderType.LIMIT_MAKER, exits, entry + above)
        stop = self.request(SELL, OrderType.STOP_LOSS, exits, stop_price=entry - below)
        self.venue.place_oto(self.account, f"list-{next(self._numbers)}", working, [stop, target], pays=pays)

    def _chosen(self, number: int) -> Order:
        orders = list(self.account.orders.values())
        if not orders:
            raise VenueRefusal(Reason.UNKNOWN_ORDER)
        return orders[number % len(orders)]


def folded(account: Account) -> dict[str, Decimal]:
    """What the deposits and the executions alone make of the balances."""
    amounts = dict(account.deposited)
    for fill in account.fills:
        instrument = fill.order.instrument
        sign = 1 if fill.order.side is BUY else -1
        for asset, change in (
            (instrument.base, sign * fill.quantity),
            (instrument.quote, -sign * fill.value),
            (fill.fee_asset, -fill.fee),
        ):
            amounts[asset] = amounts.get(asset, ZERO) + change
    return amounts


def check_money(account: Account) -> None:
    """Balances are what was executed; nothing is negative; what is locked is what open orders hold."""
    for asset, holding in account.holdings.items():
        assert holding.free >= ZERO, asset
        assert holding.locked >= ZERO, asset
        assert holding.free + holding.locked == folded(account).get(asset, ZERO), asset
        holds = {id(order.hold): order.hold for order in account.open_orders.values() if order.hold and order.hold.asset == asset}
        received = [group.received for group in account.lists.values() if group.received and group.received.asset == asset]
        assert holding.locked == sum((hold.amount for hold in [*holds.values(), *received]), ZERO), asset


def check_orders(account: Account) -> None:
    """No order is filled beyond its size, its fills make its sums, and what is open is listed as open."""
    for key, order in account.orders.items():
        assert order.filled == sum((fill.quantity for fill in order.fills), ZERO) <= order.quantity
        assert order.quote_filled == sum((fill.value for fill in order.fills), ZERO)
        assert (order.status is OrderStatus.FILLED) == (order.filled == order.quantity and order.quantity > ZERO)
        assert order.is_open == (key in account.open_orders)
        assert order.is_open == (order.done_at < 0)
        if order.is_open and order.status is not OrderStatus.PENDING:
            assert order.hold is not None
            assert order.hold.amount >= order.remaining * (Decimal(1) if order.side is SELL else order.price)


def check_lists(groups: list[OrderList]) -> None:
    """Of two rivals only one is ever filled; exits live only behind a filled entry."""
    for group in groups:
        acted = [order for order in group.rivals if order.filled > ZERO or (order.awake and order.type is OrderType.STOP_LOSS)]
        assert len(acted) <= 1
        assert not any(order.is_open for order in group.rivals if acted and order not in acted)
        if any(order.filled > ZERO or order.awake for order in group.pending):
            assert group.working is not None
            assert group.working.status is OrderStatus.FILLED


@settings(max_examples=250, deadline=None)
@given(steps=steps, fees_in_bnb=st.booleans())
def test_money_is_conserved_and_nothing_is_sold_twice(steps: list[tuple[Any, ...]], fees_in_bnb: bool) -> None:
    pit = Pit(fees_in_bnb=fees_in_bnb)
    for name, *arguments in steps:
        pit.act(name, *arguments)
        check_money(pit.account)
        check_orders(pit.account)
        check_lists(list(pit.account.lists.values()))


@settings(max_examples=100, deadline=None)
@given(steps=steps)
def test_cancelling_everything_gives_every_locked_coin_back(steps: list[tuple[Any, ...]]) -> None:
    pit = Pit()
    for name, *arguments in steps:
        pit.act(name, *arguments)
    for order in list(pit.account.open_orders.values()):
        if order.is_open:
            pit.venue.cancel(order)
    assert {holding.locked for holding in pit.account.holdings.values()} == {ZERO}
    check_money(pit.account)


@settings(max_examples=100, deadline=None)
@given(steps=steps)
def test_all_resting_exits_together_never_exceed_what_is_held(steps: list[tuple[Any, ...]]) -> None:
    pit = Pit()
    for name, *arguments in steps:
        pit.act(name, *arguments)
        holding = pit.account.holding("BTC")
        sells = [
            order for order in pit.account.open_orders.values() if order.side is SELL and order.status is not OrderStatus.PENDING
        ]
        alone = sum((order.remaining for order in sells if order.group is None or len(order.group.rivals) < 2), ZERO)
        pairs = {order.group.id: order.remaining for order in sells if order.group is not None and len(order.group.rivals) == 2}
        assert alone + sum(pairs.values(), ZERO) <= holding.free + holding.locked
