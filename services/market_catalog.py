"""What can be traded where: instruments from memory, store and exchange, and TradingView's spellings of their symbols."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError, DataError, ExchangeError, ExchangeOffline, UnknownSymbol
from aristobot.events import CatalogDoubted, CatalogProgressed
from aristobot.market import Instrument, Symbol
from aristobot.payloads import clean, excerpt
from aristobot.store import instruments
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.exchange_gateway import ExchangeGateway
from services.live_rules import LiveRules

#: Seconds between two refreshes of their own accord, and between two that unknown symbols ask for.
REFRESH_EVERY = 4 * 3600.0
UNKNOWN_PAUSE = 60.0
RETRY_AFTER = 60.0
#: Instruments written in one transaction.
PART = 250
#: Pairs that are named in one line of the log.
MOST_NAMED = 10
_SEPARATORS = str.maketrans({"-": "/", "_": "/"})
#: Names that older alerts still use for what the exchanges list under another.
_OLD_NAMES = {"XBT": "BTC", "XDG": "DOGE"}
_NEW_NAMES = {new: old for old, new in _OLD_NAMES.items()}


@dataclass(frozen=True, slots=True)
class CatalogNews:
    """How a refresh went: how many instruments the exchange lists, and how many are new, changed and gone."""

    exchange: str
    total: int
    added: int
    changed: int
    removed: int
    at: datetime


@dataclass(frozen=True, slots=True)
class CatalogState:
    """What is known of an exchange's instruments: how many, since when, and what is going on with them."""

    total: int
    at: datetime | None
    progress: CatalogProgressed | None


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """The instruments of one exchange by symbol, and their symbols by every joined spelling (`BTCUSDT`, `XBTUSDT`)."""

    instruments: dict[Symbol, Instrument] = field(default_factory=dict)
    spellings: dict[str, tuple[Symbol, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, listed: Iterable[Instrument]) -> _Catalogue:
        by_symbol = {one.symbol: one for one in listed}
        genuine: dict[str, tuple[Symbol, ...]] = {}
        old: dict[str, tuple[Symbol, ...]] = {}
        for one in by_symbol.values():
            joined = (one.base + one.quote).upper()
            genuine[joined] = (*genuine.get(joined, ()), one.symbol)
            if one.base in _NEW_NAMES or one.quote in _NEW_NAMES:
                joined = (_NEW_NAMES.get(one.base, one.base) + _NEW_NAMES.get(one.quote, one.quote)).upper()
                old[joined] = (*old.get(joined, ()), one.symbol)
        return cls(by_symbol, old | genuine)

    def find(self, text: str) -> Symbol | None:
        """Our symbol for a cleaned spelling; None when nobody has it. Raises DataError when it could be several."""
        if "/" in text:
            base, _, quote = text.partition("/")
            renamed = f"{_OLD_NAMES.get(base, base)}/{_OLD_NAMES.get(quote, quote)}"
            return next((one for one in (text, renamed) if one in self.instruments), None)
        found = self.spellings.get(text, ())
        if len(found) > 1:
            raise DataError("reason.ambiguous_symbol", field="symbol", value=text, symbols=list(found))
        return found[0] if found else None


class MarketCatalog:
    """Instruments of every exchange. What the memory lacks comes from the store, then from the exchange."""

    name = "market_catalog"

    def __init__(self, db: Database, bus: Bus, clock: Clock, gateway: ExchangeGateway) -> None:
        self._db, self._bus, self._clock, self._gateway = db, bus, clock, gateway
        self._catalogues: dict[str, _Catalogue] = {}
        self._refreshing: dict[str, asyncio.Task[CatalogNews]] = {}
        self._asked_at: dict[str, float] = {}
        self._news: dict[str, CatalogNews] = {}
        self._progress: dict[str, CatalogProgressed] = {}
        self._second_looks: set[asyncio.Task[None]] = set()
        self._rules = LiveRules(clock, gateway, self._take)
        bus.listen(CatalogDoubted, do=self._on_doubt)

    async def run(self) -> None:
        """Refresh every exchange now and every few hours; what cannot be reached is asked again sooner.

        Between two refreshes, what an exchange says by itself of its pairs is believed at once.
        """
        failing: set[str] = set()
        for exchange in self._gateway.exchanges():
            await self.load(exchange)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._rules.run())
            while True:
                for exchange in self._gateway.exchanges():
                    await self._try_refresh(exchange, failing)
                await self._clock.sleep(RETRY_AFTER if failing else REFRESH_EVERY)

    def state(self, exchange: str) -> CatalogState:
        """What is known of an exchange's instruments, from memory."""
        known, news = self._catalogues.get(exchange), self._news.get(exchange)
        return CatalogState(len(known.instruments) if known else 0, news.at if news else None, self._progress.get(exchange))

    def quotes(self, exchange: str, most: int = 12) -> list[str]:
        """What pairs are traded against there, the commonest first, from memory."""
        known = self._catalogues.get(exchange)
        counted = Counter(one.quote for one in known.instruments.values()) if known else Counter()
        return [quote for quote, _ in counted.most_common(most)]

    async def refresh(self, exchange: str) -> CatalogNews:
        """Ask the exchange for its instruments and keep them. Callers at once share one request; all hear its progress.

        Raises ExchangeError, and InvalidInput for an exchange that nobody speaks.
        """
        task = self._refreshing.get(exchange)
        if task is None:
            task = asyncio.create_task(self._refresh(exchange))
            self._refreshing[exchange] = task
            task.add_done_callback(lambda _: self._refreshing.pop(exchange, None))
        return await asyncio.shield(task)

    async def instrument(self, exchange: str, symbol: Symbol) -> Instrument:
        """The instrument. Raises UnknownSymbol when neither we nor, asked again, the exchange know it; ExchangeError."""
        self._rules.want(exchange)
        catalogue = await self._catalogue(exchange)
        found = catalogue.instruments.get(symbol)
        if found is None and await self._refresh_for_unknown(exchange):
            found = self._catalogues[exchange].instruments.get(symbol)
        if found is None:
            raise UnknownSymbol(exchange=exchange, symbol=symbol)
        return found

    async def resolve(self, exchange: str, text: str) -> Symbol:
        """Our symbol for TradingView's spelling: `BTCUSDT`, `btc/usdt`, `BINANCE:BTCUSDT`, `XBTUSD`.

        Joined names are split by the catalogue alone. Raises DataError (a perpetual, ambiguous), UnknownSymbol, ExchangeError.
        """
        wanted = _cleaned(text)
        found = (await self._catalogue(exchange)).find(wanted)
        if found is None and await self._refresh_for_unknown(exchange):
            found = self._catalogues[exchange].find(wanted)
        if found is None:
            raise UnknownSymbol(exchange=exchange, symbol=excerpt(text))
        return found

    def listed(self, exchange: str, symbol: Symbol) -> Instrument | None:
        """As `instrument`, from memory alone and at once: None when it cannot tell."""
        return self._catalogues[exchange].instruments.get(symbol) if exchange in self._catalogues else None

    def known(self, exchange: str, text: str) -> Symbol | None:
        """As `resolve`, from memory alone and at once: None when it cannot tell."""
        try:
            return self._catalogues[exchange].find(_cleaned(text)) if exchange in self._catalogues else None
        except DataError:
            return None

    async def _catalogue(self, exchange: str) -> _Catalogue:
        await self.load(exchange)
        if exchange not in self._catalogues:
            await self.refresh(exchange)
        return self._catalogues[exchange]

    async def load(self, exchange: str) -> None:
        """What the store remembers, so that a start without the exchange knows its symbols."""
        if exchange not in self._catalogues:
            stored = await self._db.read(SYSTEM, lambda s: instruments.all_of(s, exchange))
            if stored:
                self._catalogues.setdefault(exchange, _Catalogue.of(stored))

    async def _refresh(self, exchange: str) -> CatalogNews:
        client = self._gateway.client(exchange)
        self._tell(exchange, "asking")
        self._asked_at[exchange] = self._clock.monotonic()
        try:
            listed = await client.instruments()
            if not listed:  # never true, and believing it would forget every symbol
                raise ExchangeOffline(exchange=exchange, detail="empty catalogue")
            news = await self._keep(exchange, listed)
        except AristobotError as error:
            self._tell(exchange, "failed", failure=error.code)
            raise
        logger.info(
            "{} lists {} instruments: {} new, {} changed, {} gone", exchange, news.total, news.added, news.changed, news.removed
        )
        return news

    async def _keep(self, exchange: str, listed: Sequence[Instrument]) -> CatalogNews:
        """Write what differs, some at a time: an alert that arrives meanwhile must not wait for a thousand rows."""
        now = self._clock.now()
        found = await self._db.read(SYSTEM, lambda s: instruments.difference(s, exchange, listed))
        news = CatalogNews(exchange, len(listed), len(found.added), len(found.changed), len(found.removed), now)
        written = max(len(listed) - found.size, 0)
        for part in found.parts(PART):
            self._tell(exchange, "storing", news, written)
            await self._db.write(SYSTEM, partial(instruments.apply, exchange=exchange, wanted=part, now=now))
            written += part.size
        self._catalogues[exchange], self._news[exchange] = _Catalogue.of(listed), news
        self._tell(exchange, "done", news, len(listed))
        return news

    async def _take(self, exchange: str, told: Sequence[Instrument]) -> None:
        """Believe what an exchange says by itself of pairs we know; after a list that is being read, which is older."""
        reading = self._refreshing.get(exchange)
        if reading is not None:
            await asyncio.wait({reading})
        known = self._catalogues[exchange].instruments if exchange in self._catalogues else {}
        news = [one for one in told if one != known.get(one.symbol, one)]
        moved = [f"{one.symbol} {one.state}" for one in news if one.state is not known[one.symbol].state]
        known.update((one.symbol, one) for one in news)
        if not news:
            return
        logger.info("{} says that {} pairs changed; {} opened or closed: {}", exchange, len(news), len(moved), moved[:MOST_NAMED])
        for part in instruments.Difference(changed=tuple(news)).parts(PART):
            await self._db.write(SYSTEM, partial(instruments.apply, exchange=exchange, wanted=part, now=self._clock.now()))

    def _tell(self, exchange: str, stage: str, news: CatalogNews | None = None, written: int = 0, failure: str = "") -> None:
        event = CatalogProgressed(
            at=self._clock.now(),
            exchange=exchange,
            stage=stage,
            written=written,
            total=news.total if news else 0,
            added=news.added if news else 0,
            changed=news.changed if news else 0,
            removed=news.removed if news else 0,
            failure=failure,
        )
        self._progress[exchange] = event
        self._bus.publish(event)

    def _asked_lately(self, exchange: str) -> bool:
        last = self._asked_at.get(exchange)
        return last is not None and self._clock.monotonic() - last < UNKNOWN_PAUSE

    async def _refresh_for_unknown(self, exchange: str) -> bool:
        """Whether the catalogue was asked for anew: a listing of today may be younger than what we keep."""
        if self._asked_lately(exchange):
            return False
        await self.refresh(exchange)
        return True

    def _on_doubt(self, event: CatalogDoubted) -> None:
        """An exchange refused a symbol or a step that stands in its catalogue: look again, beside whoever met it."""
        if not self._asked_lately(event.exchange):
            task = asyncio.create_task(self._try_refresh(event.exchange, set()))
            self._second_looks.add(task)
            task.add_done_callback(self._second_looks.discard)

    async def _try_refresh(self, exchange: str, failing: set[str]) -> None:
        try:
            await self.refresh(exchange)
        except (ExchangeError, DataError) as error:
            if exchange not in failing:
                logger.warning("The instruments of {} cannot be refreshed: {}", exchange, error)
            failing.add(exchange)
        else:
            failing.discard(exchange)


@lru_cache(maxsize=1024)
def _cleaned(text: str) -> str:
    """Upper case, without blanks and without the name of an exchange before it; DataError for a perpetual."""
    wanted = clean(text).replace(" ", "").upper()
    exchange, colon, rest = wanted.partition(":")
    wanted = rest if colon and "/" not in exchange else wanted
    if wanted.endswith(".P"):
        raise DataError("reason.perpetual", field="symbol", value=excerpt(text))
    return wanted.translate(_SEPARATORS)
