"""History from an exchange: all of it, once, whatever goes wrong meanwhile; stopped and started again it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from aristobot.candle_files import CandleFiles
from aristobot.candle_import import read_file
from aristobot.candle_rows import TIME, holes, resampled, rows_of
from aristobot.candle_series import CandleSeries
from aristobot.clock import ManualClock, to_milliseconds
from aristobot.errors import InvalidInput, TryAgain
from aristobot.market import Timeframe
from aristobot.store.database import Database
from services.candle_download import CandleDownload, Outcome, Progress
from services.candle_history import closed_between
from services.exchanges import discover
from tests.builders import MIDNIGHT
from tests.house import ROOT
from tests.services.market import Market, a_market

M1 = Timeframe.M1
MINUTE = timedelta(minutes=1)
REAL = ROOT / "tests" / "aristobot" / "candles" / "BTCUSDT_4h.csv.gz"
EXCHANGES = tuple(discover())


@pytest.fixture
async def market(lite: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Market]:
    """An exchange at half past midnight and twenty seconds."""
    async with a_market(lite, clock, tmp_path) as opened:
        await clock.advance(30 * 60 + 20)
        yield opened


@pytest.fixture
def files(tmp_path: Path) -> CandleFiles:
    """An empty store."""
    return CandleFiles(tmp_path)


def a_download(
    market: Market, files: CandleFiles, back: int, *, exchange: str = "binance", told: list[Progress] | None = None
) -> CandleDownload:
    """The minutes since so many minutes ago."""
    series = CandleSeries(exchange, "BTC/USDT", M1)
    span = (MIDNIGHT + 30 * MINUTE - back * MINUTE, market.clock.now())
    listen = told.append if told is not None else lambda _: None
    return CandleDownload(files, market.gateway.client(exchange), market.clock, series, span, listen)


async def done(market: Market, download: CandleDownload) -> Outcome:
    """Let time pass until it is through."""
    running = asyncio.ensure_future(download.run())
    await market.until(running.done, step=1.0)
    return running.result()


@pytest.mark.parametrize("exchange", EXCHANGES)
async def test_every_exchange_gives_its_history_whole_and_only_closed(market: Market, files: CandleFiles, exchange: str) -> None:
    outcome = await done(market, a_download(market, files, 500, exchange=exchange))

    series = CandleSeries(exchange, "BTC/USDT", M1)
    rows = files.read(series)
    assert outcome == Outcome(added=500)
    assert len(rows) == 500
    assert holes(rows, M1) == []
    assert rows[-1, TIME] == to_milliseconds(MIDNIGHT + 29 * MINUTE)
    true = await closed_between(market.gateway.client(exchange), "BTC/USDT", M1, MIDNIGHT - 100 * MINUTE, MIDNIGHT + 29 * MINUTE)
    assert rows[-130:].tolist() == rows_of(true).tolist()


@pytest.mark.parametrize("exchange", EXCHANGES)
async def test_replayed_candles_come_back_as_they_were_played(market: Market, files: CandleFiles, exchange: str) -> None:
    played, _ = read_file(REAL)
    played = played[:20]
    await market.clock.advance(40)
    texts = [[str(one) for one in row] for row in played[:, [0, 1, 3, 4, 2, 5]].tolist()]
    begun = market.clock.now()
    replay = asyncio.ensure_future(market.server.world.feed.replay("BTC/USDT", 60, texts, 1.0))
    await market.clock.advance(0)  # it begins at this moment
    await market.until(replay.done, step=15.0)

    series = CandleSeries(exchange, "BTC/USDT", M1)
    client = market.gateway.client(exchange)
    await done(market, CandleDownload(files, client, market.clock, series, (begun, market.clock.now())))

    assert np.allclose(files.read(series)[: len(played), 1:5], played[:, 1:5], rtol=0, atol=0.1)  # the largest tick
    assert len(files.read(series)) >= len(played)


async def test_a_long_history_comes_in_pages_with_progress(market: Market, files: CandleFiles) -> None:
    told: list[Progress] = []

    outcome = await done(market, a_download(market, files, 4500, told=told))

    assert outcome.added == 4500
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 4500, 4500)
    assert told[-1].seconds_left == 0
    assert len(told) >= 5


async def test_what_is_there_is_not_asked_for_again(market: Market, files: CandleFiles) -> None:
    await done(market, a_download(market, files, 1500))
    asked = market.asked("klines")

    again = await done(market, a_download(market, files, 1500))
    older = await done(market, a_download(market, files, 2000))

    assert (again.added, older.added) == (0, 500)
    assert market.asked("klines") - asked == 1


async def test_stopped_in_the_middle_it_keeps_what_came_and_goes_on_from_there(market: Market, files: CandleFiles) -> None:
    told: list[Progress] = []
    running = asyncio.ensure_future(a_download(market, files, 30_000, told=told).run())
    await market.until(lambda: bool(told) and told[-1].done >= 2000, step=0.5)
    running.cancel()
    await asyncio.wait([running])

    kept = len(files.read(CandleSeries("binance", "BTC/USDT", M1)))
    outcome = await done(market, a_download(market, files, 30_000))

    assert 2000 <= kept < 30_000
    assert kept + outcome.added == 30_000
    assert files.holes(CandleSeries("binance", "BTC/USDT", M1)) == []


async def test_holes_are_filled(market: Market, files: CandleFiles) -> None:
    series = CandleSeries("binance", "BTC/USDT", M1)
    await done(market, a_download(market, files, 1000))
    whole = files.read(series)
    files.remove(series)
    files.merge(series, whole[[*range(100), *range(130, 700), *range(701, 1000)]], market.clock.now())
    assert len(files.holes(series)) == 2

    outcome = await done(market, a_download(market, files, 1000))

    assert outcome.added == 31
    assert files.read(series).tolist() == whole.tolist()


@pytest.mark.parametrize("trouble", ["refuse_5xx", "refuse", "short_body", "429"])
async def test_trouble_on_the_way_costs_time_and_no_candle(market: Market, files: CandleFiles, trouble: str) -> None:
    market.faults({"on": "klines", "do": trouble, "times": 5})

    outcome = await done(market, a_download(market, files, 3000))

    assert outcome.added == 3000
    assert files.holes(CandleSeries("binance", "BTC/USDT", M1)) == []


async def test_an_exchange_that_stays_away_is_an_error_and_what_came_before_is_kept(market: Market, files: CandleFiles) -> None:
    told: list[Progress] = []
    running = asyncio.ensure_future(a_download(market, files, 8000, told=told).run())
    await market.until(lambda: bool(told) and told[-1].done >= 1000, step=0.5)
    market.faults({"on": "klines", "do": "refuse_5xx", "times": 0})
    await market.until(running.done, step=5.0)

    assert isinstance(running.exception(), TryAgain)
    assert len(files.read(CandleSeries("binance", "BTC/USDT", M1))) >= 1000


async def test_what_an_exchange_keeps_no_more_is_told_and_not_called_empty(market: Market, files: CandleFiles) -> None:
    outcome = await done(market, a_download(market, files, 1000, exchange="kraken"))

    assert outcome.empty == 0
    assert outcome.added + outcome.unavailable == 1000
    assert outcome.unavailable > 250


async def test_a_download_waits_while_others_need_the_weight_of_this_minute(market: Market, files: CandleFiles) -> None:
    client = market.gateway.client("binance")
    while client.stats().weight_used < client.stats().weight_limit * 0.4:
        await asyncio.gather(*(client.instruments() for _ in range(8)))
    running = asyncio.ensure_future(a_download(market, files, 1000).run())

    await market.pass_time(30, step=1.0)
    assert market.asked("klines") == 0
    await market.until(running.done, step=1.0)

    assert running.result().added == 1000
    assert market.clock.now() >= MIDNIGHT + 31 * MINUTE


async def test_what_cannot_be_downloaded_is_said_at_once(market: Market, files: CandleFiles) -> None:
    client, now = market.gateway.client("kraken"), market.clock.now()
    with pytest.raises(InvalidInput, match="timeframe_not_offered"):
        CandleDownload(files, client, market.clock, CandleSeries("kraken", "BTC/USDT", Timeframe.M3), (MIDNIGHT, now))
    with pytest.raises(InvalidInput, match="nothing_between"):
        CandleDownload(files, client, market.clock, CandleSeries("kraken", "BTC/USDT", M1), (now, now))


async def test_a_timeframe_that_is_not_there_is_made_of_shorter_ones(market: Market, files: CandleFiles) -> None:
    await done(market, a_download(market, files, 600))
    minutes = files.read(CandleSeries("binance", "BTC/USDT", M1))

    made = files.candles(CandleSeries("binance", "BTC/USDT", Timeframe.H1), datetime.fromisoformat("2025-12-31T00:00Z"))

    assert made.tolist() == resampled(minutes, M1, Timeframe.H1).tolist()
    assert len(made) == 9
