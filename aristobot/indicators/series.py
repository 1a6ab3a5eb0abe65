"""Candles that are known whole and shown up to the present one: an indicator is computed once a run, and reveals no future."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aristobot.indicators.columns import Floats, price

#: Bytes of results that a tape keeps; beyond it the oldest go, to be computed again when they are asked for.
MOST_KEPT = 384 * 2**20


class RevealedCandles(np.ndarray[Any, np.dtype[np.float64]]):
    """The candles up to the present one, read-only, in the columns time, open, close, high, low, volume.

    `ta` reads the tape that a view hangs on. A slice, a copy or the result of arithmetic hangs on none: it is a plain array.
    """

    __slots__ = ("last", "tape")
    tape: Tape
    last: int

    @property
    def base(self) -> None:
        """Nothing: the array behind holds the future."""
        return None


class Tape:
    """All candles of a run and the results computed over them.

    `cursor` is the index of the present candle. The engine alone moves it, and only forward.
    An array in column order (numpy's "F") is used as it is, any other is copied once.
    """

    __slots__ = ("_revealed", "_sources", "candles", "cursor", "kept", "readers", "results")

    def __init__(self, candles: Floats) -> None:
        if candles.ndim != 2 or candles.shape[1] != 6:
            raise ValueError(f"candles have six columns, not the shape {candles.shape}")
        self.candles: Floats = np.asfortranarray(candles, dtype=np.float64).view()
        self.candles.flags.writeable = False
        self.cursor = 0
        self.kept = 0
        self.results: dict[tuple[object, ...], tuple[Floats, ...]] = {}
        self.readers: dict[object, Callable[[int], Any]] = {}
        self._revealed: Any = self.candles.view(RevealedCandles)
        self._sources: dict[str, Floats] = {}

    def view(self) -> RevealedCandles:
        """The candles up to the present one."""
        seen: RevealedCandles = self._revealed[: self.cursor + 1]
        seen.tape = self
        seen.last = self.cursor
        return seen

    def price(self, source: str) -> Floats:
        """A column or a mean of columns over the whole run, made once."""
        if source not in self._sources:
            self._sources[source] = price(self.candles, source)
        return self._sources[source]

    def result(self, key: tuple[object, ...], compute: Callable[[], tuple[Floats, ...]]) -> tuple[Floats, ...]:
        """What was computed under this key, or is now."""
        if key not in self.results:
            arrays = compute()
            for array in arrays:
                array.flags.writeable = False
            self.kept += sum(array.nbytes for array in arrays)
            if self.kept > MOST_KEPT:
                self._forget()
                self.kept = sum(array.nbytes for array in arrays)
            self.results[key] = arrays
        return self.results[key]

    def _forget(self) -> None:
        self.results.clear()
        self.readers.clear()
