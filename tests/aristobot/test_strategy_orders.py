"""What assignments mean: the kinds of orders, shares, parts, and the exact border."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.backtest.settings import Costs, FeeAsset
from aristobot.backtest.units import Units
from aristobot.errors import StrategyError
from aristobot.orders import OrderType, Side
from aristobot.strategy import Strategy
from aristobot.strategy_orders import Level, exact, intents, shares
from aristobot.strategy_run import PlacedOrder
from tests.backtesting import an_instrument, buyer, closes_at, played


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [
        (Side.BUY, 100.0, OrderType.MARKET),
        (Side.BUY, 100.01, OrderType.MARKET),
        (Side.BUY, 99.9, OrderType.LIMIT),
        (Side.BUY, 100.1, OrderType.STOP_LOSS),
        (Side.SELL, 100.1, OrderType.LIMIT),
        (Side.SELL, 99.9, OrderType.STOP_LOSS),
        (Side.SELL, 99.99, OrderType.MARKET),
    ],
)
def test_the_price_says_which_order_is_meant(side: Side, price: float, expected: OrderType) -> None:
    assert intents((1.0, price), side, 100.0, "x")[0].type is expected


def test_several_orders_are_a_list_of_them() -> None:
    found = intents([(1, 99), (2.0, 98.0)], Side.BUY, 100.0, "entry")
    assert [(one.quantity, one.price) for one in found] == [(1.0, 99.0), (2.0, 98.0)]


@pytest.mark.parametrize(
    "wanted", [(1.0,), "soon", 3, (1.0, -5.0), (math.nan, 5.0), (1.0, math.inf), [(1.0, 2.0, 3.0)], (-1.0, 5.0)]
)
def test_what_is_no_quantity_and_price_is_refused(wanted: Any) -> None:
    with pytest.raises(StrategyError):
        intents(wanted, Side.BUY, 100.0, "entry")


def test_exits_are_a_price_or_shares_that_make_no_more_than_the_whole() -> None:
    assert shares(95.0) == (Level(95.0, share=1.0),)
    assert shares([(0.5, 110.0), (0.5, 120.0)]) == (Level(110.0, share=0.5), Level(120.0, share=0.5))
    assert shares(None) is None
    with pytest.raises(StrategyError) as found:
        shares([(0.6, 110.0), (0.6, 120.0)])
    assert found.value.code == "shares_over_100"


def test_targets_in_shares_sell_in_parts_and_leave_nothing_behind() -> None:
    class Parts(Strategy):
        def should_long(self) -> bool:
            return self.index == 0

        def calculate_position_size(self) -> float:
            return 1.0

        def take_profit_price(self) -> Any:
            return [(0.333, 110.0), (0.333, 120.0), (0.334, 130.0)]

        def stop_loss_price(self) -> float:
            return 95.0

    result = played(Parts, closes_at(100, 100, 115, 135))
    assert [(one.quantity, one.price) for one in result.fills] == [(1.0, 100.0), (0.333, 115.0), (0.333, 135.0), (0.334, 135.0)]
    assert len(result.closed) == 1
    stopped = played(Parts, closes_at(100, 100, 115, 90))
    assert [(one.quantity, one.tag) for one in stopped.fills[1:]] == [(0.333, "take_profit"), (0.667, "stop_loss")]


def test_targets_of_more_than_is_bought_are_a_fault_and_not_a_surprise() -> None:
    class Greedy(buyer()):  # type: ignore[misc] # a class made on the spot
        def go_long(self) -> None:
            self.buy = 1.0, self.price
            self.take_profit = [(0.6, 110.0), (0.6, 120.0)]

    result = played(Greedy, closes_at(100, 100, 115))
    assert "shares_over_100" in result.stopped
    assert result.fills == ()


def test_exits_sell_no_more_than_the_fee_left_over() -> None:
    costs = Costs(Decimal("0.001"), Decimal("0.001"), FeeAsset.BASE)
    result = played(buyer(stop=90.0), closes_at(100, 100, 80), costs)
    assert [one.quantity for one in result.fills] == [1.0, 0.999]


def test_a_position_may_be_added_to_as_often_as_the_class_allows() -> None:
    class Ladder(buyer()):  # type: ignore[misc] # a class made on the spot
        max_position_adjustments = 2

        def update_position(self) -> None:
            self.buy = 1.0, self.price

    result = played(Ladder, closes_at(*[100] * 8))
    assert [one.quantity for one in result.fills] == [1.0, 1.0, 1.0]
    assert result.vetoes["max_position_adjustments"] == 5


def test_a_stop_may_follow_and_a_sell_may_wait() -> None:
    class Trail(buyer()):  # type: ignore[misc] # a class made on the spot
        def update_position(self) -> None:
            self.stop_loss = (
                self.position.qty,
                max(self.price - 5, 0 if math.isnan(self.average_stop_loss) else self.average_stop_loss),
            )

    trailed = played(Trail, closes_at(100, 100, 110, 120, 118, 112))
    assert [(one.candle, one.price, one.tag) for one in trailed.fills[1:]] == [(5, 112.0, "stop_loss")]

    class Seller(buyer()):  # type: ignore[misc] # a class made on the spot
        def update_position(self) -> None:
            self.sell = 0.4, 110.0

    sold = played(Seller, closes_at(100, 100, 105, 111))
    assert [(one.quantity, one.price, one.tag) for one in sold.fills[1:]] == [(0.4, 111.0, "take_profit")]


def test_liquidating_sells_what_this_strategy_holds_from_any_hook() -> None:
    class Panic(buyer()):  # type: ignore[misc] # a class made on the spot
        def should_exit(self) -> bool:
            if self.price < 95:
                self.liquidate()
            return False

    assert [one.reason for one in played(Panic, closes_at(100, 100, 90, 90)).closed] == ["liquidate"]


def test_a_lock_keeps_entries_away_for_its_minutes() -> None:
    class Locking(Strategy):
        def should_long(self) -> bool:
            return True

        def should_exit(self) -> bool:
            return True

        def on_close_position(self, order: PlacedOrder, closed_trade: Any) -> None:
            self.lock(3, "enough")

        def calculate_position_size(self) -> float:
            return 1.0

    result = played(Locking, closes_at(*[100] * 10))
    assert [one.candle for one in result.fills if one.side == "buy"] == [1, 5, 9]


# ---------------------------------------------------------------------- the border


def test_at_the_border_floats_become_exact_and_are_rounded_down() -> None:
    instrument = an_instrument(tick="0.05", lot="0.01")
    assert [exact(0.29), exact(0.1 + 0.2)] == [Decimal("0.29"), Decimal("0.30000000000000004")]
    assert [instrument.quantity(exact(value)) for value in (0.29, 1.239, 0.3)] == [
        Decimal("0.29"),
        Decimal("1.23"),
        Decimal("0.3"),
    ]
    assert [instrument.price(exact(value)) for value in (99.99, 90.02)] == [Decimal("99.95"), Decimal("90.00")]


@given(st.floats(1e-6, 1e6), st.sampled_from(["0.00001", "0.001", "0.01", "0.5", "1"]))
def test_a_backtest_rounds_quantities_as_the_live_border_does(quantity: float, lot: str) -> None:
    instrument = an_instrument(lot=lot)
    units = Units(instrument, Decimal("0.001"), Decimal("0.001"))
    assert units.quantity(units.lots(quantity)) == instrument.quantity(exact(quantity))
