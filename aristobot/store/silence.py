"""How silent alerts may be, per broker; the rows of those that stayed away; and what came before, to learn from."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import col, select

from aristobot.kinds import RhythmMode
from aristobot.store import brokers
from aristobot.store.notice_tables import SilenceWatch
from aristobot.store.questions import Question
from aristobot.store.tenancy import GuardedSession, insert_once
from aristobot.store.trading_tables import Webhook

#: The longest history that is read to learn from.
_MOST_ROWS = 20_000


class Came(NamedTuple):
    """An alert that came: what of it tells a rhythm. The interval is as the alert wrote it."""

    broker_id: uuid.UUID
    action: str
    symbol: str
    interval: str
    bar_time: datetime | None
    received_at: datetime


def watches(session: GuardedSession) -> list[SilenceWatch]:
    """What was set for the user's brokers; everybody's for SYSTEM."""
    return _WATCHES.all(session)


_WATCHES = Question[SilenceWatch](select(SilenceWatch))


def save(
    session: GuardedSession,
    broker_id: uuid.UUID,
    *,
    pings: RhythmMode,
    ping_seconds: int,
    learn_bars: bool,
    expected: list[list[Any]],
) -> SilenceWatch:
    """Set what is expected of a broker's alerts; NotFound when the broker is not the user's."""
    broker = brokers.get(session, broker_id)
    row = session.exec(select(SilenceWatch).where(SilenceWatch.broker_id == broker_id)).one_or_none()
    row = row or SilenceWatch(user_id=broker.user_id, broker_id=broker_id)
    row.pings, row.ping_seconds, row.learn_bars, row.expected = pings, ping_seconds, learn_bars, expected
    session.add(row)
    session.flush()
    return row


def history(session: GuardedSession, since: datetime) -> list[Came]:
    """The alerts that came since a moment, the oldest first; rows of our own making left out."""
    columns = (
        Webhook.broker_id,
        Webhook.action,
        Webhook.symbol_in_payload,
        Webhook.interval,
        Webhook.bar_time,
        Webhook.received_at,
    )
    wanted = select(*columns).where(Webhook.received_at >= since, Webhook.action != "MISS")  # type: ignore[call-overload] # six columns
    newest = session.exec(wanted.order_by(col(Webhook.received_at).desc()).limit(_MOST_ROWS)).all()
    return [Came(*row) for row in reversed(newest)]


def add_miss(session: GuardedSession, values: dict[str, Any]) -> uuid.UUID | None:
    """Write the row of an alert that stayed away; None when this very silence was noted before."""
    found: uuid.UUID | None = insert_once(session, Webhook, values, ["broker_id", "dedupe_key"])
    return found
