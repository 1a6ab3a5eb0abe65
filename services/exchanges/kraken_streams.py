"""What Kraken's public socket tells anybody: candles, last prices, and what becomes of pairs.

Protocol: Kraken WebSocket API v2. Each stream has a connection of its own; once anything is subscribed to, it says something
every second, so one that says nothing is cut and replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from loguru import logger

from aristobot.clock import from_milliseconds
from aristobot.errors import DataError
from aristobot.market import Candle, Instrument, Symbol, Ticker, Timeframe
from services.exchanges.kraken_candles import Closing, pushed_candles
from services.exchanges.kraken_errors import NAME
from services.exchanges.kraken_instruments import SUBSCRIBE, Rules
from services.exchanges.kraken_prices import Following, Prices
from services.exchanges.kraken_push import PUSH
from services.exchanges.kraken_wire import read
from services.exchanges.stream import Habits, Stream
from services.exchanges.transport import Link

_TICK = 0.5
#: Prices are worth nothing on a line that is dead: it is given up sooner than others, and asked whether it lives even when it
#: tells of nothing, because nothing that is wanted is listed.
_PRICE_HABITS = Habits(silence=20.0, ping=b'{"method":"ping"}')


class KrakenStreams:
    """The public socket's streams; they reconnect by themselves, for ever."""

    def __init__(self, url: str, link: Link) -> None:
        self._url = url
        self._link = link

    async def candles(self, symbol: Symbol, timeframes: Sequence[Timeframe]) -> AsyncIterator[Candle]:
        """Candles as they form and close; one that closed is not repeated, nothing comes of an interval at rest."""
        closing = Closing()
        greeting = [_candles_request(symbol, one, number) for number, one in enumerate(timeframes, 1)]
        async for frame in self._stream(greeting).frames_and_ticks(_TICK):
            now = self._now()
            if frame is None:
                for candle in closing.due(now):
                    yield candle
                continue
            try:
                push = read(PUSH, frame)
                candles = pushed_candles(push, symbol)
            except DataError as error:
                logger.error("{} pushed a candle that cannot be: {} in {!r}", NAME, error, frame[:500])
                continue
            if not push.success:
                logger.error("{} sends no candles of {}: {}", NAME, symbol, push.error)
            if push.type == "snapshot":
                closing.begin(candles)
            for heard in candles:
                for candle in closing.heard(heard, now):
                    yield candle

    async def prices(self, wanted: Callable[[], Collection[Symbol]]) -> AsyncIterator[Ticker]:
        """Last prices of what is wanted, which is asked every half second, as they change."""
        following, prices = Following(), Prices()
        greeting = following.greeting(wanted())
        stream = self._stream(greeting, _PRICE_HABITS)
        async for frame in stream.frames_and_ticks(_TICK):
            if frame is None:
                symbols = wanted()
                greeting[:] = following.greeting(symbols)
                for request in following.requests(symbols, self._link.clock.monotonic()):
                    await stream.say(request)
                continue
            try:
                push = read(PUSH, frame)
                if push.begins:
                    following.begin(wanted(), self._link.clock.monotonic())
                elif push.method:
                    following.answered(push, self._link.clock.monotonic())
                for ticker in prices.heard(push.data, self._now()) if push.channel == "ticker" else ():
                    yield ticker
            except DataError as error:
                logger.error("{} pushed a price that cannot be: {} in {!r}", NAME, error, frame[:500])

    async def instruments(self, listed: Callable[[], Mapping[Symbol, Instrument]]) -> AsyncIterator[list[Instrument]]:
        """Pairs of the list whose state or rules are others than it says, then than was said of them last."""
        rules = Rules()
        async for frame in self._stream([SUBSCRIBE]).frames():
            try:
                push = read(PUSH, frame)
                if not push.success:
                    logger.error("{} tells nothing of its pairs: {}", NAME, push.error)
                if push.channel != "instrument":
                    continue
                news = await asyncio.to_thread(rules.heard, push.data, listed())
            except DataError as error:
                logger.error("{} said of its pairs what cannot be: {} in {!r}", NAME, error, frame[:500])
                continue
            if news:
                yield news

    def _stream(self, greeting: Sequence[bytes], habits: Habits | None = None) -> Stream:
        return Stream(self._url, self._link, lambda: greeting, lambda _: False, habits)

    def _now(self) -> datetime:
        """The exchange's time."""
        return from_milliseconds(self._link.server_clock.timestamp())


def _candles_request(symbol: Symbol, timeframe: Timeframe, number: int) -> bytes:
    params = {"channel": "ohlc", "symbol": [symbol], "interval": timeframe.seconds // 60, "snapshot": True}
    return msgspec.json.encode({"method": "subscribe", "params": params, "req_id": number})
