"""What CCXT's client can do at Kraken alone; what it does everywhere: tests/exchanges/test_outside_witness.py."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from aristobot.clock import SystemClock
from services.simulator.server import SimulatorServer
from tests.lazily import Lazily
from tests.simulator.kraken_speaker import SECRET

SYMBOL = "BTC/USD"
CLOCK = SystemClock()
ccxt = Lazily("ccxt")
OPTIONS = {"apiKey": "key-one", "secret": SECRET, "enableRateLimit": False}


@pytest.fixture
async def server() -> AsyncIterator[SimulatorServer]:
    """A simulator by the clock on the wall, with an owner of 10,000 USD and 1 BTC."""
    simulator = SimulatorServer(CLOCK)
    await simulator.start()
    simulator.venue.open_account("kraken", "key-one", SECRET, {"USD": Decimal(10_000), "BTC": Decimal(1)})
    yield simulator
    await simulator.stop()


def pointed_at(server: SimulatorServer, client: Any) -> Any:
    """A client of CCXT that knows no other address than ours."""
    client.aiohttp_trust_env = False
    sockets = server.url.replace("http", "ws", 1) + "/kraken"
    ws = {name: f"{sockets}/v2" for name in ("public", "publicV2")} | {
        n: f"{sockets}/v2/private" for n in ("private", "privateV2")
    }
    client.urls["api"] = {"public": f"{server.url}/kraken", "private": f"{server.url}/kraken", "ws": ws}
    return client


@pytest.fixture
async def rest(server: SimulatorServer) -> AsyncIterator[Any]:
    """CCXT's REST client."""
    one = pointed_at(server, importlib.import_module("ccxt.async_support").kraken(OPTIONS))
    yield one
    await one.close()


@pytest.fixture
async def client(server: SimulatorServer) -> AsyncIterator[Any]:
    """CCXT's client with sockets."""
    one = pointed_at(server, importlib.import_module("ccxt.pro").kraken(OPTIONS))
    yield one
    await one.close()


async def test_ccxt_reads_limits_state_and_order_book(rest: Any) -> None:
    market = (await rest.load_markets())[SYMBOL]
    assert (market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]) == (0.00005, 0.5)
    assert len(await rest.fetch_ohlcv(SYMBOL, "1h")) == 720
    assert (await rest.fetch_status())["status"] == "ok"
    assert len((await rest.fetch_order_book(SYMBOL))["bids"]) == 100


async def test_ccxt_holds_money_with_its_fee_and_lets_a_stop_rest(rest: Any) -> None:
    await rest.create_order(SYMBOL, "limit", "buy", 0.01, 50_000)
    assert (await rest.fetch_balance())["USD"]["used"] == 502
    stop = await rest.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": 55_000})
    assert (await rest.fetch_order(stop["id"], SYMBOL))["stopLossPrice"] == 55_000
    with pytest.raises(ccxt.InsufficientFunds):
        await rest.create_order(SYMBOL, "limit", "buy", 10, 50_000)
    with pytest.raises(ccxt.InvalidOrder):
        await rest.cancel_order("OAAAAA-BBBBB-CCCCCC", SYMBOL)


async def _soon(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, 5)


async def test_ccxt_watches_executions_of_others(server: SimulatorServer, client: Any) -> None:
    await client.load_markets()
    assert (await _soon(client.watch_ticker(SYMBOL)))["last"] == 60_000
    server.world.feed.move(SYMBOL, "60100")
    assert (await _soon(client.watch_trades(SYMBOL)))[-1]["price"] == 60_100


async def test_ccxt_watches_its_account(client: Any) -> None:
    resting = await client.create_order(SYMBOL, "limit", "buy", 0.01, 50_000)
    assert (await _soon(client.watch_balance()))["BTC"]["total"] == 1
    assert [order["id"] for order in await _soon(client.watch_orders(SYMBOL))] == [resting["id"]]
    waiting = [client.watch_orders(SYMBOL), client.watch_my_trades(SYMBOL), client.watch_balance()]
    orders, fills, balance = (asyncio.create_task(one) for one in waiting)
    await CLOCK.sleep(0.01)
    placed = await _soon(client.create_order_ws(SYMBOL, "market", "buy", 0.01))
    assert (await _soon(orders))[-1]["id"] == placed["id"]
    (fill,) = await _soon(fills)
    assert (fill["order"], fill["amount"], fill["price"]) == (placed["id"], 0.01, 60_000.1)
    assert (await _soon(balance))["BTC"]["total"] == 1.01
    later = await _soon(client.create_order_ws(SYMBOL, "limit", "buy", 0.01, 51_000))
    assert {order["id"] for order in await client.fetch_open_orders(SYMBOL)} == {resting["id"], later["id"]}
    await _soon(client.cancel_order_ws(later["id"]))
    await _soon(client.cancel_all_orders_ws())
    assert await client.fetch_open_orders(SYMBOL) == []
