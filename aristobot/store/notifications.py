"""What people are told, and what of it has still to leave the house. Read and written for one user; lanes by SYSTEM."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import NotFound
from aristobot.notices import OUTSIDE, Notice, Outlet, switched
from aristobot.store.notice_tables import Notification, NotificationChannel, NotificationDelivery, NotificationPreference
from aristobot.store.paging import Place, newest
from aristobot.store.questions import MANY, Question, given, several
from aristobot.store.tenancy import GuardedSession, owner_of
from aristobot.store.trading_tables import Order, PositionRow

#: News about the same subject within this time become one line that counts.
TOGETHER = timedelta(minutes=10)
#: A message carries at most so many.
LARGEST_BATCH = 500


@dataclass(frozen=True, slots=True)
class Told:
    """A line as it was written; `again` when it joined one that was there. `outlets` are those inside the house."""

    row: Notification
    again: bool
    unread: int
    outlets: frozenset[Outlet]


def tell(session: GuardedSession, notice: Notice, trace_id: str, now: datetime) -> Told | None:
    """Write a line for the session's user, and what has to leave the house with it; None for what was told before.

    What repeats itself within ten minutes is counted on the line that is there and does not leave again.
    """
    known = _same(session, notice)
    if known is not None and notice.once:
        return None
    outlets = switched(switches(session), notice.kind) - notice.without
    if known is not None and known.code == notice.code and now - known.last_at < TOGETHER:
        known.count, known.last_at, known.read_at = known.count + 1, now, None
        known.facts = dict(notice.facts)
        session.add(known)
        return Told(known, True, unread(session), outlets - {Outlet.SOUND, *OUTSIDE})
    row = Notification(
        user_id=owner_of(session),
        kind=notice.kind,
        code=notice.code,
        facts=dict(notice.facts),
        subject=notice.subject,
        page=notice.page,
        trace_id=trace_id,
        created_at=now,
        last_at=now,
    )
    session.add(row)
    session.flush()
    for way in channels(session):
        if way.enabled and way.channel in outlets:
            session.add(
                NotificationDelivery(
                    user_id=row.user_id, notification_id=row.id, channel=way.channel, created_at=now, next_at=now
                )
            )
    return Told(row, False, unread(session), outlets - {*OUTSIDE})


def _same(session: GuardedSession, notice: Notice) -> Notification | None:
    if not notice.subject:
        return None
    return _LAST_ABOUT.first(session, subject=notice.subject)


_LAST_ABOUT = Question[Notification](
    select(Notification)
    .where(Notification.subject == sa.bindparam("subject"))
    .order_by(col(Notification.last_at).desc())
    .limit(1)
)


def told(session: GuardedSession, subjects: Collection[str]) -> list[str]:
    """About which of these subjects the session's user has a line."""
    if len(subjects) <= MANY:
        return _TOLD.all(session, **given("subject", subjects))
    return list(session.exec(select(Notification.subject).where(col(Notification.subject).in_(subjects)).distinct()))


_TOLD = Question[str](
    select(Notification.subject).where(col(Notification.subject).in_(several("subject", sa.String()))).distinct()
)


def recent(
    session: GuardedSession, limit: int = 50, before: Place | None = None, *, unread_only: bool = False
) -> list[Notification]:
    """The newest first; `before` continues after the line with that time and id."""
    wanted = select(Notification)
    if unread_only:
        wanted = wanted.where(col(Notification.read_at).is_(None))
    return list(session.exec(newest(wanted, Notification.last_at, Notification.id, limit, before)))


def get(session: GuardedSession, notification_id: uuid.UUID) -> Notification:
    """The line; NotFound when it does not exist or belongs to somebody else."""
    row = session.exec(select(Notification).where(Notification.id == notification_id)).one_or_none()
    if row is None:
        raise NotFound(kind="notification")
    return row


def unread(session: GuardedSession) -> int:
    """How many the user has not read."""
    return _UNREAD.all(session)[0]


_UNREAD = Question[int](select(sa.func.count(col(Notification.id))).where(col(Notification.read_at).is_(None)))


def mark_read(session: GuardedSession, now: datetime, ids: Collection[uuid.UUID] | None = None) -> int:
    """Note that the user has read these, or all of them; how many were unread before."""
    wanted = sa.update(Notification).where(col(Notification.read_at).is_(None))
    if ids is not None:
        wanted = wanted.where(col(Notification.id).in_(ids))
    return int(session.exec(wanted.values(read_at=now)).rowcount)


def last_told(session: GuardedSession) -> datetime | None:
    """When anybody was last told anything; needs SYSTEM."""
    return _LAST_TOLD.first(session)


_LAST_TOLD = Question[datetime | None](select(sa.func.max(col(Notification.created_at))))


def ended_since(session: GuardedSession, since: datetime) -> tuple[list[Order], list[PositionRow]]:
    """Orders and positions that changed or ended since a moment: what a crash may have kept from being told. Needs SYSTEM."""
    return _ENDED_SINCE.all(session, since=since), _MOVED_SINCE.all(session, since=since)


_SINCE: sa.BindParameter[Any] = sa.bindparam("since")
_ENDED_SINCE = Question[Order](select(Order).where(col(Order.updated_at) >= _SINCE).order_by(col(Order.updated_at)))
_MOVED_SINCE = Question[PositionRow](
    select(PositionRow)
    .where(sa.or_(col(PositionRow.opened_at) >= _SINCE, col(PositionRow.closed_at) >= _SINCE))
    .order_by(col(PositionRow.opened_at))
)


