"""What Kraken knows of markets and accounts, read through the client from the simulator."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from aristobot.errors import BadKey, DataError, ExchangeError, MissingRight, UnknownSymbol
from aristobot.exchange import Credentials
from aristobot.market import Candle, Timeframe
from aristobot.orders import OrderStatus, Side
from services.exchanges.kraken import KrakenClient
from services.exchanges.kraken_candles import TIMEFRAMES
from services.exchanges.kraken_limits import Tier
from tests.exchanges.house import PATIENT, QUICK, limit, market, new_id
from tests.exchanges.kraken_house import ONE, OTHER, KrakenHouse, credentials
from tests.exchanges.small_server import soon

D = Decimal
S = OrderStatus


async def test_an_order_the_exchange_does_not_know_is_none_and_nothing_else_is(kraken: KrakenHouse) -> None:
    assert await kraken.client.find_order(ONE, "BTC/USDT", new_id()) is None
    kraken.faults({"on": "orders.*", "do": "refuse_5xx", "times": 0})
    work = asyncio.ensure_future(kraken.client.find_order(ONE, "BTC/USDT", new_id()))
    while not work.done():
        await kraken.clock.advance(1)
        await asyncio.wait([work], timeout=0.01)
    with pytest.raises(ExchangeError):
        work.result()


async def test_a_found_order_brings_its_fills_from_memory_as_from_the_exchange(kraken: KrakenHouse) -> None:
    request = market()
    placed = await kraken.client.place_order(ONE, request)
    asked = len(kraken.asked("orders.all"))
    remembered = await kraken.client.find_order(ONE, "BTC/USDT", request.client_order_id)
    assert len(kraken.asked("orders.all")) == asked, "what has ended before our eyes is not asked for again"
    from_afar = await kraken.client._history.find(ONE, "BTC/USDT", request.client_order_id)
    assert remembered is not None
    assert from_afar is not None
    for found in (remembered, from_afar):
        assert {(one.trade_id, one.quantity, one.fee) for one in found.fills} == {
            (one.trade_id, one.quantity, one.fee) for one in placed.fills
        }
        assert (found.status, found.filled, found.client_order_id) == (S.FILLED, D("0.1"), request.client_order_id)


async def test_closed_orders_and_fills_since_a_moment(kraken: KrakenHouse) -> None:
    start = kraken.clock.now()
    resting, early = limit("95"), market()
    await kraken.client.place_order(ONE, resting)
    await kraken.client.place_order(ONE, early)
    await kraken.clock.advance(300)
    since = kraken.clock.now()
    kraken.price("94")
    late = market(Side.SELL)
    await kraken.client.place_order(ONE, late)
    closed = await kraken.client.closed_orders(ONE, since, "BTC/USDT")
    assert [one.client_order_id for one in closed] == [resting.client_order_id, late.client_order_id]
    assert all(one.fills and one.status is S.FILLED for one in closed)
    assert len(await kraken.client.closed_orders(ONE, start, "BTC/USDT")) == 3
    assert await kraken.client.closed_orders(ONE, start, "ETH/USDT") == []
    await kraken.clock.advance(60)
    fills = await kraken.client.fills(ONE, "BTC/USDT", start)
    assert [fill.at for fill in fills] == sorted(fill.at for fill in fills)
    assert sum(fill.quantity for fill in fills) == D("0.3")
    assert {fill.side for fill in await kraken.client.fills(ONE, "BTC/USDT", since)} == {Side.BUY, Side.SELL}
    assert await kraken.client.fills(ONE, "BTC/USDT", kraken.clock.now() + timedelta(seconds=1)) == []


async def test_a_pair_that_is_not_listed_hides_nothing_of_the_others(kraken: KrakenHouse) -> None:
    start = kraken.clock.now()
    resting, bought = limit("95"), market()
    for request in (resting, bought, limit("2000", symbol="ETH/USDT"), market(symbol="ETH/USDT")):
        await kraken.client.place_order(ONE, request)
    kraken.server.dialects["kraken"].market.catalogue.pairs.pop("ETH/USDT")  # type: ignore[attr-defined]  # the dialect's own
    kraken.client = KrakenClient(kraken.clock, kraken.endpoints, QUICK)
    open_orders = await kraken.client.open_orders(ONE, "BTC/USDT")
    closed = await kraken.client.closed_orders(ONE, start, "BTC/USDT")
    fills = await kraken.client.fills(ONE, "BTC/USDT", start)
    assert [one.client_order_id for one in open_orders] == [resting.client_order_id]
    assert [one.client_order_id for one in closed] == [bought.client_order_id]
    assert [one.trade_id for one in fills] == [one.trade_id for one in closed[0].fills]
    for question in (
        kraken.client.open_orders(ONE),
        kraken.client.open_orders(ONE, "ETH/USDT"),
        kraken.client.closed_orders(ONE, start, "ETH/USDT"),
        kraken.client.fills(ONE, "ETH/USDT", start),
    ):
        with pytest.raises(DataError, match="unlisted_symbol"):
            await question


async def test_a_history_of_many_pages_is_read_whole(kraken: KrakenHouse) -> None:
    start = kraken.clock.now()
    kraken.server.dialects["kraken"].limits.counting = False  # type: ignore[attr-defined]  # the dialect's own switch
    await kraken.client.place_order(ONE, market(quantity=D("0.01")))
    kraken.client._calls.record_of(ONE).limits.become(Tier(10_000, 1, 10_000, 1))
    for _ in range(119):
        await kraken.client.place_order(ONE, market(quantity=D("0.01")))
    assert len(await kraken.client.fills(ONE, "BTC/USDT", start)) == 120
    closed = await kraken.client.closed_orders(ONE, start, "BTC/USDT")
    assert len(closed) == len({one.client_order_id for one in closed}) == 120
    assert all(sum(fill.quantity for fill in one.fills) == one.filled == D("0.01") for one in closed)


async def test_balances_rights_prices_and_the_catalogue(kraken: KrakenHouse) -> None:
    held = {one.asset: one.free for one in await kraken.client.balances(ONE)}
    assert held == {"USDT": D(10_000), "BTC": D(1)}
    rights = await kraken.client.key_rights(ONE)
    assert (rights.can_read, rights.can_trade, rights.can_withdraw) == (True, True, False)
    listed = {one.symbol: one for one in await kraken.client.instruments()}
    assert {"BTC/USDT", "BTC/EUR", "ETH/BTC"} <= listed.keys()
    assert not listed["BTC/USDT"].oco_allowed
    assert listed["BTC/USDT"].min_quantity > 0
    (one,) = await kraken.client.tickers(["BTC/USDT"])
    assert one.last == D(100)
    assert {ticker.symbol for ticker in await kraken.client.tickers(["BTC/USDT", "ETH/USDT"])} == {"BTC/USDT", "ETH/USDT"}
    everything = await kraken.client.tickers([*listed] * 4)
    assert {ticker.symbol for ticker in everything} == set(listed)
    assert await kraken.client.tickers([]) == []
    assert abs(await kraken.client.server_time() - kraken.clock.now()) <= timedelta(seconds=1)


async def test_a_key_that_may_do_more_or_less_says_so(kraken: KrakenHouse) -> None:
    for name, permissions, expected in (
        ("rich", {"read", "trade", "withdraw"}, (True, True, True)),
        ("shy", {"read"}, (True, False, False)),
    ):
        keys = credentials(name)
        kraken.open_account(keys)
        kraken.server.venue.accounts["kraken", keys.api_key].permissions = frozenset(permissions)
        rights = await kraken.client.key_rights(keys)
        assert (rights.can_read, rights.can_trade, rights.can_withdraw) == expected


async def test_a_key_that_may_not_trade_is_refused_and_a_wrong_one_is_a_bad_one(kraken: KrakenHouse, kraken_way: str) -> None:
    shy = credentials("shy")
    kraken.open_account(shy)
    kraken.server.venue.accounts["kraken", shy.api_key].permissions = frozenset({"read"})
    with pytest.raises(MissingRight):
        await kraken.client.place_order(shy, limit("80"))
    wrong = Credentials(ONE.api_key, OTHER.api_secret)
    for call in (kraken.client.balances(wrong), kraken.client.key_rights(wrong), kraken.client.place_order(wrong, limit("80"))):
        with pytest.raises(BadKey):
            await call
    assert await kraken.client.open_orders(ONE) == []


async def test_several_askers_share_one_download_of_the_catalogue(kraken: KrakenHouse) -> None:
    kraken.client = KrakenClient(kraken.clock, kraken.endpoints, PATIENT)
    lists = await asyncio.gather(*(kraken.client.instruments() for _ in range(20)))
    assert all(one == lists[0] for one in lists)
    assert len(kraken.asked("exchange_info")) == 2


async def test_who_asks_while_a_question_waits_to_leave_shares_its_answer(kraken: KrakenHouse) -> None:
    kraken.client = KrakenClient(kraken.clock, kraken.endpoints, PATIENT)
    request = limit("80")
    await kraken.client.place_order(ONE, request)
    before = len(kraken.asked("orders.open"))
    answers = await asyncio.gather(*(kraken.client.open_orders(ONE, symbol) for symbol in ("BTC/USDT", "ETH/USDT", None) * 10))
    assert len(kraken.asked("orders.open")) - before <= 2
    assert [len(one) for one in answers] == [1, 0, 1] * 10
    await kraken.client.cancel_order(ONE, "BTC/USDT", request.client_order_id)
    assert await kraken.client.open_orders(ONE) == []


async def test_a_pair_that_is_not_listed_is_named(kraken: KrakenHouse, kraken_way: str) -> None:
    for call in (
        kraken.client.tickers(["NOPE/USDT"]),
        kraken.client.candles("NOPE/USDT", Timeframe.M1, limit=5),
        kraken.client.place_order(ONE, limit("80", symbol="NOPE/USDT")),
    ):
        with pytest.raises(UnknownSymbol) as unknown:
            await call
        assert unknown.value.facts["symbol"] == "NOPE/USDT"


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
async def test_candles_of_the_past_are_closed_in_order_and_without_holes(kraken: KrakenHouse, timeframe: Timeframe) -> None:
    await kraken.clock.advance(30)
    candles = await kraken.client.candles("BTC/USDT", timeframe, limit=720)
    assert len(candles) == 720
    assert [one.closed for one in candles[-3:]] == [True, True, False]
    assert {later.open_time - earlier.open_time for earlier, later in pairwise(candles)} == {timeframe.duration}
    assert all(one.open_time == timeframe.open_of(one.open_time) for one in candles)
    before = await kraken.client.candles("BTC/USDT", timeframe, limit=5, before=candles[-10].open_time)
    assert before == candles[-15:-10]
    assert await kraken.client.candles("BTC/USDT", timeframe, limit=3) == candles[-3:]


async def test_nothing_is_older_than_what_is_kept_and_no_other_length_is_kept(kraken: KrakenHouse) -> None:
    oldest = kraken.clock.now() - timedelta(minutes=2000)
    assert await kraken.client.candles("BTC/USDT", Timeframe.M1, limit=720, before=oldest) == []
    with pytest.raises(DataError):
        await kraken.client.candles("BTC/USDT", Timeframe.H2, limit=1)
    with pytest.raises(DataError):
        async for _ in kraken.client.stream_candles("BTC/USDT", [Timeframe.W1]):
            pass


async def test_candles_come_as_they_form_and_close(kraken: KrakenHouse) -> None:
    heard: list[Candle] = []

    async def listen() -> None:
        async for candle in kraken.client.stream_candles("BTC/USDT", [Timeframe.M1, Timeframe.M5]):
            heard.append(candle)

    await kraken.client.synchronise()
    task = asyncio.create_task(listen())
    await soon(lambda: {one.timeframe for one in heard} == {Timeframe.M1, Timeframe.M5})
    assert not any(one.closed for one in heard), "what was before is no news"
    for number in range(9):
        kraken.price(str(101 + number))
        await kraken.clock.advance(40)
        await asyncio.wait([task], timeout=0.02)
    closed = [one for one in heard if one.closed and one.timeframe is Timeframe.M1]
    assert len(closed) >= 4
    assert len({one.open_time for one in closed}) == len(closed), "each is closed once"
    assert [one.open_time for one in closed] == sorted(one.open_time for one in closed)
    assert any(one.closed for one in heard if one.timeframe is Timeframe.M5)
    task.cancel()


async def test_a_gap_of_the_stream_is_filled_by_its_next_snapshot(kraken: KrakenHouse) -> None:
    heard: list[Candle] = []

    async def listen() -> None:
        async for candle in kraken.client.stream_candles("BTC/USDT", [Timeframe.M1]):
            heard.append(candle)

    await kraken.client.synchronise()
    task = asyncio.create_task(listen())
    await soon(lambda: bool(heard))
    kraken.faults({"on": "kline.message", "do": "disconnect"}, {"on": "socket.connect", "do": "refuse", "times": 3})
    for number in range(12):
        kraken.price(str(100 + number % 3))
        await kraken.clock.advance(30)
        await asyncio.wait([task], timeout=0.02)
    times = [one.open_time for one in heard if one.closed]
    assert {later - one for one, later in pairwise(times)} == {timedelta(minutes=1)}
    assert len(times) >= 4
    assert kraken.client.stats().reconnects >= 1
    task.cancel()
