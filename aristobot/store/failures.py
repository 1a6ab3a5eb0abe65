"""What a driver or SQLAlchemy raises, in the words of the house."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from aristobot.errors import AristobotError, Conflict, DataError, StoreDamaged, StoreError

#: SQLite result names and PostgreSQL SQLSTATEs (the longest prefix wins) → error and code.
_MEANINGS: dict[str, tuple[type[AristobotError], str]] = {
    "SQLITE_BUSY": (StoreError, "store_busy"),
    "SQLITE_LOCKED": (StoreError, "store_busy"),
    "SQLITE_FULL": (StoreError, "store_full"),
    "SQLITE_CORRUPT": (StoreDamaged, "store_damaged"),
    "SQLITE_NOTADB": (StoreDamaged, "store_damaged"),
    "SQLITE_IOERR": (StoreError, "store_unreachable"),
    "SQLITE_CANTOPEN": (StoreError, "store_unreachable"),
    "SQLITE_READONLY": (StoreError, "store_readonly"),
    "SQLITE_CONSTRAINT": (Conflict, "value_refused"),
    "SQLITE_CONSTRAINT_UNIQUE": (Conflict, "already_exists"),
    "SQLITE_CONSTRAINT_PRIMARYKEY": (Conflict, "already_exists"),
    "SQLITE_CONSTRAINT_FOREIGNKEY": (Conflict, "broken_reference"),
    "08": (StoreError, "store_unreachable"),
    "57P": (StoreError, "store_unreachable"),
    "3D": (StoreError, "store_unreachable"),
    "28": (StoreError, "store_unreachable"),
    "53": (StoreError, "store_full"),
    "533": (StoreError, "store_busy"),
    "55P03": (StoreError, "store_busy"),
    "57014": (StoreError, "store_busy"),
    "40": (StoreError, "store_busy"),
    "25006": (StoreError, "store_readonly"),
    "XX001": (StoreDamaged, "store_damaged"),
    "XX002": (StoreDamaged, "store_damaged"),
    "22": (DataError, "value_not_storable"),
    "23": (Conflict, "value_refused"),
    "23505": (Conflict, "already_exists"),
    "23503": (Conflict, "broken_reference"),
}


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise Conflict, DataError, StoreError or StoreDamaged instead of what came from below; a mistake of ours stays as it is."""
    try:
        yield
    except Exception as error:
        known = translated(error)
        if known is None:
            raise
        raise known from error


def translated(error: BaseException) -> AristobotError | None:
    """The error of the house that says the same, or None for a programming mistake (and for what already is ours)."""
    if isinstance(error, StaleDataError):
        return Conflict("changed_meanwhile")
    if isinstance(error, UnicodeEncodeError):
        return DataError("text_not_storable", detail=error.reason)
    if isinstance(error, PoolTimeout):
        return StoreError("store_busy", detail="no free connection")
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        if isinstance(error.orig, AristobotError):
            return error.orig
        return DataError("unknown_word", detail=str(error.orig)[:200]) if isinstance(error.orig, LookupError) else None
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    return _of_driver(driver_error, lost=isinstance(error, DBAPIError) and error.connection_invalidated)


def _of_driver(error: BaseException | None, *, lost: bool = False) -> AristobotError | None:
    state = _state_of(error)
    meaning = next((_MEANINGS[state[:size]] for size in range(len(state), 1, -1) if state[:size] in _MEANINGS), None)
    if meaning is not None:
        kind, code = meaning
        return kind(code, detail=_first_line(error))
    if lost or (error is not None and not state and type(error).__name__ == "OperationalError"):
        return StoreError("store_unreachable", detail=_first_line(error))
    return None


def _state_of(error: BaseException | None) -> str:
    """SQLite's result name, or PostgreSQL's SQLSTATE (looked up by attribute: psycopg is imported only where it is used)."""
    if isinstance(error, sqlite3.Error):
        return str(getattr(error, "sqlite_errorname", ""))
    return str(getattr(error, "sqlstate", None) or "")


def _first_line(error: BaseException | None) -> str:
    """The driver's own words without the DETAIL line, which shows the values that were being stored."""
    return str(error).strip().partition("\n")[0][:200]
