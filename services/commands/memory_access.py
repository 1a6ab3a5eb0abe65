"""The memory opened for one command, beside a running house or without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import typer

from aristobot.bus import Bus
from aristobot.clock import SystemClock
from aristobot.errors import InstanceRunning
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.instance import InstanceLock
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.shelf import Shelf
from aristobot.vault import Vault
from services.accounts import Accounts
from services.audit_trail import Actor
from services.commands.options import settings_of

#: Who acts from the command line: whoever may read the data folder.
OPERATOR = Actor("command line", "cli")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Memory:
    """What a command needs of the house."""

    settings: Settings
    clock: SystemClock
    db: Database
    vault: Vault
    accounts: Accounts


def with_memory(ctx: typer.Context, work: Callable[[Memory], Awaitable[_R]]) -> _R:
    """Open the memory of the settings, made or upgraded when nobody runs, do the work, close it again."""
    settings = settings_of(ctx)
    bring_up_to_date(settings)

    async def opened() -> _R:
        async with _opened(settings) as memory:
            return await work(memory)

    return asyncio.run(opened())


def bring_up_to_date(settings: Settings) -> None:
    """Make or upgrade the database, unless a running instance holds it: then it is up to date."""
    with suppress(InstanceRunning), alone(settings):
        upgrade_at_start(settings.database_url, Shelf.of(settings))


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """While no instance runs, and none can start."""
    lock = InstanceLock(settings)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Memory]:
    clock = SystemClock()
    vault = Vault.open_or_create(settings.master_key_file)
    db = Database(settings.database_url)
    try:
        yield Memory(settings, clock, db, vault, Accounts(db, Bus(), clock, vault, settings))
    finally:
        await db.close()
