"""Helpers for strategies, with Jesse's names and meanings on spot: sizes, crosses, streaks, stops. Percents are 1 for 1 %."""

from __future__ import annotations

import math
from collections import deque
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from aristobot.indicators import ta
from aristobot.indicators.columns import COLUMNS, Floats

#: An array, or what a strategy's `indicators` shows to its hooks.
Series: TypeAlias = Floats | deque[float]
KINDS = (deque, np.ndarray)
Level: TypeAlias = float | np.number[Any] | Series
#: What size_to_qty keeps back for fees, in fees: the entry's, the exit's, and one for luck.
FEES_KEPT = 3
DIRECTIONS = (None, "above", "below")
ANCHORS = {
    "1m": "5m",
    "3m": "15m",
    "5m": "30m",
    "15m": "2h",
    "30m": "3h",
    "45m": "3h",
    "1h": "4h",
    "2h": "6h",
    "3h": "1d",
    "4h": "1d",
    "6h": "1d",
    "8h": "1d",
    "12h": "1d",
}


def size_to_qty(position_size: float, entry_price: float, precision: int = 3, fee_rate: float = 0) -> float:
    """How much of the coin so much quote buys, rounded down to so many decimals; three fees are kept back when a rate is given.

    size_to_qty(100, 50) is 2.0. TypeError for a price or size that is no number.
    """
    _numbers(position_size, entry_price)
    quantity = position_size * (1 - fee_rate * FEES_KEPT) / entry_price
    return float(Decimal(repr(float(quantity))).quantize(Decimal(1).scaleb(-precision), ROUND_FLOOR))


def qty_to_size(qty: float, price: float) -> float:
    """What so much of the coin is worth in quote: qty_to_size(2, 50) is 100. TypeError for what is no number."""
    _numbers(qty, price)
    return qty * price


def risk_to_size(capital_size: float, risk_percentage: float, risk_per_qty: float, entry_price: float) -> float:
    """The position in quote that loses so many percent of the capital when the price falls by risk_per_qty; at most the capital.

    round(risk_to_size(10000, 1, 0.7, 8.6)) is 1229. ValueError when nothing is at risk.
    """
    if risk_per_qty == 0:
        raise ValueError("risk cannot be zero")
    return min(capital_size * risk_percentage / 100 / risk_per_qty * entry_price, capital_size)


def risk_to_qty(
    capital: float, risk_per_capital: float, entry_price: float, stop_loss_price: float, precision: int = 8, fee_rate: float = 0
) -> float:
    """How much of the coin to buy so that the stop loses so many percent of the capital, rounded down to so many decimals."""
    size = risk_to_size(capital, risk_per_capital, estimate_risk(entry_price, stop_loss_price), entry_price)
    return size_to_qty(size, entry_price, precision, fee_rate)


def estimate_risk(entry_price: float, stop_price: float) -> float:
    """The distance from the entry to the stop, in quote per coin. TypeError for what is no number."""
    _numbers(entry_price, stop_price)
    return abs(entry_price - stop_price)


def limit_stop_loss(entry_price: float, stop_price: float, trade_type: str, max_allowed_risk_percentage: float) -> float:
    """The stop, but never further below the entry than so many percent. ValueError for another type than "long"."""
    if trade_type != "long":
        raise ValueError(f"a spot position is long, not {trade_type}")
    return entry_price - min(estimate_risk(entry_price, stop_price), entry_price * max_allowed_risk_percentage / 100)


def kelly_criterion(win_rate: float, ratio_avg_win_loss: float) -> float:
    """The share of the capital that Kelly (1956) would stake: win rate - (1 - win rate) / (average win / average loss)."""
    return win_rate - (1 - win_rate) / ratio_avg_win_loss


def anchor_timeframe(timeframe: str) -> str:
    """The timeframe that gives the larger picture of this one. ValueError when it has none."""
    if timeframe not in ANCHORS:
        raise ValueError(f"{timeframe} has no anchor; these have: {', '.join(ANCHORS)}")
    return ANCHORS[timeframe]


