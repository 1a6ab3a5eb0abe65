"""The memory seen from asyncio: each call is one synchronous function, one thread, one transaction.

    order = await db.write(user.id, lambda s: orders.create(s, request))
    rows = await db.read(SYSTEM, brokers.tradable)

The function cannot await, so no transaction is ever open across a network call; a caller who is cancelled never tears a
commit, because the thread finishes what it began; the event loop never runs SQL.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.util import LRUCache

from aristobot.store.failures import in_our_words
from aristobot.store.tenancy import GuardedSession, Scope
from aristobot.store.types import ExactSum
from aristobot.store.workers import Workers

Result = TypeVar("Result")

#: FULL: an order that was acknowledged survives a power cut. The wait is for another process: a backup, a shell.
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=2000",
    "temp_store=MEMORY",
    "trusted_schema=OFF",
)
#: A plain BEGIN that reads and then writes is refused at once when another writer came between, whatever the timeout.
_BEGIN_WRITING = "BEGIN IMMEDIATE"
#: Alerts and intents that come in while something is being written: new rows, which nobody reads before they are there.
_URGENT_WRITERS = 2
#: Seconds without anything urgent after which others may go on, and seconds after which they do so however urgent it is.
_LULL = 0.003
_LONGEST_LULL = 0.025
_POSTGRES_OPTIONS = "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"


class HouseConnection(sqlite3.Connection):
    """Every SQLite connection, whoever opens it, knows the exact sum and keeps the same rules; its files are for nobody else."""

    def __init__(self, database: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        file = os.fspath(database)
        if os.name == "posix" and not file.startswith((":memory:", "file:")):
            _keep_from_others(file)
        super().__init__(database, *args, **kwargs)
        self.create_window_function("exact_sum", 1, ExactSum)
        for pragma in _PRAGMAS:
            self.execute(f"PRAGMA {pragma}")


def _keep_from_others(database: str) -> None:
    """Mode 0600 wherever the file lies: what SQLite writes beside it takes the same. What hinders here SQLite says itself.

    A file that is there is never opened: closing it would give away the locks that this process holds on it.
    """
    with suppress(OSError):
        os.close(os.open(database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    for file in (database, f"{database}-wal", f"{database}-shm"):
        with suppress(OSError):
            if (mode := os.stat(file).st_mode) & 0o077:
                os.chmod(file, mode & 0o700)


def make_engine(url: str | sa.URL, *, readonly: bool = False, foreign_keys: bool = True, connections: int = 1) -> sa.Engine:
    """An engine of the house. Errors never show what was being stored (`hide_parameters`).

    `foreign_keys=False` is for migrations alone: SQLite rebuilds a table by dropping it, and cascades would empty others.
    """
    if not is_sqlite(url):
        return _postgres_engine(url, readonly=readonly, connections=connections)
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"factory": HouseConnection, "isolation_level": None, "check_same_thread": False},
        execution_options={"compiled_cache": _sqlite_statements()},
    )
    engine.dialect = _sqlite_dialect()

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        if readonly:
            connection.execute("PRAGMA query_only=ON")
        if not foreign_keys:
            connection.execute("PRAGMA foreign_keys=OFF")

    begin = "BEGIN" if readonly else _BEGIN_WRITING

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        _begin_anew(connection.connection.driver_connection, begin)

    return engine


def _begin_anew(connection: Any, begin: str) -> None:
    """SQLite keeps a transaction open whose COMMIT was refused (a broken reference); the next one could not begin."""
    if connection.in_transaction:
        connection.rollback()
    connection.execute(begin)


@functools.cache
def _sqlite_statements() -> LRUCache[Any, Any]:
    """What was put into SQLite's words for one engine of the process is there for all of them, the most recently used first."""
    return LRUCache(1_000)


@functools.cache
def _sqlite_dialect() -> sa.Dialect:
    """One for all engines of a process, which share its SQLite."""
    engine = sa.create_engine("sqlite://")
    engine.connect().close()  # it learns from its first connection
    engine.dispose()
    return engine.dialect


def _postgres_engine(url: str | sa.URL, *, readonly: bool, connections: int) -> sa.Engine:
    options = _POSTGRES_OPTIONS + (" -c default_transaction_read_only=on" if readonly else "")
    return sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={"options": options, "application_name": "aristobot", "connect_timeout": 10},
    )


def is_sqlite(url: str | sa.URL) -> bool:
    """Whether the address names an SQLite file."""
    return sa.make_url(url).get_backend_name() == "sqlite"


