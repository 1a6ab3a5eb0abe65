"""The candle store for screens and backtests: what there is, downloads that go on behind, files brought in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from aristobot.bus import Bus
from aristobot.candle_series import CandleSeries, SeriesSummary
from aristobot.clock import Clock
from aristobot.errors import AristobotError, Conflict, InvalidInput
from aristobot.events import CandleStoreChanged
from aristobot.market import Timeframe
from services.exchange_gateway import ExchangeGateway
from services.workers import Workers

if TYPE_CHECKING:  # the house starts without numpy: whoever asks for candles brings it in
    from aristobot.candle_files import CandleFiles
    from aristobot.candle_rows import Rows
    from services.candle_download import CandleDownload, Progress

RUNNING, DONE, STOPPED, FAILED = "running", "done", "stopped", "failed"
_MOST_FINISHED = 20
#: Bytes and rows of a file that a screen brings in; the command takes larger ones.
LARGEST_FILE, MOST_ROWS = 256 << 20, 3_000_000
#: Seconds that reading a file may take.
_IMPORT_PATIENCE = 300.0


@dataclass(slots=True)
class Fetching:
    """A download: how far it is, and what became of it. `unavailable` are candles that the exchange keeps no more."""

    series: CandleSeries
    since: datetime
    until: datetime
    state: str = RUNNING
    done: int = 0
    total: int = 0
    seconds_left: float = 0.0
    added: int = 0
    unavailable: int = 0
    error: AristobotError | None = None


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """A file that was read: whose candles, how many, how many of them new, and how many are missing in between."""

    series: CandleSeries
    candles: int
    added: int
    missing: int


class CandleLibrary:
    """Nothing of it touches a disk on the event loop."""

    def __init__(self, bus: Bus, clock: Clock, gateway: ExchangeGateway, data_dir: Path, workers: Workers) -> None:
        self._bus, self._clock, self._gateway, self._data_dir, self._workers = bus, clock, gateway, data_dir, workers
        self._tasks: dict[CandleSeries, asyncio.Task[None]] = {}

    async def listing(self) -> list[SeriesSummary]:
        """Everything in the store. Raises StoreDamaged for a file that is none of ours."""
        return await asyncio.to_thread(lambda: self._files().listing())

    async def candles(self, series: CandleSeries, since: datetime | None = None, until: datetime | None = None) -> Rows:
        """The candles of a series, made of shorter ones where it has none of its own."""
        return await asyncio.to_thread(lambda: self._files().candles(series, since, until))

    async def remove(self, series: CandleSeries) -> None:
        """Forget a series. Raises Conflict while it is being downloaded."""
        self._not_running(series)
        await asyncio.to_thread(lambda: self._files().remove(series))
        self._publish(Fetching(series, self._clock.now(), self._clock.now(), DONE))

    def download(self, series: CandleSeries, since: datetime, until: datetime | None = None) -> Fetching:
        """Fetch what is missing, behind; its state is kept in what is answered, and told on the bus.

        Raises InvalidInput for what the exchange does not offer, Conflict while the same series is being fetched.
        """
        from services.candle_download import CandleDownload

        self._not_running(series)
        span = (since, until or self._clock.now())
        fetching = Fetching(series, *span)
        client = self._gateway.client(series.exchange)
        download = CandleDownload(self._files(), client, self._clock, series, span, lambda told: self._note(fetching, told))
        self._tasks[series] = asyncio.ensure_future(self._fetch(fetching, download))
        return fetching

    async def stop(self, series: CandleSeries) -> None:
        """Stop a download; what came in stays. Harmless when none runs."""
        task = self._tasks.get(series)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def bring_in(self, file: Path, exchange: str = "", symbol: str = "", timeframe: Timeframe | None = None) -> BroughtIn:
        """Read a file into the store; its name may tell exchange and symbol.

        Raises DataError with line and field, InvalidInput for what nobody can know or read, and for what is too much.
        """
        from aristobot.candle_import import named_in, read_file, symbol_of

        named = named_in(file)
        whose, what = exchange.lower() or named[0], symbol_of(symbol) if symbol else named[1]
        if not whose or not what:
            raise InvalidInput("import_which_series", field="symbol" if whose else "exchange", value=file.name)
        rows, found = await self._workers.run(read_file, _IMPORT_PATIENCE, file, timeframe, most=MOST_ROWS)
        series, files = CandleSeries(whose, what, found), self._files()
        added = await asyncio.to_thread(files.merge, series, rows, self._clock.now())
        missing = sum(one.count for one in await asyncio.to_thread(files.holes, series) if not one.known)
        self._publish(Fetching(series, self._clock.now(), self._clock.now(), DONE, added=added))
        return BroughtIn(series, len(rows), added, missing)

    async def close(self) -> None:
        """Stop every download."""
        await asyncio.gather(*(self.stop(series) for series in list(self._tasks)))

    # ------------------------------------------------------------------ behind

    def _files(self) -> CandleFiles:
        from aristobot.candle_files import CandleFiles

        return CandleFiles(self._data_dir)

    async def _fetch(self, fetching: Fetching, download: CandleDownload) -> None:
        try:
            outcome = await download.run()
        except AristobotError as error:
            fetching.state, fetching.error = FAILED, error
            logger.warning("The download of {} was given up: {}", fetching.series, error)
        except asyncio.CancelledError:
            fetching.state = STOPPED
            raise
        else:
            fetching.state, fetching.added, fetching.unavailable = DONE, outcome.added, outcome.unavailable
        finally:
            fetching.seconds_left = 0.0
            self._tasks.pop(fetching.series, None)
            self._publish(fetching)

    def _note(self, fetching: Fetching, told: Progress) -> None:
        fetching.done, fetching.total, fetching.seconds_left = told.done, told.total, told.seconds_left
        self._publish(fetching)

    def _publish(self, fetching: Fetching) -> None:
        series = fetching.series
        self._bus.publish(
            CandleStoreChanged(
                at=self._clock.now(),
                exchange=series.exchange,
                symbol=series.symbol,
                timeframe=series.timeframe.value,
                state=fetching.state,
                done=fetching.done,
                total=fetching.total,
                seconds_left=fetching.seconds_left,
                reason=fetching.error.code if fetching.error else "",
            )
        )

    def _not_running(self, series: CandleSeries) -> None:
        if series in self._tasks:
            raise Conflict("download_running", series=f"{series.exchange} {series.symbol} {series.timeframe.value}")
