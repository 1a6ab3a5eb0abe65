"""Exits for entries of alerts whose fill came when nobody attended to them any more: after a restart, or late.

Exits asked for after an entry was written are newer than those that its alert asks for, and stay.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from itertools import chain, repeat

from loguru import logger

from aristobot.errors import AristobotError
from aristobot.logs import log_context
from aristobot.signals import parse
from aristobot.store import brackets, webhooks
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Webhook
from services.alerts import OWNER, Alert
from services.trading_floor import TradingFloor
from services.webhook_trading import WebhookTrading

#: Seconds between tries to ask for the exits of a position: until then nobody guards it.
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)


class EntryGuards:
    """One task per position, until its exits are asked for: from then on the keeper sees to them.

    `under_work` says whether an alert is being dealt with now, which then sees to its own exits.
    """

    def __init__(self, floor: TradingFloor, trading: WebhookTrading, under_work: Callable[[uuid.UUID], bool]) -> None:
        self._floor = floor
        self._trading = trading
        self._under_work = under_work
        self._seen_to: set[uuid.UUID] = set()
        self._asked: set[uuid.UUID] = set()
        self._protecting: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._afterwards: dict[uuid.UUID, tuple[uuid.UUID, uuid.UUID]] = {}

    async def protect_naked(self) -> None:
        """Protection first: positions whose entry was filled and whose exits were not asked for."""
        for user_id, position_id in await self._floor.db.read(SYSTEM, lambda s: brackets.with_unheeded(s, OWNER)):
            self._start(user_id, position_id)

    def filled(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """An entry whose fills come after its alert had ended still brings the exits that the alert asked for."""
        self._start(user_id, position_id)

    def ended(self, webhook_id: uuid.UUID) -> None:
        """An alert is not under work any more."""
        if (filled := self._afterwards.pop(webhook_id, None)) is not None:
            self._start(*filled)

    async def stop(self) -> None:
        """Leave it to the next start."""
        tasks = list(self._protecting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """Beside everything else: a position whose exchange is silent must not make the others wait."""
        self._asked.add(position_id)
        if position_id not in self._protecting:
            self._protecting[position_id] = asyncio.create_task(self._protect(user_id, position_id))

    async def _protect(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """Until nothing was filled while we looked."""
        pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
        try:
            while position_id in self._asked:
                self._asked.discard(position_id)
                try:
                    await self._try(user_id, position_id)
                except AristobotError as error:
                    logger.error("Position {} could not be given its exits yet: {}", position_id, error)
                    self._asked.add(position_id)
                    await self._floor.clock.sleep(next(pauses))
        finally:
            del self._protecting[position_id]

    async def _try(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        for entry in await self._floor.db.read(user_id, lambda s: brackets.unheeded(s, position_id)):
            if entry.webhook_id is None or entry.id in self._seen_to:
                continue
            if self._under_work(entry.webhook_id):
                self._afterwards[entry.webhook_id] = (user_id, position_id)
                return
            await self._see_to(user_id, position_id, entry, entry.webhook_id)
            self._seen_to.add(entry.id)

    async def _see_to(self, user_id: uuid.UUID, position_id: uuid.UUID, entry: brackets.Entry, cause: uuid.UUID) -> None:
        row: Webhook = await self._floor.db.read(user_id, lambda s: webhooks.get(s, cause))
        commands = parse(row.payload).commands
        index = int(entry.leg.removeprefix("c") or 0)
        if index >= len(commands):
            return
        account = await self._floor.brokers.get(row.broker_id)
        alert = Alert(row.id, account, row.received_at, recovered=True)
        with log_context(trace_id=row.trace_id, user_id=user_id):
            await self._trading.protect(alert, commands[index], position_id)
