"""The candle store: whole or not at all, each time once, closed candles only, holes known by name."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from aristobot.candle_files import CandleFiles
from aristobot.candle_rows import COLUMNS, TIME, VOLUME, Rows, data_hash, no_rows
from aristobot.candle_series import CandleSeries, Hole
from aristobot.clock import to_milliseconds
from aristobot.errors import DataError, InvalidInput, StoreDamaged, StoreError
from aristobot.market import Timeframe

MINUTES = CandleSeries("binance", "BTC/USDT", Timeframe.M1)
START = datetime(2025, 12, 31, 22, tzinfo=UTC)
LATER = datetime(2026, 6, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def minutes(count: int, start: datetime = START, price: float = 100.0) -> Rows:
    """So many minutes, each a little dearer than the one before."""
    rows = no_rows(count)
    rows[:, TIME] = to_milliseconds(start) + np.arange(count) * 60_000
    rows[:, 1] = rows[:, 2] = price + np.arange(count) * 0.01
    rows[:, 3], rows[:, 4], rows[:, VOLUME] = rows[:, 1] + 1, rows[:, 1] - 1, 2.5
    return rows


@pytest.fixture
def store(tmp_path: Path) -> CandleFiles:
    """An empty store."""
    return CandleFiles(tmp_path)


def test_what_was_put_in_comes_out_across_new_year_and_by_range(store: CandleFiles) -> None:
    rows = minutes(240)

    assert store.merge(MINUTES, rows, LATER) == 240

    assert np.array_equal(store.read(MINUTES), rows)
    assert np.array_equal(store.read(MINUTES, START + 100 * MINUTE, START + 200 * MINUTE), rows[100:200])
    assert store.read(MINUTES, LATER).shape == (0, len(COLUMNS))
    assert store.read(MINUTES)[:, TIME].flags.c_contiguous


def test_a_series_nobody_has_is_empty_and_unlisted(store: CandleFiles) -> None:
    assert len(store.read(MINUTES)) == 0
    assert store.listing() == []


def test_merging_again_adds_nothing_and_a_correction_replaces(store: CandleFiles) -> None:
    rows = minutes(60)
    store.merge(MINUTES, rows, LATER)
    corrected = rows[10:20].copy()
    corrected[:, VOLUME] = 9

    assert store.merge(MINUTES, rows[::-1], LATER) == 0
    assert store.merge(MINUTES, corrected, LATER) == 0

    found = store.read(MINUTES)
    assert len(found) == 60
    assert list(np.flatnonzero(found[:, VOLUME] == 9)) == list(range(10, 20))


def test_doubles_within_one_delivery_are_kept_once(store: CandleFiles) -> None:
    rows = minutes(10)
    assert store.merge(MINUTES, np.concatenate([rows, rows[3:6]]), LATER) == 10


def test_a_candle_that_has_not_closed_is_left_out(store: CandleFiles) -> None:
    store.merge(MINUTES, minutes(10), START + 9.5 * MINUTE)
    assert len(store.read(MINUTES)) == 9


@pytest.mark.parametrize(
    ("column", "value"),
    [("high", 1.0), ("low", 1e9), ("close", float("nan")), ("volume", -1.0), ("time", 1.0), ("open", float("inf")), ("low", 0.0)],
)
def test_a_candle_that_cannot_be_is_refused_with_its_row_and_column(store: CandleFiles, column: str, value: float) -> None:
    rows = minutes(10)
    rows[6, COLUMNS.index(column)] = value

    with pytest.raises(DataError) as refused:
        store.merge(MINUTES, rows, LATER)

    assert refused.value.facts["row"] == 7
    assert len(store.read(MINUTES)) == 0


def test_holes_are_listed_and_those_the_exchange_has_not_either_are_marked(store: CandleFiles) -> None:
    rows = minutes(100)
    kept = np.delete(rows, [*range(10, 20), 50, *range(70, 75)], axis=0)
    store.merge(MINUTES, kept, LATER)
    at = [int(one) for one in rows[:, TIME]]

    store.mark_empty(MINUTES, [(at[12], at[14]), (at[15], at[15]), (at[50], at[50])])

    assert store.holes(MINUTES) == [
        Hole(at[10], at[11], 2),
        Hole(at[12], at[15], 4, known=True),
        Hole(at[16], at[19], 4),
        Hole(at[50], at[50], 1, known=True),
        Hole(at[70], at[74], 5),
    ]
    (summary,) = store.listing()
    assert (summary.series, summary.candles, summary.missing) == (MINUTES, 84, 11)
    assert (summary.first, summary.last) == (START, START + 99 * MINUTE)


def test_a_name_that_leads_out_of_the_folder_is_refused(store: CandleFiles) -> None:
    for exchange, symbol in (("..", "BTC/USDT"), ("binance", "../x"), ("binance", "BTC"), ("a/b", "BTC/USDT"), ("", "BTC/USDT")):
        with pytest.raises(InvalidInput):
            store.read(CandleSeries(exchange, symbol, Timeframe.M1))


def test_a_file_that_is_none_of_ours_is_named(store: CandleFiles, tmp_path: Path) -> None:
    store.merge(MINUTES, minutes(10), LATER)
    path = next(tmp_path.rglob("*.npy"))
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(StoreDamaged, match="candle_file_damaged"):
        store.read(MINUTES)


def test_what_a_crash_left_half_written_does_no_harm(store: CandleFiles, tmp_path: Path) -> None:
    store.merge(MINUTES, minutes(10), LATER)
    leftover = next(tmp_path.rglob("*.npy")).with_name("2025.npy.99999.part")
    leftover.write_bytes(b"half")

    assert len(store.read(MINUTES)) == 10
    store.merge(MINUTES, minutes(20), LATER)
    assert not leftover.exists()


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "candles").write_text("a file in the way")
    with pytest.raises(StoreError, match="candle_file_unwritable"):
        CandleFiles(tmp_path).merge(MINUTES, minutes(1), LATER)


def _write(folder: Path, part: int) -> None:
    store = CandleFiles(folder)
    for piece in range(10):
        store.merge(MINUTES, minutes(5, START + (part + 3 * piece) * 5 * MINUTE), LATER)


def test_writers_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, part)) for part in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(20)

    assert len(CandleFiles(tmp_path).read(MINUTES)) == 150


def test_a_range_has_a_fingerprint_of_its_own(store: CandleFiles) -> None:
    rows = minutes(100)
    store.merge(MINUTES, rows, LATER)
    changed = rows.copy()
    changed[50, VOLUME] += 1e-9

    assert data_hash(store.read(MINUTES)) == data_hash(rows) == data_hash(np.ascontiguousarray(rows))
    assert len({data_hash(rows), data_hash(rows[1:]), data_hash(rows[:-1]), data_hash(changed)}) == 4
