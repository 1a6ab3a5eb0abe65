"""One search from the house's side: missing candles first, then its process, told as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from loguru import logger

from aristobot.clock import from_milliseconds
from aristobot.market import Instrument, timeframe_of
from aristobot.settings import Settings
from aristobot.store.study_tables import Study
from services.backtest_candles import BacktestCandles
from services.study_process import SearchFailed, StudyProcess
from services.study_sources import asked_of
from services.study_wish import StudyProgress, StudyWish

if TYPE_CHECKING:  # the house starts without numpy
    from services.candle_download import Progress

Tell = Callable[[StudyProgress], None]


async def searched(row: Study, tell: Tell, settings: Settings, candles: BacktestCandles) -> None:
    """Search a study to its end. Raises ExchangeError while candles are fetched, SearchFailed afterwards.

    Cancelled, it has the process leave its study in order.
    """
    if row.fetch:
        await _fetched(row, candles, tell)
    wanted = {
        "database_url": settings.database_url,
        "data_dir": str(settings.data_dir),
        "user_id": str(row.user_id),
        "study_id": str(row.id),
    }
    tell(StudyProgress("searching"))
    process = await StudyProcess.start(wanted)
    try:
        async for message in process.heard():
            tried, total, best = message["tried"], message["total"], message["best"]
            if tried < total:
                tell(StudyProgress("searching", tried, total, message["seconds_left"], best))
            else:
                tell(StudyProgress("weighing", tried, total, None, best))
    except SearchFailed as error:
        if error.trace:
            logger.error("A search of {} fell:\n{}", row.strategy, error.trace)
        raise
    finally:
        await asyncio.shield(process.leave())


async def instrument_for(wish: StudyWish, candles: BacktestCandles) -> Instrument:
    """The pair of a wish, as the catalogue has it."""
    from aristobot.candle_series import CandleSeries

    return await candles.instrument(CandleSeries(wish.exchange, wish.symbol, timeframe_of(wish.timeframe)))


async def _fetched(row: Study, candles: BacktestCandles, tell: Tell) -> None:
    from aristobot.candle_series import CandleSeries

    def told(progress: Progress) -> None:
        tell(StudyProgress("candles", progress.done, progress.total, progress.seconds_left))

    asked = asked_of(row)
    series = CandleSeries(asked.exchange, asked.symbol, timeframe_of(asked.timeframe))
    tell(StudyProgress("candles"))
    await candles.fetch(series, (from_milliseconds(asked.since), from_milliseconds(asked.until)), told)
