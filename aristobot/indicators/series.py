"""Candles that are known whole and shown up to the present one: an indicator is computed once a run, and reveals no future."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aristobot.indicators.columns import Floats, price

#: Bytes of results that are kept; when there are more all go, to be computed again when they are asked for.
MOST_KEPT = 384 * 2**20


class RevealedCandles(np.ndarray[Any, np.dtype[np.float64]]):
    """The candles up to the present one, read-only, in the columns time, open, close, high, low, volume.

    `ta` reads the results of the whole run up to the view's own `last` candle. A slice, a copy or the result of arithmetic
    knows of no run: it is a plain array.
    """

    __slots__ = ("last", "whole")
    whole: Whole
    last: int

    @property
    def base(self) -> None:
        """Nothing: the array behind holds the future."""
        return None


class Whole:
    """All candles of a run, and what was computed over them."""

    __slots__ = ("_kept", "_most", "_sources", "candles", "readers", "results")

    def __init__(self, candles: Floats, most: int) -> None:
        self.candles = candles
        self._most = most
        self.results: dict[tuple[object, ...], tuple[Floats, ...]] = {}
        self.readers: dict[object, Callable[[int], Any]] = {}
        self._sources: dict[str, Floats] = {}
        self._kept = 0

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
            size = sum(array.nbytes for array in arrays)
            if self._kept + size > self._most:
                self._forget()
            self._kept += size
            self.results[key] = arrays
        return self.results[key]

    def _forget(self) -> None:
        self.results.clear()
        self.readers.clear()
        self._kept = 0


class Tape:
    """The candles of a run, shown up to the present one.

    `cursor` is the index of the present candle. The engine alone moves it, and only forward.
    An array in column order (numpy's "F") is used as it is, any other is copied once. `most` bytes of results are kept.
    """

    __slots__ = ("_revealed", "_seen", "candles", "cursor", "whole")

    def __init__(self, candles: Floats, most: int = MOST_KEPT) -> None:
        if candles.ndim != 2 or candles.shape[1] != 6:
            raise ValueError(f"candles have six columns, not the shape {candles.shape}")
        self.candles: Floats = np.asfortranarray(candles, dtype=np.float64).view()
        self.candles.flags.writeable = False
        self.whole = Whole(self.candles, most)
        self.cursor = 0
        self._revealed: Any = self.candles.view(RevealedCandles)
        self._seen = self._shown()

    def view(self) -> RevealedCandles:
        """The candles up to the present one: the same array until the cursor moves."""
        if self._seen.last != self.cursor:
            self._seen = self._shown()
        return self._seen

    def price(self, source: str) -> Floats:
        """A column or a mean of columns over the whole run, made once."""
        return self.whole.price(source)

    def _shown(self) -> RevealedCandles:
        seen: RevealedCandles = self._revealed[: self.cursor + 1]
        seen.whole = self.whole  # not the tape: a ring would keep a million candles until somebody looks for rings
        seen.last = self.cursor
        return seen
