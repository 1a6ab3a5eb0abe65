"""Windows of closed candles: from memory, then from the store, then from the exchange, whose answer fills the holes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.events import CandleClosed
from aristobot.exchange import ExchangeClient
from aristobot.market import Candle, Symbol, Timeframe
from aristobot.store import candles
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.exchange_gateway import ExchangeGateway

#: What the house looks at: the heartbeat follows these, and screens show them.
TIMEFRAMES = (Timeframe.M1, Timeframe.M3, Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4)
MOST_SERIES = 64
MOST_REMEMBERED = 5_000
#: Younger candles are not stored from here and no hole among them is final: the heartbeat stores them when it delivers
#: them, and an exchange may show them a moment late.
YOUNG = timedelta(minutes=10)


@dataclass(slots=True)
class _Series:
    """What we remember of one exchange, symbol and timeframe: candles, and open times at which the exchange has none."""

    candles: dict[datetime, Candle] = field(default_factory=dict)
    holes: set[datetime] = field(default_factory=set)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def missing(self, opens: Sequence[datetime]) -> list[datetime]:
        return [one for one in opens if one not in self.candles and one not in self.holes]

    def remember(self, found: Sequence[Candle]) -> None:
        self.candles.update((one.open_time, one) for one in found)

    def forget_oldest(self) -> None:
        for open_time in sorted(self.candles)[: max(0, len(self.candles) - MOST_REMEMBERED)]:
            del self.candles[open_time]
        self.holes = set(sorted(self.holes)[-MOST_REMEMBERED:])


class CandleHistory:
    """Closed candles only, oldest first."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, gateway: ExchangeGateway) -> None:
        self._db, self._clock, self._gateway = db, clock, gateway
        self._series: OrderedDict[tuple[str, Symbol, Timeframe], _Series] = OrderedDict()
        bus.listen(CandleClosed, do=self._note)

    def offered(self, exchange: str) -> tuple[Timeframe, ...]:
        """Those of our timeframes that an exchange has candles of. Raise InvalidInput for an unknown exchange."""
        theirs = self._gateway.factory(exchange).capabilities.timeframes
        return tuple(one for one in TIMEFRAMES if one in theirs)

    async def window(
        self, exchange: str, symbol: Symbol, timeframe: Timeframe, limit: int, before: datetime | None = None
    ) -> list[Candle]:
        """The `limit` closed candles that precede the one in which `before` (default: now) lies.

        Fewer only where the exchange itself has none: before a listing, or for an interval in which it stood still.
        Raises ExchangeError when a hole cannot be filled now.
        """
        now = self._clock.now()
        end = timeframe.open_of(min(before or now, now))
        opens = [end - timeframe.duration * back for back in range(limit, 0, -1)]
        series = self._series_of(exchange, symbol, timeframe)
        async with series.busy:
            if series.missing(opens):
                stored = await self._db.read(SYSTEM, lambda s: candles.window(s, exchange, symbol, timeframe, limit, end))
                series.remember(stored)
            for first, last in _runs(series.missing(opens), timeframe.duration):
                await self._fetch(exchange, symbol, timeframe, series, (first, last))
            found = [series.candles[one] for one in opens if one in series.candles]
            series.forget_oldest()
        return found

    async def _fetch(
        self, exchange: str, symbol: Symbol, timeframe: Timeframe, series: _Series, span: tuple[datetime, datetime]
    ) -> None:
        now = self._clock.now()
        found = await closed_between(self._gateway.client(exchange), symbol, timeframe, *span)
        series.remember(found)
        old = [one for one in found if one.close_time <= now - YOUNG]
        if old:
            await self._db.write(SYSTEM, lambda s: candles.add_many(s, exchange, old, now, live=False))
        series.holes.update(
            one for one in series.missing(list(_opens(span, timeframe))) if one + timeframe.duration <= now - YOUNG
        )

    def _series_of(self, exchange: str, symbol: Symbol, timeframe: Timeframe) -> _Series:
        key = (exchange, symbol, timeframe)
        series = self._series.setdefault(key, _Series())
        self._series.move_to_end(key)
        if len(self._series) > MOST_SERIES:
            self._series.popitem(last=False)
        return series

    def _note(self, event: CandleClosed) -> None:
        series = self._series.get((event.exchange, event.candle.symbol, event.candle.timeframe))
        if series is not None:
            series.remember([event.candle])


async def closed_between(
    client: ExchangeClient, symbol: Symbol, timeframe: Timeframe, first: datetime, last: datetime
) -> list[Candle]:
    """The closed candles whose open times lie from `first` to `last`, straight from the exchange, oldest first.

    Asks in as many pages as the exchange needs. Raises ExchangeError, and DataError for a candle that cannot be.
    """
    found: dict[datetime, Candle] = {}
    before = last + timeframe.duration
    while before > first:
        wanted = min(client.capabilities.max_candles, (before - first) // timeframe.duration)
        page = await client.candles(symbol, timeframe, limit=wanted, before=before)
        useful = [one for one in page if first <= one.open_time < before]
        for one in useful:
            one.check()
        found.update((one.open_time, one) for one in useful if one.closed)
        before = min((one.open_time for one in useful), default=first)
    return [found[open_time] for open_time in sorted(found)]


def _opens(span: tuple[datetime, datetime], timeframe: Timeframe) -> Iterator[datetime]:
    first, last = span
    return (first + timeframe.duration * step for step in range((last - first) // timeframe.duration + 1))


def _runs(opens: Sequence[datetime], step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """First and last of each unbroken run."""
    begin = 0
    for at in range(1, len(opens) + 1):
        if at == len(opens) or opens[at] - opens[at - 1] != step:
            yield opens[begin], opens[at - 1]
            begin = at
