"""An outside witness: CCXT's own clients, REST and sockets, which none of us wrote, find every exchange in the simulator.

How CCXT's addresses are led there stands beside the exchange's samples, in `payloads/<exchange>/witness.json`.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from aristobot.clock import SystemClock
from services.simulator.server import SimulatorServer
from tests.exchanges.compliance import PASSPHRASE, SYMBOL, Case, cases
from tests.exchanges.messages import PAYLOADS
from tests.lazily import Lazily

T = TypeVar("T")
ccxt = Lazily("ccxt")
#: Real seconds within which it hears what it waits for.
PATIENCE = 30.0
#: Where nobody listens: what is not led to the simulator must not reach the world.
NOWHERE = "http://127.0.0.1:1"
KEY = "key0of0the0witness".ljust(64, "k")


@dataclass(frozen=True)
class Witness:
    """CCXT's client of one kind of account, and the simulator that it takes for the world."""

    server: SimulatorServer
    case: Case
    rest: Any
    pro: Any
    params: dict[str, Any]

    def move(self, price: str) -> None:
        """Another price."""
        self.server.world.feed.move(SYMBOL, price)


def led_here(addresses: Any, server: SimulatorServer, ways: dict[str, str]) -> Any:
    """CCXT's addresses with those we serve led to the simulator, and all others to nobody."""
    if isinstance(addresses, dict):
        return {name: led_here(one, server, ways) for name, one in addresses.items()}
    for begin in sorted(ways, key=len, reverse=True):
        if str(addresses).startswith(begin):
            root = server.url.replace("http", "ws", 1) if begin.startswith("wss") else server.url
            return root + ways[begin] + str(addresses).removeprefix(begin)
    return NOWHERE


def client_of(module: str, server: SimulatorServer, case: Case) -> Any:
    """One of CCXT's clients, with keys."""
    told = json.loads((PAYLOADS / case.exchange / "witness.json").read_text())
    secret = server.dialects[case.exchange].secret("secret0of0the0witness")
    client = getattr(importlib.import_module(module), told.get("client", case.exchange))(
        {"apiKey": KEY, "secret": secret, "password": PASSPHRASE, "enableRateLimit": False}
    )
    client.aiohttp_trust_env = False
    client.options = ccxt.Exchange.deep_extend(client.options, told["options"] | told["modes"][case.mode])
    client.urls["api"] = led_here(client.urls["api"], server, told["addresses"])
    return client


@pytest.fixture(params=cases(), ids=lambda case: f"{case.exchange}-{case.mode}")
async def witness(request: pytest.FixtureRequest) -> AsyncIterator[Witness]:
    """A simulator by the clock on the wall, which CCXT looks at, and an owner of 10,000 USDT and one coin."""
    case: Case = request.param
    server = SimulatorServer(SystemClock())
    await server.start()
    secret = server.dialects[case.exchange].secret("secret0of0the0witness")
    account = server.venue.open_account(case.exchange, KEY, secret, {"USDT": Decimal(10_000), "BTC": Decimal(1)})
    account.passphrase, account.mode = PASSPHRASE, case.mode
    clients = [client_of(module, server, case) for module in ("ccxt.async_support", "ccxt.pro")]
    told = json.loads((PAYLOADS / case.exchange / "witness.json").read_text())
    yield Witness(server, case, clients[0], clients[1], told["modes"][case.mode])
    for client in clients:
        await client.close()
    await server.stop()


async def heard(awaitable: Awaitable[T]) -> T:
    """What it hears, in time."""
    return await asyncio.wait_for(awaitable, PATIENCE)


def held_in(pro: Any) -> Any:
    """The balance that it keeps, under the kind of account where it keeps one per kind."""
    return pro.balance if "BTC" in pro.balance else next(one for one in pro.balance.values() if "BTC" in one)


async def test_it_reads_markets_prices_and_candles(witness: Witness) -> None:
    rest, theirs = witness.rest, witness.server.venue.instruments[witness.case.exchange]
    markets = await rest.load_markets()
    assert set(theirs) <= set(markets)
    for symbol, instrument in theirs.items():
        precision = markets[symbol]["precision"]
        assert (Decimal(str(precision["price"])), Decimal(str(precision["amount"]))) == (instrument.tick, instrument.lot)
        assert markets[symbol]["active"]
    ticker = await rest.fetch_ticker(SYMBOL)
    assert ticker["bid"] < ticker["last"] == 60_000 < ticker["ask"]
    assert {SYMBOL, "ETH/USDT"} <= set(await rest.fetch_tickers([SYMBOL, "ETH/USDT"]))
    candles = await rest.fetch_ohlcv(SYMBOL, "1m", limit=100)
    assert len(candles) >= 100
    assert {after[0] - before[0] for before, after in itertools.pairwise(candles)} == {60_000}
    assert candles[-1][4] == 60_000


