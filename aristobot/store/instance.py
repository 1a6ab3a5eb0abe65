"""One Aristobot per household: two engines on the same accounts would send every order twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

import sqlalchemy as sa
from sqlmodel import col, select, update

from aristobot.errors import InstanceRunning, StoreError
from aristobot.store.backups import sqlite_file
from aristobot.store.database import is_sqlite, make_engine
from aristobot.store.failures import in_our_words
from aristobot.store.filesystems import filesystem_of
from aristobot.store.ground import refuse_network_share
from aristobot.store.locks import lock_file
from aristobot.store.questions import Question
from aristobot.store.tables import Installation
from aristobot.store.tenancy import SYSTEM, GuardedSession

_LOCK_FILE = "aristobot.lock"
#: "ARISTR": the advisory lock that a running instance holds on its PostgreSQL database.
_RUNNING_LOCK = 0x4152495354_52


class Places(Protocol):
    """What the lock must know of the settings."""

    @property
    def data_dir(self) -> Path:
        """The data folder."""

    @property
    def database_url(self) -> str:
        """The address of the database."""


class InstanceLock:
    """Held as long as the process lives: the system itself frees it, after a crash too."""

    def __init__(self, settings: Places, filesystem: Callable[[Path], str] = filesystem_of) -> None:
        self._filesystem = filesystem
        self._folder = settings.data_dir
        self._url = settings.database_url
        self._files: list[IO[bytes]] = []
        self._connection: sa.Connection | None = None

    def acquire(self) -> None:
        """Lock the data folder and the database, and begin a new epoch.

        Raise InstanceRunning when somebody has them, StoreError when there is no writing beside the database, ConfigurationError
        for SQLite on a network share, where no lock is worth anything. An empty database has no epoch yet: the first upgrade
        writes it.
        """
        refuse_network_share(self._url, self._folder, self._filesystem)
        try:
            self._files.append(_lock_file(self._folder / _LOCK_FILE))
            if is_sqlite(self._url):
                database = sqlite_file(self._url)
                self._files.append(_lock_file(database.with_name(database.name + ".lock")))
            else:
                self._connection = _lock_database(self._url)
            _begin_epoch(self._url)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let the next instance in; harmless when nothing is held."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        while self._files:
            self._files.pop().close()


def installation(session: GuardedSession) -> Installation:
    """Who we are, and in which epoch. StoreError in a database that was never upgraded."""
    row = _INSTALLATION.first(session)
    if row is None:
        raise StoreError("store_without_installation")
    return row


_INSTALLATION = Question[Installation](select(Installation))


def next_epoch(session: GuardedSession, at_least: int = 0) -> None:
    """Begin a new epoch, beyond `at_least`: whoever still works in an older one finds out with its next write."""
    higher = sa.case((col(Installation.epoch) < at_least, at_least), else_=col(Installation.epoch)) + 1
    session.exec(update(Installation).values(epoch=higher).execution_options(synchronize_session=False))


def _begin_epoch(url: str) -> None:
    engine = make_engine(url)
    try:
        with in_our_words():
            with engine.connect() as connection:
                known = sa.inspect(connection).has_table(Installation.__tablename__)
            if known:
                with GuardedSession(engine, scope=SYSTEM) as session, session.begin():
                    next_epoch(session)
    finally:
        engine.dispose()


def _lock_file(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return lock_file(path)
    except BlockingIOError:
        raise InstanceRunning(folder=str(path.parent)) from None
    except OSError as error:
        raise StoreError("store_unreachable", detail=f"{path}: {error.strerror}") from None


def _lock_database(url: str) -> sa.Connection:
    """A connection of its own that holds the lock: given back to a pool, it would keep it after `close`."""
    engine = make_engine(url)
    with in_our_words():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        taken = connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_RUNNING_LOCK)))
    engine.dispose()
    if not taken:
        connection.close()
        raise InstanceRunning(folder=connection.engine.url.database or "")
    return connection
