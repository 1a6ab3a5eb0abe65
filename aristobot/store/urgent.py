"""What must be durable before anybody hears of it: alerts, and the orders that they cause, in one transaction and one fsync.

An order is made ready while its alert is being stored. Both become durable at the same moment, or the alert alone does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from aristobot.store import inbox, intents
from aristobot.store.database import Database
from aristobot.store.group_commit import GroupCommit

Urgent = inbox.Alert | intents.Dated


def urgent_commits(db: Database) -> GroupCommit[Urgent, Any]:
    """The commits that inbox and intent log of one house share: an order leaves before its alert is answered."""
    return GroupCommit(db, partial(write, on_sqlite=db.is_sqlite), urgent=True, first=intents.Dated)


def write(connection: Any, items: Sequence[Urgent], *, on_sqlite: bool) -> list[Any]:
    """Write the alerts, then the intents, inside the open transaction of a driver connection; their answers, in their order.

    An alert whose order comes with it is written as one under work; to change its row a moment later would be a statement more.
    """
    alerts = [one for one in items if isinstance(one, inbox.Alert)]
    dated = [one for one in items if isinstance(one, intents.Dated)]
    epoch = intents.present_epoch(connection) if dated else 0
    begun = intents.begun(dated, epoch) if alerts else {}
    stored = inbox.insert(connection, alerts, on_sqlite=on_sqlite, begun=begun) if alerts else []
    new = {one.id for one in stored if not one.duplicate}
    written = intents.write(connection, dated, epoch, on_sqlite=on_sqlite, stored=new) if dated else []
    answers = {inbox.Alert: iter(stored), intents.Dated: iter(written)}
    return [next(answers[type(one)]) for one in items]
