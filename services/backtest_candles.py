"""Where a backtest gets its candles and its pair's rules: the store, what is missing from the exchange, the catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aristobot.clock import Clock, from_milliseconds
from aristobot.market import Instrument, Symbol, Timeframe
from aristobot.store import instruments
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.exchange_gateway import ExchangeGateway

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.candle_rows import Rows
    from aristobot.candle_series import CandleSeries
    from services.candle_download import Progress

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many closed candles a span has, and how many of them are there; `first` and `last` open times of those."""

    wanted: int
    there: int
    first: datetime | None = None
    last: datetime | None = None

    @property
    def missing(self) -> int:
        """Candles that could be fetched."""
        return max(0, self.wanted - self.there)


class BacktestCandles:
    """The candle store as backtests see it; nothing here holds up the loop."""

    def __init__(self, db: Database, clock: Clock, gateway: ExchangeGateway, data_dir: Path) -> None:
        self._db, self._clock, self._gateway, self._folder = db, clock, gateway, data_dir

    async def coverage(self, exchange: str, symbol: Symbol, timeframe: Timeframe, span: Span) -> Coverage:
        """What is there of a span. Raises InvalidInput for a name that no series can have."""
        from aristobot.candle_series import CandleSeries

        since, until = span[0], min(span[1], self._clock.now())
        wanted = max(0, int((timeframe.open_of(until) - since) / timeframe.duration))
        rows = await self.read(CandleSeries(exchange, symbol, timeframe), span)
        if not len(rows):
            return Coverage(wanted, 0)
        return Coverage(wanted, len(rows), from_milliseconds(int(rows[0, 0])), from_milliseconds(int(rows[-1, 0])))

    async def read(self, series: CandleSeries, span: Span) -> Rows:
        """The closed candles of a span, made of smaller ones where the store has those alone."""
        from aristobot.candle_files import CandleFiles

        return await asyncio.to_thread(CandleFiles(self._folder).candles, series, *span)

    async def fetch(self, series: CandleSeries, span: Span, told: Callable[[Progress], None]) -> None:
        """Download what is missing. Raises ExchangeError; what came in until then is kept."""
        from aristobot.candle_files import CandleFiles
        from services.candle_download import CandleDownload

        client = self._gateway.client(series.exchange)
        await CandleDownload(CandleFiles(self._folder), client, self._clock, series, span, told).run()

    async def instrument(self, series: CandleSeries) -> Instrument:
        """The pair with its steps, minimums and fees; one without rules when no catalogue of this house lists it."""
        return await instrument_of(self._db, series)


async def instrument_of(db: Database, series: CandleSeries) -> Instrument:
    """The pair of a series as the catalogue in the memory has it, or without rules."""
    found = await db.read(SYSTEM, lambda s: instruments.get(s, series.exchange, series.symbol))
    return found or series.unlisted
