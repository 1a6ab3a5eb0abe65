"""The feeds: events of the bus for whom they are meant, as JSON, over real sockets."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from aristobot.events import (
    BalancesChanged,
    CandleUpdated,
    Event,
    OrdersCompared,
    OrderUpdated,
    PricesUpdated,
    ServiceStateChanged,
    StrangersChanged,
)
from aristobot.research_events import BacktestFinished, BacktestProgressed, StudyFinished, StudyProgressed
from aristobot.strategy_events import ActivationUpdated, StrategyFailed, StrategySpoke
from services.api import feeds
from tests.builders import MIDNIGHT, a_candle
from tests.street import HAND, Person, Street

#: What these tests show does not depend on the database; the others of the API run on both.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@asynccontextmanager
async def _served(street: Street) -> AsyncIterator[str]:
    """The API on a port of its own; its address for sockets."""
    server = uvicorn.Server(uvicorn.Config(street.api, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.wait({serving}, timeout=0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


async def _next(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(20):
        said: dict[str, Any] = json.loads(await socket.recv())
    return said


async def _closed_with(socket: ClientConnection) -> int:
    try:
        async with asyncio.timeout(30):
            while True:
                await socket.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0


def _order(user_id: uuid.UUID | None, status: str = "OPEN") -> OrderUpdated:
    ids = {"order_id": uuid.uuid4(), "broker_id": uuid.uuid4()}
    return OrderUpdated(at=MIDNIGHT, user_id=user_id, symbol="BTC/USDT", status=status, trace_id="t" * 32, **ids)


async def test_a_feed_carries_its_events_to_its_user_alone(street: Street, alice: Person, bob: Person) -> None:
    async with _served(street) as url, connect(f"{url}/ws/open-orders/?token={bob.token}") as socket:
        assert (await _next(socket))["type"] == "FeedOpened"
        theirs, mine = _order(alice.id), _order(bob.id, "FILLED")
        for event in (theirs, ServiceStateChanged(at=MIDNIGHT, service="web", state="running"), mine):
            street.app.bus.publish(event)
        said = await _next(socket)
        assert said == {
            "type": "OrderUpdated",
            "at": "2026-01-01T00:00:00.000Z",
            "trace_id": "t" * 32,
            "order_id": str(mine.order_id),
            "broker_id": str(mine.broker_id),
            "symbol": "BTC/USDT",
            "status": "FILLED",
        }


async def test_what_happens_to_a_users_strategies_and_brokers_is_told_to_them_alone(
    street: Street, alice: Person, bob: Person
) -> None:
    told: list[tuple[str, Callable[..., Event], str]] = [
        ("backtest", partial(BacktestProgressed, stage="playing"), "backtest_id"),
        ("backtest", partial(BacktestFinished, status="done"), "backtest_id"),
        ("study", partial(StudyProgressed, stage="searching"), "study_id"),
        ("study", partial(StudyFinished, status="stopped"), "study_id"),
        ("trading-notifications", ActivationUpdated, "activation_id"),
        ("trading-notifications", partial(StrategySpoke, strategy="S", symbol="A/B", text="words"), "activation_id"),
        ("trading-notifications", partial(StrategyFailed, strategy="S", symbol="A/B", code="fell"), "activation_id"),
        ("terminal7-monitoring", OrdersCompared, "broker_id"),
        ("terminal7-monitoring", StrangersChanged, "broker_id"),
        ("trading-manual", BalancesChanged, "broker_id"),
    ]
    async with _served(street) as url:
        for feed, event, name in told:
            addresses = [f"{url}/ws/{feed}/?token={one.token}" for one in (alice, bob)]
            async with connect(addresses[0]) as hers, connect(addresses[1]) as his:
                for socket in (hers, his):
                    assert (await _next(socket))["type"] == "FeedOpened"
                theirs = {alice.id: uuid.uuid4(), bob.id: uuid.uuid4()}
                for owner, thing in theirs.items():
                    street.app.bus.publish(event(at=MIDNIGHT, user_id=owner, **{name: thing}))
                assert (await _next(hers))[name] == str(theirs[alice.id])
                assert (await _next(his))[name] == str(theirs[bob.id])


async def test_the_token_may_be_the_first_message(street: Street, bob: Person) -> None:
    async with _served(street) as url:
        for message in (bob.token, json.dumps({"token": bob.token})):
            async with connect(f"{url}/ws/heartbeat/") as socket:
                await socket.send(message)
                assert (await _next(socket))["type"] == "FeedOpened"
                candle = a_candle(close=Decimal("42050.10"))
                street.app.bus.publish(CandleUpdated(at=MIDNIGHT, exchange="binance", candle=candle, received_at=MIDNIGHT))
                said = await _next(socket)
                assert (said["candle"]["close"], said["candle"]["timeframe"]) == ("42050.1", "1m")


@pytest.mark.parametrize("message", ["", "x", "{}", "[1]", '{"token": 5}', "[" * 5000, b"\xff\xfe"])
async def test_without_a_valid_token_a_feed_closes(street: Street, message: str | bytes) -> None:
    async with _served(street) as url, connect(f"{url}/ws/open-orders/") as socket:
        await socket.send(message)
        assert await _closed_with(socket) == feeds.UNAUTHORISED


async def test_an_unknown_feed_closes(street: Street, bob: Person) -> None:
    async with _served(street) as url, connect(f"{url}/ws/gossip/?token={bob.token}") as socket:
        assert await _closed_with(socket) == feeds.UNKNOWN_FEED


async def test_a_revoked_token_closes_its_feeds(street: Street, bob: Person) -> None:
    async with _served(street) as url, connect(f"{url}/ws/open-orders/?token={bob.token}") as socket:
        await _next(socket)
        (row,) = await street.app.accounts.tokens.of_user(bob.id)
        await street.app.accounts.tokens.revoke(row.id, HAND)
        async with asyncio.timeout(20):
            assert await _closed_with(socket) == feeds.UNAUTHORISED


async def test_while_the_memory_is_away_a_feed_asks_to_come_back_later(street: Street, bob: Person) -> None:
    async with _served(street) as url, connect(f"{url}/ws/open-orders/?token={bob.token}") as socket:
        await _next(socket)
        await street.app.db.close()
        assert await _closed_with(socket) == feeds.AWAY
        async with connect(f"{url}/ws/open-orders/?token={bob.token}") as another:
            assert await _closed_with(another) == feeds.AWAY


async def test_prices_come_as_the_newest_of_each_exchange(street: Street, bob: Person) -> None:
    async with _served(street) as url, connect(f"{url}/ws/stream/?token={bob.token}") as socket:
        await _next(socket)
        for price in range(500):
            street.app.bus.publish(PricesUpdated(at=MIDNIGHT, exchange="binance", prices={"BTC/USDT": Decimal(price)}))
        said = await _next(socket)
        assert said["prices"] == {"BTC/USDT": "499"}


async def test_a_reader_who_falls_behind_is_let_go_and_holds_nobody_up(street: Street, bob: Person) -> None:
    async with _served(street) as url, connect(f"{url}/ws/open-orders/?token={bob.token}") as socket:
        await _next(socket)
        heard: list[OrderUpdated] = []
        street.app.bus.listen(OrderUpdated, do=heard.append)
        for _ in range(5000):
            street.app.bus.publish(_order(bob.id))  # a bus that waited for the reader would never come back from here
        assert await _closed_with(socket) == feeds.TOO_SLOW
        assert len(heard) == 5000
    assert street.app.bus.waiting().get("OrderUpdated", 0) == 0


async def test_the_reader_who_leaves_leaves_nothing_behind(street: Street, bob: Person) -> None:
    async with _served(street) as url:
        async with connect(f"{url}/ws/open-orders/?token={bob.token}") as socket:
            await _next(socket)
        async with asyncio.timeout(20):
            while "OrderUpdated" in street.app.bus.waiting():
                await street.app.clock.sleep(0.01)
