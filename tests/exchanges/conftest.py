"""What the tests of the exchanges may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from aristobot.clock import ManualClock
from aristobot.exchange import Credentials
from services.simulator.server import SimulatorServer
from tests.exchanges.compliance import Bench, a_bench
from tests.exchanges.house import ED25519, HMAC, House
from tests.exchanges.kraken_house import KrakenHouse
from tests.services.leaping import a_leaping_loop


def pytest_asyncio_loop_factories(item: pytest.Function) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Waiting takes no time: a second until a client gives up is nothing, and lasts on a busy machine as well."""
    return {"real": asyncio.new_event_loop} if "real_time" in item.fixturenames else {"leaping": a_leaping_loop}


@pytest.fixture
def real_time() -> None:
    """The other side works in threads of its own, or so much is done at once that time-outs tell of the machine."""


@pytest.fixture
async def house(clock: ManualClock) -> AsyncIterator[House]:
    """A simulator with a client."""
    server = SimulatorServer(clock)
    await server.start()
    made = House(clock, server)
    made.price("100")
    await clock.advance(600)  # the price filters look at an average of five minutes
    yield made
    await made.client.close()
    await server.stop()


@pytest.fixture(params=["hmac", "ed25519"])
def keys(request: pytest.FixtureRequest) -> Credentials:
    """A key of each kind."""
    return {"hmac": HMAC, "ed25519": ED25519}[request.param]


@pytest.fixture(params=["socket", "rest"])
def way(request: pytest.FixtureRequest, house: House) -> str:
    """Orders over the trading socket, or over REST because there is none."""
    if request.param == "rest":
        house.faults({"on": "socket.connect", "do": "refuse", "times": 0})
    return str(request.param)


@pytest.fixture
async def kraken(clock: ManualClock) -> AsyncIterator[KrakenHouse]:
    """A simulator with a client of Kraken's."""
    server = SimulatorServer(clock)
    await server.start()
    made = KrakenHouse(clock, server)
    yield made
    await made.client.close()
    await server.stop()


@pytest.fixture(params=["socket", "rest"])
def kraken_way(request: pytest.FixtureRequest, kraken: KrakenHouse) -> str:
    """Orders over the key's socket, or over REST because there is none."""
    if request.param == "rest":
        kraken.faults({"on": "socket.connect", "do": "refuse", "times": 0})
    return str(request.param)


@pytest.fixture
async def bench(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Bench]:
    """A simulator with a client and an account, for the case that a behaviour is tried on."""
    async with a_bench(clock, request.param) as made:
        yield made
