"""Moving averages that TA-Lib lacks, or names otherwise than Jesse."""

from __future__ import annotations

import numpy as np

from aristobot.indicators.columns import Floats, later, price
from aristobot.indicators.library import library

#: Bill Williams: the average of so many candles, drawn so many candles later.
JAW, TEETH, LIPS = (13, 8), (8, 5), (5, 3)


def alligator(candles: Floats, source_type: str) -> tuple[Floats, ...]:
    """Bill Williams: Wilder's averages of 13, 8 and 5 candles, drawn 8, 5 and 3 candles later."""
    prices = price(candles, source_type)
    return tuple(later(library().RMA(prices, period), shift) for period, shift in (JAW, TEETH, LIPS))


def alma(candles: Floats, period: int, sigma: float, distribution_offset: float, source_type: str) -> tuple[Floats, ...]:
    """Arnaud Legoux and Dimitris Kouzis-Loukas: weights exp(-(i - offset * (n - 1))² / (2 * (n / sigma)²)), i from the oldest."""
    prices = price(candles, source_type)
    weights = np.exp(-((np.arange(period) - distribution_offset * (period - 1)) ** 2) / (2 * (period / sigma) ** 2))
    found = np.full(len(prices), np.nan)
    if len(prices) >= period:
        rows = len(prices) - period + 1
        found[period - 1 :] = 0
        for at, weight in enumerate(weights / weights.sum()):
            found[period - 1 :] += weight * prices[at : at + rows]
    return (found,)


def smma(candles: Floats, period: int, source_type: str) -> tuple[Floats, ...]:
    """Wilder's average: the mean of the first candles, then (average * (n - 1) + price) / n."""
    return (library().RMA(price(candles, source_type), period),)


wilders = smma
