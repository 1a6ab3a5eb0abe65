"""A running simulator, and somebody to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from aristobot.clock import ManualClock
from services.simulator.server import SimulatorServer
from tests.simulator.bitget_speaker import BitgetSpeaker, bitget_owner
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


@pytest.fixture
async def classic(simulator: SimulatorServer, clock: ManualClock) -> AsyncIterator[BitgetSpeaker]:
    """An owner of 10,000 USDT and 1 BTC with a classic account at Bitget, asking as often as he likes."""
    async with bitget_owner(simulator, clock, "classic") as owner:
        yield owner


@pytest.fixture
async def unified(simulator: SimulatorServer, clock: ManualClock) -> AsyncIterator[BitgetSpeaker]:
    """The same with a unified account."""
    async with bitget_owner(simulator, clock, "unified") as owner:
        yield owner
