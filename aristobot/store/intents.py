"""Orders before they are sent: intents that arrive together share one transaction and one fsync.

The moment between an alert and its order is spent here, so the statements are prepared and go to the driver directly.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import msgspec

from aristobot.errors import InstanceRunning
from aristobot.kinds import WebhookStatus
from aristobot.store import prepared
from aristobot.store.group_commit import GroupCommit
from aristobot.store.limits import check_texts
from aristobot.store.trading_tables import Order, Webhook
from aristobot.store.webhooks import UNFINISHED, AlertMissing

_NEWER = " ON CONFLICT (id) DO NOTHING RETURNING id"
_STORED = "SELECT id FROM webhooks WHERE id IN "
_PROGRESS = """UPDATE webhooks SET status = $, symbol = $, order_ids = $ WHERE id = $ AND user_id = $ AND status IN ($, $)"""


class Progress(msgspec.Struct, frozen=True):
    """What an intent means for the alert that caused it: under work, on this symbol, with these orders.

    With `being_stored` the alert may not be in the store, and the intent is only written when it is.
    """

    webhook_id: uuid.UUID
    symbol: str
    order_ids: tuple[str, ...]
    being_stored: bool = False


class Intent(msgspec.Struct, frozen=True):
    """Orders of one user to be written together, or not at all when the first of them is there already."""

    rows: Sequence[Order]
    progress: Progress | None = None


class Dated(msgspec.Struct, frozen=True):
    """An intent of the instance that began as `epoch`."""

    epoch: int
    intent: Intent


class IntentLog:
    """Writes intents ahead of everything else that waits, as the instance of the epoch that `epoch` tells.

    `commits` are those of `urgent.py`, which intents share with the alerts that cause them.
    """

    def __init__(self, epoch: Callable[[], int], commits: GroupCommit[Any, bool]) -> None:
        self._epoch = epoch
        self._commits = commits

    async def write(self, intent: Intent, meanwhile: Callable[[], None] | None = None) -> bool:
        """Whether the orders are new; when not, the first of them stands as it was. They are durable when this returns.

        `meanwhile` may be called before it is known whether they are written, and must leave no trace outside of this process.
        Raises InstanceRunning when a newer start of the house works on the same store, AlertMissing, DataError, StoreError.
        """
        for row in intent.rows:
            check_texts(row)
        return await self._commits.add(Dated(self._epoch(), intent), meanwhile)


def write(
    connection: Any, dated: Sequence[Dated], epoch: int, *, on_sqlite: bool, stored: Collection[uuid.UUID] = frozenset()
) -> list[bool | Exception]:
    """Write the intents inside the open transaction of a driver connection; which of them were new, in their order.

    `epoch` is the one that may write. `stored` are alerts that this transaction has stored, as `begun` where an intent comes with
    them. In place of its answer an intent may get the reason why it was not written.
    """
    missing = _missing(connection, [one.intent for one in dated], stored, on_sqlite)
    refusals = [_refusal(one, epoch, missing) for one in dated]
    intents = [one.intent for one, refusal in zip(dated, refusals, strict=True) if refusal is None]
    are_new = iter(_write(connection, intents, on_sqlite, stored))
    return [next(are_new) if refusal is None else refusal for refusal in refusals]


def begun(dated: Sequence[Dated], epoch: int) -> dict[uuid.UUID, dict[str, Any]]:
    """By alert the columns that say it is under work, of the intents that will be written if their alerts are.

    The orders of an alert that is not in the store yet cannot be there either: their ids are made from its own.
    """
    noted = [one.intent.progress for one in dated if one.epoch == epoch and one.intent.progress is not None]
    return {one.webhook_id: _columns_of(one) for one in noted}


def present_epoch(connection: Any) -> int:
    """The epoch of the instance that may write, inside the open transaction of a driver connection."""
    epoch: int = connection.execute("SELECT epoch FROM installation").fetchone()[0]
    return epoch


def _refusal(dated: Dated, epoch: int, missing: Collection[uuid.UUID]) -> Exception | None:
    if dated.epoch != epoch:
        return InstanceRunning(folder="")
    progress = dated.intent.progress
    return AlertMissing() if missing and progress is not None and progress.webhook_id in missing else None


def _missing(connection: Any, intents: Sequence[Intent], stored: Collection[uuid.UUID], on_sqlite: bool) -> set[uuid.UUID]:
    """The alerts that are not in the store, of those that were being stored when their orders were made ready."""
    asked = [one.progress.webhook_id for one in intents if one.progress is not None and one.progress.being_stored]
    unsure = [one for one in dict.fromkeys(asked) if one not in stored]
    if not unsure:
        return set()
    keys = [prepared.key_of(one, on_sqlite) for one in unsure]
    found = connection.execute(_STORED + prepared.places(len(keys), on_sqlite), keys)
    return set(unsure) - {prepared.read_key(key) for (key,) in found}


def _write(connection: Any, intents: Sequence[Intent], on_sqlite: bool, stored: Collection[uuid.UUID]) -> list[bool]:
    if not intents:
        return []
    new = _insert(connection, [row for intent in intents for row in intent.rows], on_sqlite)
    are_new = [_claimed(intent, new, on_sqlite) for intent in intents]
    if new:
        _take_back(connection, new, on_sqlite)
    known = [(one.progress, one.rows[0].user_id) for one, is_new in zip(intents, are_new, strict=True) if is_new]
    noted = [(one, user_id) for one, user_id in known if one is not None and one.webhook_id not in stored]
    progress = [_progress_values(one, user_id, on_sqlite) for one, user_id in noted]
    if progress:
        cursor = connection.cursor()
        cursor.executemany(_progress_sql(on_sqlite), progress)
        cursor.close()
    return are_new


def _claimed(intent: Intent, new: set[str | uuid.UUID], on_sqlite: bool) -> bool:
    """Whether the intent's rows are among the new ones; asked twice in one batch, only the first is the one that wrote them."""
    ids = {prepared.key_of(row.id, on_sqlite) for row in intent.rows}
    is_new = ids <= new
    if is_new:
        new -= ids
    return is_new


