"""Backups of either database, and the way back.

A backup is one SQLite file, whatever database it was taken from, sealed with a key that lies elsewhere (`sealing`, `shelf`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loguru import logger

from aristobot.errors import StoreDamaged, StoreError
from aristobot.store.backups import SCHEDULED, check_sqlite, copy_name, copy_sqlite, put_away, sqlite_file, thin_out
from aristobot.store.carrying import address, carry_over
from aristobot.store.database import is_sqlite
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.sealing import SealedHeader, is_sealed, unseal
from aristobot.store.shelf import Shelf
from aristobot.store.verification import verify

_MEGABYTE = 1024 * 1024
#: Bytes: more than what must be free for entries to go on (`services/disk_guard.py`).
RESERVE = 256 * _MEGABYTE


def backup(url: str, file: Path, shelf: Shelf, now: datetime) -> Path:
    """Copy the database, while it is in use, into one sealed file, readable by its owner alone.

    What was sealed is opened again and looked at before the file takes its name: a copy that is not whole raises StoreDamaged
    and leaves `file` as it was; one that is whole, but in which an order or a position cannot be true, is kept and logged.
    From PostgreSQL the rows are carried over exactly, at one moment; its schema must be up to date. StoreError when it cannot be
    reached or there is no room, ConfigurationError when the master key is unusable.
    """
    with shelf.workbench() as bench:
        plain = bench / "copy.db"
        if is_sqlite(url):
            copy_sqlite(url, plain)
        else:
            carry_over(url, plain)
        with put_away(plain, file, shelf, now) as again:
            _look(again, file)
    return file


def _look(again: Path, file: Path) -> None:
    for check in verify(address(again)).checks:
        if check.name == "integrity" and not check.passed:
            raise StoreDamaged("store_damaged", path=str(file), detail=check.problems[0])
        if not check.passed:
            logger.warning("The backup {} is whole, but its check {!r} fails: {}", file, check.name, check.problems[0])


def scheduled_backup(url: str, shelf: Shelf, now: datetime, *, hourly: int = 24, daily: int = 14, reserve: int = RESERVE) -> Path:
    """The copy that the clock takes; older ones are thinned out to `hourly` hours and `daily` days.

    Raises as `backup`, and StoreError when it would leave less than `reserve` bytes on the disk: nobody shall have to stop
    trading for want of room because of a backup.
    """
    _make_sure_of_room(url, shelf, reserve)
    copy = backup(url, shelf.folder / copy_name(SCHEDULED, now), shelf, now)
    thin_out(shelf.folder, hourly=hourly, daily=daily)
    return copy


def _make_sure_of_room(url: str, shelf: Shelf, reserve: int) -> None:
    """Room for the copy in the clear and the sealed one, which are there together for a moment."""
    shelf.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = sqlite_file(url) if is_sqlite(url) else None
    needed = reserve + (2 * source.stat().st_size if source is not None and source.is_file() else 0)
    free = shutil.disk_usage(shelf.folder).free
    if free < needed:
        megabytes = {"free": free // _MEGABYTE, "needed": needed // _MEGABYTE}
        raise StoreError("backup_without_room", path=str(shelf.folder), **megabytes)


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup in the clear, on a workbench; `header` is None for one that was never sealed."""

    file: Path
    header: SealedHeader | None


@contextmanager
def opened_backup(file: Path, shelf: Shelf) -> Iterator[Opened]:
    """A whole, checked copy of what a backup holds, sealed or not, brought to the newest revision; gone when the context ends.

    StoreError when the file is not there, StoreDamaged when it is not whole or not ours, ConfigurationError when it was sealed
    with a key that the key file does not hold.
    """
    if not file.is_file():
        raise StoreError("backup_missing", path=str(file))
    header = None
    with shelf.workbench() as bench:
        plain = bench / "opened.db"
        if is_sealed(file):
            header = unseal(file, plain, shelf.opening_keys(), shelf.key_file)
        else:
            _check_unsealed(file)
            copy_sqlite(address(file), plain)
        check_sqlite(plain)
        upgrade_at_start(address(plain), None)
        yield Opened(plain, header)


def _check_unsealed(file: Path) -> None:
    try:
        check_sqlite(file)
    except StoreDamaged as damage:
        raise StoreDamaged("backup_damaged", path=str(file), detail=damage.facts.get("detail", damage.code)) from None
