"""The candles of symbols that somebody looks at: streamed for as long as the page is open, beside the heartbeat's own.

They are told as CandleUpdated, closed ones too, and are not stored: what the strategies wait for is the heartbeat's word
alone, and what a page missed it asks of the history.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.events import CandleUpdated
from aristobot.market import Symbol
from services.candle_history import CandleHistory
from services.exchange_gateway import ExchangeGateway

#: So many symbols are followed at once; more are shown without a stream.
MOST_FOLLOWED = 24
#: Seconds for which a stream outlives its last onlooker: whoever reloads a page finds it flowing.
LINGER = 20.0
RETRY_PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)

Market = tuple[str, Symbol]


@dataclass(slots=True)
class _Following:
    """One stream and how many look at it."""

    task: asyncio.Task[None]
    onlookers: int = 0


class CandleWatch:
    """One stream per exchange and symbol, however many look at it."""

    def __init__(self, bus: Bus, clock: Clock, gateway: ExchangeGateway, history: CandleHistory, told: Market) -> None:
        """`told` is what the heartbeat tells already."""
        self._bus, self._clock, self._gateway, self._history = bus, clock, gateway, history
        self._told = told
        self._following: dict[Market, _Following] = {}
        self._lingering: set[asyncio.Task[None]] = set()

    def look(self, exchange: str, symbol: Symbol) -> Callable[[], None]:
        """Have the candles of a symbol told until the answer is called. Raise InvalidInput for an unknown exchange."""
        self._gateway.factory(exchange)
        market = (exchange, symbol)
        if market == self._told:
            return lambda: None
        if market not in self._following:
            if len(self._following) >= MOST_FOLLOWED:
                logger.warning("Too many symbols are looked at: no stream of {} on {}", symbol, exchange)
                return lambda: None
            self._following[market] = _Following(asyncio.create_task(self._follow(*market)))
        following = self._following[market]
        following.onlookers += 1
        left = False

        def look_away() -> None:
            nonlocal left
            if not left:
                left = True
                following.onlookers -= 1
                self._linger(market, following)

        return look_away

    @property
    def followed(self) -> list[Market]:
        """What is streamed now."""
        return sorted(self._following)

    async def close(self) -> None:
        """End every stream."""
        tasks = [one.task for one in self._following.values()] + list(self._lingering)
        self._following.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _linger(self, market: Market, following: _Following) -> None:
        async def wait() -> None:
            await self._clock.sleep(LINGER)
            if following.onlookers == 0 and self._following.get(market) is following:
                del self._following[market]
                following.task.cancel()

        if following.onlookers == 0:
            task = asyncio.create_task(wait())
            self._lingering.add(task)
            task.add_done_callback(self._lingering.discard)

    async def _follow(self, exchange: str, symbol: Symbol) -> None:
        """Tell what the stream says; begin again when it fails, after growing pauses."""
        fails = 0
        while True:
            try:
                await self._tell(exchange, symbol)
            except AristobotError as error:
                if not fails:
                    logger.warning("The candles of {} on {} cannot be followed: {}", symbol, exchange, error)
            await self._clock.sleep(RETRY_PAUSES[min(fails, len(RETRY_PAUSES) - 1)])
            fails += 1

    async def _tell(self, exchange: str, symbol: Symbol) -> None:
        stream = self._gateway.client(exchange).stream_candles(symbol, self._history.offered(exchange))
        try:
            async for candle in stream:
                now = self._clock.now()
                self._bus.publish(CandleUpdated(at=now, exchange=exchange, candle=candle, received_at=now))
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
