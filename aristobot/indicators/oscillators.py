"""Oscillators that Jesse gives in another shape than TA-Lib."""

from __future__ import annotations

import numpy as np

from aristobot.indicators.columns import Floats, price, quotient
from aristobot.indicators.library import library


def ao(candles: Floats) -> tuple[Floats, ...]:
    """Bill Williams: SMA 5 less SMA 34 of the medians (high + low) / 2, and its change since the candle before."""
    return _with_change(library().AO(price(candles, "high"), price(candles, "low"), 5, 34))


def acosc(candles: Floats) -> tuple[Floats, ...]:
    """Bill Williams: the awesome oscillator less its SMA 5, and the change of that."""
    return _with_change(library().AC(price(candles, "high"), price(candles, "low"), 5, 34, 5))


def srsi(candles: Floats, period: int, period_stoch: int, k: int, d: int, source_type: str) -> tuple[Floats, ...]:
    """Chande and Kroll: where the RSI stands in its range of the last candles, 0 to 100, as SMA k, and SMA d of that."""
    _, smooth = library().STOCHRSI(price(candles, source_type), period, period_stoch, k, 0)
    return smooth, library().SMA(smooth, d) if d > 1 else smooth.copy()


def di(candles: Floats, period: int) -> tuple[Floats, ...]:
    """Wilder's +DI and -DI."""
    highs, lows, closes = (price(candles, name) for name in ("high", "low", "close"))
    return library().PLUS_DI(highs, lows, closes, period), library().MINUS_DI(highs, lows, closes, period)


def dm(candles: Floats, period: int) -> tuple[Floats, ...]:
    """Wilder's +DM and -DM."""
    highs, lows = price(candles, "high"), price(candles, "low")
    return library().PLUS_DM(highs, lows, period), library().MINUS_DM(highs, lows, period)


def cc(candles: Floats, fast_period: int, slow_period: int, period: int, source_type: str) -> tuple[Floats, ...]:
    """Edwin Coppock: the weighted average of the sum of two rates of change."""
    return (library().COPPOCK(price(candles, source_type), period, fast_period, slow_period),)


def chop(candles: Floats, period: int, scalar: float) -> tuple[Floats, ...]:
    """Bill Dreiss: log10(sum of the true ranges / range of all) / log10(n), times 100. NaN without any range."""
    highs, lows, closes = (price(candles, name) for name in ("high", "low", "close"))
    walked = library().SUM(library().TRANGE(highs, lows, closes), period)
    spanned = library().MAX(highs, period) - library().MIN(lows, period)
    return (scalar * np.log10(quotient(walked, spanned)) / np.log10(period),)


def cvi(candles: Floats, period: int, roc_period: int) -> tuple[Floats, ...]:
    """Marc Chaikin: the rate of change of the average range."""
    return (library().CVI(price(candles, "high"), price(candles, "low"), period, roc_period or period),)


def mass(candles: Floats, period: int) -> tuple[Floats, ...]:
    """Donald Dorsey's mass index: sum over the period of EMA 9 of the range / EMA 9 of that."""
    return (library().MASSI(price(candles, "high"), price(candles, "low"), 9, period),)


def rvi(candles: Floats, period: int, ma_len: int, source_type: str) -> tuple[Floats, ...]:
    """Donald Dorsey: an RSI of standard deviations over `period`, smoothed over `ma_len`."""
    return (library().RVI(price(candles, source_type), ma_len, period),)


def _with_change(values: Floats) -> tuple[Floats, ...]:
    return values, np.concatenate((np.full(min(1, len(values)), np.nan), np.diff(values)))
