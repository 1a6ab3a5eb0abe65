"""Symbols that somebody looks at: one stream for all onlookers, for as long as there are any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import InvalidInput
from aristobot.events import CandleClosed, CandleUpdated
from aristobot.market import Timeframe
from aristobot.store import candles
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.candle_history import TIMEFRAMES, CandleHistory
from services.candle_watch import LINGER, MOST_FOLLOWED, CandleWatch
from tests.services.market import Market, a_market

ETH = ("binance", "ETH/USDT")


@pytest.fixture
async def market(db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Market]:
    """An exchange whose prices walk."""
    async with a_market(db, clock, tmp_path) as opened:
        yield opened


@pytest.fixture
async def watch(market: Market) -> AsyncIterator[CandleWatch]:
    """Eyes on that exchange; the heartbeat tells of Bitcoin already."""
    history = CandleHistory(market.db, market.bus, market.clock, market.gateway)
    eyes = CandleWatch(market.bus, market.clock, market.gateway, history, told=("binance", "BTC/USDT"))
    yield eyes
    await eyes.close()


def ear(market: Market) -> list[CandleUpdated]:
    """What the bus tells of candles."""
    told: list[CandleUpdated] = []
    market.bus.listen(CandleUpdated, do=told.append)
    return told


async def test_a_symbol_is_told_in_every_timeframe_while_somebody_looks(market: Market, watch: CandleWatch) -> None:
    told = ear(market)
    look_away = watch.look(*ETH)
    await market.until(lambda: {one.candle.timeframe for one in told} == set(TIMEFRAMES))
    await market.until(lambda: any(one.candle.closed for one in told))

    assert {(one.exchange, one.candle.symbol) for one in told} == {ETH}
    assert not any(isinstance(one, CandleClosed) for one in told)
    assert await market.db.read(SYSTEM, lambda s: candles.window(s, *ETH, Timeframe.M1, 10)) == []
    look_away()


async def test_a_hundred_onlookers_share_one_stream_and_the_last_one_ends_it(market: Market, watch: CandleWatch) -> None:
    told = ear(market)
    leave = [watch.look(*ETH) for _ in range(100)]
    await market.until(lambda: bool(told))
    for one in leave[1:]:
        one()
        one()  # leaving twice counts once
    await market.pass_time(2 * LINGER)
    assert watch.followed == [ETH]

    leave[0]()
    await market.pass_time(LINGER / 2)
    assert watch.followed == [ETH]
    await market.until(lambda: watch.followed == [])
    heard = len(told)
    await market.pass_time(30)
    assert len(told) == heard


async def test_who_reloads_a_page_finds_the_stream_flowing(market: Market, watch: CandleWatch) -> None:
    watch.look(*ETH)()
    await market.pass_time(LINGER / 2)
    watch.look(*ETH)
    await market.pass_time(3 * LINGER)
    assert watch.followed == [ETH]


async def test_what_the_heartbeat_tells_is_not_streamed_twice(watch: CandleWatch) -> None:
    watch.look("binance", "BTC/USDT")()
    assert watch.followed == []


async def test_an_exchange_that_nobody_knows_is_refused(watch: CandleWatch) -> None:
    with pytest.raises(InvalidInput):
        watch.look("mtgox", "BTC/USD")


async def test_a_symbol_that_the_exchange_does_not_have_disturbs_nobody(market: Market, watch: CandleWatch) -> None:
    told = ear(market)
    watch.look("binance", "NONE/USDT")
    watch.look(*ETH)
    await market.until(lambda: bool(told))
    assert {one.candle.symbol for one in told} == {"ETH/USDT"}


async def test_so_many_symbols_are_streamed_and_no_more(market: Market, watch: CandleWatch) -> None:
    for number in range(MOST_FOLLOWED + 1):
        watch.look("binance", f"C{number}/USDT")
    assert len(watch.followed) == MOST_FOLLOWED
