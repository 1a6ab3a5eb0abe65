"""Prices that exchanges tell by themselves: one stream for each that does so, as long as somebody watches something there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import cast

from loguru import logger

from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.exchange import NativeClient, SupportsPriceStream
from aristobot.market import Symbol, Ticker
from services.exchange_gateway import ExchangeGateway

#: Changes come in crowds: whoever waits for them is told of the first at once, and of what follows so much later.
GATHER = 0.1


@dataclass(frozen=True, slots=True)
class Listener:
    """Who keeps the prices: what it wants of an exchange, where a price goes with its age in seconds, who hears of changes."""

    wanted: Callable[[str], Collection[Symbol]]
    heard: Callable[[str, Ticker, float], None]
    changed: Callable[[str], None]


class LivePrices:
    """The streams; what they tell goes to one listener."""

    def __init__(self, clock: Clock, gateway: ExchangeGateway, listener: Listener) -> None:
        self._clock = clock
        self._gateway = gateway
        self._listener = listener
        self._streams: dict[str, asyncio.Task[None]] = {}
        self._complained: set[str] = set()
        self._changed: set[str] = set()
        self._wake = asyncio.Event()

    def is_told(self, exchange: str) -> bool:
        """Whether an exchange tells prices by itself."""
        return self._gateway.client(exchange).capabilities.streams_prices

    def keep(self, watched: Iterable[str], tasks: asyncio.TaskGroup) -> None:
        """One stream for each exchange on which something is watched, and none for the others."""
        wanted = {exchange for exchange in watched if self.is_told(exchange)}
        for exchange in [one for one, task in self._streams.items() if one not in wanted or task.done()]:
            self._streams.pop(exchange).cancel()
        for exchange in wanted - self._streams.keys():
            self._streams[exchange] = tasks.create_task(self._follow(exchange))

    async def tell(self) -> None:
        """Tell the listener of changes, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, set()
            for exchange in changed:
                self._listener.changed(exchange)
            await self._clock.sleep(GATHER)

    async def _follow(self, exchange: str) -> None:
        client = self._gateway.client(exchange)
        stream = cast(SupportsPriceStream, client).stream_prices(lambda: self._listener.wanted(exchange))
        try:
            async for ticker in stream:
                self._complained.discard(exchange)
                self._listener.heard(exchange, ticker, self._age(client, ticker))
                self._changed.add(exchange)
                self._wake.set()
        except AristobotError as error:
            if exchange not in self._complained:
                logger.warning("Prices of {} cannot be followed live: {}", exchange, error)
            self._complained.add(exchange)

    def _age(self, client: NativeClient, ticker: Ticker) -> float:
        """How many seconds ago it was the price, as far as their clock is known. What waited on the line is old when it comes."""
        reading = client.clock_reading
        slack_ms = reading.offset_ms - reading.uncertainty_ms if reading is not None else 0
        return max((self._clock.now() - ticker.at).total_seconds() + slack_ms / 1000, 0.0)
