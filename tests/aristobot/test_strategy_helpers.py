"""Helpers of a strategy: sizes from risk, crosses, streaks, and stops that never fall."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.indicators import ta, utils
from tests.aristobot.test_indicator_tape import walk

NAN = float("nan")


@pytest.mark.parametrize(
    ("arguments", "quantity"),
    [
        ((100, 50), 2),
        ((100, 49, 3), 2.04),  # 2.0408
        ((100, 3, 4), 33.3333),
        ((100, 50, 3, 0.001), 1.994),  # 100 * 0.997 / 50
        ((0.29, 1, 2), 0.29),  # 0.29 * 100 is 28.999999999999996 in floats
    ],
)
def test_a_size_buys_so_much(arguments: tuple[float, ...], quantity: float) -> None:
    assert utils.size_to_qty(*arguments) == quantity  # type: ignore[arg-type] # precision is a whole number


@given(st.floats(1, 1e6), st.floats(0.01, 1e5), st.integers(0, 8))
def test_a_quantity_is_never_worth_more_than_the_size(size: float, price: float, precision: int) -> None:
    quantity = utils.size_to_qty(size, price, precision)
    assert utils.qty_to_size(quantity, price) <= size * (1 + 1e-12)
    assert utils.qty_to_size(quantity + 10.0**-precision, price) > size * (1 - 1e-9)


def test_a_risk_makes_a_size() -> None:
    assert round(utils.risk_to_size(10_000, 1, 0.7, 8.6)) == 1229
    assert utils.risk_to_size(10_000, 5, 0.1, 8.6) == 10_000, "never more than the capital"
    assert utils.risk_to_qty(10_000, 1, 100, 95) == 20  # 100 at risk, 5 a coin
    assert utils.risk_to_qty(10_000, 1, 100, 95, fee_rate=0.001) == 19.94
    with pytest.raises(ValueError, match="risk cannot be zero"):
        utils.risk_to_qty(10_000, 1, 100, 100)


def test_a_missing_number_is_no_size() -> None:
    for call in (utils.size_to_qty, utils.qty_to_size, utils.estimate_risk):
        with pytest.raises(TypeError, match="a number is missing"):
            call(NAN, 10.0)


def test_a_stop_is_kept_near() -> None:
    assert utils.limit_stop_loss(100, 80, "long", 10) == 90
    assert utils.limit_stop_loss(100, 95, "long", 10) == 95
    with pytest.raises(ValueError, match="a spot position is long, not short"):
        utils.limit_stop_loss(100, 120, "short", 10)


def test_kelly_and_anchor() -> None:
    assert utils.kelly_criterion(0.6, 2) == pytest.approx(0.4)  # 0.6 - 0.4 / 2
    assert [utils.anchor_timeframe(one) for one in ("1m", "15m", "1h", "4h")] == ["5m", "2h", "4h", "1d"]
    with pytest.raises(ValueError, match="1w has no anchor"):
        utils.anchor_timeframe("1w")


FAST = np.array([1.0, 3, 3, 2, 2, 5, NAN, 1])
SLOW = np.array([2.0, 2, 3, 3, 2, 2, 2, 2])
#      above: 1->3 over 2; 2 = 2 then 5 over 2. below: 3 = 3 then 2 under 3.
ABOVE = [False, True, False, False, False, True, False, False]
BELOW = [False, False, False, True, False, False, False, False]


@pytest.mark.parametrize("at", range(8))
def test_a_cross_is_told_on_its_candle(at: int) -> None:
    seen = FAST[: at + 1], SLOW[: at + 1]
    assert utils.crossed(*seen, "above") is ABOVE[at]
    assert utils.crossed(*seen, "below") is BELOW[at]
    assert utils.crossed(*seen) is (ABOVE[at] or BELOW[at])


def test_crosses_of_a_whole_series_and_of_a_level() -> None:
    np.testing.assert_array_equal(utils.crossed(FAST, SLOW, "above", sequential=True), ABOVE)
    np.testing.assert_array_equal(utils.crossed(FAST, SLOW, "below", sequential=True), BELOW)
    assert utils.crossed(np.array([29.0, 31]), 30, "above") is True
    assert utils.crossed(np.array([30.0, 29]), 30, "below") is True
    with pytest.raises(ValueError, match="direction is above or below"):
        utils.crossed(FAST, SLOW, "up")


def test_rising_falling_and_streaks() -> None:
    assert utils.strictly_increasing(np.array([9.0, 1, 2, 3]), 3)
    assert not utils.strictly_increasing(np.array([9.0, 1, 1, 3]), 3)
    assert utils.strictly_decreasing(np.array([1.0, 3, 2, 1]), 3)
    np.testing.assert_array_equal(utils.streaks(np.array([1.0, 2, 3, 3, 2, 1, 0, 4])), [NAN, 1, 2, 0, -1, -2, -3, 1])
    np.testing.assert_array_equal(utils.streaks(np.array([5.0, 1, -2, 0, 3]), use_diff=False), [1, 2, -1, 0, 1])
    np.testing.assert_array_equal(utils.streaks(np.array([5.0])), [NAN])
    np.testing.assert_allclose(utils.z_score(np.array([1.0, 3])), [-1, 1])


def test_helpers_read_a_series_of_the_strategy_too() -> None:
    """What `indicators` gives is shown to the hooks as a short queue, not as an array."""
    queue = deque([3.0, 1, 2, 4], maxlen=4)
    assert utils.strictly_increasing(queue, 3)
    assert not utils.strictly_decreasing(queue, 3)
    assert utils.crossed(queue, np.int64(3), "above") is True
    assert list(utils.crossed(queue, 3, "above", sequential=True)) == [False, False, False, True]
    np.testing.assert_array_equal(utils.streaks(queue), [NAN, -1, 1, 2])
    assert utils.z_score(queue)[1] == pytest.approx(-1.5 / np.std([3, 1, 2, 4]))


def test_stops_below_the_price() -> None:
    candles = walk(60)
    close, reach = candles[-1, 2], ta.atr(candles, 14)
    assert utils.percent_stop(200, 5) == 190
    assert utils.atr_stop(candles) == pytest.approx(close - 2 * reach)
    assert utils.atr_stop(candles, 1, price=500) == pytest.approx(500 - reach)
    assert utils.atr_stop(candles[:5]) is None


def test_break_even_waits_for_its_trigger() -> None:
    assert utils.break_even(100, 102.9, 3) is None
    assert utils.break_even(100, 102.9, 3, stop=95) == 95
    assert utils.break_even(100, 103, 3, stop=95) == 100
    assert utils.break_even(100, 110, 3, stop=105) == 105, "never lowered"
    paid_back = utils.break_even(100, 103, 3, fee_rate=0.001)
    assert paid_back is not None
    assert paid_back * 0.999 == pytest.approx(100 * 1.001)


@given(st.lists(st.floats(1, 1000), min_size=2, max_size=20), st.floats(0.1, 50))
def test_a_trailing_stop_only_rises(prices: list[float], percent: float) -> None:
    stops = [utils.trail_percent(prices[0], percent)]
    for price in prices[1:]:
        stops.append(utils.trail_percent(price, percent, stops[-1]))
    assert all(after >= before for before, after in pairwise(stops))
    assert stops[-1] == pytest.approx(max(prices) * (1 - percent / 100))


def test_a_stop_trails_by_true_ranges() -> None:
    candles = walk(60)
    raised = candles[-1, 2] - 3 * ta.atr(candles, 14)
    assert utils.trail_atr(candles) == pytest.approx(raised)
    assert utils.trail_atr(candles, stop=raised + 5) == raised + 5
    assert utils.trail_atr(candles[:3], stop=7.0) == 7.0
