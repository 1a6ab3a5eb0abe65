"""Alerts: one row from birth to end. The ingress inserts it, the engine claims and finishes it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import NotFound
from aristobot.kinds import LotStatus, WebhookStatus
from aristobot.money import HUNDRED
from aristobot.store import positions
from aristobot.store.lookups import row_where
from aristobot.store.paging import Place, newest
from aristobot.store.questions import Question
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Webhook, WebhookState

UNFINISHED = (WebhookStatus.RECEIVED, WebhookStatus.PROCESSING)


class AlertMissing(Exception):
    """An order was made ready for an alert that is not in the store: it is a duplicate, or is stored later, or never."""


@dataclass(frozen=True, slots=True)
class WebhookStats:
    """Counts over a period: rows in all, processed, in error or missed, and the positions open now."""

    total: int
    succeeded: int
    errors: int
    open_positions: int

    @property
    def success_rate(self) -> Decimal | None:
        """Processed rows in per cent of the finished ones; None when none has finished."""
        finished = self.succeeded + self.errors
        return (Decimal(self.succeeded) * HUNDRED / finished).quantize(Decimal("0.1")) if finished else None


def get(session: GuardedSession, webhook_id: uuid.UUID) -> Webhook:
    """The row; NotFound when it does not exist or belongs to somebody else."""
    row = row_where(session, Webhook, "id", webhook_id)
    if row is None:
        raise NotFound(kind="webhook")
    return row


def of_trace(session: GuardedSession, trace_id: str) -> Webhook | None:
    """The alert with which a trace began, or None."""
    return session.exec(select(Webhook).where(Webhook.trace_id == trace_id)).first()


def recent(
    session: GuardedSession,
    broker_id: uuid.UUID | None = None,
    since: datetime | None = None,
    limit: int = 100,
    before: Place | None = None,
) -> list[Webhook]:
    """Newest first, at most `limit`; `before` continues after the row with that time and id."""
    wanted = select(Webhook)
    if broker_id is not None:
        wanted = wanted.where(Webhook.broker_id == broker_id)
    if since is not None:
        wanted = wanted.where(Webhook.received_at >= since)
    return list(session.exec(newest(wanted, Webhook.received_at, Webhook.id, limit, before)))


def last_from(session: GuardedSession, broker_id: uuid.UUID, sources: Sequence[str]) -> Webhook | None:
    """The newest row of a broker that came from one of these addresses; None when there is none."""
    wanted = select(Webhook).where(Webhook.broker_id == broker_id, col(Webhook.source).in_(sources))
    return next(iter(session.exec(newest(wanted, Webhook.received_at, Webhook.id, 1, None))), None)


def stats(session: GuardedSession, since: datetime, broker_id: uuid.UUID | None = None) -> WebhookStats:
    """The four figures of the page over the rows received since `since`."""
    counted = select(Webhook.status, sa.func.count(col(Webhook.id))).where(Webhook.received_at >= since).group_by(Webhook.status)
    counts_for = sa.or_(col(WebhookState.position_id).is_(None), col(WebhookState.position_id).not_in(positions.dust_ids()))
    opened = select(sa.func.count(col(WebhookState.id))).where(WebhookState.status == LotStatus.OPEN, counts_for)
    if broker_id is not None:
        counted = counted.where(Webhook.broker_id == broker_id)
        opened = opened.where(WebhookState.broker_id == broker_id)
    counts = {WebhookStatus(status): number for status, number in session.exec(counted)}
    return WebhookStats(
        total=sum(counts.values()),
        succeeded=counts.get(WebhookStatus.PROCESSED, 0),
        errors=counts.get(WebhookStatus.ERROR, 0) + counts.get(WebhookStatus.MISS, 0),
        open_positions=session.exec(opened).one(),
    )


def pending(session: GuardedSession) -> list[Webhook]:
    """Rows that a crash or a restart left unfinished, in the order in which they arrived."""
    return _PENDING.all(session)


_PENDING = Question[Webhook](
    select(Webhook).where(col(Webhook.status).in_(UNFINISHED)).order_by(col(Webhook.received_at), col(Webhook.id))
)


def claim(session: GuardedSession, webhook_id: uuid.UUID) -> Webhook | None:
    """Take the row up: `processing`, one more claim. None when it is already finished."""
    row = row_where(session, Webhook, "id", webhook_id)
    if row is None or row.status not in UNFINISHED:
        return None
    row.status = WebhookStatus.PROCESSING
    row.claims += 1
    session.add(row)
    return row


def finish(session: GuardedSession, webhook_id: uuid.UUID, values: dict[str, Any]) -> bool:
    """Write the end of a row, once: True for the caller whose write counted."""
    done = sa.update(Webhook).where(col(Webhook.id) == webhook_id, col(Webhook.status).in_(UNFINISHED)).values(**values)
    return bool(session.exec(done).rowcount == 1)
