"""The pulse against a simulated exchange: every closed candle once, in order, none missing, whatever the stream does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from aristobot.clock import ManualClock
from aristobot.events import CandleClosed, CandleUpdated
from aristobot.market import Timeframe
from aristobot.store import heartbeats
from aristobot.store.database import Database
from aristobot.store.tables import CandleRow
from aristobot.store.tenancy import SYSTEM
from services.candle_follower import LONGEST_GAP
from services.candle_history import TIMEFRAMES, closed_between
from services.heartbeat import Heartbeat
from tests.builders import MIDNIGHT
from tests.services.market import Market, a_market

MINUTE = timedelta(minutes=1)
M1 = Timeframe.M1


class Listener:
    """What the house hears from the heart."""

    def __init__(self, market: Market) -> None:
        self.told: list[CandleUpdated] = []
        market.bus.listen(CandleUpdated, do=self.told.append)

    def closed(self, timeframe: Timeframe = M1) -> list[CandleClosed]:
        """The closed candles of a timeframe, as they came."""
        return [one for one in self.told if isinstance(one, CandleClosed) and one.candle.timeframe is timeframe]

    def opens(self, timeframe: Timeframe = M1) -> list[datetime]:
        """Their open times."""
        return [one.candle.open_time for one in self.closed(timeframe)]


@pytest.fixture
async def market(db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Market]:
    """An exchange whose prices walk."""
    async with a_market(db, clock, tmp_path) as opened:
        yield opened


@asynccontextmanager
async def a_heart(market: Market, timeframes: Sequence[Timeframe] = TIMEFRAMES) -> AsyncIterator[Heartbeat]:
    """A heart that beats until the block ends."""
    heart = Heartbeat(market.db, market.bus, market.clock, market.gateway, timeframes=timeframes)
    beating = asyncio.create_task(heart.run())
    try:
        await market.until(lambda: heart.status().connected or beating.done())
        yield heart
    finally:
        beating.cancel()
        await asyncio.wait({beating})


def unbroken(opens: Sequence[datetime], step: timedelta = MINUTE) -> bool:
    """Whether each follows the one before."""
    return len(opens) > 0 and list(opens) == [opens[0] + step * number for number in range(len(opens))]


def fresh(market: Market, heart: Heartbeat) -> bool:
    """Whether the heart has heard something in the last five seconds."""
    heard = heart.status().last_word_at
    return heard is not None and market.clock.now() - heard < timedelta(seconds=5)


async def kept(market: Market, timeframe: Timeframe = M1) -> list[CandleRow]:
    """The candles in the store, oldest first."""
    wanted = select(CandleRow).where(CandleRow.timeframe == timeframe).order_by(col(CandleRow.open_time))
    return await market.db.read(SYSTEM, lambda s: list(s.exec(wanted)))


async def test_every_closed_candle_is_stored_and_told_once_as_the_exchange_has_it(market: Market) -> None:
    ear = Listener(market)
    async with a_heart(market) as heart:
        await market.pass_time(16 * 60, arrived=lambda: fresh(market, heart))

        for timeframe, count in ((M1, 15), (Timeframe.M3, 5), (Timeframe.M5, 3), (Timeframe.M15, 1)):
            opens = ear.opens(timeframe)
            assert len(opens) >= count
            assert unbroken(opens, timeframe.duration)
        told = [one.candle for one in ear.closed()]
        client = market.gateway.client("binance")
        assert told == await closed_between(client, "BTC/USDT", M1, told[0].open_time, told[-1].open_time)

    rows = await kept(market)
    assert [row.open_time for row in rows] == ear.opens()
    assert all(row.close_time == row.open_time + MINUTE for row in rows)
    assert [row.received_at for row in rows] == [one.received_at for one in ear.closed()]
    assert all(timedelta(0) <= row.received_at - row.close_time <= timedelta(seconds=10) for row in rows)
    assert all(row.live for row in rows)


async def test_forming_candles_are_told_between_the_closed_ones_and_never_stored(market: Market) -> None:
    ear = Listener(market)
    async with a_heart(market) as heart:
        await market.pass_time(90, arrived=lambda: fresh(market, heart))
        market.server.world.feed.move("BTC/USDT", "61234.5")
        await market.pass_time(10, arrived=lambda: fresh(market, heart))

    forming = [one.candle for one in ear.told if type(one) is CandleUpdated and one.candle.timeframe is M1]
    assert forming
    assert not any(candle.closed for candle in forming)
    assert forming[-1].close == forming[-1].high
    assert all(row.close_time <= market.clock.now() for row in await kept(market))


async def test_doubled_and_lost_messages_change_nothing(market: Market) -> None:
    ear = Listener(market)
    async with a_heart(market):
        for do in ("double_message", "drop_message") * 3:
            market.faults({"on": "kline.message", "do": do, "times": 25})
            await market.pass_time(120)
        market.server.world.faults.clear()
        await market.until(lambda: len(ear.opens()) >= 13)

    assert unbroken(ear.opens())
    assert [row.open_time for row in await kept(market)] == ear.opens()


async def test_a_stream_that_falls_silent_is_opened_anew_and_its_gap_filled_first(market: Market) -> None:
    ear = Listener(market)
    async with a_heart(market) as heart:
        await market.pass_time(130)
        market.faults({"on": "kline.message", "do": "silent_socket", "times": 1})
        await market.until(lambda: not heart.status().connected)
        await market.until(lambda: len(ear.opens()) >= 5)

    assert unbroken(ear.opens())
    history = await market.db.read(SYSTEM, lambda s: heartbeats.history(s, "binance"))
    assert [event.kind for event in reversed(history)] == ["started", "stopped"] * (len(history) // 2)
    *silences, end = [event.reason for event in reversed(history)][1::2]
    assert set(silences) == {"silent"}  # more than one where a busy machine is slower than the clock
    assert end == "stopped"


async def test_a_restart_makes_up_for_what_was_missed_and_repeats_nothing(market: Market) -> None:
    ear = Listener(market)
    async with a_heart(market):
        await market.until(lambda: len(ear.opens()) >= 3)
    before = ear.opens()
    await market.pass_time(600, step=60)
    async with a_heart(market):
        await market.until(lambda: len(ear.opens()) >= len(before) + 11 and len(ear.opens(Timeframe.M5)) >= 2)

    assert unbroken(ear.opens())
    rows = await kept(market)
    assert [row.open_time for row in rows] == ear.opens()
    assert sum(not row.live for row in rows) >= 9
    assert unbroken(ear.opens(Timeframe.M5), timedelta(minutes=5))


async def test_nothing_newer_is_told_while_the_gap_cannot_be_asked_for(market: Market) -> None:
    ear = Listener(market)
    async with a_heart(market, [M1]):
        await market.until(lambda: len(ear.opens()) > 0)
    before = ear.opens()
    await market.pass_time(300, step=60)
    market.faults({"on": "klines", "do": "refuse_5xx", "times": 0})
    async with a_heart(market, [M1]):
        await market.pass_time(60)
        meanwhile = ear.opens()
        market.server.world.faults.clear()
        await market.until(lambda: len(ear.opens()) >= len(before) + 6)

    assert meanwhile == before
    assert unbroken(ear.opens())


async def test_a_very_long_pause_is_made_up_for_only_so_far(market: Market) -> None:
    ear = Listener(market)
    async with a_heart(market, [M1]):
        await market.until(lambda: len(ear.opens()) > 0)
    before = len(ear.opens())
    await market.clock.advance(24 * 3600, settle=2)  # only the prices go on: a day of them needs few turns each
    async with a_heart(market, [M1]):
        await market.until(lambda: len(ear.opens()) >= before + LONGEST_GAP)

    made_up = [one.candle.open_time for one in ear.closed()[before : before + LONGEST_GAP]]
    assert unbroken(made_up)
    assert made_up[-1] >= MIDNIGHT + timedelta(days=1)


async def test_the_status_tells_how_old_the_last_candles_are(market: Market) -> None:
    closed: list[CandleClosed] = []
    market.bus.listen(CandleClosed, do=closed.append)  # told once it is kept
    async with a_heart(market, [M1, Timeframe.H1]) as heart:
        begun = heart.status()
        await market.until(lambda: bool(closed) and market.clock.now() > MIDNIGHT + 2 * MINUTE)
        status = heart.status()

    assert begun.connected
    age = status.ages[M1]
    assert age is not None
    assert 0 <= age < 65
    assert status.ages[Timeframe.H1] == (market.clock.now() - MIDNIGHT).total_seconds()
    assert status.last_word_at is not None
    assert market.clock.now() - status.last_word_at < timedelta(seconds=10)
    assert not heart.status().connected
    row = await market.db.read(SYSTEM, lambda s: heartbeats.status(s, "binance"))
    assert row is not None
    assert (row.connected, row.last_stop) == (False, market.clock.now())
    assert row.last_candle_at == max(one.close_time for one in await kept(market))
