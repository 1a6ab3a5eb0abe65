"""A simulated exchange, the house's way to it, and time that moves for both together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.vault import Vault
from services.exchange_gateway import ExchangeGateway
from services.simulator.server import SimulatorServer
from tests.exchange_urls import exchange_urls


class Market:
    """Everything that a service of the market needs, and a hand on prices, faults and time."""

    def __init__(self, db: Database, clock: ManualClock, server: SimulatorServer, folder: Path) -> None:
        self.db, self.clock, self.server, self.bus = db, clock, server, Bus()
        settings = Settings.load({"data_dir": folder, "exchange_urls": exchange_urls(server.url)}, {})
        vault = Vault.open_or_create(settings.master_key_file)
        self.gateway = ExchangeGateway(db, self.bus, clock, vault, settings)

    def faults(self, *script: dict[str, Any]) -> None:
        """Let something go wrong."""
        self.server.world.faults.write(script)

    def asked(self, event: str, exchange: str = "binance") -> int:
        """How often an exchange was asked for something."""
        return sum((entry.event, entry.exchange) == (event, exchange) for entry in self.server.world.journal.entries)

    async def pass_time(self, seconds: float, step: float = 5.0, arrived: Callable[[], bool] = lambda: True) -> None:
        """Let time pass in steps; after each, what goes over sockets and through threads gets a moment to arrive.

        With `arrived` each step waits, in real time, until that is true: on a busy machine a moment may be too short.
        """
        for _ in range(round(seconds / step)):
            await self.clock.advance(step)
            await a_moment()
            async with asyncio.timeout(10):
                while not arrived():
                    await a_moment()

    async def until(self, happened: Callable[[], bool], step: float = 4.0, tries: int = 1000) -> None:
        """Let time pass until something has happened; fail when it does not."""
        for _ in range(tries):
            if happened():
                return
            await self.clock.advance(step)
            await a_moment()
        raise AssertionError("it never happened")


async def a_moment(seconds: float = 0.004) -> None:
    """A little real time, for sockets and threads."""
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=seconds)


@asynccontextmanager
async def a_market(db: Database, clock: ManualClock, folder: Path) -> AsyncIterator[Market]:
    """An exchange on a free port, and a gateway to it."""
    server = SimulatorServer(clock)
    await server.start()
    market = Market(db, clock, server, folder)
    try:
        yield market
    finally:
        await market.gateway.close()
        await server.stop()
