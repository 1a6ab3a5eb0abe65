"""The candles that strategies at work wait for: one stream per market, in the timeframes that somebody wants, begun anew when
it fails. What the heartbeat tells already is not followed twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.market import Timeframe
from aristobot.store.database import Database
from services.candle_follower import CandleFollower, Market
from services.exchange_gateway import ExchangeGateway

RETRY_PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)


@dataclass(slots=True)
class _Stream:
    """What is followed of a market, and who does it."""

    timeframes: tuple[Timeframe, ...]
    task: asyncio.Task[None]


class StrategyCandles:
    """Follows what is wanted; each closed candle comes as CandleClosed."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, gateway: ExchangeGateway, told: CandleFollower) -> None:
        """`told` tells its candles anyway."""
        self._db, self._bus, self._clock, self._gateway = db, bus, clock, gateway
        self._told = told
        self._streams: dict[Market, _Stream] = {}

    def follow(self, wanted: Iterable[tuple[Market, Timeframe]]) -> None:
        """Follow exactly these from now on."""
        asked: dict[Market, set[Timeframe]] = {}
        for market, timeframe in wanted:
            if not self._is_told(market, timeframe):
                asked.setdefault(market, set()).add(timeframe)
        plan = {market: tuple(sorted(several, key=lambda one: one.seconds)) for market, several in asked.items()}
        for market in [one for one, stream in self._streams.items() if plan.get(one) != stream.timeframes]:
            self._streams.pop(market).task.cancel()
        for market, timeframes in plan.items():
            if market not in self._streams:
                self._streams[market] = _Stream(timeframes, asyncio.create_task(self._follow(market, timeframes)))

    async def close(self) -> None:
        """Follow nothing any more."""
        tasks = [stream.task for stream in self._streams.values()]
        self._streams.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_told(self, market: Market, timeframe: Timeframe) -> bool:
        return market == self._told.market and timeframe in self._told.timeframes

    async def _follow(self, market: Market, timeframes: tuple[Timeframe, ...]) -> None:
        follower = CandleFollower(self._db, self._bus, self._clock, self._gateway, market, timeframes)
        fails = 0
        while True:
            begun = self._clock.monotonic()
            try:
                await follower.run()
            except AristobotError as error:
                if self._clock.monotonic() - begun > RETRY_PAUSES[-1]:
                    fails = 0  # it went well meanwhile: this is another incident
                if not fails:
                    logger.warning("The candles of {} on {} cannot be followed: {}", market.symbol, market.exchange, error)
            await self._clock.sleep(RETRY_PAUSES[min(fails, len(RETRY_PAUSES) - 1)])
            fails += 1
