"""Copies of an SQLite database, taken while it is in use, sealed, checked, and thinned out as they grow old."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from aristobot.errors import StoreDamaged, StoreError
from aristobot.store.failures import in_our_words
from aristobot.store.sealing import seal, unseal
from aristobot.store.shelf import Shelf, out_of_reach

_PREFIX = "aristobot-"
_SUFFIX = ".backup"
#: Copies were not sealed once.
_SUFFIX_IN_THE_CLEAR = ".db"
_STAMP = "%Y%m%dT%H%M%S%fZ"
#: The tag of the copies that the clock takes; only these are thinned out by age.
SCHEDULED: Final = "scheduled"


def sqlite_file(url: str | sa.URL) -> Path:
    """The file of an SQLite address."""
    return Path(sa.make_url(url).database or "")


def copy_sqlite(url: str | sa.URL, target: Path) -> Path:
    """A consistent copy in the clear in one new file, readable by its owner alone, whatever is being written meanwhile.

    Copying the file itself would miss what is still in the write-ahead log. The copy is not looked at yet.
    """
    source = sqlite_file(url)
    if not source.is_file():
        raise StoreError("store_missing", path=str(source))
    target.touch(mode=0o600, exist_ok=False)
    with in_our_words(), closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    return target


@contextmanager
def put_away(plain: Path, target: Path, shelf: Shelf, now: datetime) -> Iterator[Path]:
    """Seal a copy that lies on a workbench of the shelf, and yield what comes out when it is opened again.

    Only when the context ends without an error has the backup its name, `target`; otherwise what was there is left as it was.
    StoreError when there is no room, or no right to write.
    """
    bench, again = plain.parent, plain.with_name("opened-again.db")
    # in the folder of the target, which may be another disk; on the shelf itself the bench is swept when we are killed
    partial = (bench if target.parent == shelf.folder else target.parent) / f"{target.name}.partial"
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        seal(plain, partial, shelf.sealing_key(), now)
        plain.unlink()
        unseal(partial, again, shelf.opening_keys(), shelf.key_file)
        yield again
        partial.replace(target)
    except OSError as error:
        raise out_of_reach(target, error) from None
    finally:
        with suppress(OSError):
            partial.unlink()


def sealed_copy(url: str | sa.URL, target: Path, shelf: Shelf, now: datetime) -> Path:
    """Copy an SQLite database in use to a sealed file. StoreDamaged when what was sealed is not whole."""
    with shelf.workbench() as bench, put_away(copy_sqlite(url, bench / "copy.db"), target, shelf, now) as again:
        check_sqlite(again)
    return target


def check_sqlite(file: Path) -> None:
    """Raise StoreDamaged when the file is not a whole SQLite database, StoreError when it is not there."""
    if not file.is_file():
        raise StoreError("store_missing", path=str(file))
    with in_our_words(), closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        _pass_quick_check(connection, file)


def numbered_copy(url: str | sa.URL, shelf: Shelf, tag: str, now: datetime, *, keep: int | None = None) -> Path:
    """A sealed copy on the shelf, named by its moment and tag; with `keep`, only so many copies with this tag stay."""
    copy = sealed_copy(url, shelf.folder / copy_name(tag, now), shelf, now)
    if keep is not None:
        for old in _tagged(shelf.folder, tag)[:-keep]:
            old.unlink(missing_ok=True)
    return copy


def copy_name(tag: str, now: datetime) -> str:
    """The name of a copy: it sorts by its moment."""
    return f"{_PREFIX}{now.astimezone(UTC).strftime(_STAMP)}-{tag}{_SUFFIX}"


def thin_out(folder: Path, *, hourly: int = 24, daily: int = 14) -> list[Path]:
    """Delete the scheduled copies that are no longer wanted; return those deleted.

    Kept are the newest of each of the last `hourly` hours and of each of the last `daily` days that have one.
    """
    copies = {path: moment for path in _tagged(folder, SCHEDULED) if (moment := _moment_of(path))}
    wanted = _newest_of_each(copies.items(), hourly, lambda moment: moment.strftime("%Y%m%d%H"))
    wanted |= _newest_of_each(copies.items(), daily, lambda moment: moment.strftime("%Y%m%d"))
    unwanted = sorted(copies.keys() - wanted)
    for path in unwanted:
        path.unlink(missing_ok=True)
    return unwanted


def _tagged(folder: Path, tag: str) -> list[Path]:
    """The copies with this tag, oldest first."""
    return sorted(path for path in folder.glob(f"{_PREFIX}*-{tag}.*") if path.suffix in (_SUFFIX, _SUFFIX_IN_THE_CLEAR))


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
