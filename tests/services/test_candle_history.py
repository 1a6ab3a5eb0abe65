"""Windows of closed candles: whole, closed, and asked of the exchange only for what nobody here knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import ExchangeOffline, TryAgain
from aristobot.events import CandleClosed
from aristobot.market import Candle, Timeframe
from aristobot.store import candles
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.candle_history import YOUNG, CandleHistory, closed_between
from tests.builders import MIDNIGHT, a_candle
from tests.services.market import Market, a_market

MINUTE = timedelta(minutes=1)
M1 = Timeframe.M1
BTC = ("binance", "BTC/USDT")


@pytest.fixture
async def market(db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Market]:
    """An exchange at half past midnight and twenty seconds."""
    async with a_market(db, clock, tmp_path) as opened:
        await clock.advance(30 * 60 + 20)
        yield opened


def a_history(market: Market) -> CandleHistory:
    """A history that remembers nothing yet."""
    return CandleHistory(market.db, market.bus, market.clock, market.gateway)


def opens(found: Sequence[Candle]) -> list[datetime]:
    """Their open times."""
    return [one.open_time for one in found]


async def stored(market: Market) -> list[datetime]:
    """Open times of the minutes in the store."""
    return opens(await market.db.read(SYSTEM, lambda s: candles.window(s, *BTC, M1, 10_000)))


async def test_a_window_ends_with_the_last_closed_candle(market: Market) -> None:
    found = await a_history(market).window(*BTC, M1, 100)

    assert opens(found) == [MIDNIGHT + MINUTE * (30 - back) for back in range(100, 0, -1)]
    assert all(one.closed for one in found)


async def test_a_window_may_end_in_the_past(market: Market) -> None:
    found = await a_history(market).window(*BTC, Timeframe.H1, 3, MIDNIGHT - timedelta(minutes=1))

    assert opens(found) == [MIDNIGHT - timedelta(hours=back) for back in (4, 3, 2)]


async def test_what_was_asked_once_is_not_asked_again(market: Market) -> None:
    history = a_history(market)
    first = await history.window(*BTC, M1, 100)
    asked = market.asked("klines")

    again = await asyncio.gather(*(history.window(*BTC, M1, size) for size in (100, 50, 1)))
    after_a_restart = await a_history(market).window(*BTC, M1, 100)

    assert again == [first, first[-50:], first[-1:]]
    assert after_a_restart == first
    assert asked == 1
    assert market.asked("klines") == 2  # the youngest alone: they are left to the heartbeat to store


async def test_the_youngest_candles_are_left_to_the_heartbeat(market: Market) -> None:
    await a_history(market).window(*BTC, M1, 100)

    assert (await stored(market))[-1] + MINUTE <= market.clock.now() - YOUNG < (await stored(market))[-1] + 2 * MINUTE


async def test_holes_in_the_store_are_filled_from_the_exchange(market: Market) -> None:
    true = await closed_between(market.gateway.client("binance"), "BTC/USDT", M1, MIDNIGHT, MIDNIGHT + 29 * MINUTE)
    kept = [one for number, one in enumerate(true) if number not in (4, 5, 11)]
    await market.db.write(SYSTEM, lambda s: candles.add_many(s, "binance", kept, market.clock.now(), live=True))
    before = market.asked("klines")

    found = await a_history(market).window(*BTC, M1, 30)

    assert found == true
    assert market.asked("klines") - before == 2
    assert await stored(market) == opens(true)


async def test_a_candle_that_closes_meanwhile_is_known_at_once(market: Market) -> None:
    history = a_history(market)
    await history.window(*BTC, M1, 10)
    asked = market.asked("klines")
    await market.clock.advance(60)
    young = a_candle(open_time=MIDNIGHT + 30 * MINUTE)
    market.bus.publish(CandleClosed(at=market.clock.now(), exchange="binance", candle=young, received_at=market.clock.now()))

    found = await history.window(*BTC, M1, 10)

    assert found[-1] == young
    assert market.asked("klines") == asked


async def test_a_long_window_is_asked_for_in_pages(market: Market) -> None:
    found = await a_history(market).window(*BTC, M1, 2500)

    first = found[0].open_time
    assert opens(found) == [first + MINUTE * number for number in range(2500)]
    assert market.asked("klines") >= 3


async def test_what_the_exchange_does_not_have_is_not_asked_for_again_and_again(market: Market) -> None:
    history, long_ago = a_history(market), datetime.fromisoformat("1999-01-03T18:15:00+00:00")

    first = await history.window(*BTC, M1, 5, long_ago)
    asked = market.asked("klines")
    second = await history.window(*BTC, M1, 5, long_ago)

    assert first == second == []
    assert market.asked("klines") == asked


async def test_a_hole_that_cannot_be_filled_now_is_an_error_and_not_a_shorter_window(market: Market) -> None:
    market.faults({"on": "klines", "do": "refuse_5xx", "times": 0})
    history = a_history(market)

    waiting = asyncio.ensure_future(history.window(*BTC, M1, 10))
    await market.until(waiting.done)
    with pytest.raises(TryAgain):
        waiting.result()
    market.server.world.faults.clear()
    found = await history.window(*BTC, M1, 10)

    assert isinstance(waiting.exception(), ExchangeOffline)
    assert len(found) == 10
