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
    return [_write_one(connection, intent, on_sqlite) for intent in intents]


def _write_one(connection: Any, intent: Intent, on_sqlite: bool) -> bool:
    columns = prepared.columns(Order, on_sqlite)
    values = [column.encoded(row.__dict__) for row in intent.rows for column in columns]
    written = connection.execute(_insert_sql(len(intent.rows), on_sqlite), values).fetchall()
    if len(written) < len(intent.rows):
        return False
    if intent.progress is not None:
        connection.execute(_progress_sql(on_sqlite), _progress_values(intent.progress, intent.rows[0].user_id, on_sqlite))
    return True


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
