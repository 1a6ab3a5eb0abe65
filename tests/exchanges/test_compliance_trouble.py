"""Compliance, third part: what goes wrong on the way. An order is sent once, and what became of it is found."""

from __future__ import annotations

import asyncio
import itertools
import random
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from aristobot.errors import ConnectionLost, ExchangeError, OutcomeUnknown, RateLimited, Refused, TryAgain
from aristobot.orders import OrderRequest, OrderStatus
from tests.exchanges.compliance import PATIENCE, SYMBOL, Bench, behaviour, limit, market, new_id, stop

D = Decimal
S = OrderStatus
TAKEN = ["accept_then_hang", "accept_then_5xx", "disconnect", "short_body", "-1006"]
NOT_TAKEN = ["refuse", "refuse_5xx"]


async def placing(bench: Bench, request: OrderRequest) -> Any:
    """What comes of placing an order: the report, or the error."""
    try:
        return await bench.later(bench.client.place_order(bench.keys, request))
    except ExchangeError as error:
        return error


@pytest.mark.parametrize("fault", TAKEN)
@behaviour("X-30", "An order taken without a clear answer is in doubt, never sent again, and found by its name.", routes=True)
async def test_an_order_without_a_clear_answer_is_found(bench: Bench, fault: str) -> None:
    bench.faults({"on": "order.place", "do": fault})
    request = limit("90")
    assert isinstance(await placing(bench, request), OutcomeUnknown)
    found = await bench.find(request.client_order_id)
    assert (found.client_order_id, found.status) == (request.client_order_id, S.OPEN)
    assert bench.sendings == len(bench.placed(request.client_order_id)) == 1


@pytest.mark.parametrize("fault", NOT_TAKEN)
@behaviour("X-31", "An order that was lost on the way is in doubt too, is not sent again, and is not found.", routes=True)
async def test_a_lost_order_is_in_doubt(bench: Bench, fault: str) -> None:
    bench.faults({"on": "order.place", "do": fault})
    request = market()
    assert isinstance(await placing(bench, request), OutcomeUnknown)
    assert await bench.find(request.client_order_id) is None
    assert bench.sendings == 1
    assert bench.account().orders == {}


@behaviour("X-32", "An order that the exchange does late, after a time-out, is found then; sent once all the same.", routes=True)
async def test_a_late_order_is_found_late(bench: Bench) -> None:
    bench.faults({"on": "order.place", "do": "delayed_accept", "seconds": 3})
    request = limit("90")
    assert isinstance(await placing(bench, request), OutcomeUnknown)
    await bench.clock.advance(4)
    assert (await bench.find(request.client_order_id)).status is S.OPEN
    assert bench.sendings == 1


@behaviour("X-33", "An order that arrives after its window is refused by the exchange itself: the fence holds.", routes=True)
async def test_an_order_that_is_late_is_not_taken(bench: Bench) -> None:
    bench.faults({"on": "order.place", "do": "slow", "seconds": bench.capabilities.request_window + 2})
    request = market()
    answer = await placing(bench, request)
    assert isinstance(answer, Refused | OutcomeUnknown)
    await bench.clock.advance(bench.capabilities.request_window + 10)
    assert bench.placed(request.client_order_id) == []
    assert await bench.find(request.client_order_id) is None
    assert bench.sendings == 1


@behaviour("X-34", "A cancel without a clear answer is in doubt, and asking tells what became of the order.", routes=True)
async def test_a_cancel_in_doubt_is_looked_up(bench: Bench) -> None:
    request = limit("90")
    await bench.client.place_order(bench.keys, request)
    bench.faults({"on": "order.cancel", "do": "accept_then_hang"})
    with pytest.raises(OutcomeUnknown):
        await bench.later(bench.client.cancel_order(bench.keys, SYMBOL, request.client_order_id))
    assert (await bench.find(request.client_order_id)).status is S.CANCELED


@behaviour(
    "X-35", "A move of a stop without a clear answer is in doubt, and the stop is there.", needs="amends_stops", routes=True
)
async def test_a_move_in_doubt_leaves_the_stop(bench: Bench) -> None:
    request = stop("90")
    await bench.client.place_order(bench.keys, request)
    bench.faults({"on": "order.amend", "do": "accept_then_hang"})
    moved = replace(request, stop_price=D(95), price=D(94))
    with pytest.raises(OutcomeUnknown):
        await bench.later(bench.client.edit_order(bench.keys, SYMBOL, request.client_order_id, moved))
    found = await bench.find(request.client_order_id)
    assert (found.status, found.stop_price) == (S.OPEN, D(95))


