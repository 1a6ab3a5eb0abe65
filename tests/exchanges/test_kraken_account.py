"""Kraken's private stream, and the sockets of several keys side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from aristobot.errors import BadKey, MissingRight, OutcomeUnknown
from aristobot.exchange import Credentials, StreamReset
from aristobot.orders import OrderReport, OrderStatus, OrderType, Side
from services.exchanges.kraken import KrakenClient
from services.exchanges.kraken_limits import INTERMEDIATE
from tests.exchanges.house import PATIENT, limit, market
from tests.exchanges.kraken_house import ONE, OTHER, KrakenHouse, credentials, money_in, said_of
from tests.exchanges.small_server import soon

D = Decimal
S = OrderStatus


async def test_the_account_tells_of_itself_orders_fills_and_balances(kraken: KrakenHouse) -> None:
    updates, task = await kraken.follow(ONE)
    request, bought = limit("80"), market()
    await kraken.client.place_order(ONE, request)
    await kraken.client.cancel_order(ONE, "BTC/USDT", request.client_order_id)
    await kraken.client.place_order(ONE, bought)
    await soon(lambda: S.FILLED in said_of(updates, bought.client_order_id))
    assert {S.OPEN, S.CANCELED} <= set(said_of(updates, request.client_order_id))
    filled = next(one for one in updates if isinstance(one, OrderReport) and one.status is S.FILLED)
    assert (filled.symbol, filled.fills[0].fee_asset, filled.filled) == ("BTC/USDT", "USDT", D("0.1"))
    await soon(lambda: (D("1.1"), D(0)) in money_in(updates, "BTC"))
    assert updates.count(StreamReset()) == 1
    task.cancel()


async def test_money_as_it_is_pushed_is_money_as_it_is_asked_for(kraken: KrakenHouse) -> None:
    updates, task = await kraken.follow(ONE)

    async def agree() -> None:
        asked = {one.asset: (one.free, one.locked) for one in await kraken.client.balances(ONE)}
        for asset in ("BTC", "USDT"):
            await soon(lambda asset=asset: money_in(updates, asset)[-1] == asked[asset])  # type: ignore[misc]  # bound at once

    resting = limit("80", quantity=D("0.5"))
    stop = market(Side.SELL, type=OrderType.STOP_LOSS, stop_price=D(90), quantity=D("0.3"))
    for work in (
        kraken.client.place_order(ONE, resting),
        kraken.client.place_order(ONE, stop),
        kraken.client.edit_order(ONE, "BTC/USDT", resting.client_order_id, replace(resting, price=D(70), quantity=D("0.4"))),
        kraken.client.place_order(ONE, market(quantity=D("0.2"))),
        kraken.client.cancel_order(ONE, "BTC/USDT", resting.client_order_id),
    ):
        await work
        await agree()
    kraken.price("89")
    await soon(lambda: S.FILLED in said_of(updates, stop.client_order_id))
    await agree()
    assert all(free >= 0 and locked >= 0 for asset in ("BTC", "USDT") for free, locked in money_in(updates, asset))
    task.cancel()


async def test_a_lost_connection_is_told_and_the_account_goes_on_telling(kraken: KrakenHouse) -> None:
    updates, task = await kraken.follow(ONE)
    resting = limit("70")
    await kraken.client.place_order(ONE, resting)
    kraken.faults({"on": "user.message", "do": "disconnect"})
    kraken.server.venue.transfer(kraken.server.venue.accounts["kraken", ONE.api_key], "USDT", D(1))
    await soon(lambda: updates.count(StreamReset()) == 2)
    request = limit("81")
    await kraken.client.place_order(ONE, request)
    await soon(lambda: S.OPEN in said_of(updates, request.client_order_id))
    kraken.price("69")
    await soon(lambda: S.FILLED in said_of(updates, resting.client_order_id))
    assert kraken.client.stats().reconnects >= 1
    task.cancel()


async def test_a_message_that_never_came_is_noticed_by_the_one_after_it(kraken: KrakenHouse) -> None:
    updates, task = await kraken.follow(ONE)
    lost, next_one = limit("80"), limit("81")
    kraken.faults({"on": "user.message", "do": "drop_message"})
    await kraken.client.place_order(ONE, lost)
    await kraken.client.place_order(ONE, next_one)
    await soon(lambda: updates.count(StreamReset()) == 2)
    await soon(lambda: S.OPEN in said_of(updates, lost.client_order_id))
    task.cancel()


async def test_a_message_told_twice_is_told_on_once(kraken: KrakenHouse) -> None:
    updates, task = await kraken.follow(ONE)
    kraken.faults({"on": "user.message", "do": "double_message", "times": 0})
    bought = market()
    report = await kraken.client.place_order(ONE, bought)
    await soon(lambda: (D("1.1"), D(0)) in money_in(updates, "BTC"))
    assert (report.filled, len(report.fills)) == (D("0.1"), len({one.trade_id for one in report.fills}))
    assert said_of(updates, bought.client_order_id).count(S.FILLED) <= 2
    assert updates.count(StreamReset()) == 1
    task.cancel()


async def test_two_readers_of_one_account_hear_the_same(kraken: KrakenHouse) -> None:
    first, task = await kraken.follow(ONE)
    second: list[object] = []

    async def listen() -> None:
        async for update in kraken.client.stream_account(ONE):
            second.append(update)

    other = asyncio.create_task(listen())
    await soon(lambda: StreamReset() in second)
    begun = len(first)
    request = market()
    await kraken.client.place_order(ONE, request)
    await soon(lambda: S.FILLED in said_of(first, request.client_order_id) and second[1:] == first[begun:])
    task.cancel()
    other.cancel()


async def test_a_key_that_may_not_listen_ends_the_stream_with_its_reason(kraken: KrakenHouse) -> None:
    with pytest.raises(BadKey):
        async for _ in kraken.client.stream_account(Credentials(ONE.api_key, OTHER.api_secret)):
            pass
    blind = credentials("blind")
    kraken.open_account(blind)
    kraken.server.venue.accounts["kraken", blind.api_key].permissions = frozenset({"trade"})
    with pytest.raises(MissingRight):
        async for _ in kraken.client.stream_account(blind):
            pass


async def test_a_key_without_a_socket_trades_over_rest(kraken: KrakenHouse) -> None:
    blind = credentials("blind")
    kraken.open_account(blind)
    kraken.server.venue.accounts["kraken", blind.api_key].permissions = frozenset({"trade"})
    for _ in range(3):
        assert (await kraken.client.place_order(blind, limit("80"))).status is S.OPEN
    assert kraken.asked("order.place") == ["/0/private/AddOrder"] * 3
    assert len(kraken.asked("token")) == 1, "it is not asked again and again for what it may not have"


async def test_a_token_of_which_no_connection_came_serves_the_next_one(kraken: KrakenHouse) -> None:
    kraken.faults({"on": "socket.connect", "do": "refuse", "times": 3})
    for _ in range(5):
        await kraken.client.place_order(ONE, limit("80"))
        await kraken.clock.advance(20)
    assert len(kraken.asked("token")) == 1
    assert kraken.asked("order.place") == ["/0/private/AddOrder"] * 3 + ["add_order"] * 2


async def test_an_unused_connection_is_closed_and_another_opened_when_needed(kraken: KrakenHouse) -> None:
    await kraken.client.place_order(ONE, limit("80"))
    socket = kraken.client._calls.record_of(ONE).socket
    first = socket._socket
    assert first is not None
    for _ in range(40):
        await kraken.clock.advance(20)
        await asyncio.wait([first.closed], timeout=0.005)
    assert not first.is_open
    assert (await kraken.client.place_order(ONE, market())).status is S.FILLED
    assert socket._socket is not first


async def test_a_silent_connection_that_answers_no_ping_is_left(kraken: KrakenHouse) -> None:
    updates, task = await kraken.follow(ONE)
    kraken.faults({"on": "user.message", "do": "silent_socket"})
    kraken.server.venue.transfer(kraken.server.venue.accounts["kraken", ONE.api_key], "USDT", D(1))
    for _ in range(12):
        await kraken.clock.advance(20)
        await asyncio.wait([task], timeout=0.06)
    await soon(lambda: updates.count(StreamReset()) == 2)
    task.cancel()


async def test_after_an_order_without_an_answer_the_next_ones_go_over_another_connection(kraken: KrakenHouse) -> None:
    updates, task = await kraken.follow(ONE)
    kraken.faults({"on": "order.place", "do": "accept_then_hang"})
    hung, next_one = limit("80"), limit("81")
    with pytest.raises(OutcomeUnknown):
        await kraken.client.place_order(ONE, hung)
    assert (await kraken.client.place_order(ONE, next_one)).status is S.OPEN
    await soon(lambda: updates.count(StreamReset()) == 2)
    await soon(lambda: S.OPEN in said_of(updates, hung.client_order_id))
    task.cancel()


async def test_the_exchange_says_which_tier_an_account_is_in(kraken: KrakenHouse) -> None:
    limits = kraken.client._calls.record_of(ONE).limits
    assert limits.calls.most == 15
    await kraken.client.place_order(ONE, limit("80"))
    assert limits.calls.most == INTERMEDIATE.calls


async def test_five_users_share_one_client_and_never_a_key(kraken: KrakenHouse) -> None:
    users = [credentials(f"user-{number}") for number in range(5)]
    for user in users:
        kraken.open_account(user, "10000000")
    client = KrakenClient(kraken.clock, kraken.endpoints, PATIENT)
    owner: dict[str, str] = {}

    async def place(number: int) -> None:
        user = users[number % 5]
        request = market(quantity=D("0.01"))
        owner[request.client_order_id] = user.api_key
        report = await client.place_order(user, request)
        assert (report.client_order_id, report.status) == (request.client_order_id, S.FILLED)

    async def look(number: int) -> None:
        assert await client.balances(users[number % 5])

    work: list[Callable[[int], Awaitable[None]]] = [place, place, place, look]
    for start in range(0, 2000, 250):
        await asyncio.gather(*(work[n % 4](n) for n in range(start, start + 250)))
        await kraken.clock.advance(61)
    await client.close()
    entries = kraken.server.world.journal.entries
    placed = [entry for entry in entries if entry.event == "order.place"]
    assert len(placed) == len(owner) == 1500
    assert all(owner[entry.client_order_id] == entry.key and entry.outcome == "200" for entry in placed)
    assert len([entry for entry in entries if entry.event == "account" and entry.outcome == "200"]) == 500
    for user in users:
        account = kraken.server.venue.accounts["kraken", user.api_key]
        assert account.holding("BTC").free == D(4), "three hundred hundredths were bought for each"
