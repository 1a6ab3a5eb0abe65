"""Figures of the equity: growth, falls, and growth for the risk taken. Daily over 365 days; coins trade on every one of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, log, sqrt
from statistics import fmean

from aristobot.figures.record import Record

DAYS = 365
YEAR = DAYS * 86_400_000
#: Returns that differ by less differ by rounding.
FLAT = 1e-12


def roi(record: Record) -> float | None:
    """End equity / start balance - 1."""
    return record.end_balance / record.start_balance - 1 if record.start_balance > 0 else None


def cagr(record: Record) -> float | None:
    """(End / start) ** (365 days / duration) - 1. Undefined for less than a day, and where it grows beyond all numbers."""
    years = (record.ended - record.began) / YEAR
    if record.start_balance <= 0 or record.end_balance < 0 or years < 1 / DAYS:
        return None
    if record.end_balance == 0:
        return -1.0
    growth = log(record.end_balance / record.start_balance) / years
    return exp(growth) - 1 if growth < 700 else None


def max_drawdown(record: Record) -> float:
    """Largest fall of the equity below its highest value so far, in quote, candle by candle."""
    return record.deepest


def max_drawdown_share(record: Record) -> float:
    """Largest (peak - equity) / peak."""
    return record.deepest_share


def longest_drawdown(record: Record) -> float:
    """Longest time from a peak until it was reached again, or to the end."""
    return record.longest_under


def under_water(record: Record) -> float:
    """Candles that close below a former peak of the equity / all candles."""
    return record.under_share


def volatility(record: Record) -> float | None:
    """Standard deviation of the daily returns (n - 1) * sqrt(365)."""
    deviation = _deviation(record.returns)
    return None if deviation is None else deviation * sqrt(DAYS)


def sharpe(record: Record) -> float | None:
    """Mean of the daily returns / their standard deviation * sqrt(365), riskless rate 0 (William Sharpe, 1994)."""
    deviation = _deviation(record.returns)
    return fmean(record.returns) / deviation * sqrt(DAYS) if deviation else None


def sortino(record: Record) -> float | None:
    """Mean of the daily returns / root of the mean square of the negative ones (over all days) * sqrt(365), target 0.

    Frank Sortino and Lee Price, 1994. Undefined without a losing day.
    """
    returns = record.returns
    below = sqrt(fmean(min(one, 0) ** 2 for one in returns)) if returns else 0
    return fmean(returns) / below * sqrt(DAYS) if below > FLAT else None


def calmar(record: Record) -> float | None:
    """CAGR / maximum drawdown (Terry Young, 1991; over the whole run). Undefined without a drawdown."""
    growth = cagr(record)
    return None if growth is None or record.deepest_share <= FLAT else growth / record.deepest_share


def omega(record: Record) -> float | None:
    """Sum of the daily gains / sum of the daily losses, threshold 0 (Keating and Shadwick, 2002)."""
    lost = -sum(one for one in record.returns if one < 0)
    return sum(one for one in record.returns if one > 0) / lost if lost > FLAT else None


def hold_roi(record: Record) -> float | None:
    """End / start balance - 1 of who buys the coins with everything at the first chance, pays the fee, and holds."""
    return record.held


def above_hold(record: Record) -> float | None:
    """ROI - ROI of holding."""
    mine = roi(record)
    return None if mine is None or record.held is None else mine - record.held


def hold_drawdown_share(record: Record) -> float | None:
    """Largest (peak - worth) / peak of who holds."""
    return record.held_deepest_share


def hold_bitcoin_roi(record: Record) -> float | None:
    """The same of who buys bitcoin instead, with the same money at the same moment."""
    return record.bitcoin_held


def above_bitcoin(record: Record) -> float | None:
    """ROI - ROI of holding bitcoin."""
    mine = roi(record)
    return None if mine is None or record.bitcoin_held is None else mine - record.bitcoin_held


def bitcoin_drawdown_share(record: Record) -> float | None:
    """Largest (peak - worth) / peak of who holds bitcoin."""
    return record.bitcoin_deepest_share


def _deviation(returns: Sequence[float]) -> float | None:
    """The standard deviation; 0 where the days differ by rounding alone, None for fewer than two days."""
    if len(returns) < 2:
        return None
    found = spread(returns)
    return found if found > FLAT else 0.0


def spread(values: Sequence[float]) -> float:
    """The standard deviation (n - 1) of two values or more, in two passes; that of `statistics` takes five times as long."""
    mean = fmean(values)
    return sqrt(fsum([(one - mean) ** 2 for one in values]) / (len(values) - 1))
