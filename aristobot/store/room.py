"""Room in SQLite's write-ahead log, taken before anybody is in a hurry.

What is written into room that a file has already is durable with one sync of its pages. A log that grows makes each commit wait
for the file system's own journal as well, and for all that other programs have in it.
"""

from __future__ import annotations

import asyncio
import sqlite3

from loguru import logger

from aristobot.errors import StoreError
from aristobot.store.backups import sqlite_file
from aristobot.store.database import Database

#: The log begins anew when it holds a thousand pages (SQLite's own rule), and with whatever the last transaction adds.
ROOM = 5_000_000
#: Pages that stay in memory meanwhile: all others go into the log, though nothing is committed.
_FEW = 20


class _Enough(Exception):
    """Undoes what only made the log longer."""


async def take_room(db: Database) -> None:
    """Make the log as long as it gets in ordinary use, unless it is; it keeps its length until the house closes.

    Where there is no such room nothing is done: commits are slower then, and no less durable. PostgreSQL does as much by itself.
    """
    if not db.is_sqlite or _has_room(db):
        return
    try:
        await asyncio.wrap_future(db.hand_in(_fill))
    except _Enough:
        pass
    except StoreError as error:
        logger.debug("The write-ahead log gets no room ahead: {}", error)


def _has_room(db: Database) -> bool:
    file = sqlite_file(db.url)
    log = file.with_name(file.name + "-wal")
    return log.exists() and log.stat().st_size >= ROOM * 0.9


def _fill(connection: sqlite3.Connection) -> None:
    """Write a table that nobody will ever see; raises so that it is undone."""
    (usual,) = connection.execute("PRAGMA cache_size").fetchone()
    connection.execute(f"PRAGMA cache_size={_FEW}")
    try:
        connection.execute("CREATE TABLE room (filled BLOB)")
        connection.execute("INSERT INTO room VALUES (zeroblob(?))", (ROOM,))
    finally:
        connection.execute(f"PRAGMA cache_size={usual}")
    raise _Enough
