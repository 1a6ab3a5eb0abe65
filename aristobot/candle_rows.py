"""Candles by the hundred thousand, as one array of floats: six columns in Jesse's order, one row per candle, oldest first.

Figures of indicators and backtests are floats; money is not, and is never read from here. The array lies column by column in
memory (Fortran order), so that a column is a contiguous run, as numpy and TA-Lib want it. Times are open times in milliseconds
since 1970, which a float holds exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from aristobot.candle_series import Hole
from aristobot.errors import DataError, InvalidInput
from aristobot.market import Candle, Timeframe

Rows: TypeAlias = npt.NDArray[np.float64]

#: Jesse's order, which is neither TradingView's nor ours: close stands before high and low.
COLUMNS = ("time", "open", "close", "high", "low", "volume")
TIME, OPEN, CLOSE, HIGH, LOW, VOLUME = range(6)
#: Monday, 5 January 1970, where weeks begin; every other timeframe divides a day.
_MONDAY_MS = 345_600_000


def no_rows(count: int = 0) -> Rows:
    """Room for so many candles, in the layout that everybody expects."""
    return np.empty((count, len(COLUMNS)), dtype=np.float64, order="F")


def rows_of(candles: Sequence[Candle]) -> Rows:
    """Closed candles as rows; those that can still change are left out."""
    closed = [one for one in candles if one.closed]
    rows = no_rows(len(closed))
    rows[:, TIME] = [one.open_ms for one in closed]
    for column, name in ((OPEN, "open_text"), (CLOSE, "close_text"), (HIGH, "high_text"), (LOW, "low_text")):
        rows[:, column] = [float(getattr(one, name)) for one in closed]
    rows[:, VOLUME] = [float(one.volume_text) for one in closed]
    return rows


def step_ms(timeframe: Timeframe) -> int:
    """Milliseconds from one candle to the next."""
    return timeframe.seconds * 1000


def impossible(rows: Rows, timeframe: Timeframe) -> tuple[int, str] | None:
    """The first row that cannot be, and the column to blame; None when all can. Order and doubles are not looked at."""
    times, low, high = rows[:, TIME], rows[:, LOW], rows[:, HIGH]
    origin = _MONDAY_MS if timeframe is Timeframe.W1 else 0
    blames = (
        (~np.isfinite(rows).all(axis=1), ""),
        ((times - origin) % step_ms(timeframe) != 0, "time"),
        ((rows[:, OPEN] <= 0) | (rows[:, OPEN] < low) | (rows[:, OPEN] > high), "open"),
        ((rows[:, CLOSE] <= 0) | (rows[:, CLOSE] < low) | (rows[:, CLOSE] > high), "close"),
        (high < low, "high"),
        (low <= 0, "low"),
        (rows[:, VOLUME] < 0, "volume"),
    )
    worst: tuple[int, str] | None = None
    for wrong, column in blames:
        if wrong.any():
            at = int(np.argmax(wrong))
            if worst is None or at < worst[0]:
                worst = (at, column or COLUMNS[int(np.argmax(~np.isfinite(rows[at])))])
    return worst


def check(rows: Rows, timeframe: Timeframe) -> None:
    """Raise DataError, with the row (from 1) and the column, for a candle that cannot be."""
    found = impossible(rows, timeframe)
    if found is not None:
        at, column = found
        value = float(rows[at, COLUMNS.index(column)])
        raise DataError("impossible_row", row=at + 1, column=column, value=value, timeframe=timeframe.value)


def merged(old: Rows, new: Rows) -> Rows:
    """Both, in order of time, each time once; where both have one, the new one stays."""
    if not len(new):
        return old
    if len(old) and new[0, TIME] > old[-1, TIME] and bool((np.diff(new[:, TIME]) > 0).all()):
        return _stacked(old, new)
    both = _stacked(old, new)
    order = np.argsort(both[:, TIME], kind="stable")
    times = both[order, TIME]
    last = np.append(times[1:] != times[:-1], True)
    return np.asfortranarray(both[order[last]])


def between(rows: Rows, since_ms: float, until_ms: float) -> Rows:
    """The candles that open from `since_ms` on and before `until_ms`: a view, not a copy."""
    first, last = np.searchsorted(rows[:, TIME], [since_ms, until_ms], side="left")
    return rows[first:last]


def holes(rows: Rows, timeframe: Timeframe, known: Sequence[Hole] = ()) -> list[Hole]:
    """What is missing between the first and the last candle, in order; parts that nobody has are marked `known`."""
    step = step_ms(timeframe)
    times = rows[:, TIME].astype(np.int64)
    gaps = np.flatnonzero(np.diff(times) > step)
    missing = [(int(times[at]) + step, int(times[at + 1]) - step) for at in gaps]
    return [part for first, last in missing for part in _split(first, last, step, known)]


def resampled(rows: Rows, source: Timeframe, target: Timeframe, known: Sequence[Hole] = ()) -> Rows:
    """Longer candles made of shorter ones, complete ones only: a bar is left out when one of its parts is missing,
    unless the exchange itself has none there (`known` holes). Raises InvalidInput when one does not divide the other.
    """
    small, large = step_ms(source), step_ms(target)
    if large % small:
        raise InvalidInput("cannot_resample", field="timeframe", source=source.value, target=target.value)
    if large == small or not len(rows):
        return rows
    origin = _MONDAY_MS if target is Timeframe.W1 else 0
    bars = (rows[:, TIME].astype(np.int64) - origin) // large
    starts = np.append(0, np.flatnonzero(np.diff(bars)) + 1)
    counts = np.diff(np.append(starts, len(rows))) + _quiet(bars[starts], known, small, large, origin)
    ends = np.append(starts[1:], len(rows)) - 1
    made = no_rows(len(starts))
    made[:, TIME] = bars[starts] * large + origin
    made[:, OPEN], made[:, CLOSE] = rows[starts, OPEN], rows[ends, CLOSE]
    made[:, HIGH], made[:, LOW] = np.maximum.reduceat(rows[:, HIGH], starts), np.minimum.reduceat(rows[:, LOW], starts)
    made[:, VOLUME] = np.add.reduceat(rows[:, VOLUME], starts)
    return np.asfortranarray(made[counts == large // small])


def data_hash(rows: Rows) -> str:
    """SHA-256 over the figures, as hexadecimal: two runs saw the same candles when this is the same."""
    digest = hashlib.sha256(b"aristobot candles 1\n")
    digest.update(len(rows).to_bytes(8, "little"))
    for column in range(len(COLUMNS)):
        digest.update(np.ascontiguousarray(rows[:, column], dtype="<f8").data)
    return digest.hexdigest()


def _stacked(first: Rows, second: Rows) -> Rows:
    both = no_rows(len(first) + len(second))
    both[: len(first)], both[len(first) :] = first, second
    return both


def _quiet(bars: npt.NDArray[np.int64], known: Iterable[Hole], small: int, large: int, origin: int) -> npt.NDArray[np.int64]:
    """For each bar, how many of its parts nobody has."""
    found = np.zeros(len(bars), dtype=np.int64)
    for hole in known:
        opens = np.arange(hole.first_ms, hole.last_ms + 1, small, dtype=np.int64)
        inside, counts = np.unique((opens - origin) // large, return_counts=True)
        at = np.searchsorted(bars, inside)
        fits = (at < len(bars)) & (bars[np.minimum(at, len(bars) - 1)] == inside)
        found[at[fits]] += counts[fits]
    return found


def _split(first: int, last: int, step: int, known: Sequence[Hole]) -> Iterable[Hole]:
    """One run of missing candles, cut where a known hole begins or ends."""
    at = first
    for hole in sorted((one for one in known if one.last_ms >= first and one.first_ms <= last), key=lambda one: one.first_ms):
        begin, end = max(hole.first_ms, at), min(hole.last_ms, last)
        if begin > at:
            yield Hole(at, begin - step, (begin - at) // step)
        if end >= begin:
            yield Hole(begin, end, (end - begin) // step + 1, known=True)
            at = end + step
    if at <= last:
        yield Hole(at, last, (last - at) // step + 1)