@behaviour("X-36", "A question that fails is asked again, three times at most; what is then left says that it may be repeated.")
async def test_a_question_is_asked_again(bench: Bench) -> None:
    await bench.client.balances(bench.keys)
    for fault in ("refuse", "refuse_5xx", "short_body"):
        bench.faults({"on": "account", "do": fault, "times": 2})
        before = len(bench.asked("account"))
        assert await bench.later(bench.client.balances(bench.keys))
        assert len(bench.asked("account")) == before + 3
    bench.faults({"on": "account", "do": "refuse_5xx", "times": 0})
    before = len(bench.asked("account"))
    with pytest.raises(TryAgain):
        await bench.later(bench.client.balances(bench.keys))
    assert len(bench.asked("account")) == before + 3


@behaviour(
    "X-37", "An order refused because there were too many is not taken, not sent again, and says how long to wait.", routes=True
)
async def test_too_many_orders_are_told_with_a_time(bench: Bench) -> None:
    bench.faults({"on": "order.place", "do": "429", "retry_after": 2})
    request = limit("90")
    error = await placing(bench, request)
    assert isinstance(error, RateLimited)
    assert 0 < error.retry_after <= 60
    assert bench.sendings == 1
    assert bench.account().orders == {}
    await bench.clock.advance(error.retry_after + 1)
    after = limit("90")
    assert (await bench.later(bench.client.place_order(bench.keys, after))).status is S.OPEN


@behaviour("X-38", "Whoever asks as fast as it can gets all answers; the exchange never has to refuse twice within a second.")
async def test_the_client_keeps_within_the_limits(bench: Bench) -> None:
    answered = 0
    while answered < 40:
        try:
            answered += bool(await bench.later(bench.client.balances(bench.keys)))
        except RateLimited as error:
            await bench.clock.advance(min(error.retry_after, 60))
    refusals = [one.at for one in bench.asked("account") if one.outcome != "200"]
    assert len(refusals) <= answered / 4
    assert all(after - before >= 1000 for before, after in itertools.pairwise(refusals))


@behaviour(
    "X-39", "When the exchange's clock jumps, questions still get their answer, and after one refused order the next goes."
)
async def test_a_clock_that_jumps_is_measured_again(bench: Bench) -> None:
    await bench.client.balances(bench.keys)
    for offset in (45_000, -45_000):
        bench.server.world.clock.offset_ms = offset
        assert await bench.later(bench.client.balances(bench.keys))
        first, second = limit("90"), limit("91")
        told = await placing(bench, first)
        assert not isinstance(told, ExchangeError) or bench.placed(first.client_order_id) == []
        await bench.later(bench.client.synchronise())
        assert (await bench.later(bench.client.place_order(bench.keys, second))).status is S.OPEN


@behaviour("X-40", "In a storm of misfortunes each order is sent at most once, and every answer is true.", routes=True)
async def test_in_a_storm_nothing_is_doubled(bench: Bench) -> None:
    chance, faults = random.Random(5), bench.server.world.faults
    for number in range(40):
        request = limit("90") if chance.random() < 0.5 else market(quantity=D("0.06"))
        before = bench.sendings
        faults.random(0.6, seed=number, seconds=1.0, events=("order.place",))
        told = await placing(bench, request)
        faults.clear()
        sent, taken = bench.sendings - before, len(bench.placed(request.client_order_id))
        assert taken <= sent <= 1
        if isinstance(told, OutcomeUnknown):
            assert sent == 1
        elif isinstance(told, ExchangeError):
            assert taken == 0, told
        else:
            assert (told.client_order_id, taken) == (request.client_order_id, 1)
        wait = told.retry_after if isinstance(told, RateLimited) else 4.0  # whatever is late comes within it
        await bench.clock.advance(min(wait, 60) + 1)
        found = await bench.find(request.client_order_id)
        assert (found is not None) == bool(bench.placed(request.client_order_id)), told


@behaviour("X-41", "Where there is nobody, orders certainly never left and questions may be repeated.")
async def test_where_there_is_nobody_nothing_left(bench: Bench) -> None:
    await bench.client.balances(bench.keys)
    stranger = bench.another_client()
    await stranger.instruments()
    await stranger.balances(bench.keys)
    await bench.server.stop()
    with pytest.raises(ConnectionLost):
        await bench.later(stranger.place_order(bench.keys, limit("90")))
    with pytest.raises(TryAgain):
        await bench.later(stranger.balances(bench.keys))
    await stranger.close()


@behaviour("X-42", "A client that was closed says so, at once.")
async def test_a_closed_client_does_nothing(bench: Bench) -> None:
    await bench.client.balances(bench.keys)
    await bench.client.close()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(TryAgain):
            await bench.later(bench.client.place_order(bench.keys, limit()))
        with pytest.raises(TryAgain):
            await bench.later(bench.client.find_order(bench.keys, SYMBOL, new_id()))
    assert bench.account().orders == {}
