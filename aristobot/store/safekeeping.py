"""Backups of either database, and the way back. A backup is one SQLite file, whatever database it was taken from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from aristobot.errors import StoreError
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.store import halts
from aristobot.store.backups import SCHEDULED, check_sqlite, copy_name, copy_sqlite, sqlite_file, thin_out
from aristobot.store.database import is_sqlite, make_engine
from aristobot.store.failures import in_our_words
from aristobot.store.instance import installation, next_epoch
from aristobot.store.migrate import head, revision_of, upgrade_at_start
from aristobot.store.tables import AuditEntry
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.whole import all_tables

_BATCH = 1000


def backup(url: str, file: Path) -> Path:
    """Copy the database into one file while it is in use; checked, readable by its owner alone.

    From PostgreSQL the rows are carried over exactly, at one moment; its schema must be up to date. StoreError or
    StoreDamaged when that cannot be done: then `file` is left as it was.
    """
    if is_sqlite(url):
        return copy_sqlite(url, file)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".carried")
    try:
        with in_our_words(), _opened(url) as source, _fresh_sqlite(partial) as target:
            if revision_of(source) != head():
                raise StoreError("store_not_current", revision=revision_of(source))
            _carry(source, target)
        return copy_sqlite(_address(partial), file)
    finally:
        _delete_sqlite(partial)


def scheduled_backup(url: str, folder: Path, now: datetime, *, hourly: int = 24, daily: int = 14) -> Path:
    """The copy that the clock takes; older ones are thinned out to `hourly` hours and `daily` days."""
    copy = backup(url, folder / copy_name(SCHEDULED, now))
    thin_out(folder, hourly=hourly, daily=daily)
    return copy


def restore(url: str, file: Path, folder: Path, now: datetime, *, by: str) -> None:
    """Put a backup in the place of the database, which must not be in use (hold the instance lock).

    What was there is kept in `folder` first; a backup of an older version is upgraded. All trading is then halted until
    somebody releases it, because the exchanges know of orders that the backup does not.
    """
    check_sqlite(file)
    prepared = folder / f"restoring-{now:%Y%m%dT%H%M%S}.db"
    try:
        copy_sqlite(_address(file), prepared)
        upgrade_at_start(_address(prepared), folder, now)
        if is_sqlite(url):
            _replace_file(url, prepared, folder, now, by)
        else:
            _replace_rows(url, prepared, folder, now, by)
    finally:
        _delete_sqlite(prepared)


def _replace_file(url: str, prepared: Path, folder: Path, now: datetime, by: str) -> None:
    target, epoch = sqlite_file(url), 0
    if target.exists():
        with suppress(StoreError):
            epoch = _epoch_of(url)
        _keep_what_is_there(target, folder / copy_name("before-restore", now))
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with in_our_words(), _opened(_address(prepared)) as connection:
        _halt_everything(connection, epoch, now, by)
        connection.commit()
    placed = target.with_name(target.name + ".restored")
    copy_sqlite(_address(prepared), placed)
    for leftover in _companions(target):
        leftover.unlink(missing_ok=True)  # a write-ahead log of the old file must never meet the new one
    os.replace(placed, target)


def _replace_rows(url: str, prepared: Path, folder: Path, now: datetime, by: str) -> None:
    upgrade_at_start(url, folder, now)
    backup(url, folder / copy_name("before-restore", now))
    epoch = _epoch_of(url)
    with in_our_words(), _opened(_address(prepared)) as source, _opened(url) as target:
        for table in reversed(all_tables()):
            target.execute(sa.delete(table))
        _carry(source, target)
        _halt_everything(target, epoch, now, by)
        target.commit()


def _halt_everything(connection: sa.Connection, epoch: int, now: datetime, by: str) -> None:
    with GuardedSession(connection, scope=SYSTEM) as session:
        halts.set_halt(session, scope=HaltScope.ALL, scope_id=None, level=HaltLevel.HALT, by=by, reason="restored", now=now)
        next_epoch(session, at_least=epoch)
        session.commit()  # inside a transaction of the connection, the connection still decides


def _epoch_of(url: str) -> int:
    engine = make_engine(url)
    try:
        with in_our_words(), GuardedSession(engine, scope=SYSTEM) as session:
            return installation(session).epoch
    finally:
        engine.dispose()


def _carry(source: sa.Connection, target: sa.Connection) -> None:
    """Every row of every table, parents before children, in batches."""
    for table in all_tables():
        rows = source.execution_options(yield_per=_BATCH).execute(sa.select(table)).mappings()
        for batch in rows.partitions(_BATCH):
            target.execute(sa.insert(table), [dict(row) for row in batch])
    if target.dialect.name == "postgresql":
        number = sa.inspect(AuditEntry).c.id
        newest = sa.select(sa.func.max(number)).scalar_subquery()
        target.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(number.table.name, "id"), newest)))


def _keep_what_is_there(target: Path, kept: Path) -> None:
    """A checked copy; where the old database is damaged, its files as they are."""
    try:
        copy_sqlite(_address(target), kept)
    except StoreError:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in (target, *_companions(target)):
            if part.exists():
                shutil.copyfile(part, kept.with_name(kept.name + part.name.removeprefix(target.name)))


@contextmanager
def _opened(url: str) -> Iterator[sa.Connection]:
    """One connection; on PostgreSQL all it reads is of one moment."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            isolated = connection if is_sqlite(url) else connection.execution_options(isolation_level="REPEATABLE READ")
            yield isolated
    finally:
        engine.dispose()


@contextmanager
def _fresh_sqlite(file: Path) -> Iterator[sa.Connection]:
    """A migrated database of nothing, committed when the rows are in."""
    _delete_sqlite(file)
    file.touch(mode=0o600)
    upgrade_at_start(_address(file), file.parent)
    with _opened(_address(file)) as connection:
        for table in reversed(all_tables()):
            connection.execute(sa.delete(table))
        yield connection
        connection.commit()


def _address(file: Path) -> str:
    return sa.URL.create("sqlite", database=str(file)).render_as_string()


def _companions(file: Path) -> tuple[Path, Path]:
    return file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")


def _delete_sqlite(file: Path) -> None:
    for part in (file, *_companions(file)):
        part.unlink(missing_ok=True)
