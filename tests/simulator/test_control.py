"""The control port, the toy command, and the wires that kill."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

import httpx
import pytest
import websockets

from aristobot.clock import ManualClock
from services.simulator import discover
from services.simulator.journal import Tripwire, Tripwires
from services.simulator.server import SimulatorServer
from tests.simulator.speaker import Speaker


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/price", {"symbol": "BTC/XXX", "price": "1"}, "unknown symbol BTC/XXX"),
        ("/price", {"symbol": "BTC/USDT", "price": "-1"}, "a price is above zero"),
        ("/price", {"symbol": "BTC/USDT", "price": "NaN"}, "not_a_number"),
        ("/price", {"symbol": "BTC/USDT"}, "missing required field `price`"),
        ("/accounts", {"exchange": "mtgox", "key": "k", "secret": "s", "balances": {}}, "unknown exchange mtgox"),
        (
            "/accounts",
            {"exchange": "binance", "key": "k", "secret": "-----BEGIN PUBLIC KEY-----\nnonsense", "balances": {}},
            "",
        ),
        (
            "/accounts",
            {"exchange": "bitget", "key": "k", "secret": "s", "balances": {}, "account_mode": "unifed"},
            "no such kind of account at bitget; there are classic, unified",
        ),
        ("/candles", {"symbol": "BTC/USDT", "timeframe": "1m", "candles": [[0, "1", "1"]]}, "a candle is"),
        ("/transfer", {"exchange": "binance", "key": "nobody", "asset": "BTC", "amount": "1"}, "no account nobody"),
    ],
)
async def test_a_request_that_makes_no_sense_is_told_why(speaker: Speaker, path: str, body: dict[str, Any], words: str) -> None:
    answer = await speaker.control.post(path, json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


async def test_an_unknown_call_lists_the_known_ones(speaker: Speaker) -> None:
    answer = await speaker.control.get("/nothing")
    assert answer.status_code == 404
    assert "POST /accounts" in answer.json()["error"]


async def test_the_ledger_tells_orders_executions_and_balances(speaker: Speaker) -> None:
    await speaker.order(side="BUY", type="MARKET", quantity="0.01", newClientOrderId="mine")
    await speaker.limit("SELL", "0.5", "70000")
    ledger = await speaker.ledger()
    filled, resting = ledger["orders"]
    assert filled | {"order_id": ""} == {
        "exchange": "binance",
        "key": "key-one",
        "symbol": "BTC/USDT",
        "order_id": "",
        "client_order_id": "mine",
        "list_id": None,
        "list_client_id": None,
        "side": "buy",
        "type": "market",
        "price": "0",
        "stop_price": "0",
        "quantity": "0.01",
        "quote_quantity": "0",
        "filled": "0.01",
        "quote_filled": "600.0001",
        "status": "FILLED",
        "former": [],
        "accepted_at": "2026-01-01T00:00:00.000Z",
        "done_at": "2026-01-01T00:00:00.000Z",
    }
    assert (resting["status"], resting["done_at"]) == ("OPEN", None)
    assert [(fill["order_id"], fill["fee"], fill["fee_asset"]) for fill in ledger["fills"]] == [
        (filled["order_id"], "0.00001", "BTC")
    ]
    assert ledger["balances"]["binance"]["key-one"]["BTC"] == {"free": "0.50999", "locked": "0.5", "deposited": "1"}


async def test_every_request_is_remembered_with_its_key_and_outcome(speaker: Speaker) -> None:
    await speaker.order(side="BUY", type="MARKET", quantity="0.01", newClientOrderId="mine")
    async with speaker.trading() as trading:
        await trading.call("order.status", symbol="BTCUSDT", origClientOrderId="nobody")
    requests = await speaker.requests()
    told = [(one["method"], one["path"], one["key"], one["client_order_id"], one["outcome"]) for one in requests]
    assert told == [
        ("POST", "/api/v3/order", "key-one", "mine", "200"),
        ("WS", "order.status", "key-one", "nobody", "400"),
    ]


async def test_prices_walk_the_same_way_for_the_same_seed(clock: ManualClock) -> None:
    async def walked() -> list[str]:
        server = SimulatorServer(ManualClock())
        await server.start()
        prices = []
        async with httpx.AsyncClient(base_url=server.control_url) as control:
            await control.post("/walk", json={"on": True, "seed": 3, "speed": 10})
            for _ in range(20):
                server.world.feed.step()
                prices.append((await control.get("/prices")).json()["BTC/USDT"])
            await control.post("/walk", json={"on": False})
        await server.stop()
        return prices

    first = await walked()
    assert first == await walked()
    assert len(set(first)) > 15


async def test_a_walk_steps_once_a_second_of_its_clock(speaker: Speaker, simulator: SimulatorServer, clock: ManualClock) -> None:
    await speaker.control.post("/walk", json={"on": True})
    tape = simulator.world.feed.tapes["BTC/USDT"]
    before = tape.trade_id
    await clock.advance(10)
    assert tape.trade_id == before + 10
    await speaker.control.post("/walk", json={"on": False})
    await clock.advance(10)
    assert tape.trade_id <= before + 11


async def test_candles_are_replayed_with_their_highs_and_lows(speaker: Speaker, clock: ManualClock) -> None:
    stop = await speaker.order(side="SELL", type="STOP_LOSS", quantity="0.1", stopPrice="58000")
    candles = [[0, "60000", "61000", "59000", "60500", "10"], [60_000, "60500", "60600", "57500", "59000", "10"]]
    body = {"symbol": "BTC/USDT", "timeframe": "1m", "candles": candles, "speed": 1}
    await speaker.control.post("/candles", json=body)
    await clock.advance(59)
    assert (await speaker.status(orderId=stop["orderId"]))["status"] == "NEW"
    await clock.advance(61)
    assert (await speaker.status(orderId=stop["orderId"]))["status"] == "FILLED"
    rows = (await speaker.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=3)).json()
    told = [[f"{float(value):.0f}" for value in row[1:5]] for row in rows[:2]]
    assert told == [["60000", "61000", "59000", "60500"], ["60500", "60600", "57500", "59000"]]


async def test_a_resting_order_is_executed_by_hand(speaker: Speaker) -> None:
    placed = await speaker.limit("SELL", "0.1", "70000")
    wanted = {"exchange": "binance", "key": "key-one", "symbol": "BTC/USDT", "order_id": str(placed["orderId"])}
    assert (await speaker.control.post("/execute", json=wanted)).json() == {"status": "FILLED"}


@pytest.mark.parametrize(
    ("event", "nth", "survives"),
    [
        ("order.received", 1, False),
        ("order.accepted", 1, False),
        ("order.replied", 1, False),
        ("order.accepted", 2, True),
        ("fill.done", 1, False),
        ("cancel.done", 1, True),
        ("query.received", 1, True),
    ],
)
async def test_a_process_is_killed_at_the_moment_asked_for(speaker: Speaker, event: str, nth: int, survives: bool) -> None:
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    await speaker.control.post("/kill-on", json={"event": event, "pid": victim.pid, "nth": nth})
    await speaker.order(side="BUY", type="MARKET", quantity="0.01")
    assert victim.stdin is not None
    if survives:
        victim.stdin.write(b"\n")
        assert await victim.wait() == 0
    else:
        assert await asyncio.wait_for(victim.wait(), 5) == -signal.SIGKILL
    await speaker.control.delete("/kill-on")


async def test_the_moments_of_stops_lists_and_partial_fills_are_known(speaker: Speaker) -> None:
    killed: list[int] = []
    wires = Tripwires(killed.append)
    speaker.server.world.tripwires._kill = wires._kill
    names = ["list.received", "list.placed", "list.replied", "list.cancelled", "cancel.done", "query.received", "fill.partial"]
    for number, name in enumerate(names):
        await speaker.control.post("/kill-on", json={"event": name, "pid": number})
    pair = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.1", "listClientOrderId": "pair"}
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "65000", "belowType": "STOP_LOSS", "belowStopPrice": "55000"}
    await speaker.ask("POST", "/api/v3/orderList/oco", **pair | legs)
    await speaker.ask("DELETE", "/api/v3/orderList", symbol="BTCUSDT", listClientOrderId="pair")
    await speaker.ask("GET", "/api/v3/openOrders")
    await speaker.script({"on": "order.place", "do": "partial_fill", "fills": 2})
    await speaker.order(side="BUY", type="MARKET", quantity="0.1")
    assert sorted(killed) == list(range(len(names)))


async def test_a_wire_may_wait_some_milliseconds() -> None:
    killed: list[int] = []
    wires = Tripwires(killed.append)
    wires.lay(Tripwire("order.replied", 7, 5, 1))
    wires.fire("order.replied")
    assert killed == []
    loop = asyncio.get_running_loop()
    waited = loop.create_future()
    loop.call_later(0.05, waited.set_result, None)
    await waited
    assert killed == [7]


async def test_the_toy_prints_one_line_and_answers() -> None:
    command = [sys.executable, "-m", "services.simulator", "--port", "0", "--control-port", "0"]
    toy = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert toy.stdout is not None
    ready = json.loads(await asyncio.wait_for(toy.stdout.readline(), 20))
    assert ready["event"] == "ready"
    assert [account["exchange"] for account in ready["accounts"]] == list(discover())
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{ready['url']}/binance/api/v3/ping")).json() == {}
        balances = (await http.get(f"{ready['control']}/ledger")).json()["balances"]
        assert balances["binance"][ready["accounts"][0]["key"]]["USDT"]["free"] == "10000"
    toy.terminate()
    await asyncio.wait_for(toy.wait(), 5)


async def test_two_simulators_cannot_share_a_port(simulator: SimulatorServer) -> None:
    port = int(simulator.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="in use"):
        await SimulatorServer(ManualClock(), port).start()


@pytest.mark.parametrize("status", ["CANCEL_ONLY", "BREAK"])
async def test_a_market_that_is_closed_takes_no_order_and_lets_go_of_those_it_has(speaker: Speaker, status: str) -> None:
    placed = await speaker.limit("SELL", "0.1", "70000")
    await speaker.control.post("/status", json={"exchange": "binance", "symbol": "BTC/USDT", "status": status})
    info = (await speaker.get("/api/v3/exchangeInfo", symbol="BTCUSDT")).json()
    assert info["symbols"][0]["status"] == status
    refused = await speaker.order(side="BUY", type="MARKET", quantity="0.01")
    assert refused == {"code": -1013, "msg": "Market is closed."}
    gone = await speaker.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
    assert gone.json()["status"] == "CANCELED"
    await speaker.control.post("/status", json={"exchange": "binance", "symbol": "BTC/USDT", "status": "TRADING"})
    assert (await speaker.order(side="BUY", type="MARKET", quantity="0.01"))["status"] == "FILLED"


async def test_a_status_that_does_not_exist_is_refused(speaker: Speaker) -> None:
    answer = await speaker.control.post("/status", json={"exchange": "binance", "symbol": "BTC/USDT", "status": "ASLEEP"})
    assert answer.status_code == 400


async def test_a_market_just_listed_has_the_candle_that_forms_and_none_before(speaker: Speaker) -> None:
    await speaker.control.post("/listing", json={"symbol": "BTC/USDT"})
    rows = (await speaker.get("/api/v3/klines", symbol="BTCUSDT", interval="5m")).json()
    assert len(rows) == 1
    assert len((await speaker.get("/api/v3/klines", symbol="ETHUSDT", interval="5m")).json()) == 500


async def test_connections_are_warned_and_cut(speaker: Speaker) -> None:
    async with speaker.trading() as trading, speaker.stream("/ws/btcusdt@trade") as listening:
        await speaker.control.post("/sockets", json={"do": "warn"})
        assert (await trading.hear())["event"]["e"] == "serverShutdown"
        assert (await listening.hear())["e"] == "serverShutdown"
        assert (await speaker.control.post("/sockets", json={"do": "cut"})).json() == {"sockets": 2}
        for socket in (trading, listening):
            with pytest.raises(websockets.ConnectionClosed):
                await socket.hear()


async def test_a_connection_lives_a_day(speaker: Speaker, clock: ManualClock) -> None:
    async with speaker.trading() as trading:
        assert (await trading.call("ping", signed=False))["status"] == 200
        await clock.advance(86_399)
        assert (await trading.call("ping", signed=False))["status"] == 200
        await clock.advance(1)
        with pytest.raises(websockets.ConnectionClosed):
            await trading.hear()
