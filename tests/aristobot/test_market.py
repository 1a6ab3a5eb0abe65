"""Timeframes as exchanges and TradingView write them, the steps of an instrument, and candles that cannot be."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.clock import LAST_MS, from_milliseconds
from aristobot.errors import DataError
from aristobot.market import Candle, Instrument, Timeframe, timeframe_of

D = Decimal


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", "1m"), ("5", "5m"), ("240", "4h"), ("60", "1h"), ("D", "1d"), ("1D", "1d"), ("W", "1w"), ("1h", "1h"), ("4H", "4h"), (" 15m ", "15m")],
)  # fmt: skip
def test_an_interval_is_understood_in_both_spellings(text: str, expected: str) -> None:
    assert timeframe_of(text) is Timeframe(expected)


@pytest.mark.parametrize("text", ["1M", "M", "7", "", "1y", "-1", "tomorrow"])
def test_a_month_is_no_minute_and_nonsense_no_interval(text: str) -> None:
    with pytest.raises(DataError):
        timeframe_of(text)


def test_a_candle_opens_where_its_timeframe_says_weeks_on_monday() -> None:
    moment = datetime(2026, 3, 4, 13, 37, 59, tzinfo=UTC)
    assert Timeframe.M15.open_of(moment) == datetime(2026, 3, 4, 13, 30, tzinfo=UTC)
    assert Timeframe.H4.open_of(moment) == datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert Timeframe.W1.open_of(moment) == datetime(2026, 3, 2, tzinfo=UTC)


def test_a_market_quantity_obeys_the_coarser_of_both_lots() -> None:
    pair = Instrument("binance", "A/B", "A", "B", D("0.01"), D("0.001"), market_lot=D("0.1"))
    assert pair.quantity(D("1.2345")) == D("1.234")
    assert pair.quantity(D("1.2345"), market=True) == D("1.2")


NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
figures = st.decimals(min_value=0, max_value=10**12, allow_nan=False, allow_infinity=False)


def a_written_candle(**texts: str) -> Candle:
    """A candle as it comes off the wire."""
    known = {"open": "2.0", "high": "3.0", "low": "1.0", "close": "2.50", "volume": "10"} | texts
    first, high, low, last, volume = known.values()
    return Candle("A/B", Timeframe.H1, 1_772_625_600_000, first, high, low, last, volume, closed=True)


@given(st.tuples(figures, figures, figures, figures, figures), st.integers(0, LAST_MS - 1))
def test_a_candle_gives_back_every_figure_exactly_and_its_moment_to_the_millisecond(
    five: tuple[Decimal, ...], milliseconds: int
) -> None:
    opened = from_milliseconds(milliseconds)
    candle = Candle.of("A/B", Timeframe.M1, opened, five, closed=False)
    assert (candle.figures, candle.open_time) == (five, opened)


def test_candles_are_the_same_when_their_figures_are_whatever_zeros_were_written() -> None:
    one, other = a_written_candle(close="2.5"), a_written_candle(close="2.50000000")
    assert one == other
    assert len({one, other}) == 1
    assert one.open_time == NOON
    assert one.close_time == datetime(2026, 3, 4, 13, tzinfo=UTC)
    assert one != a_written_candle(close="2.51")


@pytest.mark.parametrize("figure", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "-1", "1e999", "twelve"])
def test_a_candle_with_a_figure_that_cannot_be_is_found_out(figure: str, text: str) -> None:
    with pytest.raises(DataError):
        a_written_candle(**{figure: text}).check()


def test_a_candle_whose_high_lies_below_its_low_is_found_out() -> None:
    with pytest.raises(DataError):
        a_written_candle(high="0.5").check()
    a_written_candle().check()
