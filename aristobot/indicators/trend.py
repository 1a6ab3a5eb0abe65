"""Indicators that draw a trend."""

from __future__ import annotations

import numpy as np

from aristobot.indicators.columns import Floats, later, price
from aristobot.indicators.library import library


def supertrend(candles: Floats, period: int, factor: float) -> tuple[Floats, ...]:
    """Olivier Seban's SuperTrend: the line, and 1 on the candle where it changed sides.

    Bands (high + low) / 2 -/+ factor * ATR; the lower may only rise and the upper only fall while the close before stays
    within. The line is the lower band in a rise and the upper one in a fall; a close beyond it turns the trend.
    """
    line, side = library().SUPERTREND(*(price(candles, name) for name in ("high", "low", "close")), period, factor)
    turned = np.zeros(len(line))
    turned[1:] = (side[1:] != side[:-1]) & (side[:-1] != 0)
    return line, turned


def heikin_ashi_candles(candles: Floats) -> tuple[Floats, ...]:
    """Heikin-Ashi: close = mean of the four prices, open = mean of the open and close of the Heikin-Ashi candle before.

    The first open is (open + close) / 2. High and low also reach to the candle's own open and close.
    """
    opens, highs, lows, closes = library().HA(*(price(candles, name) for name in ("open", "high", "low", "close")))
    return opens, closes, highs, lows


def ichimoku_cloud(
    candles: Floats, conversion_line_period: int, base_line_period: int, lagging_line_period: int, displacement: int
) -> tuple[Floats, ...]:
    """Goichi Hosoda's lines: conversion, base, and the two edges of the cloud that stands over the present candle."""
    periods = (conversion_line_period, base_line_period, lagging_line_period)
    return ichimoku_cloud_seq(candles, *periods, displacement)[:4]


def ichimoku_cloud_seq(
    candles: Floats, conversion_line_period: int, base_line_period: int, lagging_line_period: int, displacement: int
) -> tuple[Floats, ...]:
    """The same with the lagging line and the cloud ahead.

    Each line is the middle of the highest high and lowest low of its period. span_a and span_b were computed `displacement`
    candles ago; future_span_a and future_span_b are computed now and will stand over the candle so far ahead. The lagging
    line at a candle is the close of displacement - 1 candles ago: what is compared with, and never a later close.
    """
    conversion = _middle(candles, conversion_line_period)
    base = _middle(candles, base_line_period)
    ahead_a = (conversion + base) / 2
    ahead_b = _middle(candles, lagging_line_period)
    spans = later(ahead_a, displacement), later(ahead_b, displacement)
    return conversion, base, *spans, later(price(candles, "close"), displacement - 1), ahead_a, ahead_b


def _middle(candles: Floats, period: int) -> Floats:
    """The middle of the range of so many candles."""
    middle: Floats = library().DONCHIAN(price(candles, "high"), price(candles, "low"), period)[1]
    return middle
