"""The way back: a backup takes the place of the memory, and trading waits until somebody has looked."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from aristobot.errors import StoreError
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.store import halts
from aristobot.store.backups import check_sqlite, copy_name, copy_sqlite, sealed_copy, sqlite_file
from aristobot.store.carrying import address, carry, companions, delete_sqlite, empty, opened_database
from aristobot.store.database import is_sqlite
from aristobot.store.failures import in_our_words
from aristobot.store.instance import installation, next_epoch
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.safekeeping import backup, opened_backup
from aristobot.store.sealing import SealedHeader, seal
from aristobot.store.shelf import Shelf
from aristobot.store.tables import Installation
from aristobot.store.tenancy import SYSTEM, GuardedSession

_BEFORE_RESTORE = "before-restore"


def restore(
    url: str, file: Path, shelf: Shelf, now: datetime, *, by: str, then: Callable[[str], object] | None = None
) -> SealedHeader | None:
    """Put a backup in the place of the database, which must not be in use (hold the instance lock); give its header, if sealed.

    What was there is kept on the shelf first; a backup of an older version is upgraded; `then` may work on the address of what
    was opened before it is put in place. All trading is then halted until somebody releases it, because the exchanges know of
    orders that the backup does not. Raises as `opened_backup` does: then nothing was replaced.
    """
    with opened_backup(file, shelf) as opened:
        if then is not None:
            then(address(opened.file))
        if is_sqlite(url):
            _replace_file(url, opened.file, shelf, now, by)
        else:
            _replace_rows(url, opened.file, shelf, now, by)
        return opened.header


def sweep_leftovers(url: str, shelf: Shelf) -> None:
    """Delete what a killed backup or restore left in the clear (hold the instance lock)."""
    shelf.sweep()
    if is_sqlite(url):
        delete_sqlite(_placed(sqlite_file(url)))


def _replace_file(url: str, prepared: Path, shelf: Shelf, now: datetime, by: str) -> None:
    target = sqlite_file(url)
    epoch: int | None = None
    if target.exists():
        epoch = 0  # of one that is too damaged to tell
        with suppress(StoreError):
            epoch = _epoch_of(url)
    if epoch is not None:
        _keep_what_is_there(target, shelf, now)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with in_our_words(), opened_database(address(prepared)) as connection:
        _halt_everything(connection, epoch or 0, now, by)
        connection.commit()
    placed = _placed(target)
    delete_sqlite(placed)
    try:
        check_sqlite(copy_sqlite(address(prepared), placed))
        with placed.open("rb+") as written:
            os.fsync(written.fileno())
        for leftover in companions(target):
            leftover.unlink(missing_ok=True)  # a write-ahead log of the old file must never meet the new one
        os.replace(placed, target)
    finally:
        delete_sqlite(placed)


def _placed(target: Path) -> Path:
    """Beside the database, so that it takes its place in one step."""
    return target.with_name(target.name + ".restored")


def _replace_rows(url: str, prepared: Path, shelf: Shelf, now: datetime, by: str) -> None:
    upgrade_at_start(url, shelf, now)
    backup(url, shelf.folder / copy_name(_BEFORE_RESTORE, now), shelf, now)
    epoch = _epoch_of(url) or 0
    with in_our_words(), opened_database(address(prepared)) as source, opened_database(url) as target:
        empty(target)
        carry(source, target)
        _halt_everything(target, epoch, now, by)
        target.commit()


def _halt_everything(connection: sa.Connection, epoch: int, now: datetime, by: str) -> None:
    with GuardedSession(connection, scope=SYSTEM) as session:
        halts.set_halt(session, scope=HaltScope.ALL, scope_id=None, level=HaltLevel.HALT, by=by, reason="restored", now=now)
        next_epoch(session, at_least=epoch)
        session.commit()  # inside a transaction of the connection, the connection still decides


def _epoch_of(url: str) -> int | None:
    """The epoch of a database; 0 when it is not ours, None when it holds nothing: taking the instance lock makes such a file."""
    with in_our_words(), opened_database(url) as connection:
        tables = sa.inspect(connection).get_table_names()
        if Installation.__tablename__ not in tables:
            return 0 if tables else None
        with GuardedSession(connection, scope=SYSTEM) as session:
            return installation(session).epoch


def _keep_what_is_there(target: Path, shelf: Shelf, now: datetime) -> None:
    """A checked copy; where the old database is damaged, its files as they are, each sealed by itself."""
    kept = shelf.folder / copy_name(_BEFORE_RESTORE, now)
    try:
        sealed_copy(address(target), kept, shelf, now)
    except StoreError:
        for part in (target, *companions(target)):
            if part.is_file() and part.stat().st_size:
                seal(part, kept.with_name(kept.name + part.name.removeprefix(target.name)), shelf.sealing_key(), now)