def _insert(connection: Any, rows: Sequence[Order], on_sqlite: bool) -> set[str | uuid.UUID]:
    """Write those that are not there yet; their ids, as the driver gives them."""
    columns = prepared.columns(Order, on_sqlite)
    new: set[str | uuid.UUID] = set()
    for start in range(0, len(rows), prepared.LARGEST_INSERT):
        part = rows[start : start + prepared.LARGEST_INSERT]
        values = columns.encoded(row.__dict__ for row in part)
        new |= {key for (key,) in connection.execute(_insert_sql(len(part), on_sqlite), values)}
    return new


def _take_back(connection: Any, orphans: set[str | uuid.UUID], on_sqlite: bool) -> None:
    """Rows of intents whose other rows stood already: an intent that was not written leaves nothing behind."""
    cursor = connection.cursor()
    keys = [[key] for key in orphans]
    cursor.executemany("DELETE FROM orders WHERE id = ?" if on_sqlite else "DELETE FROM orders WHERE id = %s", keys)
    cursor.close()


def _columns_of(progress: Progress) -> dict[str, Any]:
    return {"status": WebhookStatus.PROCESSING, "symbol": progress.symbol, "order_ids": list(progress.order_ids)}


def _progress_values(progress: Progress, user_id: uuid.UUID | None, on_sqlite: bool) -> list[Any]:
    given = _columns_of(progress) | {"id": progress.webhook_id, "user_id": user_id}
    columns, unfinished = _progress_columns(on_sqlite)
    return [*columns.encoded((given,)), *unfinished]


@cache
def _progress_columns(on_sqlite: bool) -> tuple[prepared.Columns, tuple[Any, ...]]:
    """The columns of `_PROGRESS` in its order, and the unfinished statuses as the driver takes them."""
    columns = {column.name: column for column in prepared.columns(Webhook, on_sqlite)}
    unfinished = tuple(columns["status"].encoded({"status": status}) for status in UNFINISHED)
    return prepared.Columns(columns[name] for name in ("status", "symbol", "order_ids", "id", "user_id")), unfinished


@cache
def _insert_sql(rows: int, on_sqlite: bool) -> str:
    names = tuple(column.name for column in prepared.columns(Order, on_sqlite))
    return prepared.insert_sql("orders", names, rows, on_sqlite) + _NEWER


@cache
def _progress_sql(on_sqlite: bool) -> str:
    return _PROGRESS.replace("$", "?" if on_sqlite else "%s")
