"""Candles as a backtest reads them: one array of floats, its fingerprint, and larger candles made of smaller ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aristobot.errors import DataError
from aristobot.indicators.columns import Floats
from aristobot.market import Timeframe


@dataclass(frozen=True, eq=False)
class History:
    """Closed candles of one symbol, oldest first. Columns: time (open, UTC ms), open, close, high, low, volume."""

    symbol: str
    timeframe: Timeframe
    candles: Floats

    @classmethod
    def of(cls, symbol: str, timeframe: Timeframe, candles: Floats) -> History:
        """A history, checked: raise DataError for candles out of order or that cannot be."""
        array = np.asfortranarray(candles, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != 6:
            raise DataError("impossible_candle", symbol=symbol, high=array.shape, low=6)
        times, _, _, high, low, _ = array.T
        if len(array) and not (np.diff(times) > 0).all():
            raise DataError("candles_out_of_order", symbol=symbol, timeframe=timeframe.value)
        wrong = ~((array[:, 1:5] >= low[:, None]) & (array[:, 1:5] <= high[:, None]) & (low[:, None] > 0)).all(axis=1)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise DataError("impossible_candle", symbol=symbol, high=float(high[at]), low=float(low[at]))
        return cls(symbol, timeframe, array)

    def __len__(self) -> int:
        return len(self.candles)

    @property
    def candle_ms(self) -> int:
        """Length of a candle in milliseconds."""
        return self.timeframe.seconds * 1000

    @cached_property
    def digest(self) -> str:
        """SHA-256 of symbol, timeframe and every figure: the same data has the same one."""
        found = hashlib.sha256(f"{self.symbol}|{self.timeframe.value}|{len(self)}|".encode())
        found.update(np.asfortranarray(self.candles, dtype="<f8").tobytes(order="A"))
        return found.hexdigest()

    def until(self, moment: int) -> History:
        """The candles that are closed at `moment` (UTC ms)."""
        count = int(np.searchsorted(self.candles[:, 0] + self.candle_ms, moment, side="right"))
        return History(self.symbol, self.timeframe, self.candles[:count])

    def resampled(self, timeframe: Timeframe) -> History:
        """Larger candles made of these. A last one that is not complete is left out; holes inside one are not filled."""
        if timeframe.seconds % self.timeframe.seconds:
            raise DataError("cannot_resample", timeframe=self.timeframe.value, wanted=timeframe.value)
        length = timeframe.seconds * 1000
        origin = 345_600_000 if timeframe is Timeframe.W1 else 0  # weeks begin on Monday, 1970-01-05
        opened = (self.candles[:, 0].astype(np.int64) - origin) // length * length + origin
        starts = np.flatnonzero(np.diff(opened, prepend=-1)) if len(opened) else np.empty(0, np.int64)
        if len(starts) and self.candles[-1, 0] + self.candle_ms < opened[-1] + length:
            cut = starts[-1]
            return History(self.symbol, self.timeframe, self.candles[:cut]).resampled(timeframe)
        return History(self.symbol, timeframe, _merged(self.candles, starts, opened))


def _merged(
    candles: Floats, starts: np.ndarray[tuple[int], np.dtype[np.int64]], opened: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> Floats:
    merged = np.empty((len(starts), 6), order="F")
    if len(starts):
        lasts = np.append(starts[1:], len(candles)) - 1
        merged[:, 0] = opened[starts]
        merged[:, 1] = candles[starts, 1]
        merged[:, 2] = candles[lasts, 2]
        merged[:, 3] = np.maximum.reduceat(candles[:, 3], starts)
        merged[:, 4] = np.minimum.reduceat(candles[:, 4], starts)
        merged[:, 5] = np.add.reduceat(candles[:, 5], starts)
    return merged
