"""A market stream survives whatever happens to its connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from aristobot.clock import ManualClock
from aristobot.market import Candle, Timeframe
from services.exchanges.binance import BinanceClient
from services.exchanges.binance_candles import says_farewell
from services.exchanges.stream import Habits, Stream
from services.exchanges.transport import Link, Timeouts
from tests.exchanges.small_server import SmallServer, small_server, soon, until_closed

MINUTE = 60_000
QUICK = Timeouts(pool=0.3, connect=0.5, send=0.3, read=0.5)


def kline(number: int, *, closed: bool, close: str = "2") -> str:
    """A push of the one-minute candle with this number."""
    start = 1_767_225_600_000 + number * MINUTE
    candle = {
        "t": start,
        "T": start + MINUTE - 1,
        "s": "BTCUSDT",
        "i": "1m",
        "o": "1",
        "h": "3",
        "l": "1",
        "c": close,
        "v": "7",
        "x": closed,
    }
    return json.dumps({"stream": "btcusdt@kline_1m", "data": {"e": "kline", "E": start, "s": "BTCUSDT", "k": candle}})


class Reader:
    """Collects candles in the background."""

    def __init__(self, client: BinanceClient) -> None:
        self.candles: list[Candle] = []
        self.task: asyncio.Task[None] | None = None
        self._client = client

    def start(self) -> None:
        """Begin."""
        self.task = asyncio.create_task(self._read())

    async def settle(self, seconds: float = 0.02) -> None:
        """Give it real time to do what it can."""
        assert self.task is not None
        await asyncio.wait([self.task], timeout=seconds)

    async def _read(self) -> None:
        async for candle in self._client.stream_candles("BTC/USDT", [Timeframe.M1, Timeframe.H4]):
            self.candles.append(candle)

    async def stop(self) -> None:
        """Leave the stream."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])


@pytest.fixture
async def server() -> AsyncIterator[SmallServer]:
    """A server that does what the test tells it."""
    async with small_server() as running:
        yield running


@pytest.fixture
async def reader(server: SmallServer, clock: ManualClock) -> AsyncIterator[Reader]:
    """A reader of that server's candles."""
    client = BinanceClient(clock, server.endpoints, QUICK)
    reading = Reader(client)
    yield reading
    await reading.stop()
    await client.close()


async def say_and_hear(socket: ServerConnection, frames: list[bytes]) -> None:
    """Push something and wait until it has arrived."""
    heard = len(frames)
    await socket.send("alive")
    await soon(lambda: len(frames) > heard)


async def subscribed(socket: ServerConnection) -> dict[str, Any]:
    """The subscription a client sends first, acknowledged."""
    request: dict[str, Any] = json.loads(await socket.recv())
    await socket.send(json.dumps({"result": None, "id": request["id"]}))
    return request


async def test_it_subscribes_to_what_is_wanted_and_gives_candles(server: SmallServer, reader: Reader) -> None:
    requests: list[dict[str, Any]] = []

    async def talk(socket: ServerConnection) -> None:
        requests.append(await subscribed(socket))
        await socket.send(kline(0, closed=False))
        await socket.send(kline(0, closed=True))
        await until_closed(socket)

    server.talk = talk
    reader.start()
    await soon(lambda: len(reader.candles) == 2)
    assert requests == [{"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m", "btcusdt@kline_4h"], "id": 1}]
    assert [candle.closed for candle in reader.candles] == [False, True]
    assert server.sockets[0].request is not None
    assert server.sockets[0].request.path == "/stream"


async def test_a_lost_connection_is_replaced_at_once_and_subscribed_again(server: SmallServer, reader: Reader) -> None:
    async def talk(socket: ServerConnection) -> None:
        await subscribed(socket)
        await socket.send(kline(len(server.sockets), closed=True))
        if len(server.sockets) == 1:
            socket.transport.abort()
        await until_closed(socket)

    server.talk = talk
    reader.start()
    await soon(lambda: len(server.sockets) == 2)
    await soon(lambda: bool(reader.candles) and reader.candles[-1].open_time.minute == 2)


async def test_connections_that_keep_failing_are_tried_at_growing_pauses(
    server: SmallServer, reader: Reader, clock: ManualClock
) -> None:
    async def talk(socket: ServerConnection) -> None:
        socket.transport.abort()

    server.talk = talk
    reader.start()
    await soon(lambda: len(server.sockets) == 1)
    tries = []
    for _ in range(30):
        await clock.advance(1)
        await reader.settle(0.02)
        tries.append(len(server.sockets))
    assert 4 <= tries[-1] <= 7  # 1, 2, 4, 8, 16 seconds apart at most
    assert reader.task is not None
    assert not reader.task.done()


