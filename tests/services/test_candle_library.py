"""The candle store behind the screen: downloads that tell how far they are, can be stopped, and stand in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from aristobot.candle_series import CandleSeries
from aristobot.clock import ManualClock
from aristobot.errors import Conflict, DataError, InvalidInput
from aristobot.events import CandleStoreChanged
from aristobot.market import Timeframe
from aristobot.store.database import Database
from services.candle_library import DONE, FAILED, RUNNING, STOPPED, CandleLibrary
from services.workers import Workers
from tests.builders import MIDNIGHT
from tests.services.market import Market, a_market

MINUTES = CandleSeries("binance", "BTC/USDT", Timeframe.M1)
SINCE = MIDNIGHT - timedelta(minutes=5000)


@pytest.fixture
async def market(lite: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Market]:
    """An exchange at half past midnight."""
    async with a_market(lite, clock, tmp_path) as opened:
        await clock.advance(30 * 60)
        yield opened


@pytest.fixture
async def library(market: Market, tmp_path: Path) -> AsyncIterator[CandleLibrary]:
    """An empty store."""
    opened = CandleLibrary(market.bus, market.clock, market.gateway, tmp_path, Workers())
    yield opened
    await opened.close()


async def test_a_download_tells_how_far_it_is_and_when_it_is_done(market: Market, library: CandleLibrary) -> None:
    told: list[CandleStoreChanged] = []
    market.bus.listen(CandleStoreChanged, do=told.append)

    fetching = library.download(MINUTES, SINCE)
    await market.until(lambda: fetching.state != RUNNING, step=1.0)

    assert (fetching.state, fetching.added, fetching.done, fetching.total) == (DONE, 5030, 5030, 5030)
    assert [one.state for one in told][-1] == DONE
    assert len({one.done for one in told}) > 4
    (summary,) = await library.listing()
    assert (summary.candles, summary.missing) == (5030, 0)
    assert len(await library.candles(CandleSeries("binance", "BTC/USDT", Timeframe.H1))) == 83


async def test_a_series_is_fetched_once_at_a_time_and_can_be_stopped(market: Market, library: CandleLibrary) -> None:
    fetching = library.download(MINUTES, SINCE)
    with pytest.raises(Conflict, match="download_running"):
        library.download(MINUTES, SINCE)
    with pytest.raises(Conflict, match="download_running"):
        await library.remove(MINUTES)
    await market.until(lambda: fetching.done >= 1000, step=0.5)
    await library.stop(MINUTES)

    assert fetching.state == STOPPED
    again = library.download(MINUTES, SINCE)
    await market.until(lambda: again.state == DONE, step=1.0)
    assert again.added < 5030
    await library.remove(MINUTES)
    assert await library.listing() == []


async def test_a_download_that_fails_says_why(market: Market, library: CandleLibrary) -> None:
    market.faults({"on": "klines", "do": "refuse_5xx", "times": 0})
    fetching = library.download(MINUTES, SINCE)
    await market.until(lambda: fetching.state != RUNNING, step=5.0)

    assert fetching.state == FAILED
    assert fetching.error is not None


async def test_files_are_read_in_another_process_and_their_faults_come_back(library: CandleLibrary, tmp_path: Path) -> None:
    good, bad = tmp_path / "kraken_BTC-EUR_1h.csv", tmp_path / "kraken_ETH-EUR_1h.csv"
    rows = [(1_703_923_200_000 + hour * 3_600_000, 100, 102, 99, 101, 7) for hour in (0, 1, 2, 5)]
    good.write_text("t,o,h,l,c,v\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    bad.write_text("t,o,h,l,c,v\n1703923200000,1,1,1,x,1\n")

    brought, fault = await asyncio.gather(library.bring_in(good), library.bring_in(bad), return_exceptions=True)

    assert not isinstance(brought, BaseException)
    assert (brought.series.symbol, brought.candles, brought.added, brought.missing) == ("BTC/EUR", 4, 4, 2)
    assert isinstance(fault, DataError)
    assert fault.facts["line"] == 2
    with pytest.raises(InvalidInput, match="import_which_series"):
        await library.bring_in(tmp_path / "mine.csv")
