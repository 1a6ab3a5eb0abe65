"""The private stream of a classic and of a unified account, reconnections, and many users side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import BadKey
from aristobot.exchange import AccountUpdate, BalanceChanged, Credentials, StreamReset
from aristobot.orders import OrderReport, OrderStatus, OrderType, Side
from services.exchanges.bitget import BitgetClient
from tests.exchanges.bitget_house import CLASSIC, UNIFIED, BitgetHouse, a_house, limit, market, new_id, stop, turn
from tests.exchanges.house import PATIENT
from tests.exchanges.small_server import soon

D = Decimal
S = OrderStatus


@pytest.fixture(params=["classic", "unified"])
async def house(clock: ManualClock, request: pytest.FixtureRequest) -> AsyncIterator[BitgetHouse]:
    """A simulator with a client, for an account of each kind."""
    async with a_house(clock, {"classic": CLASSIC, "unified": UNIFIED}[request.param]) as made:
        yield made


def of(updates: list[AccountUpdate], client_id: str) -> list[OrderReport]:
    """What was told of one order."""
    return [one for one in updates if isinstance(one, OrderReport) and one.client_order_id == client_id]


def statuses(updates: list[AccountUpdate], client_id: str) -> list[OrderStatus]:
    """How one order fared, without repetitions."""
    seen = [one.status for one in of(updates, client_id)]
    return [status for index, status in enumerate(seen) if index == 0 or seen[index - 1] is not status]


def cancelled(updates: list[AccountUpdate], client_id: str) -> bool:
    """Whether the last that was told of an order is that it is cancelled."""
    return statuses(updates, client_id)[-1:] == [S.CANCELED]


async def test_the_stream_begins_with_a_reset_and_tells_of_orders_fills_and_balances(house: BitgetHouse) -> None:
    async with house.following() as updates:
        await soon(lambda: bool(updates))
        assert updates[0] == StreamReset()
        asked = limit("99")
        await house.client.place_order(house.keys, asked)
        await soon(lambda: statuses(updates, asked.client_order_id) == [S.OPEN])
        house.price("98")
        await soon(lambda: statuses(updates, asked.client_order_id) == [S.OPEN, S.FILLED])
        await soon(lambda: any(one.fills for one in of(updates, asked.client_order_id)))
        last = of(updates, asked.client_order_id)[-1]
        assert (last.filled, last.symbol, last.side, last.price) == (D("0.1"), "BTC/USDT", Side.BUY, D(99))
        (fill,) = {one for report in of(updates, asked.client_order_id) for one in report.fills}
        assert (fill.quantity, fill.price, fill.fee_asset, fill.maker) == (D("0.1"), D(99), "BTC", True)
        assert max(one.quote_filled for one in of(updates, asked.client_order_id)) == D("9.9")
        await soon(lambda: any(isinstance(one, BalanceChanged) for one in updates))
        held = {one.asset: one for update in updates if isinstance(update, BalanceChanged) for one in update.balances}
        assert held["USDT"].free == D("9990.1")
        assert held["BTC"].free == D("1.1") - fill.fee


async def test_a_stop_is_told_as_one_order_from_trigger_to_fill(house: BitgetHouse) -> None:
    async with house.following() as updates:
        await soon(lambda: bool(updates))
        asked = stop("90")
        await house.client.place_order(house.keys, asked)
        await soon(lambda: statuses(updates, asked.client_order_id) == [S.OPEN])
        house.price("89")
        await soon(lambda: S.FILLED in statuses(updates, asked.client_order_id))
        await soon(lambda: any(one.fills for one in of(updates, asked.client_order_id)))
        filled = [one for one in of(updates, asked.client_order_id) if one.status is S.FILLED]
        assert {one.filled for one in filled} == {D("0.1")}
        fills = {one.trade_id: one for report in filled for one in report.fills}
        assert sum(one.quantity for one in fills.values()) == D("0.1")
        assert {one.client_order_id for one in fills.values()} == {asked.client_order_id}


async def test_a_stop_of_yesterday_is_told_under_its_name_to_a_client_that_never_saw_it(house: BitgetHouse) -> None:
    asked = stop("95", type=OrderType.STOP_LOSS_LIMIT, price=D("94.9"))
    await house.client.place_order(house.keys, asked)
    later = BitgetHouse(house.clock, house.server, house.keys)
    async with later.following() as updates:
        await soon(lambda: bool(updates))
        house.price("94")
        await soon(lambda: bool(of(updates, asked.client_order_id)))
        house.price("95")
        await soon(lambda: S.FILLED in statuses(updates, asked.client_order_id))
    await later.client.close()


async def test_a_stop_moved_in_place_is_told_with_its_new_price(house: BitgetHouse) -> None:
    async with house.following() as updates:
        await soon(lambda: bool(updates))
        asked = stop("90")
        await house.client.place_order(house.keys, asked)
        moved = stop("92", client_order_id=asked.client_order_id)
        await house.client.edit_order(house.keys, asked.symbol, asked.client_order_id, moved)
        await soon(lambda: any(one.stop_price == D(92) for one in of(updates, asked.client_order_id)))


async def test_a_cancelled_order_and_a_cancelled_stop_are_told(house: BitgetHouse) -> None:
    async with house.following() as updates:
        await soon(lambda: bool(updates))
        for asked in (limit("90"), stop("90")):
            await house.client.place_order(house.keys, asked)
            await house.client.cancel_order(house.keys, asked.symbol, asked.client_order_id)
            await soon(partial(cancelled, updates, asked.client_order_id))


async def test_a_socket_that_is_cut_comes_back_and_says_that_something_may_be_missing(house: BitgetHouse) -> None:
    async with house.following() as updates:
        await soon(lambda: bool(updates))
        await house.client.place_order(house.keys, limit("99"))
        house.faults({"on": "user.message", "do": "disconnect"})
        house.price("98")
        await soon(lambda: updates.count(StreamReset()) == 2)
        asked = limit("91")
        await house.client.place_order(house.keys, asked)
        await soon(lambda: statuses(updates, asked.client_order_id) == [S.OPEN])


async def test_a_socket_that_falls_silent_is_cut_and_replaced(house: BitgetHouse) -> None:
    async with house.following() as updates:
        await soon(lambda: bool(updates))
        await house.client.place_order(house.keys, limit("99"))
        house.faults({"on": "user.message", "do": "silent_socket"})
        house.price("98")
        for _ in range(8):
            await house.clock.advance(15)
            await turn(3)
        await soon(lambda: updates.count(StreamReset()) == 2)


async def test_pings_keep_an_idle_stream_alive(house: BitgetHouse) -> None:
    async with house.following() as updates:
        await soon(lambda: bool(updates))
        for _ in range(40):
            await house.clock.advance(15)
            await turn(2)
        assert updates.count(StreamReset()) == 1


async def test_a_stream_with_a_wrong_key_ends_with_the_reason(house: BitgetHouse) -> None:
    wrong = Credentials(house.keys.api_key, "z" * 64, house.keys.passphrase)
    with pytest.raises(BadKey):
        async for _ in house.client.stream_account(wrong):
            pass


async def test_orders_of_a_unified_account_go_over_its_socket_and_over_rest_when_there_is_none(clock: ManualClock) -> None:
    async with a_house(clock, UNIFIED) as house:
        await house.client.place_order(UNIFIED, limit("90"))
        assert house.asked("/api/v3/trade/place-order") == 0
        house.faults({"on": "socket.connect", "do": "refuse", "times": 0})
        over_rest = type(house.client)(clock, house.endpoints)
        await over_rest.place_order(UNIFIED, limit("91"))
        assert house.asked("/api/v3/trade/place-order") == 1
        assert len(await over_rest.open_orders(UNIFIED, "BTC/USDT")) == 2
        await over_rest.close()


async def test_two_thousand_calls_of_five_users_at_once_are_each_signed_with_the_right_key(clock: ManualClock) -> None:
    async with a_house(clock, CLASSIC) as house:
        users = [Credentials(f"bg_user{number}", f"{number}" * 64, f"passphrase {number}") for number in range(5)]
        for number, keys in enumerate(users):
            balances = {"USDT": D(1000 + number)}
            account = house.server.venue.open_account("bitget", keys.api_key, keys.api_secret, balances)
            account.passphrase, account.mode = keys.passphrase, "unified" if number % 2 else "classic"
        client = BitgetClient(clock, house.endpoints, PATIENT)

        async def ask(number: int) -> None:
            (held,) = await client.balances(users[number % 5])
            assert held.free == D(1000 + number % 5)

        await client.synchronise()
        for start in range(0, 2000, 40):
            await asyncio.gather(*(ask(number) for number in range(start, start + 40)))
            await clock.advance(1.5, settle=1)
        await client.close()
        entries = house.server.world.journal.entries
        answered = [one for one in entries if one.path.endswith("/account/assets") and one.outcome == "200"]
        assert [sum(one.key == keys.api_key for one in answered) for keys in users] == [400] * 5
        assert {one.key for one in entries if one.method == "GET" and "account" in one.path} == {one.api_key for one in users}


async def test_a_market_buy_on_the_stream_knows_its_quantity_when_it_is_filled(house: BitgetHouse) -> None:
    async with house.following() as updates:
        await soon(lambda: bool(updates))
        asked = market(quantity=D(0), quote_quantity=D(50), client_order_id=new_id())
        await house.client.place_order(house.keys, asked)
        await soon(lambda: S.FILLED in statuses(updates, asked.client_order_id))
        last = of(updates, asked.client_order_id)[-1]
        assert last.quantity == last.filled > 0
