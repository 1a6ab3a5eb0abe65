"""Binance's sockets: the WebSocket API, its sessions and user events, and the market streams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import websockets

from aristobot.clock import ManualClock, to_milliseconds
from services.simulator.binance_keys import socket_payload, verifier, without_signature
from services.simulator.binance_ws_api import as_params
from services.simulator.server import SimulatorServer
from tests.simulator.speaker import Speaker

VECTORS = json.loads((Path(__file__).parent.parent / "exchanges/payloads/signing-vectors.json").read_text("utf-8"))["binance"]
SECRETS = {
    "HMAC-SHA256 hex": ("secret",),
    "Ed25519 base64": ("ed25519_private_pem", "ed25519_public_pem"),
    "RSA PKCS#1 v1.5 SHA-256 base64": ("rsa_private_pem", "rsa_public_pem"),
}


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['api']} {case['algorithm']} {case.get('note', '')}")
def test_every_published_signature_is_accepted_and_no_other(case: dict[str, Any]) -> None:
    payload = socket_payload(as_params(case["params"])) if case["api"] == "ws-api" else case["payload"].encode()
    assert payload == case["payload"].encode()
    for name in SECRETS[case["algorithm"]]:
        verify = verifier(VECTORS[name])
        assert verify(payload, case["signature"])
        assert not verify(payload + b"0", case["signature"])
        assert not verify(payload, "nonsense")


@pytest.mark.parametrize("text", [b"a=1&signature=xyz", b"signature=xyz&a=1", b"a=1"])
def test_the_signature_is_no_part_of_what_is_signed(text: bytes) -> None:
    assert without_signature(text) == b"a=1"


@pytest.fixture
def ed25519(simulator: SimulatorServer, speaker: Speaker) -> Speaker:
    """The same owner with an Ed25519 key; the simulator knows its public half."""
    simulator.venue.open_account(
        "binance", "ed-key", VECTORS["ed25519_public_pem"], dict(simulator.venue.accounts["binance", "key-one"].deposited)
    )
    speaker.key, speaker.secret = "ed-key", VECTORS["ed25519_private_pem"]
    return speaker


async def test_a_session_is_logged_on_once_and_needs_no_signature_afterwards(ed25519: Speaker) -> None:
    async with ed25519.trading() as trading:
        answer = await trading.call("session.logon")
        assert answer["result"]["apiKey"] == "ed-key"
        assert (await trading.call("userDataStream.subscribe", signed=False))["result"] == {"subscriptionId": 0}
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "timestamp": ed25519.now()}
        assert (await trading.call("order.place", signed=False, **order))["result"]["status"] == "FILLED"
        assert [(await trading.event())["e"] for _ in range(3)] == ["executionReport"] * 2 + ["outboundAccountPosition"]
        assert (await trading.call("session.logout", signed=False))["result"]["apiKey"] is None
        refused = await trading.call("order.place", signed=False, **order)
        assert refused["error"]["code"] == -1102


async def test_an_hmac_key_cannot_log_a_session_on(speaker: Speaker) -> None:
    async with speaker.trading() as trading:
        answer = await trading.call("session.logon")
        assert answer["status"] == 400
        assert answer["error"]["code"] == -4056
        answer = await trading.call("userDataStream.subscribe", signed=False)
        assert (answer["status"], answer["error"]["code"]) == (401, -1002)


async def test_what_cannot_be_understood_is_answered(speaker: Speaker) -> None:
    async with speaker.trading() as trading:
        await trading.connection.send("{")
        assert (await trading.hear())["error"]["code"] == -1135
        assert (await trading.call("order.fly", signed=False))["error"]["code"] == -1020


async def test_an_answer_carries_the_limits_unless_they_are_not_wanted(speaker: Speaker) -> None:
    async with speaker.trading() as trading:
        placed = await trading.call("order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01")
        assert [limit["rateLimitType"] for limit in placed["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
        assert "rateLimits" not in await trading.call("time", signed=False, returnRateLimits=False)


async def test_events_of_an_order_are_told_in_order_and_to_nobody_else(speaker: Speaker) -> None:
    stranger = {"exchange": "binance", "key": "other", "secret": "s", "balances": {}}
    await speaker.control.post("/accounts", json=stranger)
    async with (
        speaker.trading() as mine,
        Speaker(speaker.server, ManualClock(), "other", "s") as other,
        other.trading() as theirs,
    ):
        await mine.call("userDataStream.subscribe.signature")
        await theirs.call("userDataStream.subscribe.signature")
        placed = await speaker.limit("SELL", "0.4", "61000", newClientOrderId="exit")
        await speaker.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"], newClientOrderId="request")
        events = [await mine.event() for _ in range(4)]
        reports = [
            (event["x"], event["X"], event["c"], event["C"], event["w"]) for event in events if event["e"] == "executionReport"
        ]
        assert reports == [("NEW", "NEW", "exit", "", True), ("CANCELED", "CANCELED", "request", "exit", False)]
        with pytest.raises(TimeoutError):
            await theirs.event(0.1)


async def test_an_account_tells_its_events_once_on_a_connection(speaker: Speaker) -> None:
    async with speaker.trading() as trading:
        assert (await trading.call("userDataStream.subscribe.signature"))["status"] == 200
        refused = await trading.call("userDataStream.subscribe.signature")
        assert (refused["status"], refused["error"]["code"]) == (400, -2035)
        await trading.call("userDataStream.unsubscribe", signed=False)
        assert (await trading.call("userDataStream.subscribe.signature"))["status"] == 200


async def test_after_unsubscribing_nothing_is_told(speaker: Speaker) -> None:
    async with speaker.trading() as trading:
        await trading.call("userDataStream.subscribe.signature")
        await trading.call("userDataStream.unsubscribe", signed=False)
        await speaker.order(side="BUY", type="MARKET", quantity="0.01")
        with pytest.raises(TimeoutError):
            await trading.event(0.1)


async def test_a_candle_is_told_as_it_forms_and_once_as_it_closes(speaker: Speaker, clock: ManualClock) -> None:
    async with speaker.stream("/ws/btcusdt@kline_1m") as listening:
        await speaker.move("60500")
        forming = (await listening.hear())["k"]
        assert (forming["o"], forming["c"], forming["x"]) == ("60000.00000000", "60500.00000000", False)
        await clock.advance(60)
        candles = [(await listening.hear())["k"] for _ in range(31)]
        closed = [candle for candle in candles if candle["x"]]
        assert [(candle["t"], candle["c"]) for candle in closed] == [(forming["t"], "60500.00000000")]
        assert closed[0]["T"] == forming["t"] + 59_999


async def test_after_a_gap_every_closed_candle_is_told_once_and_equals_what_rest_says(
    speaker: Speaker, clock: ManualClock
) -> None:
    async with speaker.stream("/stream?streams=btcusdt@kline_1m/btcusdt@kline_5m") as listening:
        await clock.advance(30)
        await speaker.move("60500")
        await clock.advance(570)
        await speaker.move("60600")
        messages: list[Any] = []
        while not messages or messages[-1]["data"]["k"]["c"] != "60600.00000000":
            messages.append(await listening.hear())
    told = [message["data"]["k"] for message in messages if message["data"]["k"]["x"]]
    minutes = [candle for candle in told if candle["i"] == "1m"]
    assert [candle["t"] for candle in minutes] == [minutes[0]["t"] + 60_000 * number for number in range(10)]
    rows = (await speaker.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=11)).json()[:10]
    assert [[candle[name] for name in "tohlcv"] for candle in minutes] == [row[:6] for row in rows]
    assert len([candle for candle in told if candle["i"] == "5m"]) == 2


async def test_streams_are_subscribed_listed_and_given_up(speaker: Speaker) -> None:
    async with speaker.stream("/stream") as listening:
        await listening.send({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "ethusdt@trade"], "id": 1})
        await listening.hear()
        await listening.send({"method": "UNSUBSCRIBE", "params": ["ethusdt@trade"], "id": 2})
        await listening.hear()
        await listening.send({"method": "LIST_SUBSCRIPTIONS", "id": 3})
        assert await listening.hear() == {"result": ["btcusdt@trade"], "id": 3}
        await speaker.move("3001", "ETH/USDT")
        await speaker.move("60001")
        told = await listening.hear()
        assert (told["stream"], told["data"]["p"]) == ("btcusdt@trade", "60001.00000000")
        await listening.send({"method": "DANCE", "id": 4})
        assert (await listening.hear())["error"]["code"] == 2


async def test_all_mini_tickers_come_once_a_second(speaker: Speaker, clock: ManualClock) -> None:
    async with speaker.stream("/ws/!miniTicker@arr") as listening:
        await clock.advance(1)
        tickers = await listening.hear()
        assert {"BTCUSDT", "DOGEEUR"} <= {ticker["s"] for ticker in tickers}


async def test_a_path_that_is_no_stream_is_refused(speaker: Speaker) -> None:
    with pytest.raises(websockets.InvalidStatus):
        async with speaker.stream("/nowhere"):
            pass
    assert (await speaker.get("/api/v3/nothing")).status_code == 404
    assert to_milliseconds(ManualClock().now()) == speaker.now()
