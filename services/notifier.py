"""Hears what happens in the house and tells those whom it concerns. Its own failures stop nothing and nobody."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from datetime import timedelta

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import NotFound, StoreError
from aristobot.events import (
    BackupFailed,
    Event,
    ExchangeHealthChanged,
    OrderUpdated,
    PositionUpdated,
    ServiceStateChanged,
    SessionOpened,
    StopMissing,
    TradingHalted,
    WebhookUpdated,
)
from aristobot.key_events import KeyJudged
from aristobot.kinds import HaltScope, Role, WebhookStatus
from aristobot.notices import Notice
from aristobot.orders import OrderStatus
from aristobot.store import brokers, notifications, orders, positions, strategies, users, webhooks
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.strategy_events import StrategyFailed, StrategySpoke
from services import notice_facts
from services.notice_book import NoticeBook

KEPT_FOR = timedelta(days=30)
_TIDY_EVERY = 3600.0
#: Seconds between tries to write what there is to tell: the first, and the longest.
_AGAIN, _LONGEST = 0.5, 5.0
#: Before the last news this much is looked at again: a crash may have come between a fill and its line.
_OVERLAP = timedelta(minutes=1)
_ORDER_NEWS = frozenset(status.value for status in OrderStatus if status.is_final or status is OrderStatus.UNKNOWN)
_ALERT_NEWS = frozenset({WebhookStatus.ERROR.value, WebhookStatus.MISS.value})


class Notifier:
    """One reader of the bus; what it tells is written before anybody is rung up."""

    name = "notifier"

    def __init__(self, db: Database, bus: Bus, clock: Clock, book: NoticeBook) -> None:
        self._db = db
        self._clock = clock
        self._book = book
        self._away: set[str] = set()
        self._inbox = bus.subscribe(
            OrderUpdated,
            PositionUpdated,
            WebhookUpdated,
            StopMissing,
            KeyJudged,
            TradingHalted,
            ExchangeHealthChanged,
            SessionOpened,
            BackupFailed,
            ServiceStateChanged,
            StrategyFailed,
            StrategySpoke,
            size=50_000,
        )

    async def run(self) -> None:
        """Tell what a crash kept from being told, then follow the bus."""
        await self._catch_up()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._tidy())

    async def _follow(self) -> None:
        async for event in self._inbox:
            await self._hear_surely(event)

    async def _hear_surely(self, event: Event) -> None:
        """Until what there is to tell is written: an alarm must not be lost to a store that is away for a while."""
        pause = _AGAIN
        while True:
            try:
                await self._hear(event)
                return
            except NotFound as error:  # deleted meanwhile: there is nobody to tell
                logger.debug("Nothing to tell about {}: {}", type(event).__name__, error)
                return
            except StoreError as error:
                if pause == _AGAIN:
                    logger.error("News of {} cannot be written yet: {}", type(event).__name__, error)
            await self._clock.sleep(pause)
            pause = min(2 * pause, _LONGEST)

    async def _catch_up(self) -> None:
        last = await self._db.read(SYSTEM, notifications.last_told)
        if last is None:
            return
        since = max(last - _OVERLAP, self._clock.now() - notice_facts.LATE)
        ended, moved = await self._db.read(SYSTEM, lambda s: notifications.ended_since(s, since))
        known = {row.id: row for row in await self._db.read(SYSTEM, lambda s: brokers.mine(s, with_deleted=True))}
        now = self._clock.now()
        news = [(row.user_id, notice_facts.of_order(row, known[row.broker_id], now)) for row in ended]
        news += [(row.user_id, notice_facts.of_position(row, known[row.broker_id], now)) for row in moved]
        to_tell = [(user_id, notice) for user_id, notice in news if notice is not None]
        await self._book.recall(to_tell)
        for user_id, notice in to_tell:
            await self._tell([user_id], notice)

    async def _tidy(self) -> None:
        while True:
            await self._clock.sleep(_TIDY_EVERY)
            try:
                await self._db.write(SYSTEM, self._forget)
            except StoreError as error:
                logger.warning("Old news cannot be forgotten now: {}", error)

    def _forget(self, session: GuardedSession) -> None:
        notifications.forget_before(session, self._clock.now() - KEPT_FOR)

    async def _hear(self, event: Event) -> None:
        match event:
            case OrderUpdated() | PositionUpdated() | WebhookUpdated() | StopMissing() | KeyJudged():
                await self._about_broker(event)
            case TradingHalted():
                await self._about_halt(event)
            case ExchangeHealthChanged():
                await self._about_exchange(event)
            case SessionOpened(user_id=uuid.UUID() as user_id) if not event.known:
                await self._tell([user_id], notice_facts.of_session(event))
            case StrategyFailed(user_id=uuid.UUID() as user_id):
                await self._tell([user_id], notice_facts.of_fallen_strategy(event))
            case StrategySpoke(user_id=uuid.UUID() as user_id):
                await self._tell([user_id], notice_facts.of_word(event))
            case BackupFailed():
                await self._tell(await self._administrators(), notice_facts.of_backup(event))
            case ServiceStateChanged(state="fallen"):
                await self._tell(await self._administrators(), notice_facts.of_service(event))

    async def _about_broker(self, event: OrderUpdated | PositionUpdated | WebhookUpdated | StopMissing | KeyJudged) -> None:
        if event.user_id is None or _says_nothing(event):
            return
        await self._db.lull()  # the next alert's order is in a hurry, news are not
        now = self._clock.now()

        def work(session: GuardedSession) -> Notice | None:
            broker = brokers.get(session, event.broker_id)
            match event:
                case OrderUpdated():
                    return notice_facts.of_order(orders.get(session, event.order_id), broker, now)
                case PositionUpdated():
                    return notice_facts.of_position(positions.get(session, event.position_id), broker, now)
                case WebhookUpdated():
                    return notice_facts.of_alert(webhooks.get(session, event.webhook_id), broker)
                case StopMissing():
                    return notice_facts.of_stop(event, broker)
                case KeyJudged():
                    return notice_facts.of_key(event, broker)

        await self._tell([event.user_id], await self._db.read(event.user_id, work))

    async def _about_halt(self, event: TradingHalted) -> None:
        household = await self._db.read(SYSTEM, users.everyone)
        concerned = [event.user_id] if event.user_id is not None else [user.id for user in household if user.is_active]
        names = {user.id: user.name for user in household}
        scope_id, scope = event.scope_id, event.scope
        name = names.get(scope_id, "") if scope_id is not None else ""
        if scope_id is not None and scope in (HaltScope.BROKER, HaltScope.STRATEGY):
            find = brokers.get if scope == HaltScope.BROKER else strategies.stoppable
            name = (await self._db.read(SYSTEM, lambda s: find(s, scope_id))).name
        await self._tell(concerned, notice_facts.of_halt(event, name))

    async def _about_exchange(self, event: ExchangeHealthChanged) -> None:
        """Tell of a change alone, and those who have a broker there."""
        if event.reachable == (event.exchange not in self._away):
            return
        rows = await self._db.read(SYSTEM, brokers.tradable)
        concerned = dict.fromkeys(row.user_id for row in rows if row.exchange == event.exchange)
        await self._tell(concerned, notice_facts.of_exchange(event))
        (self._away.discard if event.reachable else self._away.add)(event.exchange)

    async def _administrators(self) -> list[uuid.UUID]:
        household: list[User] = await self._db.read(SYSTEM, users.everyone)
        return [user.id for user in household if user.is_active and user.role is Role.ADMINISTRATOR]

    async def _tell(self, concerned: Iterable[uuid.UUID], notice: Notice | None) -> None:
        if notice is not None:
            for user_id in concerned:
                await self._book.tell(user_id, notice)


def _says_nothing(event: OrderUpdated | PositionUpdated | WebhookUpdated | StopMissing | KeyJudged) -> bool:
    """Whether the event alone shows that there is no news in it: no look into the store for each step of an order."""
    match event:
        case OrderUpdated():
            return event.status not in _ORDER_NEWS
        case WebhookUpdated():
            return event.status not in _ALERT_NEWS
    return False
