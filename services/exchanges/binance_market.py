"""Binance without a key: time, catalogue, prices, candles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec
from loguru import logger

from aristobot.clock import Clock, from_milliseconds, to_milliseconds
from aristobot.errors import DataError
from aristobot.exchange import ClientStats, ClockReading, Endpoints
from aristobot.market import Candle, Instrument, Symbol, Ticker, Timeframe
from services.exchanges.binance_calls import BinanceCalls
from services.exchanges.binance_candles import candles_of, pushed_candle, says_farewell
from services.exchanges.binance_catalogue import Catalogue, read_catalogue
from services.exchanges.binance_wire import TICKER, TICKERS, decoded, ticker_of
from services.exchanges.stream import Stream
from services.exchanges.transport import Timeouts

MOST_CANDLES = 1000
#: Above so many symbols one answer with all of them is as cheap.
_MANY_TICKERS = 100


class BinanceMarket:
    """What anybody may ask. One object serves every user."""

    def __init__(self, clock: Clock, endpoints: Endpoints, timeouts: Timeouts | None = None) -> None:
        self._clock = clock
        self._stream_url = f"{endpoints.stream}/stream"
        self._calls = BinanceCalls(clock, endpoints, timeouts)
        self._catalogue = Catalogue()
        self._loading: asyncio.Task[Catalogue] | None = None

    async def server_time(self) -> datetime:
        """The exchange's clock."""
        return from_milliseconds(await self._calls.server_time())

    @property
    def clock_reading(self) -> ClockReading | None:
        """The last measurement of the exchange's clock; None before the first, and when it can no longer be trusted."""
        clock = self._calls.link.server_clock
        return None if clock.doubtful else clock.reading

    async def synchronise(self) -> ClockReading:
        """Measure the exchange's clock against ours; requests are stamped with the result from then on."""
        return await self._calls.synchronise()

    def stats(self) -> ClientStats:
        """Requests, failures, times, weight."""
        return self._calls.stats()

    async def close(self) -> None:
        """Close every connection."""
        if self._loading is not None:
            self._loading.cancel()
        await self._calls.close()

    async def instruments(self) -> list[Instrument]:
        """Everything that can be traded on spot; several askers at once share one download."""
        return (await self._load_catalogue()).instruments

    async def tickers(self, symbols: Sequence[Symbol]) -> list[Ticker]:
        """Last prices, in one call."""
        if not symbols:
            return []
        native = {self._catalogue.native_of(symbol): symbol for symbol in symbols}
        path = "/api/v3/ticker/24hr"
        if len(native) == 1:
            one = decoded(TICKER, await self._calls.public(path, {"symbol": next(iter(native))}, 2))
            return [ticker_of(one, native[one.symbol])] if one.symbol in native else []
        if len(native) > _MANY_TICKERS:
            body = await self._calls.public(path, {}, 80)
        else:
            names = msgspec.json.encode(list(native)).decode()
            body = await self._calls.public(path, {"symbols": names}, 2 if len(native) <= 20 else 40)
        return [ticker_of(one, native[one.symbol]) for one in decoded(TICKERS, body) if one.symbol in native]

    async def candles(self, symbol: Symbol, timeframe: Timeframe, *, limit: int, before: datetime | None = None) -> list[Candle]:
        """At most `limit` candles that open before `before`, oldest first; several calls when one is not enough."""
        found: list[Candle] = []
        end = before
        while limit > len(found):
            page = await self._candle_page(symbol, timeframe, min(MOST_CANDLES, limit - len(found)), end)
            if not page:
                break
            found = page + found
            end = page[0].open_time
            if len(page) < MOST_CANDLES:
                break
        return found

    async def _candle_page(self, symbol: Symbol, timeframe: Timeframe, limit: int, before: datetime | None) -> list[Candle]:
        params: dict[str, str | int | bool] = {
            "symbol": self._catalogue.native_of(symbol),
            "interval": timeframe.value,
            "limit": limit,
        }
        if before is not None:
            params["endTime"] = to_milliseconds(before) - 1
        body = await self._calls.public("/api/v3/klines", params, 2)
        return candles_of(body, symbol, timeframe, self._calls.link.server_clock.timestamp())

    async def stream_candles(self, symbol: Symbol, timeframes: Sequence[Timeframe]) -> AsyncIterator[Candle]:
        """Candles as they form and close, for ever; a candle that closed is not repeated, what a gap hid is not filled."""
        native = self._catalogue.native_of(symbol)
        wanted = {timeframe.value: timeframe for timeframe in timeframes}
        names = [f"{native.lower()}@kline_{name}" for name in wanted]
        greeting = msgspec.json.encode({"method": "SUBSCRIBE", "params": names, "id": 1})
        last_closed: dict[Timeframe, datetime] = {}
        stream = Stream(self._stream_url, self._calls.link, lambda: [greeting], says_farewell)
        async for frame in stream.frames():
            try:
                candle = pushed_candle(frame, {native: symbol}, wanted)
            except DataError as error:
                logger.error("binance pushed a candle that cannot be: {} in {!r}", error, frame[:500])
                continue
            if candle is None or ((known := last_closed.get(candle.timeframe)) and candle.open_time <= known):
                continue
            if candle.closed:
                last_closed[candle.timeframe] = candle.open_time
            yield candle

    async def _load_catalogue(self) -> Catalogue:
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._download_catalogue())
        return await asyncio.shield(self._loading)

    async def _download_catalogue(self) -> Catalogue:
        body = await self._calls.public("/api/v3/exchangeInfo", {"permissions": "SPOT"}, 20)
        self._catalogue = await asyncio.to_thread(read_catalogue, body, self._catalogue)
        return self._catalogue

    async def _known(self, native: str) -> Symbol:
        """Our name for theirs; an unknown one is looked for in a fresh catalogue. Raise DataError when it is not there."""
        if native not in self._catalogue.ours:
            await self._load_catalogue()
        return self._catalogue.symbol_of(native)
