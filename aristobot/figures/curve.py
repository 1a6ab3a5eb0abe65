"""From an equity curve of a million candles to the little that the figures need. Runs in the child, where numpy is."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aristobot.figures.record import ClosedTrade, Drawdown, Record

Floats: TypeAlias = NDArray[np.float64]
Moments: TypeAlias = NDArray[np.int64]
DAY = 86_400_000
#: Drawdowns that a report lists.
LISTED = 20
#: Candles that show how long one is.
SAMPLE = 1000
#: Candles that are worked on at a time where no more is needed at once.
STRETCH = 16_384


def record_of(
    closed: Iterable[ClosedTrade],
    times: Floats | Moments,
    equity: Floats,
    start_balance: float,
    hold: Floats | None = None,
    bitcoin: Floats | None = None,
) -> Record:
    """The record of a run: `equity` is the worth at the close of each candle, `times` when the candle opened (ms, rising).

    `hold` is the equity of who buys once and holds, `bitcoin` of who holds that instead. Give the candles from the first on
    which the strategy could decide: days of warm-up would thin out every daily figure. ValueError without a candle or with
    arrays of different lengths.
    """
    courses = (equity, *(one for one in (hold, bitcoin) if one is not None))
    if not len(times) or any(len(one) != len(times) for one in courses):
        raise ValueError(f"{len(times)} times and {len(equity)} values of equity make no run")
    opened: NDArray[Any] = np.asarray(times)
    ended = int(opened[-1] + _step(opened))
    first_day, daily = _daily(opened, equity)
    peaks = np.maximum.accumulate(equity)
    np.maximum(peaks, start_balance, out=peaks)  # the course begins with it, one place before the first close
    depths = peaks - equity
    deepest = float(np.max(depths))
    _divide(depths, peaks)
    falls = _falls(depths)
    chosen = falls[_deepest_first(depths, falls)[:LISTED]].tolist()
    found = [_drawdown(float(peaks[first]), equity, opened, ended, first, last) for first, last in chosen]
    return Record(
        closed=tuple(closed),
        start_balance=float(start_balance),
        end_balance=float(equity[-1]),
        began=int(opened[0]),
        ended=ended,
        first_day=first_day,
        daily=daily,
        returns=_returns(start_balance, daily),
        deepest=deepest,
        deepest_share=float(np.max(depths)),
        longest_under=_longest(opened, ended, falls),
        under_share=float(np.count_nonzero(depths) / len(equity)),
        drawdowns=tuple(found),
        held=None if hold is None else float(hold[-1] / start_balance - 1),
        held_deepest_share=None if hold is None else _deepest_share(start_balance, hold),
        bitcoin_held=None if bitcoin is None else float(bitcoin[-1] / start_balance - 1),
        bitcoin_deepest_share=None if bitcoin is None else _deepest_share(start_balance, bitcoin),
    )


def underwater(course: Floats) -> Floats:
    """How far each value stands below the highest one so far, as a fraction of it."""
    peaks = np.maximum.accumulate(course)
    depths = peaks - course
    _divide(depths, peaks)
    return depths


def _deepest_share(start_balance: float, course: Floats) -> float:
    """The largest depth of a course that began with this balance, a stretch at a time: memory stays near the processor."""
    peak, deepest = float(start_balance), 0.0
    for at in range(0, len(course), STRETCH):
        part = course[at : at + STRETCH]
        peaks = np.maximum.accumulate(part)
        np.maximum(peaks, peak, out=peaks)
        depths = peaks - part
        _divide(depths, peaks)
        peak, deepest = float(peaks[-1]), max(deepest, float(np.max(depths)))
    return deepest


def _divide(depths: Floats, peaks: Floats) -> None:
    """Depths as fractions of the peaks, which never fall."""
    if peaks[0] > 0:
        np.divide(depths, peaks, out=depths)
    else:
        np.divide(depths, peaks, out=depths, where=peaks > 0)


def _step(opened: NDArray[Any]) -> int:
    """The length of a candle: the most usual distance between two."""
    return int(np.median(np.diff(opened[:SAMPLE]))) if len(opened) > 1 else 0


def _daily(opened: NDArray[Any], equity: Floats) -> tuple[int, tuple[float, ...]]:
    """The first day, and the last equity of each day from there; a day without candles keeps the day before's."""
    first, last = int(opened[0]) // DAY, int(opened[-1]) // DAY
    ends = np.arange(first + 1, last + 2) * DAY
    return first * DAY, tuple(equity[np.searchsorted(opened, ends) - 1].tolist())


def _returns(start_balance: float, daily: tuple[float, ...]) -> tuple[float, ...]:
    course = (start_balance, *daily)
    return tuple(after / before - 1 for before, after in pairwise(course)) if min(course) > 0 else ()


def _falls(depths: Floats) -> Moments:
    """First and last close below a peak, for each stretch below one."""
    under = depths > 0
    edges = np.flatnonzero(under[1:] != under[:-1]) + 1
    first, last = [0] if under[0] else [], [len(under)] if under[-1] else []
    edges = np.concatenate((np.array(first, np.int64), edges, np.array(last, np.int64)))
    return np.column_stack((edges[::2], edges[1::2] - 1))


def _deepest_first(depths: Floats, falls: Moments) -> Moments:
    if not len(falls):
        return np.zeros(0, dtype=np.int64)
    # reduceat's stretches run to the next fall's begin; what lies between is at a peak, hence at depth 0
    deepest: Floats = np.maximum.reduceat(depths, falls[:, 0])
    return np.argsort(-deepest, kind="stable")


def _drawdown(peak: float, equity: Floats, opened: NDArray[Any], ended: int, first: int, last: int) -> Drawdown:
    trough = first + int(np.argmin(equity[first : last + 1]))
    depth = peak - float(equity[trough])
    return Drawdown(
        peak_at=int(opened[first]),
        trough_at=_closed(opened, ended, trough),
        recovered_at=_closed(opened, ended, last + 1) if last + 1 < len(equity) else None,
        depth=depth,
        share=depth / peak,
    )


def _closed(opened: NDArray[Any], ended: int, at: int) -> int:
    """When a candle closed: when the next one opened, the last one at the end."""
    return int(opened[at + 1]) if at + 1 < len(opened) else ended


def _longest(opened: NDArray[Any], ended: int, falls: Moments) -> int:
    """The longest time from a peak to its recovery or the end."""
    if not len(falls):
        return 0
    after, last = falls[:, 1] + 2, len(opened) - 1
    recovered = np.where(after <= last, opened[np.minimum(after, last)], ended)
    return int(np.max(recovered - opened[falls[:, 0]]))
