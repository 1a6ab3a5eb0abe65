"""Candles off an exchange's stream: each closed one stored and delivered once, in order, none missing.

What the stream missed (a gap, a reconnection, the time in which nobody listened) is asked of the exchange before the next
candle is delivered. A stream that neither speaks nor closes a candle any more is begun anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError, TryAgain
from aristobot.events import CandleClosed, CandleUpdated
from aristobot.market import Candle, Symbol, Timeframe
from aristobot.store import candles
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.candle_history import closed_between
from services.exchange_gateway import ExchangeGateway

#: Seconds without a word after which the stream counts as dead, and between two looks at it.
SILENCE = 30.0
LOOK_EVERY = 5.0
#: How many candles per timeframe are made up for after a pause; older ones are history's matter.
LONGEST_GAP = 1_000
#: An exchange may show a candle that just closed a moment late: so long its absence is not believed.
SETTLING = timedelta(seconds=15)
RETRY_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


class Market(NamedTuple):
    """One pair on one exchange."""

    exchange: str
    symbol: Symbol


class CandleFollower:
    """Follows one symbol of one exchange in several timeframes, the shortest first."""

    def __init__(
        self, db: Database, bus: Bus, clock: Clock, gateway: ExchangeGateway, market: Market, timeframes: Sequence[Timeframe]
    ) -> None:
        self._db, self._bus, self._clock, self._gateway = db, bus, clock, gateway
        self.market = market
        self.exchange, self.symbol = market
        self.timeframes = tuple(timeframes)
        self._delivered: dict[Timeframe, datetime] = {}
        self._lags: dict[Timeframe, float] = {}
        self._connected = False
        self._heard_at: datetime | None = None
        self._last_word = self._last_progress = 0.0
        self._catching_up = False
        self._complained = False

    async def run(self) -> None:
        """Follow the stream until cancelled; begin anew when it falls silent. Raises ExchangeError, StoreError."""
        self._delivered = await self._db.read(SYSTEM, self._stored_positions)
        await self._prepare()
        reason = "stopped"
        try:
            while True:
                await self._listen()
                await self._note_stop("silent")
                await self._clock.sleep(RETRY_PAUSES[0])
        except AristobotError as error:
            reason = error.code
            raise
        finally:
            await self._note_stop(reason)

    async def _prepare(self) -> None:
        """Before the first word."""

    async def _note_start(self) -> None:
        """The stream speaks."""
        self._connected = True

    async def _note_stop(self, reason: str) -> None:
        """The stream does not speak any more."""
        self._connected = False

    def _also_keep(self, session: GuardedSession, last: Candle) -> None:
        """In the transaction that stores candles, the last of them being `last`."""

    async def _listen(self) -> None:
        """Take candles until the stream ends, or neither speaks nor closes a candle any more."""
        self._last_word = self._last_progress = self._clock.monotonic()
        reader = asyncio.create_task(self._read())
        try:
            while not reader.done() and not self._is_silent():
                pause = asyncio.ensure_future(self._clock.sleep(LOOK_EVERY))
                await asyncio.wait({reader, pause}, return_when=asyncio.FIRST_COMPLETED)
                pause.cancel()
        finally:
            reader.cancel()
            await asyncio.wait({reader})
        if not reader.cancelled():
            reader.result()
        if not self._complained:
            self._complained = True
            logger.warning("The candle stream of {} on {} is silent: connecting anew", self.symbol, self.exchange)

    async def _read(self) -> None:
        stream = self._gateway.client(self.exchange).stream_candles(self.symbol, self.timeframes)
        try:
            async for candle in stream:
                self._last_word, self._heard_at = self._clock.monotonic(), self._clock.now()
                if not self._connected:
                    await self._note_start()
                await self._take(candle, self._heard_at)
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    def _is_silent(self) -> bool:
        if self._catching_up:
            return False
        now = self._clock.monotonic()
        return now - self._last_word > SILENCE or now - self._last_progress > self.timeframes[0].seconds + SILENCE

    async def _take(self, candle: Candle, received_at: datetime) -> None:
        step = candle.timeframe.duration
        last = self._delivered.setdefault(candle.timeframe, candle.open_time - step)
        if candle.open_time <= last:
            return  # said before, or late
        if candle.open_time > last + step:
            await self._make_up(candle.timeframe, last + step, candle.open_time - step)
        if candle.closed:
            await self._deliver([candle], received_at, live=True)
        else:
            event = CandleUpdated(at=received_at, exchange=self.exchange, candle=candle, received_at=received_at)
            self._bus.publish(event)

    async def _deliver(self, several: Sequence[Candle], received_at: datetime, *, live: bool) -> None:
        """Store candles of one timeframe, then tell them one by one."""
        last = several[-1]

        def keep(session: GuardedSession) -> None:
            candles.add_many(session, self.exchange, several, received_at, live)
            self._also_keep(session, last)

        await self._db.write(SYSTEM, keep)
        self._delivered[last.timeframe] = last.open_time
        self._last_progress = self._clock.monotonic()
        if live:
            self._lags[last.timeframe] = (received_at - last.close_time).total_seconds()
        if live and self._complained:
            self._complained = False
            logger.info("The candle stream of {} on {} speaks again", self.symbol, self.exchange)
        for candle in several:
            event = CandleClosed(at=received_at, exchange=self.exchange, candle=candle, received_at=received_at)
            self._bus.publish(event)

    async def _make_up(self, timeframe: Timeframe, first: datetime, last: datetime) -> None:
        """Deliver what lies between, as the exchange has it; nothing newer goes out before."""
        first = max(first, last - timeframe.duration * (LONGEST_GAP - 1))
        self._catching_up = True
        try:
            found = await self._asked_until_complete(timeframe, first, last)
        finally:
            self._catching_up = False
            self._last_word = self._last_progress = self._clock.monotonic()
        wanted = (last - first) // timeframe.duration + 1
        logger.info("{} of {} missed {} candles of {} made up for", len(found), wanted, timeframe, self.symbol)
        if found:
            await self._deliver(found, self._clock.now(), live=False)
        self._delivered[timeframe] = last  # what the exchange itself does not have is not asked for again

    async def _asked_until_complete(self, timeframe: Timeframe, first: datetime, last: datetime) -> list[Candle]:
        wanted = (last - first) // timeframe.duration + 1
        tries = 0
        while True:
            try:
                found = await closed_between(self._gateway.client(self.exchange), self.symbol, timeframe, first, last)
            except TryAgain as error:
                if not tries:
                    logger.warning("Missed candles of {} cannot be asked for yet: {}", self.symbol, error)
            else:
                if len(found) == wanted or self._clock.now() - (last + timeframe.duration) > SETTLING:
                    return found
            await self._clock.sleep(RETRY_PAUSES[min(tries, len(RETRY_PAUSES) - 1)])
            tries += 1

    def _stored_positions(self, session: GuardedSession) -> dict[Timeframe, datetime]:
        found = {one: candles.last_open_time(session, self.exchange, self.symbol, one) for one in self.timeframes}
        return {timeframe: moment for timeframe, moment in found.items() if moment is not None}
