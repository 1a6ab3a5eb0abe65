"""Each misfortune does what it says, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from aristobot.clock import ManualClock
from services.simulator.faults import BadScript, Faults
from tests.simulator.speaker import Speaker

BUY: dict[str, Any] = {"side": "BUY", "type": "MARKET", "quantity": "0.01", "newClientOrderId": "mine"}


async def accepted(speaker: Speaker) -> int:
    """How many orders the venue has."""
    return len((await speaker.ledger())["orders"])


@pytest.mark.parametrize(
    ("fault", "orders"),
    [
        ({"do": "refuse"}, 0),
        ({"do": "disconnect"}, 1),
        ({"do": "short_body"}, 1),
    ],
)
async def test_a_connection_is_cut_before_or_after_the_order_is_taken(
    speaker: Speaker, fault: dict[str, Any], orders: int
) -> None:
    await speaker.script({"on": "order.place", **fault})
    with pytest.raises(httpx.RemoteProtocolError):
        await speaker.order(**BUY)
    assert await accepted(speaker) == orders
    assert (await speaker.order(**BUY | {"newClientOrderId": "next"}))["status"] == "FILLED"


@pytest.mark.parametrize(
    ("fault", "status", "code", "orders"),
    [
        ({"do": "refuse_5xx"}, 503, None, 0),
        ({"do": "refuse_5xx", "status": 502}, 502, None, 0),
        ({"do": "accept_then_5xx"}, 504, None, 1),
        ({"do": "-1006"}, 500, -1006, 1),
        ({"do": "-1007"}, 408, -1007, 1),
        ({"do": "-1007", "accept": False}, 408, -1007, 0),
        ({"do": "-1008"}, 503, -1008, 0),
        ({"do": "429", "retry_after": 7}, 429, -1003, 0),
        ({"do": "418", "retry_after": 120}, 418, -1003, 0),
        ({"do": "wrong_clock"}, 400, -1021, 0),
        ({"do": "wrong_clock", "offset_ms": -5000}, 400, -1021, 0),
    ],
)
async def test_an_answer_is_wrong_and_the_order_is_taken_or_not(
    speaker: Speaker, fault: dict[str, Any], status: int, code: int | None, orders: int
) -> None:
    await speaker.script({"on": "order.place", **fault})
    answer = await speaker.ask("POST", "/api/v3/order", symbol="BTCUSDT", **BUY)
    assert answer.status_code == status
    if code is None:
        assert answer.headers["content-type"] == "text/html"
    else:
        assert answer.json()["code"] == code
    if "retry_after" in fault:
        assert answer.headers["retry-after"] == str(fault["retry_after"])
    assert await accepted(speaker) == orders
    assert (await speaker.requests())[-1]["fault"] == fault["do"]


async def test_an_order_is_taken_and_its_answer_never_comes(speaker: Speaker) -> None:
    await speaker.script({"on": "order.place", "do": "accept_then_hang"})
    speaker.http.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        await speaker.order(**BUY)
    assert (await speaker.status(origClientOrderId="mine"))["status"] == "FILLED"
    assert [request["outcome"] for request in await speaker.requests()] == ["hung", "200"]


async def test_over_the_socket_an_answer_is_lost_and_the_others_come(speaker: Speaker) -> None:
    await speaker.script({"on": "order.place", "do": "accept_then_hang"})
    async with speaker.trading() as trading:
        await trading.send({"id": "lost", "method": "order.place", "params": trading.signed({"symbol": "BTCUSDT", **BUY})})
        found = await trading.call("order.status", symbol="BTCUSDT", origClientOrderId="mine")
        assert found["result"]["status"] == "FILLED"


@pytest.mark.parametrize(("fault", "orders"), [("refuse", 0), ("disconnect", 1)])
async def test_the_socket_is_cut_before_or_after(speaker: Speaker, fault: str, orders: int) -> None:
    await speaker.script({"on": "order.place", "do": fault})
    async with speaker.trading() as trading:
        with pytest.raises(Exception, match="no close frame"):
            await trading.call("order.place", symbol="BTCUSDT", **BUY)
    assert await accepted(speaker) == orders


async def test_a_socket_says_429_with_the_moment_of_retrying(speaker: Speaker) -> None:
    await speaker.script({"on": "order.place", "do": "429", "retry_after": 3})
    async with speaker.trading() as trading:
        answer = await trading.call("order.place", symbol="BTCUSDT", **BUY)
        data = answer["error"]["data"]
        assert (answer["status"], data["retryAfter"] - data["serverTime"]) == (429, 3000)


@pytest.mark.parametrize("kind", ["slow", "slow_reply"])
async def test_a_slow_exchange_takes_the_order_late_or_answers_late(speaker: Speaker, clock: ManualClock, kind: str) -> None:
    await speaker.script({"on": "order.place", "do": kind, "seconds": 2})
    placing = asyncio.ensure_future(speaker.order(**BUY))
    while not await speaker.requests():
        await clock.sleep(0)
    assert await accepted(speaker) == (1 if kind == "slow_reply" else 0)
    await clock.advance(2)
    assert (await placing)["status"] == "FILLED"


async def test_a_request_that_waited_longer_than_its_window_is_not_taken(speaker: Speaker, clock: ManualClock) -> None:
    await speaker.script({"on": "order.place", "do": "slow", "seconds": 6})
    placing = asyncio.ensure_future(speaker.order(**BUY))
    while not await speaker.requests():
        await clock.sleep(0)
    await clock.advance(6)
    assert (await placing)["code"] == -1021
    assert await accepted(speaker) == 0


@pytest.mark.parametrize(("seconds", "orders"), [(3, 1), (6, 0)])
async def test_an_order_is_taken_after_its_time_out_but_never_after_its_window(
    speaker: Speaker, clock: ManualClock, seconds: int, orders: int
) -> None:
    await speaker.script({"on": "order.place", "do": "delayed_accept", "seconds": seconds})
    assert (await speaker.order(**BUY))["code"] == -1007
    assert await accepted(speaker) == 0
    await clock.advance(seconds)
    assert await accepted(speaker) == orders


async def test_reads_lag_behind_an_order_that_was_taken(speaker: Speaker, clock: ManualClock) -> None:
    await speaker.script({"on": "order.place", "do": "lagging_reads", "seconds": 8})
    placed = await speaker.limit("BUY", "0.01", "59000")
    assert placed["status"] == "NEW"
    assert (await speaker.status(orderId=placed["orderId"]))["code"] == -2013
    assert (await speaker.ask("GET", "/api/v3/openOrders")).json() == []
    await clock.advance(8)
    assert (await speaker.status(orderId=placed["orderId"]))["status"] == "NEW"


async def test_an_answer_is_lost_and_reads_lag_as_well(speaker: Speaker, clock: ManualClock) -> None:
    await speaker.script({"on": "order.place", "do": "accept_then_5xx", "lag": 12})
    assert (await speaker.ask("POST", "/api/v3/order", symbol="BTCUSDT", **BUY)).status_code == 504
    assert (await speaker.status(origClientOrderId="mine"))["code"] == -2013
    assert (await speaker.ask("GET", "/api/v3/myTrades", symbol="BTCUSDT")).json() == []
    await clock.advance(12)
    assert (await speaker.status(origClientOrderId="mine"))["status"] == "FILLED"


async def test_one_read_may_lag_alone(speaker: Speaker) -> None:
    placed = await speaker.limit("BUY", "0.01", "59000")
    await speaker.script({"on": "order.status", "do": "lagging_reads", "seconds": 1})
    assert (await speaker.status(orderId=placed["orderId"]))["code"] == -2013
    assert (await speaker.status(orderId=placed["orderId"]))["status"] == "NEW"


async def test_a_market_order_may_find_only_part_of_what_it_wants(speaker: Speaker) -> None:
    await speaker.script({"on": "order.place", "do": "partial_fill", "fraction": "0.4", "rest": "expire"})
    answer = await speaker.order(side="BUY", type="MARKET", quantity="0.1")
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.04000000")
    assert (await speaker.held("USDT"))[1] == "0.00000000"


async def test_an_order_may_be_filled_in_pieces(speaker: Speaker) -> None:
    await speaker.script({"on": "order.place", "do": "partial_fill", "fills": 3})
    answer = await speaker.order(side="BUY", type="MARKET", quantity="0.1")
    assert [fill["qty"] for fill in answer["fills"]] == ["0.03333000", "0.03333000", "0.03334000"]
    assert len({fill["tradeId"] for fill in answer["fills"]}) == 3


async def test_what_is_left_of_a_partial_fill_comes_later(speaker: Speaker, clock: ManualClock) -> None:
    await speaker.script({"on": "order.place", "do": "partial_fill", "fraction": "0.5", "seconds": 2})
    answer = await speaker.order(side="BUY", type="MARKET", quantity="0.1")
    assert answer["status"] == "PARTIALLY_FILLED"
    await clock.advance(2)
    assert (await speaker.status(orderId=answer["orderId"]))["status"] == "FILLED"


async def test_a_resting_order_may_be_reached_only_in_part(speaker: Speaker) -> None:
    placed = await speaker.limit("BUY", "0.1", "59000")
    await speaker.script({"on": "order.fill", "do": "partial_fill", "fraction": "0.5"})
    await speaker.move("59000")
    assert (await speaker.status(orderId=placed["orderId"]))["executedQty"] == "0.05000000"
    assert await speaker.held("USDT") == ("4100.00000000", "2950.00000000")
    await speaker.move("59000")
    assert (await speaker.status(orderId=placed["orderId"]))["status"] == "FILLED"


@pytest.mark.parametrize(("kind", "times"), [("drop_message", 0), ("double_message", 2)])
async def test_user_messages_are_dropped_or_doubled(speaker: Speaker, kind: str, times: int) -> None:
    await speaker.script({"on": "user.message", "do": kind})
    async with speaker.trading() as trading:
        await trading.call("userDataStream.subscribe.signature")
        await speaker.order(side="BUY", type="MARKET", quantity="0.01")
        kinds = [(event["e"], event.get("x")) for event in [await trading.event() for _ in range(2 + times)]]
    assert kinds.count(("executionReport", "NEW")) == times
    assert kinds[-1][0] == "outboundAccountPosition"


async def test_a_silent_socket_lives_and_says_nothing_any_more(speaker: Speaker) -> None:
    async with speaker.stream("/ws/btcusdt@kline_1m") as listening:
        await speaker.move("60001")
        await listening.hear()
        await speaker.script({"on": "kline.message", "do": "silent_socket"})
        await speaker.move("60002")
        await speaker.move("60003")
        with pytest.raises(TimeoutError):
            await listening.hear(0.1)
        await (await listening.connection.ping())


async def test_a_stream_is_cut_in_the_middle(speaker: Speaker) -> None:
    async with speaker.stream("/ws/btcusdt@kline_1m") as listening:
        await speaker.script({"on": "any.message", "do": "disconnect"})
        await speaker.move("60001")
        with pytest.raises(Exception, match="no close frame"):
            await listening.hear()


async def test_a_connection_may_be_refused(speaker: Speaker) -> None:
    await speaker.script({"on": "socket.connect", "do": "refuse"})
    with pytest.raises(Exception, match="403"):
        async with speaker.trading():
            pass
    async with speaker.trading() as trading:
        assert (await trading.call("ping", signed=False))["status"] == 200


async def test_a_misfortune_may_be_meant_for_one_key_and_some_times(speaker: Speaker) -> None:
    await speaker.script(
        {"on": "account", "do": "refuse_5xx", "times": 2, "key": "key-one"}, {"on": "any", "do": "429", "key": "x"}
    )
    statuses = [(await speaker.ask("GET", "/api/v3/account")).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]
    await speaker.script({"on": "order.*", "do": "refuse_5xx", "times": 0})
    assert [(await speaker.ask("GET", "/api/v3/order")).status_code for _ in range(3)] == [503] * 3
    await speaker.control.delete("/faults")
    assert (await speaker.ask("GET", "/api/v3/account")).status_code == 200


@pytest.mark.parametrize("entry", [{"on": "any", "do": "magic"}, {"do": "slow"}, {"on": "any", "do": "slow", "times": "two"}])
async def test_a_script_that_makes_no_sense_is_refused_whole(speaker: Speaker, entry: dict[str, Any]) -> None:
    script = [{"on": "account", "do": "refuse_5xx"}, entry]
    assert (await speaker.control.post("/faults", json={"script": script})).status_code == 400
    assert (await speaker.ask("GET", "/api/v3/account")).status_code == 200


def test_chance_disturbs_the_same_requests_for_the_same_seed() -> None:
    def disturbed(seed: int) -> list[str]:
        faults = Faults()
        faults.random(0.4, seed)
        taken = [faults.take("order.place", "binance", "key") for _ in range(1000)]
        return [fault.do if fault else "" for fault in taken]

    assert disturbed(1) == disturbed(1) != disturbed(2)
    happened = [kind for kind in disturbed(1) if kind]
    assert 350 < len(happened) < 450
    assert {"accept_then_hang", "accept_then_5xx", "refuse_5xx", "429", "-1007", "delayed_accept", "lagging_reads"} <= set(
        happened
    )


def test_chance_may_be_given_a_choice_of_kinds() -> None:
    faults = Faults()
    faults.random(1.0, 1, kinds=["slow"])
    taken = [faults.take("account", "binance", "key") for _ in range(20)]
    assert {fault.do for fault in taken if fault} == {"slow"}
    with pytest.raises(BadScript):
        faults.random(1.0, 1, kinds=["magic"])
