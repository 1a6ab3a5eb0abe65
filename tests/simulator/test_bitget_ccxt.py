"""What CCXT's client can do at Bitget alone, in both account modes; what it does everywhere: tests/exchanges/test_outside_witness.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from aristobot.clock import SystemClock
from services.simulator.server import SimulatorServer
from tests.lazily import Lazily

ccxt = Lazily("ccxt.pro")
SYMBOL = "BTC/USDT"


@pytest.fixture
async def exchange() -> AsyncIterator[SimulatorServer]:
    """A simulator in real time: the stranger looks at the real clock."""
    server = SimulatorServer(SystemClock())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=["classic", "unified"])
async def stranger(request: pytest.FixtureRequest, exchange: SimulatorServer) -> AsyncIterator[Any]:
    """Its client, websockets included, with an account of 10,000 USDT and 1 BTC."""
    balances = {"USDT": Decimal(10_000), "BTC": Decimal(1)}
    account = exchange.venue.open_account("bitget", "key-one", "secret-one", balances)
    account.passphrase, account.mode = "pass-one", request.param
    client = client_of(exchange, request.param)
    yield client
    await client.close()


def client_of(exchange: SimulatorServer, mode: str) -> Any:
    """The stranger's client, its addresses turned to the simulator."""
    client = ccxt.bitget({"apiKey": "key-one", "secret": "secret-one", "password": "pass-one", "enableRateLimit": False})
    rest, stream = f"{exchange.url}/bitget", exchange.url.replace("http", "ws", 1) + "/bitget"
    api = client.urls["api"]
    for name in [name for name, address in api.items() if isinstance(address, str)]:
        api[name] = rest
    for name, path in {"public": "v2", "private": "v2", "utaPublic": "v3", "utaPrivate": "v3"}.items():
        api["ws"][name] = f"{stream}/{path}/ws/{name.removeprefix('uta').lower()}"
    client.options["uta"] = mode == "unified"
    return client


async def bought(client: Any, quote: float) -> Any:
    """A market buy for an amount of the quote."""
    return await client.create_order(SYMBOL, "market", "buy", quote, None, {"createMarketBuyOrderRequiresPrice": False})


async def test_it_finds_out_which_account_it_has(exchange: SimulatorServer, stranger: Any) -> None:
    mode = stranger.options["uta"]
    stranger.options["uta"] = None
    await stranger.fetch_balance()
    assert stranger.options["uta"] is mode


async def test_it_reads_the_time_and_candles_of_long_ago(stranger: Any) -> None:
    now = await stranger.fetch_time()
    assert abs(now - stranger.milliseconds()) < 60_000
    day = await stranger.fetch_ohlcv(SYMBOL, "1d", since=now - 400 * 86_400_000, limit=5)
    assert len(day) == 5
    assert day[-1][0] < now - 390 * 86_400_000


async def test_it_places_finds_and_cancels_a_limit_order(stranger: Any) -> None:
    placed = await stranger.create_order(SYMBOL, "limit", "sell", 0.1, 65_000, {"clientOrderId": "mine"})
    open_orders = await stranger.fetch_open_orders(SYMBOL)
    assert [(order["id"], order["clientOrderId"], order["status"]) for order in open_orders] == [(placed["id"], "mine", "open")]
    assert (open_orders[0]["price"], open_orders[0]["amount"], open_orders[0]["filled"]) == (65_000, 0.1, 0)
    assert (await stranger.fetch_balance())["BTC"]["used"] == 0.1
    found = await stranger.fetch_order(placed["id"], SYMBOL)
    assert (found["side"], found["type"], found["price"]) == ("sell", "limit", 65_000)
    edited = await stranger.edit_order(placed["id"], SYMBOL, "limit", "sell", 0.2, 66_000)
    assert [(one["price"], one["amount"]) for one in await stranger.fetch_open_orders(SYMBOL)] == [(66_000, 0.2)]
    await stranger.cancel_order(edited["id"], SYMBOL)
    assert await stranger.fetch_open_orders(SYMBOL) == []
    assert (await stranger.fetch_canceled_orders(SYMBOL))[-1]["id"] == edited["id"]


async def test_it_buys_for_an_amount_of_the_quote_and_reads_what_it_got(stranger: Any) -> None:
    placed = await bought(stranger, 600)
    closed = await stranger.fetch_closed_orders(SYMBOL)
    assert [(order["id"], order["status"], order["side"]) for order in closed] == [(placed["id"], "closed", "buy")]
    assert closed[0]["filled"] == 0.009999
    fills = await stranger.fetch_my_trades(SYMBOL)
    assert [(fill["order"], fill["amount"], fill["takerOrMaker"]) for fill in fills] == [(placed["id"], 0.009999, "taker")]
    # It turns the sign of every fee, and those of the unified interface were positive before.
    assert (abs(fills[0]["fee"]["cost"]), fills[0]["fee"]["currency"]) == (0.00000999, "BTC")


async def test_it_lets_a_trigger_sleep_and_cancels_it(exchange: SimulatorServer, stranger: Any) -> None:
    unified = stranger.options["uta"]
    trigger = {"stopLossPrice": 55_000} if unified else {"triggerPrice": 55_000}
    placed = await stranger.create_order(SYMBOL, "market", "sell", 0.5, None, trigger)
    assert [order["id"] for order in await stranger.fetch_open_orders(SYMBOL, params={"trigger": True})] == [placed["id"]]
    assert (await stranger.fetch_balance())["BTC"]["used"] == 0
    await stranger.cancel_order(placed["id"], SYMBOL, {"trigger": True})
    assert await stranger.fetch_open_orders(SYMBOL, params={"trigger": True}) == []
    await stranger.create_order(SYMBOL, "market", "sell", 0.5, None, trigger)
    exchange.world.feed.move(SYMBOL, "54000")
    assert [fill["amount"] for fill in await stranger.fetch_my_trades(SYMBOL)] == [0.5]


async def test_it_is_refused_in_words_that_it_knows(stranger: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds if not stranger.options["uta"] else ccxt.ExchangeError):
        await bought(stranger, 20_000)
    with pytest.raises(ccxt.ExchangeError):
        await stranger.create_order(SYMBOL, "limit", "buy", 0.1, 70_000)
    stranger.secret = "another"
    with pytest.raises(ccxt.AuthenticationError):
        await stranger.fetch_balance()
