"""The candles that a lane walks along: the strategy's own, and the smaller ones in which orders are filled."""

from __future__ import annotations

import numpy as np

from aristobot.backtest.fills import Bar
from aristobot.backtest.history import History
from aristobot.indicators.columns import Floats


class Track:
    """Figures by index. Without detail the candles themselves are those in which orders are filled.

    length      of a candle in which orders are filled, in milliseconds
    """

    __slots__ = ("bounds", "closes", "has_detail", "high_of", "highs", "length", "low_of", "lows", "opens", "times")

    def __init__(self, history: History, detail: History | None) -> None:
        fine = detail or history
        self.has_detail = detail is not None
        self.length = fine.candle_ms
        candles = fine.candles
        self.times = _cells(candles[:, 0])
        self.opens, self.closes = _cells(candles[:, 1]), _cells(candles[:, 2])
        self.highs, self.lows = _cells(candles[:, 3]), _cells(candles[:, 4])
        self.high_of: Floats = history.candles[:, 3]
        self.low_of: Floats = history.candles[:, 4]
        self.bounds: list[int] = []
        if detail is not None:
            edges = np.append(history.candles[:, 0], history.candles[-1:, 0] + history.candle_ms)
            self.bounds = np.searchsorted(candles[:, 0], edges).tolist()
            if len(history) and len(candles):  # the two may come from different sources
                starts = np.minimum(self.bounds[:-1], len(candles) - 1)
                self.high_of = np.maximum(self.high_of, np.maximum.reduceat(candles[:, 3], starts))
                self.low_of = np.minimum(self.low_of, np.minimum.reduceat(candles[:, 4], starts))

    def inside(self, index: int) -> range | tuple[int, ...]:
        """The candles in which orders are filled during candle `index`."""
        return range(self.bounds[index], self.bounds[index + 1]) if self.has_detail else (index,)

    def bar(self, fine: int) -> Bar:
        """One of them."""
        return Bar(self.opens[fine], self.highs[fine], self.lows[fine], self.closes[fine])

    def next_touch(self, start: int, stop: float, target: float) -> int:
        """The first candle from `start` on that reaches down to `stop` or up to `target`; the end when none does."""
        size, end = 64, len(self.low_of)
        while start < end:
            part = slice(start, start + size)
            touched = (self.low_of[part] <= stop) | (self.high_of[part] >= target)
            first = int(touched.argmax()) if touched.size else 0
            if touched[first]:
                return start + first
            start, size = start + size, size * 2
        return end


def _cells(column: Floats) -> memoryview:
    return np.ascontiguousarray(column).data
