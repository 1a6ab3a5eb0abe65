"""What the exchange knows of markets and accounts, read through the client."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from decimal import Decimal

import pytest

from aristobot.errors import (
    ExchangeError,
)
from aristobot.exchange import Credentials
from aristobot.market import Timeframe
from aristobot.orders import OrderStatus, Side
from services.exchanges.binance import BinanceClient
from tests.exchanges.house import HMAC, PATIENT, House, limit, market, new_id

D = Decimal
S = OrderStatus


async def test_an_order_the_exchange_does_not_know_is_none_and_nothing_else_is(house: House) -> None:
    assert await house.client.find_order(HMAC, "BTC/USDT", new_id()) is None
    house.faults({"on": "order.status", "do": "refuse_5xx", "times": 0})
    work = asyncio.ensure_future(house.client.find_order(HMAC, "BTC/USDT", new_id()))
    while not work.done():
        await house.clock.advance(1)
        await asyncio.wait([work], timeout=0.01)
    with pytest.raises(ExchangeError):
        work.result()


async def test_a_found_order_brings_its_fills(house: House) -> None:
    request = market()
    placed = await house.client.place_order(HMAC, request)
    found = await house.client.find_order(HMAC, "BTC/USDT", request.client_order_id)
    assert found is not None
    assert {fill.trade_id for fill in found.fills} == {fill.trade_id for fill in placed.fills}
    assert {fill.client_order_id for fill in found.fills} == {request.client_order_id}


async def test_closed_orders_and_fills_since_a_moment(house: House) -> None:
    start = house.clock.now()
    resting, early = limit("95"), market()
    await house.client.place_order(HMAC, resting)
    await house.client.place_order(HMAC, early)
    await house.clock.advance(3 * 86_400, settle=1)
    since = house.clock.now()
    house.price("94")
    late = market(Side.SELL)
    await house.client.place_order(HMAC, late)
    closed = await house.client.closed_orders(HMAC, since, "BTC/USDT")
    assert [one.client_order_id for one in closed] == [resting.client_order_id, late.client_order_id]
    assert all(one.fills and one.status is S.FILLED for one in closed)
    assert len(await house.client.closed_orders(HMAC, start, "BTC/USDT")) == 3
    fills = await house.client.fills(HMAC, "BTC/USDT", start)
    assert [fill.at for fill in fills] == sorted(fill.at for fill in fills)
    assert sum(fill.quantity for fill in fills) == D("0.3")
    assert {fill.side for fill in await house.client.fills(HMAC, "BTC/USDT", since)} == {Side.BUY, Side.SELL}
    assert await house.client.fills(HMAC, "BTC/USDT", house.clock.now() + timedelta(seconds=1)) == []


async def test_balances_rights_prices_and_the_catalogue(house: House, keys: Credentials) -> None:
    held = {one.asset: one.free for one in await house.client.balances(keys)}
    assert held == {"USDT": D(10_000), "BTC": D(1)}
    rights = await house.client.key_rights(keys)
    assert (rights.can_read, rights.can_trade, rights.can_withdraw) == (True, True, False)
    listed = {one.symbol: one for one in await house.client.instruments()}
    assert listed["BTC/USDT"].oco_allowed
    assert listed["BTC/USDT"].otoco_allowed
    (one,) = await house.client.tickers(["BTC/USDT"])
    assert one.last == D(100)
    assert {ticker.symbol for ticker in await house.client.tickers(["BTC/USDT", "ETH/USDT"])} == {"BTC/USDT", "ETH/USDT"}
    assert await house.client.tickers([]) == []
    assert abs(await house.client.server_time() - house.clock.now()) < timedelta(seconds=1)


async def test_several_askers_share_one_download_of_the_catalogue(house: House) -> None:
    house.client = BinanceClient(house.clock, house.endpoints, PATIENT)
    lists = await asyncio.gather(*(house.client.instruments() for _ in range(20)))
    assert all(one == lists[0] for one in lists)
    assert len([entry for entry in house.server.world.journal.entries if entry.path.endswith("exchangeInfo")]) == 1


async def test_candles_of_the_past_are_closed_in_order_and_without_holes(house: House) -> None:
    await house.clock.advance(30)
    candles = await house.client.candles("BTC/USDT", Timeframe.M1, limit=2500)
    assert len(candles) == 2500
    assert [one.closed for one in candles[-3:]] == [True, True, False]
    gaps = {later.open_time - earlier.open_time for earlier, later in itertools.pairwise(candles)}
    assert gaps == {timedelta(minutes=1)}
    before = await house.client.candles("BTC/USDT", Timeframe.M1, limit=5, before=candles[-10].open_time)
    assert before == candles[-15:-10]
