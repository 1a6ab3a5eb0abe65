"""What prices do to orders."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.matching import STOPS, Execution, Quote, WokenUp, on_arrival, on_price, outcome, triggers, triggers_below
from aristobot.orders import OrderType, Side

BUY, SELL = Side.BUY, Side.SELL
prices = st.integers(1, 100_000).map(lambda ticks: Decimal(ticks) / 100)
sides = st.sampled_from(list(Side))
limits = st.sampled_from([OrderType.LIMIT, OrderType.LIMIT_MAKER])


@dataclass
class AnOrder:
    """An order in a book."""

    side: Side = BUY
    type: OrderType = OrderType.LIMIT
    price: Decimal = Decimal(0)
    stop_price: Decimal = Decimal(0)
    awake: bool = True


def a_quote(last: str | Decimal) -> Quote:
    """A book one cent around the last price."""
    price = Decimal(last)
    return Quote(price - Decimal("0.01"), price + Decimal("0.01"), price)


@pytest.mark.parametrize(
    ("side", "kind", "wakes", "sleeps"),
    [
        (SELL, OrderType.STOP_LOSS, "99", "101"),
        (SELL, OrderType.STOP_LOSS_LIMIT, "100", "100.01"),
        (BUY, OrderType.STOP_LOSS, "101", "99"),
        (BUY, OrderType.STOP_LOSS_LIMIT, "100", "99.99"),
        (SELL, OrderType.TAKE_PROFIT, "101", "99"),
        (SELL, OrderType.TAKE_PROFIT_LIMIT, "100", "99.99"),
        (BUY, OrderType.TAKE_PROFIT, "99", "101"),
        (BUY, OrderType.TAKE_PROFIT_LIMIT, "100", "100.01"),
    ],
)
def test_a_stop_wakes_up_on_its_side_of_the_price(side: Side, kind: OrderType, wakes: str, sleeps: str) -> None:
    stop = Decimal(100)
    assert triggers(side, kind, stop, Decimal(wakes))
    assert not triggers(side, kind, stop, Decimal(sleeps))


def test_a_market_order_takes_the_other_sides_price() -> None:
    quote = Quote(Decimal(99), Decimal(101), Decimal(100))
    assert on_arrival(BUY, OrderType.MARKET, Decimal(0), quote) == Execution(Decimal(101), maker=False)
    assert on_arrival(SELL, OrderType.MARKET, Decimal(0), quote) == Execution(Decimal(99), maker=False)


def test_a_stop_market_order_that_the_price_jumps_over_gets_the_worse_price() -> None:
    order = AnOrder(SELL, OrderType.STOP_LOSS, stop_price=Decimal(95), awake=False)
    assert outcome(order, a_quote("80")) == WokenUp(Execution(Decimal("79.99"), maker=False))


def test_a_stop_limit_order_that_the_price_jumps_over_rests_at_its_limit() -> None:
    order = AnOrder(SELL, OrderType.STOP_LOSS_LIMIT, price=Decimal(94), stop_price=Decimal(95), awake=False)
    assert outcome(order, a_quote("80")) == WokenUp(None)


def test_a_limit_that_the_price_jumps_over_is_still_filled_at_its_own_price() -> None:
    assert outcome(AnOrder(BUY, price=Decimal(90)), a_quote("50")) == Execution(Decimal(90), maker=True)


def test_only_the_orders_that_a_price_touches_are_named_in_their_order() -> None:
    near, far, stop = AnOrder(price=Decimal(99)), AnOrder(price=Decimal(50)), AnOrder(SELL, OrderType.STOP_LOSS, awake=False)
    stop.stop_price = Decimal(98)
    touched = [order for order, _ in on_price([stop, far, near], a_quote("98"))]
    assert touched == [stop, near]


@given(side=sides, kind=limits, limit=prices, last=prices)
def test_no_limit_order_is_ever_filled_at_a_worse_price_than_its_own(
    side: Side, kind: OrderType, limit: Decimal, last: Decimal
) -> None:
    order = AnOrder(side, kind, price=limit)
    executions = [on_arrival(side, kind, limit, a_quote(last)), outcome(order, a_quote(last))]
    for execution in executions:
        if isinstance(execution, Execution):
            assert execution.price <= limit if side is BUY else execution.price >= limit


@given(side=sides, kind=st.sampled_from(sorted(STOPS)), stop=prices, last=prices)
def test_a_stop_and_its_opposite_never_both_sleep(side: Side, kind: OrderType, stop: Decimal, last: Decimal) -> None:
    other = SELL if side is BUY else BUY
    assert triggers(side, kind, stop, last) or triggers(other, kind, stop, last)
    assert triggers_below(side, kind) != triggers_below(other, kind)


@given(side=sides, limit=prices, last=prices)
def test_what_is_taken_at_once_would_also_have_been_crossed_while_resting(side: Side, limit: Decimal, last: Decimal) -> None:
    if on_arrival(side, OrderType.LIMIT, limit, a_quote(last)) is not None:
        assert outcome(AnOrder(side, price=limit), a_quote(last)) is not None
