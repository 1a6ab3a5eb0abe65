"""Brokers and their limits in memory, so that an alert needs no look into the store before its order is written."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

from loguru import logger

from aristobot.bus import Bus
from aristobot.errors import AristobotError, NotFound
from aristobot.events import BrokerUpdated
from aristobot.risk import Limits
from aristobot.store import brokers
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM


@dataclass(frozen=True, slots=True)
class Account:
    """One broker as trading sees it: its row (detached, read only), the limits read from it, its id and its owner's."""

    broker: Broker
    limits: Limits
    id: uuid.UUID = field(init=False)
    user_id: uuid.UUID = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self.broker.id)  # asked for twenty times by each alert: a row answers slowly
        object.__setattr__(self, "user_id", self.broker.user_id)


class BrokerBook:
    """Every broker that is not deleted; follows BrokerUpdated."""

    def __init__(self, db: Database, bus: Bus) -> None:
        self._db = db
        self._accounts: dict[uuid.UUID, Account] = {}
        self._changes, self._known = 1, 0
        self._reading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        bus.listen(BrokerUpdated, do=self._changed)

    async def load(self) -> None:
        """Read all brokers afresh, one reader after the other: what was asked earlier must not be believed later."""
        async with self._reading:
            changes = self._changes  # before the read: a change that comes meanwhile asks for another one
            rows = await self._db.read(SYSTEM, brokers.tradable)
            self._accounts = {row.id: _account(row) for row in rows}
            self._known = changes

    def all(self) -> list[Account]:
        """Every account known now."""
        return list(self._accounts.values())

    def known(self, broker_id: uuid.UUID) -> Account | None:
        """As `get`, from memory alone and at once: None when it cannot tell."""
        return self._accounts.get(broker_id) if self._known == self._changes else None

    async def get(self, broker_id: uuid.UUID) -> Account:
        """The account; NotFound when there is none. Reads the store only after a change."""
        if self._known != self._changes or broker_id not in self._accounts:
            await self.load()
        account = self._accounts.get(broker_id)
        if account is None:
            raise NotFound(kind="broker")
        return account

    async def owned(self, user_id: uuid.UUID, broker_id: uuid.UUID) -> Account:
        """The account when it is this user's; NotFound otherwise."""
        account = await self.get(broker_id)
        if account.user_id != user_id:
            raise NotFound(kind="broker")
        return account

    def _changed(self, _: BrokerUpdated) -> None:
        self._changes += 1
        task = asyncio.ensure_future(self._reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        try:
            await self.load()
        except AristobotError as error:
            logger.error("Brokers could not be read again: {}", error)


def _account(row: Broker) -> Account:
    try:
        return Account(row, Limits.read(row.limits))
    except AristobotError as error:
        logger.error("Limits of broker {} cannot be read ({}); the defaults apply", row.id, error)
        return Account(row, Limits())
