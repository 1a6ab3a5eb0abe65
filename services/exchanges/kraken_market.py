"""Kraken without a key: time, catalogue, prices, candles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote

import msgspec

from aristobot.clock import Clock, from_milliseconds
from aristobot.errors import DataError
from aristobot.exchange import ClientStats, ClockReading, Endpoints
from aristobot.market import Candle, Instrument, Symbol, Ticker, Timeframe
from aristobot.money import HUNDRED, WIDE, ZERO, divided, times
from services.exchanges.kraken_calls import KrakenCalls
from services.exchanges.kraken_candles import TIMEFRAMES, candles_of
from services.exchanges.kraken_catalogue import Catalogue, read_catalogue
from services.exchanges.kraken_errors import NAME
from services.exchanges.kraken_streams import KrakenStreams
from services.exchanges.kraken_wire import Answer, real, result_of
from services.exchanges.transport import Timeouts

MOST_CANDLES = 720
#: Above so many pairs one answer with all of them is as cheap.
_MANY_TICKERS = 60


class NativeTicker(msgspec.Struct):
    """The day of a pair: ask, bid and last price first in their lists; volume and vwap of today, then of 24 hours."""

    a: list[Decimal]
    b: list[Decimal]
    c: list[Decimal]
    v: list[Decimal]
    p: list[Decimal]
    o: Decimal = ZERO


TICKERS = msgspec.json.Decoder(Answer[dict[str, NativeTicker]])


class KrakenMarket:
    """What anybody may ask. One object serves every user."""

    def __init__(self, clock: Clock, endpoints: Endpoints, timeouts: Timeouts | None = None) -> None:
        self._clock = clock
        self._calls = KrakenCalls(clock, endpoints, timeouts)
        self._streams = KrakenStreams(endpoints.stream, self._calls.link)
        self._catalogue = Catalogue()
        self._downloading: asyncio.Task[Catalogue] | None = None

    async def server_time(self) -> datetime:
        """The exchange's clock, to half a second."""
        return from_milliseconds(await self._calls.server_time())

    @property
    def clock_reading(self) -> ClockReading | None:
        """The last measurement of the exchange's clock; None before the first, and when it can no longer be trusted."""
        clock = self._calls.link.server_clock
        return clock.reading if not clock.doubtful else None

    async def synchronise(self) -> ClockReading:
        """Measure the exchange's clock against ours; deadlines and nonces are made by the result from then on."""
        return await self._calls.synchronise()

    def stats(self) -> ClientStats:
        """Requests, failures, times, and the exchange's counter that is nearest to full."""
        return self._calls.stats()

    async def close(self) -> None:
        """Close every connection."""
        if self._downloading is not None:
            self._downloading.cancel()
        await self._calls.close()

    async def instruments(self) -> list[Instrument]:
        """Everything that can be bought and sold on spot; several askers at once share one download."""
        return (await self._load()).instruments

    async def tickers(self, symbols: Sequence[Symbol]) -> list[Ticker]:
        """Last prices, in one call; as the answer names no time, that of its coming. The change is the one since midnight UTC."""
        if not symbols:
            return []
        asked = ",".join(symbols) if len(symbols) <= _MANY_TICKERS else ""
        body = await self._calls.public(
            f"/0/public/Ticker?pair={quote(asked, safe=',/')}" if asked else "/0/public/Ticker", asked
        )
        found = result_of(TICKERS, body)
        names = {key: key for key in found if key in symbols}
        if len(names) < len(found):
            names |= await self._names(key for key in found if key not in names)
        wanted = frozenset(symbols)
        at = from_milliseconds(self._calls.link.server_clock.timestamp())
        return [ticker_of(one, names[key], at) for key, one in found.items() if names.get(key) in wanted]

    async def candles(self, symbol: Symbol, timeframe: Timeframe, *, limit: int, before: datetime | None = None) -> list[Candle]:
        """At most `limit` candles that open before `before`, oldest first, among the newest 720: older ones are not kept.

        Raises DataError for a timeframe that Kraken does not have.
        """
        _check(timeframe)
        now = from_milliseconds(self._calls.link.server_clock.timestamp())
        end = before or now
        first = timeframe.open_of(end) - timeframe.duration * (limit + 1)
        since = f"&since={int(first.timestamp())}" if limit < MOST_CANDLES else ""
        target = f"/0/public/OHLC?pair={quote(symbol, safe='/')}&interval={timeframe.seconds // 60}{since}"
        found = candles_of(await self._calls.public(target, symbol), symbol, timeframe, now)
        while found and found[-1].open_time >= end:
            found.pop()
        return found[-limit:] if limit else []

    async def stream_candles(self, symbol: Symbol, timeframes: Sequence[Timeframe]) -> AsyncIterator[Candle]:
        """Candles as they form and close, for ever; a candle that closed is not repeated, nothing comes of an interval at rest.

        What a gap hid comes with the snapshot after it. Raises DataError for a timeframe that Kraken does not have.
        """
        for timeframe in timeframes:
            _check(timeframe)
        async for candle in self._streams.candles(symbol, timeframes):
            yield candle

    async def stream_prices(self, wanted: Callable[[], Collection[Symbol]]) -> AsyncIterator[Ticker]:
        """Last prices as they change, over one connection, for ever; `wanted` is asked every half second what to follow."""
        async for ticker in self._streams.prices(wanted):
            yield ticker

    async def stream_instruments(self) -> AsyncIterator[Sequence[Instrument]]:
        """Listed pairs as they are now whenever their state or rules change, for ever. Raises TryAgain: no list at all."""
        if not self._catalogue.instruments:
            await self._load()
        async for changed in self._streams.instruments(self._listed):
            yield changed

    def _listed(self) -> dict[Symbol, Instrument]:
        return {one.symbol: one for one in self._catalogue.instruments}

    async def _load(self) -> Catalogue:
        if self._downloading is None or self._downloading.done():
            self._downloading = asyncio.create_task(self._download())
        return await asyncio.shield(self._downloading)

    async def _download(self) -> Catalogue:
        pairs, assets = await asyncio.gather(self._calls.public("/0/public/AssetPairs"), self._calls.public("/0/public/Assets"))
        self._catalogue = await asyncio.to_thread(read_catalogue, pairs, assets, self._catalogue)
        return self._catalogue

    async def _names(self, natives: Iterable[str], only: Symbol = "") -> Mapping[str, Symbol]:
        """Our names for theirs; unknown ones are looked for in a fresh catalogue. Raise DataError for those not there either.

        Where `only` one symbol matters, and it is listed, what the catalogue does not know is another one, and left out.
        """
        wanted = set(natives)
        if only not in self._catalogue.native and not wanted <= self._catalogue.ours.keys():
            await self._load()
        if only in self._catalogue.native:
            wanted &= self._catalogue.ours.keys()
        return {native: self._catalogue.symbol_of(native) for native in wanted}


def ticker_of(native: NativeTicker, symbol: Symbol, at: datetime) -> Ticker:
    """Last price and the day's figures; raise DataError when a list is too short or holds what cannot be."""
    if not (native.a and native.b and native.c and len(native.v) == len(native.p) == 2):
        raise DataError("unreadable_answer", exchange=NAME, detail="ticker")
    last, volume, average = native.c[0], native.v[1], native.p[1]
    real(last, native.a[0], native.b[0], volume, average, native.o)
    return Ticker(
        symbol=symbol,
        last=last,
        bid=native.b[0],
        ask=native.a[0],
        at=at,
        volume=volume,
        quote_volume=times(volume, average),
        change_percent=divided(times(WIDE.subtract(last, native.o), HUNDRED), native.o, 4) if native.o else ZERO,
    )


def _check(timeframe: Timeframe) -> None:
    if timeframe not in TIMEFRAMES:
        raise DataError("unknown_timeframe", field="timeframe", value=timeframe.value)
