"""Carries news out of the house: one lane per user and channel, several news in one message, retried until they have left.

What waits is in the store. A message has its id there before it is sent, so that a restart repeats it under the same id.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.events import NotificationAdded, NotificationChannelChanged
from aristobot.notices import Outlet
from aristobot.store import notifications, users
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.notice_book import NoticeBook
from services.notice_facts import of_channel
from services.notice_message import compose
from services.notifier_settings import NotifierSettings
from services.notifiers.channel import Channel, ChannelFault

#: News of the same moment leave together: so long they are gathered.
GATHER = timedelta(seconds=2)
#: After so many messages in a row a lane sends one per `SPACING`: a storm becomes a few messages, however long it lasts.
BURST, SPACING = 3, 20.0
#: Seconds after which a message that did not leave is tried again.
PAUSES = (5.0, 15.0, 60.0, 300.0, 900.0, 1800.0)
#: What nobody took for a day is nobody's news any more.
GIVEN_UP_AFTER = timedelta(days=1)
_LOOK_EVERY = 5.0

Lane = tuple[uuid.UUID, Outlet]


class NotifierPost:
    """As a service it starts a lane wherever something waits; a lane ends when it is empty or has to wait for long."""

    name = "notifier_post"

    def __init__(
        self,
        db: Database,
        bus: Bus,
        clock: Clock,
        *,
        book: NoticeBook,
        settings: NotifierSettings,
        channels: Mapping[Outlet, Channel],
    ) -> None:
        self._db = db
        self._clock = clock
        self._book = book
        self._settings = settings
        self._channels = channels
        self._inbox = bus.subscribe(NotificationAdded, NotificationChannelChanged, keep="latest")
        self._lanes: dict[Lane, asyncio.Task[None]] = {}
        self._allowance: dict[Lane, tuple[float, float]] = {}
        self._fails: dict[Lane, int] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Begin with what an earlier run left; then whenever something is told, and every five seconds."""
        self._wake.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                tasks.create_task(self._tick())
                tasks.create_task(self._start_lanes())
        finally:
            for task in list(self._lanes.values()):
                task.cancel()
            await asyncio.gather(*self._lanes.values(), return_exceptions=True)
            for channel in self._channels.values():
                await channel.close()

    async def _listen(self) -> None:
        async for _event in self._inbox:
            self._wake.set()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(_LOOK_EVERY)
            self._wake.set()

    async def _start_lanes(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            now = self._clock.now()
            for lane in await self._db.read(SYSTEM, partial(notifications.lanes, now=now, given_up=now - GIVEN_UP_AFTER)):
                if lane not in self._lanes:
                    task = self._lanes[lane] = asyncio.create_task(self._work_off(lane))
                    task.add_done_callback(partial(self._ended, lane))

    def _ended(self, lane: Lane, _task: asyncio.Task[None]) -> None:
        self._lanes.pop(lane, None)

    async def _work_off(self, lane: Lane) -> None:
        try:
            while await self._send_next(lane):
                pass
        except AristobotError as error:  # the store, or a seal: the next look begins anew
            logger.warning("Notifications by {} cannot leave now: {}", lane[1], error)

    async def _send_next(self, lane: Lane) -> bool:
        """One message; False when nothing is due."""
        user_id, which = lane
        now = self._clock.now()
        first = await self._db.read(user_id, lambda s: notifications.oldest(s, which))
        if first is not None and first.created_at < now - GIVEN_UP_AFTER:
            given_up = await self._db.write(user_id, lambda s: notifications.give_up(s, which, now - GIVEN_UP_AFTER))
            logger.warning("{} notifications by {} are given up after a day", given_up, which)
            first = await self._db.read(user_id, lambda s: notifications.oldest(s, which))
        if first is None or first.next_at > now:
            return False
        if first.batch is None:
            await self._gather(lane)
        taken = await self._db.write(user_id, lambda s: notifications.take(s, which))
        if taken is None:
            return False
        batch, rows = taken
        user = await self._db.read(SYSTEM, lambda s: users.get(s, user_id))
        row = await self._db.read(user_id, lambda s: notifications.channel(s, which))
        if row is None or not row.enabled or not user.is_active:
            await self._db.write(user_id, lambda s: notifications.give_up(s, which, self._clock.now()))
            return False
        try:
            message = compose(rows, batch, user.language, self._clock.now())
            await self._channels[which].send(row.settings or {}, await self._settings.opened(row), message)
        except AristobotError as error:
            await self._failed(lane, batch, error)
            return False
        self._fails.pop(lane, None)
        done = self._clock.now()
        await self._db.write(user_id, lambda s: notifications.delivered(s, which, batch, done))
        if row.failing_since is not None or row.worked_at is None:
            self._settings.changed(user_id, which)
        return True

    async def _gather(self, lane: Lane) -> None:
        """Wait for what belongs together, and for the lane's turn."""
        await self._clock.sleep(GATHER.total_seconds())
        left, at = self._allowance.get(lane, (float(BURST), 0.0))
        now = self._clock.monotonic()
        left = min(float(BURST), left + (now - at) / SPACING)
        if left < 1:
            await self._clock.sleep((1 - left) * SPACING)
            left, now = 1.0, self._clock.monotonic()
        self._allowance[lane] = (left - 1, now)

    async def _failed(self, lane: Lane, batch: uuid.UUID, error: AristobotError) -> None:
        """Try again later; the first failure is told where it can still be seen."""
        user_id, which = lane
        tries = self._fails[lane] = self._fails.get(lane, 0) + 1
        asked = error.retry_after if isinstance(error, ChannelFault) else 0.0
        pause = max(PAUSES[min(tries, len(PAUSES)) - 1], asked)
        now = self._clock.now()
        facts = {name: str(value)[:200] for name, value in error.facts.items()}
        await self._db.write(user_id, lambda s: notifications.postpone(s, batch, now + timedelta(seconds=pause)))
        if await self._db.write(user_id, lambda s: notifications.failing(s, which, error.code, facts, now)):
            logger.warning("Notifications by {} do not leave: {}", which, error)
            await self._book.tell(user_id, of_channel(which, error.code, facts))
            self._settings.changed(user_id, which)
