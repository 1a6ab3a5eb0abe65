"""The private stream and the sockets of several keys side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from aristobot.errors import BadKey, OutcomeUnknown
from aristobot.exchange import AccountUpdate, BalanceChanged, Credentials, StreamReset
from aristobot.orders import OrderReport, OrderStatus
from services.exchanges.binance import BinanceClient
from tests.exchanges.house import ED25519, HMAC, PATIENT, House, limit, market, new_id
from tests.exchanges.small_server import soon

D = Decimal
S = OrderStatus


async def collect(house: House, keys: Credentials) -> tuple[list[AccountUpdate], asyncio.Task[None]]:
    """Follow an account in the background."""
    updates: list[AccountUpdate] = []

    async def follow() -> None:
        async for update in house.client.stream_account(keys):
            updates.append(update)

    task = asyncio.create_task(follow())
    await soon(lambda: updates == [StreamReset()])
    return updates, task


def reports(updates: list[AccountUpdate]) -> list[OrderReport]:
    """The orders among updates."""
    return [one for one in updates if isinstance(one, OrderReport)]


async def test_the_account_tells_of_itself_orders_fills_and_balances(house: House, keys: Credentials) -> None:
    updates, task = await collect(house, keys)
    request, bought = limit("80"), market()
    await house.client.place_order(keys, request)
    await house.client.cancel_order(keys, "BTC/USDT", request.client_order_id)
    await house.client.place_order(keys, bought)
    await soon(lambda: any(one.status is S.FILLED for one in reports(updates)))
    by_id = [(one.client_order_id, one.status) for one in reports(updates)]
    assert (request.client_order_id, S.OPEN) in by_id
    assert (request.client_order_id, S.CANCELED) in by_id
    filled = next(one for one in reports(updates) if one.status is S.FILLED)
    assert (filled.client_order_id, filled.symbol, filled.fills[0].fee_asset) == (bought.client_order_id, "BTC/USDT", "BTC")
    await soon(lambda: any(isinstance(one, BalanceChanged) for one in updates))
    assert updates.count(StreamReset()) == 1
    task.cancel()


async def test_a_lost_connection_is_told_and_the_account_goes_on_telling(house: House, keys: Credentials) -> None:
    updates, task = await collect(house, keys)
    house.faults({"on": "user.message", "do": "disconnect"})
    house.server.venue.transfer(house.server.venue.accounts["binance", keys.api_key], "USDT", D(1))
    await soon(lambda: updates.count(StreamReset()) == 2)
    request = limit("81")
    await house.client.place_order(keys, request)
    await soon(lambda: any(one.client_order_id == request.client_order_id for one in reports(updates)))
    task.cancel()


async def test_an_account_whose_subscription_was_taken_without_an_answer_is_heard(house: House, keys: Credentials) -> None:
    await house.client.place_order(keys, market())
    house.faults({"on": "session", "do": "accept_then_hang"})
    updates: list[AccountUpdate] = []

    async def follow() -> None:
        async for update in house.client.stream_account(keys):
            updates.append(update)

    task = asyncio.create_task(follow())
    account = house.server.venue.accounts["binance", keys.api_key]
    for _ in range(200):  # what comes in meanwhile shows that the connection lives
        if updates:
            break
        house.server.venue.transfer(account, "USDT", D(1))
        await house.clock.advance(1)
        await asyncio.wait([task], timeout=0.05)
    assert updates[:1] == [StreamReset()]
    request = limit("81")
    await house.client.place_order(keys, request)
    await soon(lambda: any(one.client_order_id == request.client_order_id for one in reports(updates)))
    assert [one.client_order_id for one in reports(updates)] == [request.client_order_id]
    task.cancel()


async def test_two_readers_of_one_account_hear_the_same(house: House, keys: Credentials) -> None:
    first, task = await collect(house, keys)
    second, other = await collect(house, keys)
    await house.client.place_order(keys, market())
    await soon(lambda: bool(reports(first)) and reports(first)[-1].status is S.FILLED)
    await soon(lambda: reports(first) == reports(second))
    task.cancel()
    other.cancel()


async def test_a_key_that_may_not_listen_ends_the_stream_with_its_reason(house: House) -> None:
    with pytest.raises(BadKey):
        async for _ in house.client.stream_account(Credentials(HMAC.api_key, "wrong" * 10)):
            pass


async def test_a_key_that_was_logged_off_is_logged_on_again_once_it_may_trade_again(house: House) -> None:
    updates, task = await collect(house, ED25519)
    assert (await house.client.place_order(ED25519, market())).status is S.FILLED
    account = house.server.venue.accounts["binance", ED25519.api_key]
    account.permissions = frozenset({"read"})
    with pytest.raises(OutcomeUnknown):
        await house.client.place_order(ED25519, market())
    account.permissions = frozenset({"read", "trade"})
    request = market()
    assert (await house.client.place_order(ED25519, request)).status is S.FILLED
    await soon(lambda: updates.count(StreamReset()) == 2)
    request = limit("81")
    await house.client.place_order(ED25519, request)
    await soon(lambda: any(one.client_order_id == request.client_order_id for one in reports(updates)))
    task.cancel()


async def test_an_unused_connection_is_closed_and_a_day_old_one_renewed(house: House) -> None:
    await house.client.place_order(ED25519, market())
    (socket,) = house.client._calls._sockets.values()
    first = socket._socket
    assert first is not None
    for _ in range(12):
        await house.clock.advance(60)
        await asyncio.wait([first.closed], timeout=0.005)
    assert not first.is_open
    assert (await house.client.place_order(ED25519, market())).status is S.FILLED
    second = socket._socket
    assert second is not None
    second.born -= 24 * 3600
    assert (await house.client.place_order(ED25519, market())).status is S.FILLED
    assert socket._socket is not second
    await soon(lambda: not second.is_open)


async def test_sixteen_orders_at_once_each_get_their_own_answer(house: House, keys: Credentials, way: str) -> None:
    house.client = BinanceClient(house.clock, house.endpoints, PATIENT)
    requests = [limit(str(50 + number)) for number in range(16)]
    answers = await asyncio.gather(*(house.client.place_order(keys, one) for one in requests))
    assert [(one.client_order_id, one.price) for one in answers] == [(one.client_order_id, one.price) for one in requests]
    assert house.client.stats().requests >= 16


async def test_five_users_share_one_client_and_never_a_key(house: House) -> None:
    users = [Credentials(f"key{n}" + "a" * 56, f"secret{n}" + "b" * 56) for n in range(5)]
    for user in users:
        house.server.venue.open_account("binance", user.api_key, user.api_secret, {"USDT": D(10_000_000)})
    client = BinanceClient(house.clock, house.endpoints, PATIENT)
    owner: dict[str, str] = {}

    async def place(number: int) -> None:
        user = users[number % 5]
        request = market()
        owner[request.client_order_id] = user.api_key
        assert (await client.place_order(user, request)).client_order_id == request.client_order_id

    async def look(number: int) -> None:
        await client.find_order(users[number % 5], "BTC/USDT", new_id())

    work: list[Callable[[int], Awaitable[None]]] = [place, place, place, look]
    for start in range(0, 2000, 250):
        await asyncio.gather(*(work[n % 4](n) for n in range(start, start + 250)))
        await house.clock.advance(61)
    await client.close()
    placed = [entry for entry in house.server.world.journal.entries if entry.event == "order.place"]
    assert len(placed) == len(owner) == 1500
    assert all(owner[entry.client_order_id] == entry.key and entry.outcome == "200" for entry in placed)
