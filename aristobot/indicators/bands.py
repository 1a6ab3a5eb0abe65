"""Bands around a moving average."""

from __future__ import annotations

from aristobot.indicators.columns import Floats, price, quotient
from aristobot.indicators.library import library


def keltner(candles: Floats, period: int, multiplier: float, matype: int, source_type: str) -> tuple[Floats, ...]:
    """Keltner as Linda Raschke draws it: a moving average, and so many ATR of the same period above and below it."""
    middle: Floats = library().MA(price(candles, source_type), period, matype)
    reach = multiplier * library().ATR(*(price(candles, name) for name in ("high", "low", "close")), period)
    return middle + reach, middle, middle - reach


def bollinger_bands_width(candles: Floats, period: int, mult: float, source_type: str) -> tuple[Floats, ...]:
    """John Bollinger's BandWidth: (upper - lower) / middle."""
    upper, middle, lower = library().BBANDS(price(candles, source_type), period, mult, mult, 0)
    return ((upper - lower) / middle,)


def zscore(candles: Floats, period: int, matype: int, nbdev: float, source_type: str) -> tuple[Floats, ...]:
    """(price - moving average) / standard deviation over the same period. NaN where the price does not move."""
    prices = price(candles, source_type)
    deviation = library().STDDEV(prices, period, nbdev)
    return (quotient(prices - library().MA(prices, period, matype), deviation),)
