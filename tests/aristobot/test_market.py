"""Timeframes as exchanges and TradingView write them, and the steps of an instrument."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from aristobot.errors import DataError
from aristobot.market import Instrument, Timeframe, timeframe_of

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
