"""The columns of a candle array, and the prices that an indicator may be computed of."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
#: Jesse's order: the close stands before the high and the low.
COLUMNS = {"time": 0, "open": 1, "close": 2, "high": 3, "low": 4, "volume": 5}
#: Prices that are the mean of some columns, each as often as it is named.
MEANS = {
    "hl2": ("high", "low"),
    "hlc3": ("high", "low", "close"),
    "ohlc4": ("open", "high", "low", "close"),
    "hlcc4": ("high", "low", "close", "close"),
}


def price(candles: Floats, source: str) -> Floats:
    """A column, or the mean of some, as one stretch of memory. ValueError for an unknown name.

    An array of one dimension is the price itself: an indicator of an indicator.
    """
    if candles.ndim == 1:
        return np.ascontiguousarray(candles, dtype=np.float64)
    if source in COLUMNS:
        return np.ascontiguousarray(candles[:, COLUMNS[source]])
    if source not in MEANS:
        raise ValueError(f"source_type {source!r} is none of {', '.join((*COLUMNS, *MEANS))}")
    first, *others = (candles[:, COLUMNS[name]] for name in MEANS[source])
    total = first.copy()
    for other in others:
        total += other
    total /= len(MEANS[source])
    return total


def later(values: Floats, candles: int) -> Floats:
    """What stood there so many candles before."""
    shifted = np.full(len(values), np.nan)
    shifted[candles:] = values[: max(len(values) - candles, 0)]
    return shifted


def quotient(above: Floats, below: Floats) -> Floats:
    """One divided by the other; NaN where the other is not above zero."""
    found = np.full(len(above), np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found
