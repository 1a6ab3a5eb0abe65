"""Candles as a backtest reads them: one array of floats, its fingerprint, and larger candles made of smaller ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from aristobot.candle_rows import TIME, check, data_hash, holes, resampled
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
        check(array, timeframe)
        if not (np.diff(array[:, TIME]) > 0).all():
            raise DataError("candles_out_of_order", symbol=symbol, timeframe=timeframe.value)
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
        return hashlib.sha256(f"{self.symbol}|{self.timeframe.value}|{data_hash(self.candles)}".encode()).hexdigest()

    def until(self, moment: int) -> History:
        """The candles that are closed at `moment` (UTC ms)."""
        count = int(np.searchsorted(self.candles[:, TIME] + self.candle_ms, moment, side="right"))
        return History(self.symbol, self.timeframe, self.candles[:count])

    def resampled(self, timeframe: Timeframe) -> History:
        """Larger candles made of these, complete ones only. What is missing between two candles counts as a quiet time."""
        quiet = holes(self.candles, self.timeframe)
        return History(self.symbol, timeframe, resampled(self.candles, self.timeframe, timeframe, quiet))
