"""Bitget without a key: time, catalogue, prices, candles. Public answers are the same for classic and unified accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime

from loguru import logger

from aristobot.clock import Clock, from_milliseconds, to_milliseconds
from aristobot.errors import DataError, ExchangeError
from aristobot.exchange import ClientStats, ClockReading, Endpoints
from aristobot.market import Candle, Instrument, Symbol, Ticker, Timeframe
from services.exchanges import bitget_candles as candles
from services.exchanges.bitget_calls import BitgetCalls
from services.exchanges.bitget_catalogue import Catalogue, native_of, read_at_once, read_catalogue
from services.exchanges.bitget_errors import NAME
from services.exchanges.bitget_forming import Forming
from services.exchanges.bitget_tickers import TICKERS, ticker_of
from services.exchanges.bitget_wire import decoded
from services.exchanges.stream import Habits, Stream
from services.exchanges.transport import Timeouts

#: Rows that one answer holds at most: of recent candles, and of those of the last year.
MOST_CANDLES, MOST_OLD_CANDLES = 1000, 200
_MARKET = "/api/v2/spot/market"
_HABITS = Habits(silence=60.0, lifetime=float("inf"), ping=b"ping")
_TICK = 1.0


class BitgetMarket:
    """What anybody may ask. One object serves every user."""

    def __init__(self, clock: Clock, endpoints: Endpoints, timeouts: Timeouts | None = None) -> None:
        self._calls = BitgetCalls(clock, endpoints, timeouts)
        self._clock, self._link = clock, self._calls.link
        self._public = endpoints.stream
        self._catalogue = Catalogue()
        self._loading: asyncio.Task[Catalogue] | None = None

    @property
    def clock_reading(self) -> ClockReading | None:
        """The last measurement that can still be trusted, if any."""
        return self._link.server_clock.reading if not self._link.server_clock.doubtful else None

    async def server_time(self) -> datetime:
        """The exchange's clock."""
        return from_milliseconds(await self._calls.server_time())

    async def synchronise(self) -> ClockReading:
        """Measure the exchange's clock; from then on requests carry its time."""
        return await self._calls.synchronise()

    def stats(self) -> ClientStats:
        """Requests, failures, response times, and how many requests of this minute's share are used."""
        return self._link.meter.stats(self._link.budget.used, self._link.budget.limit)

    async def close(self) -> None:
        """Close every connection, give up what is being loaded."""
        if self._loading is not None:
            self._loading.cancel()
        await self._calls.close()

    async def instruments(self) -> list[Instrument]:
        """Everything that can be traded on spot; those who ask at once share one download."""
        return (await self._load()).instruments

    async def tickers(self, symbols: Sequence[Symbol]) -> list[Ticker]:
        """Last prices, in one call: of one symbol, or all there are and those asked for picked out."""
        wanted = {native_of(symbol): symbol for symbol in symbols}
        if not wanted:
            return []
        params = {"symbol": next(iter(wanted))} if len(wanted) == 1 else {}
        told = decoded(TICKERS, await self._calls.public(f"{_MARKET}/tickers", params)).data
        return [ticker_of(one, wanted[one.symbol]) for one in told if one.symbol in wanted]

    async def candles(self, symbol: Symbol, timeframe: Timeframe, *, limit: int, before: datetime | None = None) -> list[Candle]:
        """At most `limit` candles that open before `before`, oldest first.

        What the list of recent ones does not reach is taken from that of the last year, page by page; raises DataError for
        a timeframe that Bitget does not keep.
        """
        if timeframe not in candles.GRANULARITIES:
            raise DataError("unknown_timeframe", field="timeframe", value=timeframe.value)
        found: list[Candle] = []
        end, recent = before, before is None or before > self._server_now() - candles.RECENT[timeframe]
        while limit > len(found):
            most = min(limit - len(found), MOST_CANDLES if recent else MOST_OLD_CANDLES)
            page = await self._candle_page(symbol, timeframe, most, end, recent=recent)
            found = page + found
            end = page[0].open_time if page else end or self._server_now()
            if not page and not recent:
                break
            recent = recent and len(page) == most
        return found

    async def _candle_page(
        self, symbol: Symbol, timeframe: Timeframe, limit: int, before: datetime | None, *, recent: bool
    ) -> list[Candle]:
        params = {"symbol": native_of(symbol), "granularity": candles.GRANULARITIES[timeframe], "limit": str(limit)}
        if before is not None:
            params["endTime"] = str(to_milliseconds(before))
        body = await self._calls.public(f"{_MARKET}/{'candles' if recent else 'history-candles'}", params)
        page = candles.candles_of(body, symbol, timeframe, self._link.server_clock.timestamp())
        if before is not None and page and page[-1].open_time >= before:
            page = [one for one in page if one.open_time < before]
        return page

    async def stream_candles(self, symbol: Symbol, timeframes: Sequence[Timeframe]) -> AsyncIterator[Candle]:
        """Candles as they form and close, for ever; a candle that closed is not repeated."""
        native, forming = native_of(symbol), Forming()
        greeting = candles.subscription(native, list(timeframes), unified="/v3/" in self._public)
        stream = Stream(self._public, self._link, lambda: [greeting], lambda frame: False, _HABITS)
        async with aclosing(stream.frames_and_ticks(_TICK)) as frames:
            async for frame in frames:
                try:
                    pushed = candles.pushed_candles(frame, native, symbol) if frame is not None else []
                except DataError as problem:
                    logger.error("{} pushed what cannot be: {} in {!r}", NAME, problem, (frame or b"")[:500])
                    continue
                now = self._server_now()
                for candle in forming.take(pushed, now) + forming.overdue(now):
                    yield candle

    async def _load(self) -> Catalogue:
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._download())
        return await asyncio.shield(self._loading)

    async def _download(self) -> Catalogue:
        body = await self._calls.public("/api/v2/spot/public/symbols", {})
        made = await asyncio.to_thread(read_at_once, body, self._catalogue)
        if not isinstance(made, Catalogue):
            made = await asyncio.to_thread(read_catalogue, made, await self._prices())
        self._catalogue = made
        return made

    async def _prices(self) -> bytes:
        """All tickers, as they came; nothing when they cannot be had: some smallest values then are not known."""
        try:
            return await self._calls.public(f"{_MARKET}/tickers", {})
        except ExchangeError as problem:
            logger.warning("{} catalogue is read without prices: {}", NAME, problem)
            return b""

    async def _listed(self) -> Catalogue:
        """The catalogue at hand, loaded now when there is none."""
        return self._catalogue if self._catalogue.natives else await self._load()

    def _server_now(self) -> datetime:
        return from_milliseconds(self._link.server_clock.timestamp())
