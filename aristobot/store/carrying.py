"""Rows carried from one database into another, whatever the kinds of the two."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from aristobot.errors import StoreError
from aristobot.store.database import is_sqlite, make_engine
from aristobot.store.failures import in_our_words
from aristobot.store.migrate import head, revision_of, upgrade_at_start
from aristobot.store.tables import AuditEntry
from aristobot.store.whole import all_tables

_BATCH = 1000


def carry_over(url: str, plain: Path) -> None:
    """Every row of a PostgreSQL database into a new SQLite file."""
    with in_our_words(), opened_database(url) as source:
        if revision_of(source) != head():
            raise StoreError("store_not_current", revision=revision_of(source))
        with _fresh_sqlite(plain) as target:
            carry(source, target)
        with closing(sqlite3.connect(plain)) as carried:
            carried.execute("PRAGMA journal_mode=DELETE")


@contextmanager
def opened_database(url: str) -> Iterator[sa.Connection]:
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
    """A migrated database of nothing, committed when the rows are in, whole in one file when the context ends."""
    file.touch(mode=0o600)
    upgrade_at_start(address(file), None)
    with opened_database(address(file)) as connection:
        empty(connection)
        yield connection
        connection.commit()


def address(file: Path) -> str:
    """The address of an SQLite file."""
    return sa.URL.create("sqlite", database=str(file)).render_as_string()


def companions(file: Path) -> tuple[Path, ...]:
    """The files that SQLite keeps beside a database while it is open, or after a crash."""
    return tuple(file.with_name(file.name + ending) for ending in ("-wal", "-shm", "-journal"))


def delete_sqlite(file: Path) -> None:
    """Delete a database with all its parts; harmless where it is not."""
    for part in (file, *companions(file)):
        part.unlink(missing_ok=True)


def empty(target: sa.Connection) -> None:
    """Delete every row of every table, children before parents."""
    for table in reversed(all_tables()):
        target.execute(sa.delete(table))


def carry(source: sa.Connection, target: sa.Connection) -> None:
    """Every row of every table, parents before children, in batches."""
    for table in all_tables():
        rows = source.execution_options(yield_per=_BATCH).execute(sa.select(table)).mappings()
        for batch in rows.partitions(_BATCH):
            target.execute(sa.insert(table), [dict(row) for row in batch])
    if target.dialect.name == "postgresql":
        number = sa.inspect(AuditEntry).c.id
        newest = sa.select(sa.func.max(number)).scalar_subquery()
        target.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(number.table.name, "id"), newest)))
