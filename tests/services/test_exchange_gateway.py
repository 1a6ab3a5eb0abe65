"""The gateway: one client for everybody, everybody's own keys, and the truth about who can be reached."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.errors import ClockSkewed, ConfigurationError, InvalidInput
from aristobot.events import ExchangeHealthChanged
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.vault import SealBroken, Vault
from services.exchange_gateway import LOOK_EVERY, MEASURE_EVERY, ExchangeGateway
from services.simulator.server import SimulatorServer
from tests.builders import a_broker, a_user
from tests.exchange_urls import exchange_urls


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[SimulatorServer]:
    """An exchange."""
    running = SimulatorServer(clock)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def bus() -> Bus:
    """A bus."""
    return Bus()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """A vault."""
    return Vault.open_or_create(tmp_path / "master.key")


@pytest.fixture
async def gateway(
    server: SimulatorServer, clock: ManualClock, bus: Bus, vault: Vault, tmp_path: Path
) -> AsyncIterator[ExchangeGateway]:
    """A gateway whose Binance is the simulator."""
    settings = Settings.load({"data_dir": tmp_path, "exchange_urls": exchange_urls(server.url)}, {})
    db = Database(f"sqlite:///{tmp_path / 'aristobot.db'}")
    made = ExchangeGateway(db, bus, clock, vault, settings)
    yield made
    await made.close()
    await db.close()


def sealed(vault: Vault, broker: Broker, key: str, secret: str) -> Broker:
    """A broker with keys, sealed the way they are kept."""
    place = (f"user:{broker.user_id}", f"broker:{broker.id}")
    broker.api_key_sealed = vault.seal(key, *place, "api_key")
    broker.api_secret_sealed = vault.seal(secret, *place, "api_secret")
    return broker


Told = list[tuple[bool, int, str]]


@pytest.fixture
def told(bus: Bus) -> Iterator[Told]:
    """What is published about Binance: reachable, offset, detail."""
    heard: Told = []

    def hear(event: ExchangeHealthChanged) -> None:
        if event.exchange == "binance":
            heard.append((event.reachable, event.clock_offset_ms, event.detail))

    subscription = bus.listen(ExchangeHealthChanged, do=hear)
    yield heard
    subscription.close()


async def test_everybody_shares_one_client_until_a_broker_speaks_elsewhere(
    gateway: ExchangeGateway, server: SimulatorServer
) -> None:
    one, other = a_broker(a_user()), a_broker(a_user())
    assert gateway.exchanges() == sorted({"binance", *gateway.exchanges()})
    assert gateway.client_for(one) is gateway.client_for(other) is gateway.client("binance")
    other.endpoints = {"rest": f"{server.url}/binance-elsewhere"}
    assert gateway.client_for(other) is not gateway.client("binance")
    assert gateway.client_for(other) is gateway.client_for(other)


def test_no_house_opens_with_an_address_that_no_exchange_heeds(
    lite: Database, bus: Bus, clock: ManualClock, tmp_path: Path
) -> None:
    settings = Settings.load({"data_dir": tmp_path}, {"ARISTOBOT_KRAKN_REST_URL": "https://example.org"})
    with pytest.raises(ConfigurationError) as refused:
        ExchangeGateway(lite, bus, clock, Vault.open_or_create(tmp_path / "key"), settings)
    assert refused.value.facts["nearest"] == "ARISTOBOT_KRAKEN_REST_URL"


async def test_an_exchange_without_a_client_is_refused_by_name(gateway: ExchangeGateway) -> None:
    with pytest.raises(InvalidInput) as refused:
        gateway.client("mtgox")
    assert (refused.value.field, refused.value.facts["value"]) == ("exchange", "mtgox")


async def test_keys_open_for_their_own_broker_and_no_other(gateway: ExchangeGateway, vault: Vault) -> None:
    mine, theirs = sealed(vault, a_broker(a_user()), "my key", "my secret"), a_broker(a_user())
    keys = await gateway.keys(mine)
    assert (keys.api_key, keys.api_secret, keys.passphrase) == ("my key", "my secret", "")
    assert "my" not in repr(keys)
    theirs.api_key_sealed = mine.api_key_sealed
    with pytest.raises(SealBroken):
        await gateway.keys(theirs)
    mine.user_id = uuid.uuid4()
    with pytest.raises(SealBroken):
        await gateway.keys(mine)


async def test_a_look_measures_the_clock_and_tells_of_changes_only(
    gateway: ExchangeGateway, server: SimulatorServer, told: Told
) -> None:
    assert gateway.health("binance").reachable is None
    assert not gateway.clock_certain("binance")
    server.world.clock.offset_ms = 1500
    await gateway.look()
    await gateway.look()
    ((reachable, offset, detail),) = told
    assert (reachable, detail) == (True, "")
    assert offset == pytest.approx(1500, abs=2)
    health = gateway.health("binance")
    assert health.reachable
    assert health.clock_offset_ms == offset
    assert health.stats.requests == 6
    assert gateway.clock_certain("binance")


async def test_the_clock_is_measured_every_hour_and_after_a_refused_timestamp(
    gateway: ExchangeGateway, server: SimulatorServer, clock: ManualClock
) -> None:
    await gateway.look()
    server.world.clock.offset_ms = 700
    await gateway.look()
    assert gateway.health("binance").clock_offset_ms < 100
    gateway.noticed(a_broker(a_user()), ClockSkewed())
    await gateway.look()
    assert gateway.health("binance").clock_offset_ms == pytest.approx(700, abs=2)
    server.world.clock.offset_ms = 900
    await clock.advance(MEASURE_EVERY)
    await gateway.look()
    assert gateway.health("binance").clock_offset_ms == pytest.approx(900, abs=2)


async def test_an_exchange_that_goes_and_comes_back_is_told_once_each_way(
    gateway: ExchangeGateway, server: SimulatorServer, clock: ManualClock, told: Told
) -> None:
    running = asyncio.create_task(gateway.run())

    async def looks(count: int) -> None:
        for _ in range(count * 8):
            await clock.advance(LOOK_EVERY / 4)
            await asyncio.wait([running], timeout=0.01)

    await looks(1)
    server.world.faults.write([{"on": "time", "do": "refuse_5xx", "times": 0}])
    await looks(3)
    since = gateway.health("binance").since
    await looks(2)
    assert gateway.health("binance").since == since
    server.world.faults.clear()
    await looks(3)
    assert [reachable for reachable, _, _ in told] == [True, False, True]
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


async def test_brokers_get_the_abilities_their_exchange_has(gateway: ExchangeGateway) -> None:
    broker = a_broker(a_user())
    client = gateway.client_for(broker)
    able: list[object] = [
        gateway.order_lists(broker),
        gateway.account_stream(broker),
        gateway.amending(broker),
        gateway.fills(broker),
    ]
    assert all(one is client for one in able)


async def test_each_exchange_has_its_line_in_the_log(gateway: ExchangeGateway) -> None:
    await gateway.client("binance").synchronise()
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="INFO", filter="services.exchange_gateway", format="{message}")
    gateway.tell()
    logger.remove(sink)
    assert [line.partition(":")[0] for line in lines] == gateway.exchanges()
    binance = next(line for line in lines if line.startswith("binance"))
    assert re.search(r"\d+ requests, 100\.00 % answered, mean \d+ ms, p99 \d+ ms, weight left \d+ of \d+, 0 reconnects", binance)
    assert "0 requests, 100.00 % answered" in next(line for line in lines if line.startswith("kraken"))