async def test_a_silent_connection_is_cut_and_replaced(server: SmallServer, reader: Reader, clock: ManualClock) -> None:
    async def talk(socket: ServerConnection) -> None:
        await subscribed(socket)
        if len(server.sockets) > 1:
            await socket.send(kline(9, closed=True))
        await until_closed(socket)

    server.talk = talk
    reader.start()
    await soon(lambda: len(server.sockets) == 1)
    await reader.settle(0.05)
    for _ in range(6):
        await clock.advance(Habits().silence / 4)
    await soon(lambda: len(reader.candles) == 1)
    assert len(server.sockets) == 2


async def test_when_the_server_says_farewell_the_next_connection_stands_before_this_one_goes(
    server: SmallServer, reader: Reader
) -> None:
    open_at_takeover: list[bool] = []

    async def talk(socket: ServerConnection) -> None:
        await subscribed(socket)
        number = len(server.sockets)
        if number == 2:
            open_at_takeover.append(server.sockets[0].state.name == "OPEN")
        await socket.send(kline(number, closed=True))
        if number == 1:
            await socket.send(json.dumps({"e": "serverShutdown", "E": 1}))
        await until_closed(socket)

    server.talk = talk
    reader.start()
    await soon(lambda: len(reader.candles) == 2)
    assert open_at_takeover == [True]
    await soon(lambda: server.sockets[0].state.name == "CLOSED")
    assert len(server.sockets) == 2


async def test_an_old_connection_is_replaced_before_the_exchange_cuts_it(server: SmallServer, clock: ManualClock) -> None:
    frames: list[bytes] = []

    async def talk(socket: ServerConnection) -> None:
        await subscribed(socket)
        await socket.send(f"hello {len(server.sockets)}")
        await until_closed(socket)

    async def read() -> None:
        link = Link("binance", clock, 6000, QUICK)
        habits = Habits(silence=40.0, lifetime=50.0)
        stream = Stream(server.endpoints.stream, link, lambda: [b'{"id":1}'], says_farewell, habits)
        async for frame in stream.frames():
            frames.append(frame)

    server.talk = talk
    reading = asyncio.create_task(read())
    await soon(lambda: b"hello 1" in frames)
    for _ in range(4):
        await clock.advance(10)
        await say_and_hear(server.sockets[0], frames)
    assert len(server.sockets) == 1
    await clock.advance(10)
    await soon(lambda: b"hello 2" in frames)
    await soon(lambda: server.sockets[0].state.name == "CLOSED")
    reading.cancel()
    await asyncio.wait([reading])


async def test_candles_come_once_closed_and_in_order_though_the_exchange_repeats_itself(
    server: SmallServer, reader: Reader
) -> None:
    async def talk(socket: ServerConnection) -> None:
        await subscribed(socket)
        for number, closed in [(1, False), (1, True), (1, True), (1, False), (0, True), (2, False), (2, True)]:
            await socket.send(kline(number, closed=closed))
        await until_closed(socket)

    server.talk = talk
    reader.start()
    await soon(lambda: len(reader.candles) == 4)
    assert [(candle.open_time.minute, candle.closed) for candle in reader.candles] == [
        (1, False),
        (1, True),
        (2, False),
        (2, True),
    ]


async def test_a_frame_that_cannot_be_true_is_passed_over(server: SmallServer, reader: Reader) -> None:
    async def talk(socket: ServerConnection) -> None:
        await subscribed(socket)
        for frame in ("<html>", kline(1, closed=True, close="NaN"), kline(1, closed=True, close="-2"), kline(1, closed=True)):
            await socket.send(frame)
        await until_closed(socket)

    server.talk = talk
    reader.start()
    await soon(lambda: len(reader.candles) == 1)


async def test_leaving_the_stream_closes_its_connection(server: SmallServer, reader: Reader) -> None:
    async def talk(socket: ServerConnection) -> None:
        await subscribed(socket)
        await until_closed(socket)

    server.talk = talk
    reader.start()
    await soon(lambda: len(server.sockets) == 1)
    await reader.settle(0.05)
    await reader.stop()
    await soon(lambda: server.sockets[0].state.name == "CLOSED")