async def test_it_places_finds_and_cancels_a_limit_order(witness: Witness) -> None:
    rest = witness.rest
    before = await rest.fetch_balance()
    assert (before["BTC"]["free"], before["USDT"]["total"]) == (1, 10_000)
    name = "a" * 32
    placed = await rest.create_order(SYMBOL, "limit", "sell", 0.1, 65_000, {"clientOrderId": name})
    (found,) = await rest.fetch_open_orders(SYMBOL)
    assert (found["id"], found["clientOrderId"], found["status"], found["side"]) == (placed["id"], name, "open", "sell")
    assert (found["price"], found["amount"], found["filled"]) == (65_000, 0.1, 0)
    assert (await rest.fetch_balance())["BTC"]["used"] == 0.1
    await rest.cancel_order(placed["id"], SYMBOL)
    assert await rest.fetch_open_orders(SYMBOL) == []
    assert (await rest.fetch_balance())["BTC"]["used"] == 0


async def test_it_sells_and_reads_what_it_got(witness: Witness) -> None:
    rest = witness.rest
    placed = await rest.create_order(SYMBOL, "market", "sell", 0.02)
    closed = {one["id"]: one for one in await rest.fetch_closed_orders(SYMBOL)}
    order = closed[placed["id"]]
    assert (order["status"], order["filled"], order["side"]) == ("closed", 0.02, "sell")
    (fill,) = await rest.fetch_my_trades(SYMBOL)
    (truth,) = witness.server.venue.accounts[witness.case.exchange, KEY].fills
    assert (fill["order"], fill["amount"], fill["takerOrMaker"]) == (placed["id"], 0.02, "taker")
    assert (fill["price"], fill["cost"]) == (float(truth.price), pytest.approx(float(truth.value)))
    # It turns the sign of every fee, whichever way an exchange writes it.
    assert (abs(fill["fee"]["cost"]), fill["fee"]["currency"]) == (pytest.approx(float(truth.fee)), truth.fee_asset)
    assert (await rest.fetch_balance())["BTC"]["total"] == 0.98


async def test_it_is_refused_in_words_that_it_knows(witness: Witness) -> None:
    rest = witness.rest
    with pytest.raises(ccxt.ExchangeError):
        await rest.create_order(SYMBOL, "limit", "sell", 5, 65_000)
    with pytest.raises(ccxt.ExchangeError):
        await rest.cancel_order("1234567890123", SYMBOL)
    rest.secret = witness.server.dialects[witness.case.exchange].secret("another")
    with pytest.raises(ccxt.ExchangeError):
        await rest.fetch_balance()


async def test_it_hears_prices_and_candles(witness: Witness) -> None:
    pro = witness.pro
    await pro.load_markets()
    hearing = asyncio.ensure_future(pro.watch_ticker(SYMBOL))
    forming = asyncio.ensure_future(pro.watch_ohlcv(SYMBOL, "1m"))
    for price in itertools.count(60_001):
        await asyncio.wait([hearing, forming], timeout=0.05)
        if hearing.done() and forming.done():
            break
        assert price < 60_001 + PATIENCE * 20
        witness.move(str(price))
    assert 60_000 <= (await hearing)["last"] <= price
    assert 60_000 <= (await forming)[-1][4] <= price


async def test_it_hears_of_its_orders_its_money_and_its_executions(witness: Witness) -> None:
    pro, params = witness.pro, witness.params
    await pro.load_markets()
    orders = asyncio.ensure_future(pro.watch_orders(SYMBOL, params=params))
    fills = asyncio.ensure_future(pro.watch_my_trades(SYMBOL, params=params))
    money = asyncio.ensure_future(pro.watch_balance(params))
    hearing, placed = [orders, fills, money], list[str]()
    await asyncio.wait(hearing, timeout=0.6)
    while not all(one.done() for one in hearing):  # who was not listening yet hears of the next one
        assert len(placed) < PATIENCE
        placed.append((await heard(pro.create_order(SYMBOL, "market", "sell", 0.02)))["id"])
        await asyncio.wait(hearing, timeout=1)
    async with asyncio.timeout(PATIENCE):
        while pro.orders[-1]["status"] != "closed":  # what it keeps; it may have heard two things at once
            await SystemClock().sleep(0.01)
    told, fill = pro.orders[-1], (await fills)[0]
    assert (told["id"] in placed, told["filled"]) == (True, 0.02)
    assert (fill["order"] in placed, fill["amount"], fill["symbol"]) == (True, 0.02, SYMBOL)
    left = pytest.approx(1 - 0.02 * len(placed))
    async with asyncio.timeout(PATIENCE):
        while pro.parse_to_numeric(held_in(pro)["BTC"]["total"]) != left:
            await SystemClock().sleep(0.01)
