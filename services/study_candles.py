"""What a search is played on: its candles out of the store, and its pair."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aristobot.candle_series import CandleSeries
from aristobot.market import Instrument, timeframe_of
from aristobot.search.definition import Definition
from aristobot.store import instruments
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.candle_rows import Rows


async def listed(db: Database, series: CandleSeries) -> Instrument:
    """The pair with its steps, minimums and fees; one without rules when no catalogue of this house lists it."""
    found = await db.read(SYSTEM, lambda session: instruments.get(session, series.exchange, series.symbol))
    return found or series.unlisted


async def candles_of(data_dir: Path, asked: Definition) -> Rows:
    """The closed candles of a search, from the store."""
    from aristobot.candle_files import CandleFiles

    series = CandleSeries(asked.exchange, asked.symbol, timeframe_of(asked.timeframe))
    since, until = (datetime.fromtimestamp(one / 1000, UTC) for one in (asked.since, asked.until))
    return await asyncio.to_thread(CandleFiles(data_dir).candles, series, since, until)
