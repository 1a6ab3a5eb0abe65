"""What exchanges say by themselves of their pairs: one that closes or opens, a minimum that changes.

An exchange is followed from the first time on that somebody asks about a pair there: where nobody trades nobody listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from loguru import logger

from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.exchange import SupportsInstrumentStream
from aristobot.market import Instrument
from services.exchange_gateway import ExchangeGateway

#: Seconds until a stream is begun anew that ended.
BEGIN_AGAIN = 60.0

#: Takes the pairs of an exchange that have changed.
Take = Callable[[str, Sequence[Instrument]], Awaitable[None]]


class LiveRules:
    """One stream for each exchange that is asked about and tells its changes; the catalogue's own work, run by it."""

    def __init__(self, clock: Clock, gateway: ExchangeGateway, take: Take) -> None:
        self._clock = clock
        self._gateway = gateway
        self._take = take
        self._wanted: set[str] = set()
        self._news = asyncio.Event()

    def want(self, exchange: str) -> None:
        """Follow this exchange from now on, if it tells anything."""
        if exchange not in self._wanted and self._gateway.client(exchange).capabilities.streams_instruments:
            self._wanted.add(exchange)
            self._news.set()

    async def run(self) -> None:
        """Follow what is wanted, for ever."""
        followed: set[str] = set()
        async with asyncio.TaskGroup() as tasks:
            while True:
                for exchange in self._wanted - followed:
                    followed.add(exchange)
                    tasks.create_task(self._follow(exchange))
                await self._news.wait()
                self._news.clear()

    async def _follow(self, exchange: str) -> None:
        complained = False
        while True:
            client = cast(SupportsInstrumentStream, self._gateway.client(exchange))
            try:
                async for changed in client.stream_instruments():
                    complained = False
                    await self._take(exchange, changed)
            except AristobotError as error:
                if not complained:
                    logger.warning("What becomes of the pairs of {} cannot be followed: {}", exchange, error)
                complained = True
            await self._clock.sleep(BEGIN_AGAIN)
