"""The one door through which news reach a user: written first, then told to the screen and to whoever carries them out."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import partial

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.events import NotificationAdded, NotificationsRead
from aristobot.logs import current_trace_id
from aristobot.notices import Notice
from aristobot.store import notifications
from aristobot.store.database import Database
from aristobot.store.notice_tables import Notification
from aristobot.store.paging import Place
from aristobot.store.tenancy import GuardedSession

#: News that are told once, and were: so many are known without a look into the store. A position changes with each of its fills.
_REMEMBERED = 5_000


class NoticeBook:
    """What each user was told, and what they have read of it."""

    def __init__(self, db: Database, bus: Bus, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._told_once: dict[tuple[uuid.UUID, str], None] = {}

    async def tell(self, user_id: uuid.UUID, notice: Notice) -> bool:
        """Write the news and ring the bell; False when the user was told before. Raises StoreError."""
        now, trace_id, about = self._clock.now(), current_trace_id(), (user_id, notice.subject)
        if notice.once and about in self._told_once:
            return False
        told = await self._db.write(user_id, lambda s: notifications.tell(s, notice, trace_id, now))
        if notice.once and notice.subject:
            self._remember(about)
        if told is None:
            return False
        outlets = frozenset(outlet.value for outlet in told.outlets)
        self._bus.publish(
            NotificationAdded(
                at=now, trace_id=trace_id, user_id=user_id, notification_id=told.row.id, unread=told.unread, outlets=outlets
            )
        )
        return True

    async def recall(self, news: Iterable[tuple[uuid.UUID, Notice]]) -> None:
        """Find out by one look per user what they were told of it; each would take a transaction. Raises StoreError."""
        subjects: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
        for user_id, notice in news:
            if notice.once and notice.subject:
                subjects[user_id].append(notice.subject)
        for user_id, asked in subjects.items():
            for subject in await self._db.read(user_id, partial(notifications.told, subjects=asked[-_REMEMBERED:])):
                self._remember((user_id, subject))

    def _remember(self, about: tuple[uuid.UUID, str]) -> None:
        self._told_once[about] = None
        if len(self._told_once) > _REMEMBERED:
            del self._told_once[next(iter(self._told_once))]

    async def recent(self, user_id: uuid.UUID, limit: int = 50, before: Place | None = None) -> list[Notification]:
        """The newest lines first."""
        return await self._db.read(user_id, lambda s: notifications.recent(s, limit, before))

    async def get(self, user_id: uuid.UUID, notification_id: uuid.UUID) -> Notification:
        """One line of the user; NotFound."""
        return await self._db.read(user_id, lambda s: notifications.get(s, notification_id))

    async def unread(self, user_id: uuid.UUID) -> int:
        """How many lines the user has not read."""
        return await self._db.read(user_id, notifications.unread)

    async def mark_read(self, user_id: uuid.UUID, ids: Collection[uuid.UUID] | None = None) -> int:
        """Note that the user has read these lines, or all; how many are left. Every open page of theirs hears of it."""
        now = self._clock.now()

        def work(session: GuardedSession) -> int:
            notifications.mark_read(session, now, ids)
            return notifications.unread(session)

        left = await self._db.write(user_id, work)
        self._bus.publish(NotificationsRead(at=now, user_id=user_id, unread=left))
        return left
