"""Misfortunes happen to the simulated Kraken as to any other exchange, over REST and over its sockets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import websockets

from aristobot.clock import ManualClock
from services.simulator.journal import Tripwire, Tripwires
from services.simulator.server import SimulatorServer
from tests.simulator.kraken_speaker import SECRET, KrakenSpeaker

BUY = {"pair": "XBTUSD", "type": "buy", "ordertype": "market", "volume": "0.01", "cl_ord_id": "mine"}
ADD: dict[str, Any] = {"symbol": "BTC/USD", "side": "buy", "order_type": "market", "order_qty": 0.01, "cl_ord_id": "mine"}


@pytest.fixture
async def owner(simulator: SimulatorServer) -> AsyncIterator[KrakenSpeaker]:
    """An owner of 10,000 USD and 1 BTC."""
    simulator.venue.open_account("kraken", "key-one", SECRET, {"USD": Decimal(10_000), "BTC": Decimal(1)})
    async with KrakenSpeaker(simulator) as speaker:
        yield speaker


async def accepted(owner: KrakenSpeaker) -> int:
    """How many orders the venue has."""
    return len((await owner.ledger())["orders"])


@pytest.mark.parametrize(("do", "orders"), [("refuse", 0), ("disconnect", 1), ("short_body", 1)])
async def test_a_connection_is_cut_before_or_after_the_order_is_taken(owner: KrakenSpeaker, do: str, orders: int) -> None:
    await owner.script({"on": "order.place", "do": do})
    with pytest.raises(httpx.RemoteProtocolError):
        await owner.post("AddOrder", BUY)
    assert await accepted(owner) == orders


@pytest.mark.parametrize(
    ("fault", "status", "words", "orders"),
    [
        ({"do": "refuse_5xx", "status": 520}, 520, None, 0),
        ({"do": "accept_then_5xx", "status": 520}, 520, None, 1),
        ({"do": "-1006"}, 200, "EGeneral:Internal error", 1),
        ({"do": "-1007"}, 200, "EService:Unavailable", 1),
        ({"do": "-1007", "accept": False}, 200, "EService:Unavailable", 0),
        ({"do": "-1008"}, 200, "EService:Busy", 0),
        ({"do": "429"}, 200, "EOrder:Rate limit exceeded", 0),
        ({"do": "418"}, 200, "EGeneral:Temporary lockout", 0),
    ],
)
async def test_an_answer_is_wrong_and_the_order_is_taken_or_not(
    owner: KrakenSpeaker, fault: dict[str, Any], status: int, words: str | None, orders: int
) -> None:
    await owner.script({"on": "order.place", **fault})
    answer = await owner.post("AddOrder", BUY)
    assert answer.status_code == status
    if words is None:
        assert answer.headers["content-type"] == "text/html"
    else:
        assert answer.json() == {"error": [words]}
    assert await accepted(owner) == orders
    assert (await owner.requests())[-1]["fault"] == fault["do"]


async def test_an_order_is_taken_and_its_answer_never_comes(owner: KrakenSpeaker) -> None:
    await owner.script({"on": "order.place", "do": "accept_then_hang"})
    owner.http.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        await owner.post("AddOrder", BUY)
    (found,) = (await owner.ask("ClosedOrders", cl_ord_id="mine"))["closed"].values()
    assert found["status"] == "closed"
    told = [(one["event"], one["client_order_id"], one["outcome"]) for one in await owner.requests()]
    assert told == [("order.place", "mine", "hung"), ("orders.all", "mine", "200")]


async def test_reads_may_lag_behind(owner: KrakenSpeaker, clock: ManualClock) -> None:
    await owner.script({"on": "order.place", "do": "lagging_reads", "seconds": 3})
    txid = await owner.order("buy", "limit", price="50000")
    assert (await owner.ask("OpenOrders"))["open"] == {}
    assert await owner.refused("QueryOrders", txid=txid) == "EOrder:Unknown order"
    await clock.advance(3)
    assert list((await owner.ask("OpenOrders"))["open"]) == [txid]


async def test_an_order_that_waited_too_long_is_not_taken(owner: KrakenSpeaker, clock: ManualClock) -> None:
    await owner.script({"on": "order.place", "do": "slow", "seconds": 6})
    deadline = (clock.now() + timedelta(seconds=5)).isoformat()
    asking = asyncio.create_task(owner.post("AddOrder", BUY | {"deadline": deadline}))
    while not await owner.requests():
        await clock.advance(0)
    await clock.advance(6)
    assert (await asking).json() == {"error": ["EService:Deadline elapsed"]}
    assert await accepted(owner) == 0


@pytest.mark.parametrize(
    ("fault", "words", "orders"),
    [
        ({"do": "-1007"}, "EService:Unavailable", 1),
        ({"do": "refuse_5xx"}, "EGeneral:Internal error", 0),
        ({"do": "accept_then_5xx"}, "EGeneral:Internal error", 1),
        ({"do": "429"}, "EOrder:Rate limit exceeded", 0),
    ],
)
async def test_a_request_over_the_socket_goes_wrong(owner: KrakenSpeaker, fault: dict[str, Any], words: str, orders: int) -> None:
    async with owner.private() as socket:
        await owner.script({"on": "order.place", **fault})
        answer = await socket.call("add_order", **ADD)
        assert (answer["success"], answer["error"], answer["method"]) == (False, words, "add_order")
    assert await accepted(owner) == orders


@pytest.mark.parametrize(("do", "orders"), [("refuse", 0), ("disconnect", 1)])
async def test_the_socket_is_cut_before_or_after_the_order_is_taken(owner: KrakenSpeaker, do: str, orders: int) -> None:
    async with owner.private() as socket:
        await owner.script({"on": "order.place", "do": do})
        with pytest.raises(websockets.ConnectionClosed):
            await socket.call("add_order", **ADD)
    assert await accepted(owner) == orders


async def test_the_socket_may_swallow_the_answer_and_the_pushes_tell_it_all(owner: KrakenSpeaker) -> None:
    async with owner.private() as socket:
        await socket.call("subscribe", channel="executions")
        await socket.next("executions")
        await owner.script({"on": "order.place", "do": "accept_then_hang"})
        answer = asyncio.create_task(socket.call("add_order", **ADD))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer, 0.2)
    told = [(one["data"][0]["exec_type"], one["data"][0]["order_status"], one["sequence"]) for one in socket.pushed]
    assert told == [
        ("pending_new", "pending_new", 2),
        ("new", "new", 3),
        ("trade", "partially_filled", 4),
        ("filled", "filled", 5),
    ]
    assert socket.pushed[0]["data"][0]["cl_ord_id"] == "mine"


async def sequences(owner: KrakenSpeaker, do: str) -> list[int]:
    """The numbers of the messages about one order, the first of which meets this misfortune."""
    async with owner.private() as socket:
        await socket.call("subscribe", channel="executions")
        await socket.next("executions")
        await owner.script({"on": "user.message", "do": do, "key": "key-one"})
        await owner.order("buy", "limit", price="50000")
        await owner.ask("CancelAll")
        heard: list[int] = []
        while not heard or heard[-1] < 4:
            heard.append((await socket.next("executions"))["sequence"])
        return heard


async def test_a_message_may_be_lost_or_come_twice_and_its_number_shows_it(owner: KrakenSpeaker) -> None:
    assert await sequences(owner, "drop_message") == [3, 4]
    assert await sequences(owner, "double_message") == [2, 2, 3, 4]


async def test_a_socket_may_fall_silent(owner: KrakenSpeaker, clock: ManualClock) -> None:
    async with owner.private() as socket:
        await socket.call("subscribe", channel="executions")
        await owner.script({"on": "heartbeat.message", "do": "silent_socket"})
        await clock.advance(2.5)
        await owner.order("buy", "limit", price="50000")
        heard = [await socket.next("executions")]
        with pytest.raises(TimeoutError):
            heard.append(await socket.hear(0.2))
        assert [one["type"] for one in heard] == ["snapshot"]


async def test_a_socket_is_cut_after_a_day_and_may_be_refused(owner: KrakenSpeaker, clock: ManualClock) -> None:
    async with owner.public() as socket:
        await clock.advance(86_401)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.hear()
    await owner.script({"on": "socket.connect", "do": "refuse"})
    with pytest.raises(websockets.InvalidStatus):
        async with owner.public():
            pass


async def test_everybody_is_warned_of_maintenance(owner: KrakenSpeaker) -> None:
    async with owner.public() as socket:
        assert socket.greeting["data"][0]["system"] == "online"
        await owner.control.post("/sockets", json={"do": "warn"})
        assert (await socket.next("status"))["data"][0]["system"] == "maintenance"


async def test_a_token_is_good_for_a_quarter_of_an_hour_and_then_for_the_connection_that_used_it(
    owner: KrakenSpeaker, clock: ManualClock
) -> None:
    async with owner.private() as used, owner.private() as late:
        assert (await used.call("subscribe", channel="balances"))["success"]
        await clock.advance(901)
        assert (await used.call("add_order", **ADD))["success"]
        answer = await late.call("add_order", **ADD | {"cl_ord_id": "other"})
        assert (answer["success"], answer["error"]) == (False, "ESession:Invalid session")


async def test_processes_die_when_orders_are_taken_and_not_when_they_are_refused(
    owner: KrakenSpeaker, simulator: SimulatorServer
) -> None:
    killed: list[int] = []
    events = (
        "order.received", "order.accepted", "order.replied", "cancel.received", "cancel.done", "cancel.replied",
        "amend.received", "amend.done", "query.received", "public.received", "fill.done",
    )  # fmt: skip
    simulator.world.tripwires = Tripwires(killed.append)
    for event, number in zip(events, itertools.count()):
        simulator.world.tripwires.lay(Tripwire(event, number, 0, 1))
    await owner.get("Time")
    assert killed == [events.index("public.received")]
    await owner.refused("AddOrder", pair="XBTUSD", type="buy", ordertype="limit", volume="5", price="50000")
    assert events.index("order.accepted") not in killed
    async with owner.private() as socket:
        limit = {"order_type": "limit", "limit_price": 50000, "cl_ord_id": "resting"}
        assert (await socket.call("add_order", **ADD | limit))["success"]
        assert (await socket.call("amend_order", cl_ord_id="resting", limit_price=51000))["success"]
        assert (await socket.call("cancel_order", cl_ord_id=["resting"]))["success"]
        assert (await socket.call("add_order", **ADD))["success"]
    assert sorted(killed) == list(range(len(events)))
    methods = [(one["method"], one["path"], one["outcome"]) for one in await owner.requests() if one["method"] == "WS"]
    assert methods == [("WS", name, "200") for name in ("add_order", "amend_order", "cancel_order", "add_order")]
