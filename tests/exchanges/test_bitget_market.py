"""Bitget without a key: catalogue, prices, pages of candles, and candles that end without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from aristobot.clock import ManualClock, to_milliseconds
from aristobot.errors import DataError
from aristobot.exchange import Endpoints
from aristobot.market import Candle, InstrumentState, Timeframe
from services.exchanges.bitget import BitgetClient
from services.exchanges.bitget_forming import Forming
from tests.exchanges.bitget_house import CLASSIC, QUICK, SYMBOL, BitgetHouse, a_house, turn
from tests.exchanges.house import PATIENT
from tests.exchanges.small_server import Answer, Asked, Say, small_server, soon

D = Decimal
MINUTE = Timeframe.M1


@pytest.fixture
async def house(clock: ManualClock) -> AsyncIterator[BitgetHouse]:
    """A simulator with a client."""
    async with a_house(clock, CLASSIC) as made:
        yield made


async def test_the_catalogue_is_downloaded_once_for_all_who_ask_at_once(house: BitgetHouse) -> None:
    house.client = BitgetClient(house.clock, house.endpoints, PATIENT)
    before = house.asked("/public/symbols")
    first, *others = await asyncio.gather(*(house.client.instruments() for _ in range(5)))
    assert all(one == first for one in others)
    assert house.asked("/public/symbols") == before + 1
    bitcoin = next(one for one in first if one.symbol == SYMBOL)
    assert (bitcoin.exchange, bitcoin.state) == ("bitget", InstrumentState.TRADING)
    assert 0 < bitcoin.tick < 1
    assert 0 < bitcoin.lot < 1
    assert bitcoin.min_notional > 0


async def test_one_ticker_is_asked_for_by_name_and_many_with_one_question(house: BitgetHouse) -> None:
    before = house.asked("/market/tickers")
    (one,) = await house.client.tickers([SYMBOL])
    assert (one.symbol, one.last) == (SYMBOL, D(100))
    assert one.bid <= one.last <= one.ask
    several = await house.client.tickers([SYMBOL, "ETH/USDT", "NOSUCH/USDT"])
    assert {one.symbol for one in several} == {SYMBOL, "ETH/USDT"}
    assert await house.client.tickers([]) == []
    assert house.asked("/market/tickers") == before + 2


async def test_the_exchanges_clock_is_measured_and_trusted(house: BitgetHouse) -> None:
    assert house.client.clock_reading is None
    reading = await house.client.synchronise()
    assert abs(reading.offset_ms) <= 1
    assert house.client.clock_reading == reading
    assert await house.client.server_time() == house.clock.now()
    assert house.client.stats().requests > 5


async def test_candles_form_close_and_are_told_in_order(house: BitgetHouse) -> None:
    told: list[Candle] = []

    async def follow() -> None:
        async for candle in house.client.stream_candles(SYMBOL, [MINUTE, Timeframe.M5]):
            told.append(candle)

    task = asyncio.create_task(follow())
    try:
        await soon(lambda: bool(told))
        for step in range(30):
            house.price(str(100 + step % 7))
            await house.clock.advance(15)
            await turn(2)
        closed = [one for one in told if one.closed and one.timeframe is MINUTE]
        assert len(closed) >= 5
        assert all(after.open_time - before.open_time == MINUTE.duration for before, after in pairwise(closed))
        assert any(one.closed and one.timeframe is Timeframe.M5 for one in told)
        for before, after in pairwise([one for one in told if one.timeframe is MINUTE]):
            assert (before.open_time, before.closed) <= (after.open_time, after.closed)
    finally:
        task.cancel()


async def test_the_last_candles_include_the_one_that_forms(house: BitgetHouse) -> None:
    found = await house.client.candles(SYMBOL, MINUTE, limit=5)
    assert len(found) == 5
    assert [one.closed for one in found] == [True] * 4 + [False]
    assert all(after.open_time - before.open_time == MINUTE.duration for before, after in pairwise(found))
    assert await house.client.candles(SYMBOL, MINUTE, limit=3, before=found[-1].open_time) == found[1:4]


async def test_a_timeframe_that_is_not_kept_is_refused(house: BitgetHouse) -> None:
    assert Timeframe.H2 not in house.client.capabilities.timeframes
    with pytest.raises(DataError):
        await house.client.candles(SYMBOL, Timeframe.H2, limit=1)


async def test_a_long_past_is_read_page_by_page_from_both_lists(clock: ManualClock) -> None:
    now, step = to_milliseconds(clock.now()), 60_000
    reach, birth = now - 30 * 86_400_000, now - 32 * 86_400_000

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/time"):
            return Say({"code": "00000", "data": {"serverTime": str(now)}})
        old = asked.path.endswith("history-candles")
        end, limit = int(asked.query.get("endTime", now)), int(asked.query["limit"])
        assert limit <= (200 if old else 1000)
        starts = range((end - 1) // step * step, 0, -step)[:limit]
        rows = [[str(at), "1", "2", "1", "2", "3", "4", "4"] for at in reversed(starts) if at >= (birth if old else reach)]
        return Say({"code": "00000", "data": rows})

    async with small_server() as server:
        server.rest = answer
        sockets = server.endpoints.stream
        client = BitgetClient(
            clock, Endpoints(server.endpoints.rest, f"{sockets}/v2/ws/public", f"{sockets}/v2/ws/private"), QUICK
        )
        await client.synchronise()
        before = clock.now() - timedelta(days=30) + timedelta(minutes=1500)
        found = await client.candles(SYMBOL, MINUTE, limit=2000, before=before)
        assert len(found) == 2000
        assert found[-1].open_time == before - MINUTE.duration
        assert all(after.open_time - before.open_time == MINUTE.duration for before, after in pairwise(found))
        paths = [one.path.rpartition("/")[2] for one in server.asked if "candles" in one.path]
        assert paths == ["candles"] * 2 + ["history-candles"] * 3
        server.asked.clear()
        oldest = await client.candles(SYMBOL, MINUTE, limit=300, before=clock.now() - timedelta(days=32) + timedelta(minutes=100))
        assert len(oldest) == 100
        assert {one.path.rpartition("/")[2] for one in server.asked} == {"history-candles"}
        await client.close()


def at(minute: int, close: int, timeframe: Timeframe = MINUTE) -> Candle:
    """A forming candle."""
    figures = [D(close)] * 4 + [D(1)]
    return Candle.of(SYMBOL, timeframe, START + timedelta(minutes=minute), figures, closed=False)


START = ManualClock().now()


def shown(candles: list[Candle]) -> list[tuple[int, int, bool]]:
    """Minute, close, whether it is over."""
    return [((one.open_time - START) // timedelta(minutes=1), int(one.close), one.closed) for one in candles]


def test_a_first_snapshot_brings_its_last_candle_alone_and_one_after_a_gap_all_that_is_new() -> None:
    forming = Forming()
    now = START + timedelta(minutes=3, seconds=5)
    assert shown(forming.take([at(1, 1), at(2, 2), at(3, 3)], now)) == [(3, 3, False)]
    later = now + timedelta(minutes=3)
    assert shown(forming.take([at(2, 2), at(3, 4), at(4, 5), at(5, 6), at(6, 7)], later)) == [
        (3, 4, True), (4, 5, True), (5, 6, True), (6, 7, False),
    ]  # fmt: skip


def test_a_candle_is_over_when_the_next_begins_or_two_seconds_after_its_time_and_then_silent() -> None:
    forming = Forming()
    forming.take([at(0, 1)], START + timedelta(seconds=30))
    assert forming.overdue(START + timedelta(seconds=61)) == []
    assert shown(forming.overdue(START + timedelta(seconds=62))) == [(0, 1, True)]
    assert forming.overdue(START + timedelta(seconds=90)) == []
    assert forming.take([at(0, 9)], START + timedelta(seconds=63)) == []
    assert shown(forming.take([at(1, 2)], START + timedelta(seconds=64))) == [(1, 2, False)]
    assert shown(forming.take([at(2, 3)], START + timedelta(seconds=121))) == [(1, 2, True), (2, 3, False)]


def test_an_older_candle_never_comes_after_a_newer_one() -> None:
    forming = Forming()
    now = START + timedelta(minutes=2)
    assert shown(forming.take([at(2, 1)], now)) == [(2, 1, False)]
    assert forming.take([at(1, 5)], now) == []
    assert shown(forming.take([at(5, 1, Timeframe.M5)], now)) == [(5, 1, False)]
