"""Copies of an SQLite database, taken while it is in use, checked, and thinned out as they grow old."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from aristobot.errors import StoreDamaged, StoreError
from aristobot.store.failures import in_our_words

_PREFIX = "aristobot-"
_STAMP = "%Y%m%dT%H%M%S%fZ"
#: The tag of the copies that the clock takes; only these are thinned out by age.
SCHEDULED: Final = "scheduled"


def sqlite_file(url: str | sa.URL) -> Path:
    """The file of an SQLite address."""
    return Path(sa.make_url(url).database or "")


def copy_sqlite(url: str | sa.URL, target: Path) -> Path:
    """A consistent copy in one file, readable by its owner alone, whatever is being written meanwhile.

    Copying the file itself would miss what is still in the write-ahead log. StoreDamaged when the copy does not pass
    SQLite's own check: then `target` is left as it was.
    """
    source = sqlite_file(url)
    if not source.is_file():
        raise StoreError("store_missing", path=str(source))
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    try:
        with in_our_words(), closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(partial)) as copy:
            original.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            _pass_quick_check(copy, partial)
        _to_disk(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def check_sqlite(file: Path) -> None:
    """Raise StoreDamaged when the file is not a whole SQLite database, StoreError when it is not there."""
    if not file.is_file():
        raise StoreError("store_missing", path=str(file))
    with in_our_words(), closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        _pass_quick_check(connection, file)


def numbered_copy(url: str | sa.URL, folder: Path, tag: str, now: datetime, *, keep: int | None = None) -> Path:
    """Copy to `folder/aristobot-<moment>-<tag>.db`; with `keep`, only so many copies with this tag stay."""
    copy = copy_sqlite(url, folder / copy_name(tag, now))
    if keep is not None:
        for old in sorted(folder.glob(f"{_PREFIX}*-{tag}.db"))[:-keep]:
            old.unlink(missing_ok=True)
    return copy


def copy_name(tag: str, now: datetime) -> str:
    """The name of a copy: it sorts by its moment."""
    return f"{_PREFIX}{now.astimezone(UTC).strftime(_STAMP)}-{tag}.db"


def thin_out(folder: Path, *, hourly: int = 24, daily: int = 14) -> list[Path]:
    """Delete the scheduled copies that are no longer wanted; return those deleted.

    Kept are the newest of each of the last `hourly` hours and of each of the last `daily` days that have one.
    """
    copies = {path: moment for path in sorted(folder.glob(f"{_PREFIX}*-{SCHEDULED}.db")) if (moment := _moment_of(path))}
    wanted = _newest_of_each(copies.items(), hourly, lambda moment: moment.strftime("%Y%m%d%H"))
    wanted |= _newest_of_each(copies.items(), daily, lambda moment: moment.strftime("%Y%m%d"))
    unwanted = sorted(copies.keys() - wanted)
    for path in unwanted:
        path.unlink(missing_ok=True)
    return unwanted


def _newest_of_each(copies: Iterable[tuple[Path, datetime]], periods: int, period: Callable[[datetime], str]) -> set[Path]:
    newest = {period(moment): path for path, moment in sorted(copies, key=lambda copy: copy[1])}
    return {newest[name] for name in sorted(newest)[-periods:]} if periods else set()


def _moment_of(path: Path) -> datetime | None:
    try:
        return datetime.strptime(path.name[len(_PREFIX) :].partition("-")[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _pass_quick_check(connection: sqlite3.Connection, file: Path) -> None:
    answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if answer != "ok":
        raise StoreDamaged("store_damaged", path=str(file), detail=answer[:200])


def _to_disk(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())
