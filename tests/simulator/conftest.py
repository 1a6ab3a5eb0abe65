"""A running simulator, and somebody to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from aristobot.clock import ManualClock
from services.simulator.server import SimulatorServer
from tests.simulator.speaker import Speaker


@pytest.fixture
async def simulator(clock: ManualClock) -> AsyncIterator[SimulatorServer]:
    """A simulator whose time stands still until the test moves it."""
    server = SimulatorServer(clock)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def speaker(simulator: SimulatorServer, clock: ManualClock) -> AsyncIterator[Speaker]:
    """An owner of 10,000 USDT and 1 BTC."""
    simulator.venue.open_account("binance", "key-one", "secret-one", {"USDT": Decimal(10_000), "BTC": Decimal(1)})
    async with Speaker(simulator, clock) as speaker:
        yield speaker
