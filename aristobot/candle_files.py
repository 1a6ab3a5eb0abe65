"""The candle store: history in plain numpy files under the data folder, one per exchange, symbol, timeframe and year.

A year of minutes is one file of 25 MB. Measured for a million candles against Parquet (in brackets polars, pyarrow): opened in
6 ms (41, 105), written in 0.15 s (0.30, 1.1), nothing to import but numpy (0.29 s and 42 MB, 0.05 s and 48 MB more); on disk they
take 48 MB (20, 33). Speed and a small process were worth more than disk.

A file is replaced as a whole: written beside the old one, flushed to disk, renamed over it. After a crash there is the old
one or the new one. Writers of one series wait for each other, in other processes too; readers never wait.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np

from aristobot.candle_rows import COLUMNS, TIME, Rows, between, check, holes, merged, no_rows, resampled, step_ms
from aristobot.candle_series import CandleSeries, Hole, SeriesSummary
from aristobot.clock import EPOCH, from_milliseconds, to_milliseconds
from aristobot.errors import StoreDamaged, StoreError
from aristobot.market import Timeframe

FOLDER = "candles"
_YEAR = re.compile(r"\d{4}\.npy")
_EMPTY = "empty.json"


class CandleFiles:
    """Closed candles on disk. Every call touches files: not for the event loop, except for what is small."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / FOLDER

    def read(self, series: CandleSeries, since: datetime | None = None, until: datetime | None = None) -> Rows:
        """The candles that open from `since` on and before `until`, as an array of the caller's own; empty when there are none.

        Raises StoreDamaged for a file that is none of ours.
        """
        begin = float("-inf") if since is None else to_milliseconds(since)
        end = float("inf") if until is None else to_milliseconds(until)
        parts = [between(_opened(path), begin, end) for path in self._years(series) if _may_hold(path, begin, end)]
        found = no_rows(sum(len(one) for one in parts))
        at = 0
        for part in parts:
            found[at : at + len(part)] = part
            at += len(part)
        return found

    def candles(self, series: CandleSeries, since: datetime | None = None, until: datetime | None = None) -> Rows:
        """The same; when the store has none of this timeframe, made of the longest shorter candles that it has."""
        found = self.read(series, since, until)
        shorter = [one for one in Timeframe if series.timeframe.seconds % one.seconds == 0 and one is not series.timeframe]
        for timeframe in sorted(shorter, key=lambda one: -one.seconds) if not len(found) else ():
            source = replace(series, timeframe=timeframe)
            if self._years(source):
                return resampled(self.read(source, since, until), timeframe, series.timeframe, self.known_empty(source))
        return found

    def merge(self, series: CandleSeries, rows: Rows, now: datetime) -> int:
        """Remember candles and answer how many are new; of two with the same time the later one told stays.

        Those that have not closed at `now` are left out. Raises DataError for a candle that cannot be, StoreError when the
        disk refuses.
        """
        closed = rows[rows[:, TIME] + step_ms(series.timeframe) <= to_milliseconds(now)]
        if not len(closed):
            return 0
        check(closed, series.timeframe)
        with self._writing(series) as folder:
            return sum(_merge_year(folder / f"{year}.npy", part) for year, part in _by_year(closed))

    def holes(self, series: CandleSeries) -> list[Hole]:
        """What is missing between the first and the last candle."""
        return holes(self.read(series), series.timeframe, self.known_empty(series))

    def known_empty(self, series: CandleSeries) -> list[Hole]:
        """Where the exchange was asked and has no candles."""
        try:
            text = (self._root / series.folder / _EMPTY).read_text("utf-8")
        except FileNotFoundError:
            return []
        step = step_ms(series.timeframe)
        try:
            spans = [(int(first), int(last)) for first, last in json.loads(text)]
        except (ValueError, TypeError):
            raise StoreDamaged("candle_file_damaged", path=str(self._root / series.folder / _EMPTY)) from None
        return [Hole(first, last, (last - first) // step + 1, known=True) for first, last in spans]

    def mark_empty(self, series: CandleSeries, spans: Iterable[tuple[int, int]]) -> None:
        """Remember where the exchange has none: first and last open time in milliseconds."""
        step = step_ms(series.timeframe)
        with self._writing(series) as folder:
            known = [(one.first_ms, one.last_ms) for one in self.known_empty(series)]
            joined = _joined(sorted([*known, *spans]), step)
            _write(folder / _EMPTY, lambda file: file.write(json.dumps(joined).encode()))

    def listing(self) -> list[SeriesSummary]:
        """Everything in the store, by exchange, symbol and timeframe."""
        found = [self.summary(series) for series in self._all_series()]
        present = [one for one in found if one is not None]
        return sorted(present, key=lambda one: (one.series.exchange, one.series.symbol, one.series.timeframe.seconds))

    def summary(self, series: CandleSeries) -> SeriesSummary | None:
        """What the store holds of one series; None when nothing."""
        rows = self.read(series)
        if not len(rows):
            return None
        first, last = (from_milliseconds(int(rows[at, TIME])) for at in (0, -1))
        size = sum(path.stat().st_size for path in self._years(series))
        missing = holes(rows, series.timeframe, self.known_empty(series))
        return SeriesSummary(series, first, last, len(rows), size, tuple(missing))

    def remove(self, series: CandleSeries) -> None:
        """Forget a series."""
        with self._writing(series) as folder:
            for path in [*self._years(series), folder / _EMPTY]:
                path.unlink(missing_ok=True)

    def _years(self, series: CandleSeries) -> list[Path]:
        folder = self._root / series.folder
        return sorted(path for path in folder.glob("*.npy") if _YEAR.fullmatch(path.name)) if folder.is_dir() else []

    def _all_series(self) -> Iterator[CandleSeries]:
        for folder in sorted(self._root.glob("*/*/*")):
            timeframe = next((one for one in Timeframe if one.value == folder.name), None)
            if timeframe is not None and folder.parent.name.count("-") == 1:
                yield CandleSeries(folder.parent.parent.name, folder.parent.name.replace("-", "/"), timeframe)

    @contextmanager
    def _writing(self, series: CandleSeries) -> Iterator[Path]:
        """The folder of a series, for one writer at a time."""
        folder = self._root / series.folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (folder / ".lock").open("a+b") as lock:
                _wait_for(lock)
                for leftover in folder.glob("*.part"):
                    leftover.unlink()
                yield folder
        except OSError as error:
            raise StoreError("candle_file_unwritable", path=str(folder), detail=error.strerror or str(error)) from error


def _opened(path: Path) -> Rows:
    """A file, mapped into memory: what is not looked at is not read."""
    try:
        rows: Rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise StoreDamaged("candle_file_damaged", path=str(path)) from None
    if rows.ndim != 2 or rows.shape[1] != len(COLUMNS) or rows.dtype != np.float64:
        raise StoreDamaged("candle_file_damaged", path=str(path))
    return rows


def _may_hold(path: Path, begin: float, end: float) -> bool:
    year = int(path.stem)
    return _year_begins(year) < end and _year_begins(year + 1) > begin


def _year_begins(year: int) -> int:
    return to_milliseconds(EPOCH.replace(year=year))


def _by_year(rows: Rows) -> Iterator[tuple[int, Rows]]:
    years = rows[:, TIME].astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970
    for year in np.unique(years):
        yield int(year), rows[years == year]


def _merge_year(path: Path, rows: Rows) -> int:
    old = _opened(path) if path.exists() else no_rows()
    whole = merged(old, merged(no_rows(), rows))
    added = len(whole) - len(old)
    if added == 0 and np.array_equal(whole, old):
        return 0
    del old  # Windows does not replace a file that is mapped
    _write(path, lambda file: np.save(file, whole, allow_pickle=False))
    return added


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """The file anew, whole or not at all, and still there after a power cut."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with beside.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    if sys.platform != "win32":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _wait_for(lock: BinaryIO) -> None:
    """The system frees it when the file is closed, or its holder dies."""
    if sys.platform == "win32":
        import msvcrt

        lock.seek(0)
        msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)


def _joined(spans: Sequence[tuple[int, int]], step: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1] + step:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
