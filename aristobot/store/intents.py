"""Orders before they are sent: intents that arrive together share one transaction and one fsync.

The moment between an alert and its order is spent here, so the statements are prepared and go to the driver directly.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from aristobot.errors import InstanceRunning
from aristobot.kinds import WebhookStatus
from aristobot.store import prepared
from aristobot.store.database import Database
from aristobot.store.group_commit import GroupCommit
from aristobot.store.limits import check_texts
from aristobot.store.trading_tables import Order, Webhook
from aristobot.store.webhooks import UNFINISHED

_NEWER = " ON CONFLICT (id) DO NOTHING RETURNING id"
_PROGRESS = """UPDATE webhooks SET status = $, symbol = $, order_ids = $ WHERE id = $ AND user_id = $ AND status IN ($, $)"""


@dataclass(frozen=True, slots=True)
class Progress:
    """What an intent means for the alert that caused it: under work, on this symbol, with these orders."""

    webhook_id: uuid.UUID
    symbol: str
    order_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """Orders of one user to be written together, or not at all when the first of them is there already."""

    rows: Sequence[Order]
    progress: Progress | None = None


class IntentLog:
    """Writes intents ahead of everything else that waits, as the instance of the epoch that `epoch` tells."""

    def __init__(self, db: Database, epoch: Callable[[], int]) -> None:
        self._commits: GroupCommit[Intent, bool] = GroupCommit(db, partial(write, epoch, on_sqlite=db.is_sqlite), urgent=True)

    async def write(self, intent: Intent) -> bool:
        """Whether the orders are new; when not, the first of them stands as it was. They are durable when this returns.

        Raises InstanceRunning when a newer start of the house works on the same store, DataError, StoreError.
        """
        for row in intent.rows:
            check_texts(row)
        return await self._commits.add(intent)


def write(epoch: Callable[[], int], connection: Any, intents: Sequence[Intent], *, on_sqlite: bool) -> list[bool]:
    """Write the intents inside the open transaction of a driver connection; which of them were new, in their order."""
    if connection.execute("SELECT epoch FROM installation").fetchone()[0] != epoch():
        raise InstanceRunning(folder="")
    new = _insert(connection, [row for intent in intents for row in intent.rows], on_sqlite)
    are_new = [_claimed(intent, new) for intent in intents]
    if new:
        _take_back(connection, new, on_sqlite)
    known = [(one.progress, one.rows[0].user_id) for one, is_new in zip(intents, are_new, strict=True) if is_new]
    progress = [_progress_values(one, user_id, on_sqlite) for one, user_id in known if one is not None]
    if progress:
        cursor = connection.cursor()
        cursor.executemany(_progress_sql(on_sqlite), progress)
        cursor.close()
    return are_new


def _claimed(intent: Intent, new: set[uuid.UUID]) -> bool:
    """Whether the intent's rows are among the new ones; asked twice in one batch, only the first is the one that wrote them."""
    ids = {row.id for row in intent.rows}
    is_new = ids <= new
    if is_new:
        new -= ids
    return is_new


def _insert(connection: Any, rows: Sequence[Order], on_sqlite: bool) -> set[uuid.UUID]:
    """Write those that are not there yet; their ids."""
    columns = prepared.columns(Order, on_sqlite)
    new: set[uuid.UUID] = set()
    for start in range(0, len(rows), prepared.LARGEST_INSERT):
        part = rows[start : start + prepared.LARGEST_INSERT]
        values = [column.encoded(row.__dict__) for row in part for column in columns]
        new |= {prepared.read_key(key) for (key,) in connection.execute(_insert_sql(len(part), on_sqlite), values)}
    return new


def _take_back(connection: Any, orphans: set[uuid.UUID], on_sqlite: bool) -> None:
    """Rows of intents whose other rows stood already: an intent that was not written leaves nothing behind."""
    column = next(column for column in prepared.columns(Order, on_sqlite) if column.name == "id")
    cursor = connection.cursor()
    keys = [[column.encoded({"id": one})] for one in orphans]
    cursor.executemany("DELETE FROM orders WHERE id = ?" if on_sqlite else "DELETE FROM orders WHERE id = %s", keys)
    cursor.close()


def _progress_values(progress: Progress, user_id: uuid.UUID | None, on_sqlite: bool) -> list[Any]:
    given: dict[str, Any] = {"status": WebhookStatus.PROCESSING, "symbol": progress.symbol, "order_ids": list(progress.order_ids)}
    given |= {"id": progress.webhook_id, "user_id": user_id}
    columns = {column.name: column for column in prepared.columns(Webhook, on_sqlite)}
    unfinished = [columns["status"].encoded({"status": status}) for status in UNFINISHED]
    return [columns[name].encoded(given) for name in ("status", "symbol", "order_ids", "id", "user_id")] + unfinished


@cache
def _insert_sql(rows: int, on_sqlite: bool) -> str:
    names = tuple(column.name for column in prepared.columns(Order, on_sqlite))
    return prepared.insert_sql("orders", names, rows, on_sqlite) + _NEWER


@cache
def _progress_sql(on_sqlite: bool) -> str:
    return _PROGRESS.replace("$", "?" if on_sqlite else "%s")
