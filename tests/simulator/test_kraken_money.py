"""With fees beside the price, stops that come late and orders moved in place: no money appears, and none is lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aristobot.clock import ManualClock
from aristobot.money import ZERO
from aristobot.orders import OrderRequest, OrderType, Side, TimeInForce
from services.simulator.amending import amend
from services.simulator.records import Manner, Order, Reason, VenueRefusal
from services.simulator.world import World
from tests.builders import an_instrument
from tests.simulator.test_venue_money import check_money, check_orders

SYMBOL = "BTC/USDT"
near = st.integers(-300, 300).map(lambda ticks: Decimal(ticks) / 100)
lots = st.integers(1, 150_000).map(lambda count: Decimal(count) / 100_000)
sides = st.sampled_from(list(Side))
assets = st.sampled_from(["BTC", "USDT"])
stops = st.sampled_from([OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT])
partial = st.sampled_from([{"fraction": "0.3"}, {"fraction": "0.5", "rest": "expire"}, {"fills": 3}])
step = st.one_of(
    st.tuples(st.just("move"), near),
    st.tuples(st.just("move"), near),
    st.tuples(st.just("limit"), sides, lots, near, st.sampled_from(list(TimeInForce)), assets),
    st.tuples(st.just("market"), sides, lots, assets),
    st.tuples(st.just("spend"), lots.map(lambda amount: amount * 100), assets),
    st.tuples(st.just("stop"), sides, lots, near, near, stops, assets),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("amend"), st.integers(0, 20), lots, near, near),
    st.tuples(st.just("partly"), partial),
)


class Pit:
    """A venue with one symbol at 100.00, an account, and an exchange that takes orders as Kraken does."""

    def __init__(self) -> None:
        self.world = World(ManualClock(), 7)
        self.venue = self.world.venue
        self.venue.list_instrument(an_instrument(SYMBOL), Decimal(100))
        self.account = self.venue.open_account("binance", "key", "secret", {"USDT": Decimal(500), "BTC": Decimal(5)})
        self._numbers = itertools.count()
        self._acts: dict[str, Callable[..., None]] = {
            "move": lambda change: self.world.feed.move(SYMBOL, max(Decimal(80), self.last + change)),
            "limit": lambda side, quantity, change, force, asset: self._place(
                asset, side, OrderType.LIMIT, quantity, price=self.last + change, time_in_force=force
            ),
            "market": lambda side, quantity, asset: self._place(asset, side, OrderType.MARKET, quantity),
            "spend": lambda amount, asset: self._place(asset, Side.BUY, OrderType.MARKET, ZERO, quote_quantity=amount),
            "stop": self._stop,
            "cancel": lambda number: self.venue.cancel(self._chosen(number)),
            "amend": self._amend,
            "partly": lambda options: self.world.faults.write([{"on": "order.*", "do": "partial_fill", **options}]),
        }

    def act(self, name: str, *arguments: Any) -> None:
        """Do one thing; what the venue refuses has not happened."""
        try:
            self._acts[name](*arguments)
        except VenueRefusal:
            return

    @property
    def last(self) -> Decimal:
        """The last price."""
        return self.world.feed.tapes[SYMBOL].last

    def _place(self, asset: str, side: Side, kind: OrderType, quantity: Decimal, **more: Any) -> None:
        request = OrderRequest(f"order-{next(self._numbers)}", SYMBOL, side, kind, quantity, **more)
        self.venue.place(self.account, request, Manner(fee_asset=asset, late_stops=True))

    def _stop(self, side: Side, quantity: Decimal, price: Decimal, stop: Decimal, kind: OrderType, asset: str) -> None:
        limited = kind in (OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
        self._place(asset, side, kind, quantity, price=self.last + price if limited else ZERO, stop_price=self.last + stop)

    def _amend(self, number: int, quantity: Decimal, price: Decimal, stop: Decimal) -> None:
        order = self._chosen(number)
        limit = self.last + price if order.price else ZERO
        trigger = self.last + stop if order.stop_price and not order.awake else order.stop_price
        amend(self.venue, order, (quantity, limit, trigger))

    def _chosen(self, number: int) -> Order:
        orders = list(self.account.orders.values())
        if not orders:
            raise VenueRefusal(Reason.UNKNOWN_ORDER)
        return orders[number % len(orders)]


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(step, min_size=8, max_size=40))
def test_money_is_conserved_whatever_fees_are_paid_in_and_however_orders_are_moved(steps: list[tuple[Any, ...]]) -> None:
    pit = Pit()
    for name, *arguments in steps:
        pit.act(name, *arguments)
        check_money(pit.account)
        check_orders(pit.account)
        assert all(fill.fee_asset == fill.order.fee_asset for fill in pit.account.fills)
    for order in list(pit.account.open_orders.values()):
        pit.venue.cancel(order)
    assert {holding.locked for holding in pit.account.holdings.values()} == {ZERO}