def forget_before(session: GuardedSession, moment: datetime) -> int:
    """Delete the lines that last came before `moment`; how many. Needs SYSTEM."""
    old = select(Notification.id).where(Notification.last_at < moment)
    session.exec(sa.delete(NotificationDelivery).where(col(NotificationDelivery.notification_id).in_(old)))
    return int(session.exec(sa.delete(Notification).where(col(Notification.last_at) < moment)).rowcount)


def switches(session: GuardedSession) -> dict[str, list[str]]:
    """What the user chose, by kind; kinds that are not there take what is usual."""
    row = _CHOSEN.first(session)
    return dict(row.switches or {}) if row is not None else {}


_CHOSEN = Question[NotificationPreference](select(NotificationPreference))


def choose(session: GuardedSession, chosen: dict[str, list[str]]) -> None:
    """Keep what the user chose."""
    row = session.exec(select(NotificationPreference)).one_or_none()
    if row is None:
        row = NotificationPreference(user_id=owner_of(session))
    row.switches = dict(chosen)
    session.add(row)


def channels(session: GuardedSession) -> list[NotificationChannel]:
    """The channels that were set up: the user's, or everybody's for SYSTEM."""
    return _CHANNELS.all(session)


_CHANNELS = Question[NotificationChannel](select(NotificationChannel).order_by(col(NotificationChannel.channel)))


def channel(session: GuardedSession, which: Outlet) -> NotificationChannel | None:
    """The user's channel of this kind, when it was set up."""
    return session.exec(select(NotificationChannel).where(NotificationChannel.channel == which)).one_or_none()


def lanes(session: GuardedSession, now: datetime, given_up: datetime) -> list[tuple[uuid.UUID, Outlet]]:
    """For whom and by which channels something is due, or has waited since before `given_up`; needs SYSTEM."""
    return [(user_id, Outlet(which)) for user_id, which in _LANES.all(session, now=now, given_up=given_up)]


_LANES = Question[tuple[uuid.UUID, Outlet]](
    select(NotificationDelivery.user_id, NotificationDelivery.channel)
    .where(
        sa.or_(
            col(NotificationDelivery.next_at) <= sa.bindparam("now"),
            col(NotificationDelivery.created_at) < sa.bindparam("given_up"),
        )
    )
    .distinct()
)


def oldest(session: GuardedSession, which: Outlet) -> NotificationDelivery | None:
    """What has waited longest for the user's channel."""
    wanted = select(NotificationDelivery).where(NotificationDelivery.channel == which)
    order = col(NotificationDelivery.created_at), col(NotificationDelivery.id)
    return session.exec(wanted.order_by(*order).limit(1)).first()


def take(session: GuardedSession, which: Outlet) -> tuple[uuid.UUID, list[Notification]] | None:
    """The next message of a channel: a batch that was begun before, whole, else everything that waits. None for nothing.

    Its id is written before it is sent: after a crash the same message is sent again under the same id.
    """
    first = oldest(session, which)
    if first is None:
        return None
    waiting = select(NotificationDelivery).where(NotificationDelivery.channel == which)
    same = waiting.where(
        col(NotificationDelivery.batch).is_(None) if first.batch is None else col(NotificationDelivery.batch) == first.batch
    )
    rows = list(session.exec(same.order_by(col(NotificationDelivery.created_at)).limit(LARGEST_BATCH)))
    batch = first.batch or uuid.uuid4()
    for row in rows:
        row.batch = batch
        session.add(row)
    ids = [row.notification_id for row in rows]
    told = session.exec(select(Notification).where(col(Notification.id).in_(ids)).order_by(col(Notification.created_at)))
    return batch, list(told)


def delivered(session: GuardedSession, which: Outlet, batch: uuid.UUID, now: datetime) -> None:
    """The message has left: nothing of it waits any more, and the channel works."""
    session.exec(sa.delete(NotificationDelivery).where(col(NotificationDelivery.batch) == batch))
    row = channel(session, which)
    if row is not None:
        row.worked_at, row.failing_since, row.fault, row.fault_facts = now, None, "", None
        session.add(row)


def postpone(session: GuardedSession, batch: uuid.UUID, next_at: datetime) -> None:
    """The message did not leave: it is tried again from `next_at` on."""
    later = sa.update(NotificationDelivery).where(col(NotificationDelivery.batch) == batch)
    session.exec(later.values(next_at=next_at, attempts=col(NotificationDelivery.attempts) + 1))


def give_up(session: GuardedSession, which: Outlet, before: datetime) -> int:
    """Let go what has waited for the user's channel since before that moment; how many."""
    old = sa.delete(NotificationDelivery).where(col(NotificationDelivery.channel) == which)
    return int(session.exec(old.where(col(NotificationDelivery.created_at) < before)).rowcount)


def failing(session: GuardedSession, which: Outlet, code: str, facts: dict[str, str], now: datetime) -> bool:
    """Note why a channel does not work; True when it worked until now."""
    row = channel(session, which)
    if row is None:
        return False
    first = row.failing_since is None
    row.failing_since, row.fault, row.fault_facts = row.failing_since or now, code[:64], facts
    session.add(row)
    return first


def hurry(session: GuardedSession, which: Outlet, now: datetime) -> None:
    """A channel was changed: what waits for it is tried at once."""
    session.exec(sa.update(NotificationDelivery).where(col(NotificationDelivery.channel) == which).values(next_at=now))


def drop(session: GuardedSession, which: Outlet) -> None:
    """Remove the user's channel and what waits for it. NotFound when there is none."""
    row = channel(session, which)
    if row is None:
        raise NotFound(kind="channel")
    session.exec(sa.delete(NotificationDelivery).where(col(NotificationDelivery.channel) == which))
    session.delete(row)
