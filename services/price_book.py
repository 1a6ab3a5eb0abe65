"""Last prices in memory: told by the exchange as they change where it does so, else asked for, many in one call.

What is watched on an exchange that tells its prices is asked for all the same once it was not told for a moment: because nothing
was traded, or because the line is dead. So nobody has to know which. Each price counts from the moment at which it was one, and
none undoes a younger one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import DataError, ExchangeError, UnknownSymbol
from aristobot.events import CandleUpdated, PricesUpdated
from aristobot.exchange import ExchangeClient
from aristobot.market import Symbol, Ticker
from aristobot.money import ZERO
from services.exchange_gateway import ExchangeGateway
from services.live_prices import Listener, LivePrices

#: A price older than this is not shown to the risk check (reliability: a price at most 5 s old).
MAX_AGE = 5.0
ROUND = 2.0
#: Seconds after which a price that the exchange tells by itself is asked for, too.
TOLD_LATELY = 1.0
#: A symbol somebody asked for is watched for this long after the last question.
WATCHED_FOR = 3600.0


@dataclass(slots=True)
class _Quote:
    price: Decimal
    seen: float


class PriceBook:
    """Prices by exchange and symbol. As a service it refreshes what is watched and tells the screen by PricesUpdated."""

    name = "price_book"

    def __init__(self, bus: Bus, clock: Clock, gateway: ExchangeGateway) -> None:
        self._bus = bus
        self._clock = clock
        self._gateway = gateway
        self._quotes: dict[tuple[str, Symbol], _Quote] = {}
        self._wanted: dict[tuple[str, Symbol], float] = {}
        self._failing: set[str] = set()
        self._unlisted: dict[tuple[str, Symbol], float] = {}
        self._live = LivePrices(clock, gateway, Listener(self._watched, self._heard, self._tell))
        bus.listen(CandleUpdated, do=self._on_candle)

    async def price(self, client: ExchangeClient, symbol: Symbol, max_age: float = MAX_AGE) -> Decimal:
        """A price at most `max_age` seconds old: from memory, else from the exchange. Raises what the exchange raises."""
        self.watch(client.name, [symbol])
        known = self._quotes.get((client.name, symbol))
        now = self._clock.monotonic()
        if known is not None and now - known.seen <= max_age:
            return known.price
        for ticker in await client.tickers([symbol]):
            self._believe(client.name, symbol, ticker.last, now)
            known = self._quotes.get((client.name, symbol))
            if known is None or known.seen < now:
                raise DataError("impossible_amount", exchange=client.name, value=str(ticker.last)[:60])
            return known.price
        raise UnknownSymbol(exchange=client.name, symbol=symbol)

    async def several(
        self, client: ExchangeClient, symbols: Collection[Symbol], max_age: float = MAX_AGE
    ) -> dict[Symbol, Decimal]:
        """Prices at most `max_age` seconds old; those that are missing are asked for in one batch. Raises ExchangeError."""
        self.watch(client.name, symbols)
        now = self._clock.monotonic()
        quotes = {symbol: self._quotes.get((client.name, symbol)) for symbol in symbols}
        stale = sorted(symbol for symbol, known in quotes.items() if known is None or now - known.seen > max_age)
        for ticker in await client.tickers(stale) if stale else ():
            self._believe(client.name, ticker.symbol, ticker.last, now)
        found = {symbol: self.last(client.name, symbol) for symbol in symbols}
        return {symbol: price for symbol, price in found.items() if price}

    def last(self, exchange: str, symbol: Symbol, max_age: float = math.inf) -> Decimal | None:
        """The last price seen, at most `max_age` seconds old; None when none was."""
        known = self._quotes.get((exchange, symbol))
        return known.price if known and self._clock.monotonic() - known.seen <= max_age else None

    def note(self, exchange: str, symbol: Symbol, price: Decimal) -> None:
        """Believe a price that somebody just heard."""
        self._believe(exchange, symbol, price, self._clock.monotonic())

    def watch(self, exchange: str, symbols: Iterable[Symbol]) -> None:
        """Keep these symbols fresh for the next hour."""
        until = self._clock.monotonic() + WATCHED_FOR
        for symbol in symbols:
            self._wanted[exchange, symbol] = until

    def follows(self, client: ExchangeClient) -> bool:
        """Whether what is watched comes live from the very place that this client speaks to."""
        return client is self._gateway.client(client.name) and self._live.is_told(client.name)

    async def run(self) -> None:
        """Refresh the watched symbols of each exchange in one batch call every round; none waits for another's answer."""
        asking: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._live.tell())
            while True:
                now = self._clock.monotonic()
                self._wanted = {key: until for key, until in self._wanted.items() if until > now}
                self._unlisted = {key: until for key, until in self._unlisted.items() if until > now}
                watched = {key[0] for key in self._wanted}
                self._live.keep(watched, tasks)
                for exchange in watched:
                    if exchange not in asking or asking[exchange].done():
                        asking[exchange] = tasks.create_task(self._refresh(exchange))
                await self._clock.sleep(ROUND)

    async def _refresh(self, exchange: str) -> None:
        symbols, asked = self._untold(exchange), self._clock.monotonic()
        try:
            tickers = await self._tickers(exchange, symbols)
        except (ExchangeError, DataError) as error:
            if exchange not in self._failing:
                logger.warning("Prices of {} cannot be read: {}", exchange, error)
            self._failing.add(exchange)
            return
        if exchange in self._failing and symbols:
            self._failing.discard(exchange)
            logger.info("Prices of {} are read again", exchange)
        for ticker in tickers:
            self._believe(exchange, ticker.symbol, ticker.last, asked)
        self._tell(exchange)

    def _watched(self, exchange: str) -> list[Symbol]:
        return [symbol for place, symbol in self._wanted if place == exchange and (place, symbol) not in self._unlisted]

    def _untold(self, exchange: str) -> list[Symbol]:
        """What is watched and was not told by the exchange itself a moment ago."""
        watched = self._watched(exchange)
        if not self._live.is_told(exchange):
            return watched
        return [symbol for symbol in watched if self.last(exchange, symbol, TOLD_LATELY) is None]

    def _tell(self, exchange: str) -> None:
        """All prices that are young enough to be shown: of several events a screen may take the last alone."""
        known = {symbol: self.last(exchange, symbol, MAX_AGE) for symbol in self._watched(exchange)}
        prices = {symbol: price for symbol, price in known.items() if price is not None}
        self._bus.publish(PricesUpdated(at=self._clock.now(), exchange=exchange, prices=prices))

    async def _tickers(self, exchange: str, symbols: Sequence[Symbol]) -> list[Ticker]:
        """One batch; where the exchange refuses it for a symbol that it lists no more, the others all the same."""
        if not symbols:
            return []
        try:
            return await self._gateway.client(exchange).tickers(symbols)
        except UnknownSymbol:
            half = len(symbols) // 2
            if not half:
                self._unlisted[exchange, symbols[0]] = self._clock.monotonic() + WATCHED_FOR
                logger.warning("{} has no price for {} any more: it is not asked for within the hour", exchange, symbols[0])
                return []
            return [*await self._tickers(exchange, symbols[:half]), *await self._tickers(exchange, symbols[half:])]

    def _heard(self, exchange: str, ticker: Ticker, age: float) -> None:
        self._believe(exchange, ticker.symbol, ticker.last, self._clock.monotonic() - age)

    def _on_candle(self, event: CandleUpdated) -> None:
        """A candle's close is the price at its end, or at this moment while it forms: one that is made up for is history."""
        candle = event.candle
        age = max((event.at - candle.close_time).total_seconds(), 0.0) if candle.closed else 0.0
        self._believe(event.exchange, candle.symbol, candle.close, self._clock.monotonic() - age)

    def _believe(self, exchange: str, symbol: Symbol, price: Decimal, at: float) -> None:
        """Keep a price that was one at this moment of our clock, unless a younger one is known; nothing costs nothing."""
        known = self._quotes.get((exchange, symbol))
        if price > ZERO and (known is None or known.seen <= at):
            self._quotes[exchange, symbol] = _Quote(price, at)