@overload
def crossed(series1: Series, series2: Level, direction: str | None = None, sequential: Literal[False] = False) -> bool: ...
@overload
def crossed(series1: Series, series2: Level, direction: str | None, sequential: Literal[True]) -> NDArray[np.bool_]: ...
@overload
def crossed(series1: Series, series2: Level, direction: str | None = None, *, sequential: Literal[True]) -> NDArray[np.bool_]: ...
def crossed(series1: Series, series2: Level, direction: str | None = None, sequential: bool = False) -> bool | NDArray[np.bool_]:
    """Whether series1 crossed series2 (a series or a level) on the last candle: "above", "below", or either way.

    Above: it was at or under and is over now. `sequential=True` tells it for every candle. False where a value is missing.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction is above or below, not {direction!r}")
    if sequential:
        return _crosses(series1, series2, direction)
    if len(series1) < 2:
        return False
    other: Any = series2
    moves = isinstance(other, KINDS)
    now, level = series1[-1], other[-1] if moves else other  # the values before are looked at when it matters
    if now > level:
        return direction != "below" and bool(series1[-2] <= (other[-2] if moves else level))
    return direction != "above" and bool(now < level and series1[-2] >= (other[-2] if moves else level))


def strictly_increasing(series: Series, lookback: int) -> bool:
    """Whether each of the last values is higher than the one before."""
    return bool(np.all(np.diff(np.asarray(series)[-lookback:]) > 0))


def strictly_decreasing(series: Series, lookback: int) -> bool:
    """Whether each of the last values is lower than the one before."""
    return bool(np.all(np.diff(np.asarray(series)[-lookback:]) < 0))


def streaks(series: Series, use_diff: bool = True) -> Floats:
    """How many times in a row the series has risen (positive) or fallen (negative) up to each value; no change ends a streak.

    Without `use_diff` the signs of the values themselves are counted. With it the first value is NaN.
    """
    steps = np.sign(np.diff(series) if use_diff else np.asarray(series))
    places = np.arange(len(steps))
    begins = np.ones(len(steps), dtype=bool)
    begins[1:] = steps[1:] != steps[:-1]
    lengths = places - np.maximum.accumulate(np.where(begins, places, 0)) + 1 if len(steps) else places
    return np.concatenate((np.full(len(series) - len(steps), np.nan), lengths * steps))


def z_score(series: Series) -> Floats:
    """How many standard deviations each value is away from the mean of all values given."""
    scores: Floats = (np.asarray(series) - np.mean(series)) / np.std(series)
    return scores


def percent_stop(price: float, percent: float) -> float:
    """A stop so many percent below the price: percent_stop(200, 5) is 190."""
    return price * (1 - percent / 100)


def atr_stop(candles: Floats, multiplier: float = 2.0, period: int = 14, price: float | None = None) -> float | None:
    """A stop so many average true ranges below the price (the last close unless given). None until the range is known."""
    reach = multiplier * ta.atr(candles, period)
    start = candles[-1, COLUMNS["close"]] if price is None else price
    return None if math.isnan(reach) else float(start - reach)


def break_even(
    entry_price: float, price: float, trigger_percent: float, stop: float | None = None, fee_rate: float = 0
) -> float | None:
    """The stop, raised to where the position costs nothing once the price is so many percent above the entry.

    entry * (1 + fee) / (1 - fee): the sale pays back the entry and both fees. Never lowers a stop.
    """
    if price < entry_price * (1 + trigger_percent / 100):
        return stop
    return _higher(stop, entry_price * (1 + fee_rate) / (1 - fee_rate))


def trail_percent(price: float, percent: float, stop: float | None = None) -> float:
    """The stop, raised to so many percent below the price, never lowered."""
    return _higher(stop, percent_stop(price, percent))


def trail_atr(candles: Floats, multiplier: float = 3.0, period: int = 14, stop: float | None = None) -> float | None:
    """The stop, raised to so many average true ranges below the last close, never lowered."""
    raised = atr_stop(candles, multiplier, period)
    return stop if raised is None else _higher(stop, raised)


def _higher(stop: float | None, raised: float) -> float:
    return raised if stop is None else max(stop, raised)


def _numbers(*values: float) -> None:
    if any(value is None or math.isnan(value) for value in values):
        raise TypeError(f"a number is missing among {', '.join(map(str, values))}")


def _crosses(series1: Series, series2: Level, direction: str | None) -> NDArray[np.bool_]:
    gaps = np.asarray(series1) - np.asarray(series2)
    found = np.zeros(len(gaps), dtype=bool)
    above = (gaps[:-1] <= 0) & (gaps[1:] > 0)
    below = (gaps[:-1] >= 0) & (gaps[1:] < 0)
    found[1:] = (above & (direction != "below")) | (below & (direction != "above"))
    return found
