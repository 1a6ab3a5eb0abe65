"""Alerts that the store refused and may hold all the same: a commit whose answer was lost can have come true."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import StoreError
from aristobot.events import SignalReceived
from aristobot.store import webhooks
from aristobot.store.database import Database
from aristobot.store.inbox import Alert
from aristobot.store.tenancy import SYSTEM

#: How long after its refusal an alert may still turn up, and seconds between two looks.
_PATIENCE = timedelta(seconds=60)
_PAUSE = 1.0


class DoubtedAlerts:
    """Their sender was told 503, and the next sending of the same is a duplicate: nobody but us would ring for them."""

    def __init__(self, db: Database, bus: Bus, clock: Clock) -> None:
        self._db, self._bus, self._clock = db, bus, clock
        self._refused: dict[uuid.UUID, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, alert: Alert) -> None:
        """The store did not say that it holds this alert: it is looked for as long as it may turn up there."""
        self._refused[alert.id] = self._clock.now()
        if self._task is None:
            self._task = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Leave it to the next start, which takes up whatever is stored."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        try:
            while self._refused:
                await self._clock.sleep(_PAUSE)
                try:
                    await self._once()
                except StoreError as error:
                    logger.debug("Refused alerts cannot be looked for yet: {}", error)
        finally:
            self._task = None

    async def _once(self) -> None:
        asked = self._clock.now()
        for row in await self._db.read(SYSTEM, webhooks.pending):
            if self._refused.pop(row.id, None) is not None:
                logger.warning("Alert {} was stored after all", row.id)
                self._bus.publish(
                    SignalReceived(
                        at=row.received_at,
                        trace_id=row.trace_id,
                        user_id=row.user_id,
                        webhook_id=row.id,
                        broker_id=row.broker_id,
                        payload=row.payload,
                        recovered=True,
                    )
                )
        for webhook_id, refused in list(self._refused.items()):
            if asked - refused > _PATIENCE:
                del self._refused[webhook_id]