class _Doors:
    """What sessions are opened on: on SQLite one connection for each thread, which keeps it. The pool's way out and back takes
    as long as finding a row. On PostgreSQL the pool looks each time whether the server is still there.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._keeps = engine.dialect.name == "sqlite"
        self._mine = threading.local()
        self._all: list[sa.Connection] = []

    def mine(self) -> sa.Engine | sa.Connection:
        """The door of the thread that asks."""
        if not self._keeps:
            return self._engine
        connection: sa.Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._engine.connect()
            self._all.append(connection)
        return connection

    def close(self) -> None:
        """Give every connection back, when no thread asks any more."""
        for connection in self._all:
            connection.close()


class Database:
    """The two doors of the memory, `read` and `write`. There is one writer thread: writes queue here, in order.

    On PostgreSQL too, where several could write at once: a report is believed by reading an order with its fills and its
    position and writing them back, and of two that did so at the same moment the second would undo the first.

    All calls raise Conflict, DataError, StoreError or StoreDamaged for what the database refuses, and whatever the
    function itself raises.
    """

    def __init__(self, url: str | sa.URL, *, readers: int = 4) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = is_sqlite(url)
        self._writer = make_engine(url, connections=1 if self.is_sqlite else 1 + _URGENT_WRITERS)
        self._reader = make_engine(url, readonly=True, connections=readers)
        self._write_doors, self._read_doors = _Doors(self._writer), _Doors(self._reader)
        self._urgent_at = float("-inf")
        self._write_threads = Workers(1, "store-write")
        self._urgent_threads = self._write_threads if self.is_sqlite else Workers(_URGENT_WRITERS, "store-urgent")
        self._read_threads = Workers(readers, "store-read")

    async def read(self, scope: Scope, work: Callable[[GuardedSession], Result]) -> Result:
        """Run `work` over a consistent state that nobody's writing disturbs; writing in it is refused by the database."""
        return await self._read_threads.do(functools.partial(self._read, scope, work))

    async def write(self, scope: Scope, work: Callable[[GuardedSession], Result]) -> Result:
        """Run `work` as one transaction: committed durably when it returns, undone when it raises."""
        return await self._write_threads.do(functools.partial(self._write, scope, work))

    def hand_in(self, work: Callable[[Any], Result], *, urgent: bool = False) -> Future[Result]:
        """Run `work(connection)` as one transaction on a bare driver connection; the future is resolved in the writer's thread.

        Behind the writes that wait or, `urgent`, ahead of them (on PostgreSQL beside them). `connection` is a
        sqlite3.Connection or a psycopg.Connection inside an open transaction; `work` neither commits nor rolls back. No
        session, no guard, no log context: for the prepared statements of `store/inbox.py` and `store/intents.py` alone.
        """
        workers = self._write_threads
        if urgent:
            workers, self._urgent_at = self._urgent_threads, asyncio.get_running_loop().time()
        return workers.submit(functools.partial(self._write_bare, work), urgent=urgent)

    async def lull(self) -> None:
        """Return when nothing urgent was handed in for a moment, and soon in any case: for writes that can wait.

        Between an alert and its order lie two urgent writes; a belief that came between would take longer than both.
        """
        loop = asyncio.get_running_loop()
        latest = loop.time() + _LONGEST_LULL
        while (now := loop.time()) < (until := min(self._urgent_at + _LULL, latest)):
            over = loop.create_future()
            timer = loop.call_later(until - now, over.set_result, None)
            try:
                await over
            finally:
                timer.cancel()

    async def close(self) -> None:
        """Finish what was handed in, fold the write-ahead log into the file, and let go of every connection."""
        await asyncio.to_thread(self._close)

    def _read(self, scope: Scope, work: Callable[[GuardedSession], Result]) -> Result:
        with in_our_words(), GuardedSession(self._read_doors.mine(), scope=scope, only_reads=True) as session:
            return work(session)

    def _write(self, scope: Scope, work: Callable[[GuardedSession], Result]) -> Result:
        with in_our_words(), GuardedSession(self._write_doors.mine(), scope=scope) as session, session.begin():
            return work(session)

    def _write_bare(self, work: Callable[[Any], Result]) -> Result:
        with in_our_words():
            if self.is_sqlite:
                return self._write_held(work)
            with self._writer.begin() as connection:
                return work(connection.connection.driver_connection)

    def _write_held(self, work: Callable[[Any], Result]) -> Result:
        """On the writer's one connection, without its engine, whose own transaction costs as much as the insert and the sync.

        Nobody else can be using it: the only writer thread is here.
        """
        mine: Any = self._write_doors.mine()
        connection: sqlite3.Connection = mine.connection.driver_connection
        _begin_anew(connection, _BEGIN_WRITING)
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
        return result

    def _close(self) -> None:
        self._urgent_threads.close()
        self._write_threads.close()
        self._read_threads.close()
        self._read_doors.close()
        self._write_doors.close()
        self._reader.dispose()
        if self.is_sqlite:
            with in_our_words(), self._writer.connect() as connection:
                connection.exec_driver_sql("COMMIT")  # a checkpoint wants no transaction, and the engine began one
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.dispose()
