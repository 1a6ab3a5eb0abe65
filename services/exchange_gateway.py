"""The way to every exchange: shared clients, keys opened for one call, clocks, and who can be reached."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import ClockSkewed, ConfigurationError, DataError, ExchangeError, InvalidInput, RateLimited, UnknownSymbol
from aristobot.events import CatalogDoubted, ExchangeHealthChanged, ExchangeMeasured
from aristobot.exchange import (
    ClientFactory,
    ClientStats,
    Credentials,
    Endpoints,
    NativeClient,
    SupportsAccountStream,
    SupportsAmend,
    SupportsFills,
    SupportsOrderLists,
)
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.vault import Vault
from services.exchanges import discover
from services.exchanges.admission import refuse_strangers

#: Seconds between two looks at an exchange, and between two measurements of its clock.
LOOK_EVERY = 15.0
MEASURE_EVERY = 3600.0
#: Seconds between two lines about an exchange in the log.
TELL_EVERY = 900.0
#: Above this, nobody can say whether a signed request lies within its window (milliseconds).
CERTAIN_WITHIN_MS = 2000

#: Refusals that a catalogue of today would have spared us.
_STALE_CATALOGUE = frozenset({"order_filter", "order_not_supported"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExchangeHealth:
    """How an exchange is doing. `reachable` is None before the first look; `since` is when it became what it is."""

    exchange: str
    reachable: bool | None = None
    since: datetime | None = None
    clock_offset_ms: int = 0
    clock_uncertainty_ms: int = 0
    detail: str = ""
    stats: ClientStats = field(default_factory=ClientStats)


@dataclass(slots=True)
class _Line:
    """One client and what we know of the exchange at its other end."""

    exchange: str
    client: NativeClient
    is_default: bool
    reachable: bool | None = None
    since: datetime | None = None
    detail: str = ""
    offset_ms: int = 0
    measured_at: float = float("-inf")


class ExchangeGateway:
    """One client per exchange and address, shared by all users; each call brings its own keys."""

    name = "exchange_gateway"

    def __init__(self, db: Database, bus: Bus, clock: Clock, vault: Vault, settings: Settings) -> None:
        self._bus = bus
        self._clock = clock
        self._vault = vault
        self._addresses: Mapping[str, Mapping[str, str]] = settings.exchange_urls
        self._factories: dict[str, ClientFactory] = discover()
        if settings.market_exchange not in self._factories:
            facts = {"field": "market_exchange", "value": settings.market_exchange, "expected": tuple(self._factories)}
            raise ConfigurationError("setting_choice", setting="ARISTOBOT_MARKET_EXCHANGE (--market-exchange)", **facts)
        refuse_strangers(self._addresses, self._factories)
        self._lines: dict[tuple[str, Endpoints], _Line] = {}
        self._shared: dict[str, _Line] = {}
        self._opened: dict[uuid.UUID, tuple[tuple[object, ...], Credentials]] = {}

    def exchanges(self) -> list[str]:
        """The names of every exchange that has a client, in alphabetical order."""
        return list(self._factories)

    def factory(self, exchange: str) -> ClientFactory:
        """What a client says of itself: title, capabilities, official addresses. Raise InvalidInput for an unknown exchange."""
        try:
            return self._factories[exchange]
        except KeyError:
            raise InvalidInput("unknown_exchange", field="exchange", value=exchange) from None

    def client(self, exchange: str) -> NativeClient:
        """The shared client of an exchange, at the installation's own addresses."""
        return self._line(exchange, None).client

    def client_for(self, broker: Broker) -> NativeClient:
        """The shared client of a broker's exchange, at the broker's own addresses when it has any."""
        return self._line(broker.exchange, broker.endpoints).client

    async def keys(self, broker: Broker) -> Credentials:
        """The broker's opened keys, for the length of one call. Raise SealBroken when they were sealed elsewhere."""
        return self.keys_now(broker)

    def keys_now(self, broker: Broker) -> Credentials:
        """As `keys`, where nothing can be waited for.

        Those used last stay open in memory: between an alert and its order, opening them would be a tenth of the time.
        """
        sealed = (broker.api_key_sealed, broker.api_secret_sealed, broker.passphrase_sealed)
        known = self._opened.get(broker.id)
        if known is None or known[0] != (broker.user_id, *sealed):
            names = ("api_key", "api_secret", "passphrase")
            opened = Credentials(*(_unsealed(self._vault, broker, name, one) for name, one in zip(names, sealed, strict=True)))
            known = self._opened[broker.id] = ((broker.user_id, *sealed), opened)
        return known[1]

    def order_lists(self, broker: Broker) -> SupportsOrderLists:
        """The broker's client as one that knows OCO and OTOCO; ask its capabilities first."""
        client = self.client_for(broker)
        return cast(SupportsOrderLists, _able(client, client.capabilities.native_oco))

    def account_stream(self, broker: Broker) -> SupportsAccountStream:
        """The broker's client as one with a private stream; ask its capabilities first."""
        client = self.client_for(broker)
        return cast(SupportsAccountStream, _able(client, client.capabilities.private_stream))

    def amending(self, broker: Broker) -> SupportsAmend:
        """The broker's client as one that edits orders; ask its capabilities first."""
        client = self.client_for(broker)
        return cast(SupportsAmend, _able(client, client.capabilities.edit_order))

    def fills(self, broker: Broker) -> SupportsFills:
        """The broker's client as one that lists executions since a moment."""
        return cast(SupportsFills, self.client_for(broker))

    def clock_certain(self, exchange: str) -> bool:
        """Whether the exchange's clock is known well enough to sign orders by it."""
        reading = self.client(exchange).clock_reading
        return reading is not None and reading.uncertainty_ms <= CERTAIN_WITHIN_MS

    def noticed(self, broker: Broker, error: ExchangeError) -> None:
        """Told of an error that somebody met: a refused timestamp has the clock measured at the next look, a refused symbol
        or step has the catalogue read again.
        """
        if isinstance(error, ClockSkewed):
            self._line(broker.exchange, broker.endpoints).measured_at = float("-inf")
        elif isinstance(error, UnknownSymbol) or error.code in _STALE_CATALOGUE:
            self._bus.publish(CatalogDoubted(at=self._clock.now(), exchange=broker.exchange))

    def health(self, exchange: str, own: Mapping[str, str] | None = None) -> ExchangeHealth:
        """How an exchange is doing at the installation's own addresses, or at the `own` ones of a broker."""
        line = self._line(exchange, own)
        reading = line.client.clock_reading
        return ExchangeHealth(
            exchange=exchange,
            reachable=line.reachable,
            since=line.since,
            clock_offset_ms=line.offset_ms,
            clock_uncertainty_ms=reading.uncertainty_ms if reading else 0,
            detail=line.detail,
            stats=line.client.stats(),
        )

    async def look(self) -> None:
        """Look at every exchange once, measuring the clocks that are due; whatever they answer, it does not raise."""
        for exchange in self._factories:
            self._line(exchange, None)
        await asyncio.gather(*(self._look_at(line) for line in list(self._lines.values())))

    async def run(self) -> None:
        """Look at every exchange, for ever; now and then say how each fares."""
        told_at = self._clock.monotonic()
        while True:
            await self.look()
            for exchange in self._factories:
                self._bus.publish(ExchangeMeasured(at=self._clock.now(), exchange=exchange))
            if self._clock.monotonic() - told_at >= TELL_EVERY:
                told_at = self._clock.monotonic()
                self.tell()
            await self._clock.sleep(LOOK_EVERY)

    def tell(self) -> None:
        """One line per exchange in the log: how it fares since the start."""
        for exchange in self._factories:
            health = self.health(exchange)
            one = health.stats
            left = f"{one.weight_left} of {one.weight_limit}" if one.weight_limit else "not counted"
            logger.info(
                "{}: {} requests, {:.2f} % answered, mean {:.0f} ms, p99 {:.0f} ms, weight left {}, {} reconnects, clock {:+} ms",
                *(exchange, one.requests, one.success_percent, one.mean_ms, one.p99_ms, left, one.reconnects),
                health.clock_offset_ms,
            )

    async def close(self) -> None:
        """Close every connection of every client."""
        lines = list(self._lines.values())
        self._lines.clear()
        self._shared.clear()
        await asyncio.gather(*(line.client.close() for line in lines))

    def _line(self, exchange: str, own: Mapping[str, str] | None) -> _Line:
        if not own and (known := self._shared.get(exchange)) is not None:
            return known
        factory = self.factory(exchange)
        official, ours = factory.endpoints, self._addresses.get(exchange, {})
        addresses = {"rest": official.rest, "stream": official.stream, "trading": official.trading, **ours}
        default = Endpoints(**addresses)
        endpoints = Endpoints(**{**addresses, **own}) if own else default
        key = (exchange, endpoints)
        if key not in self._lines:
            self._lines[key] = _Line(exchange, factory(self._clock, endpoints), is_default=endpoints == default)
        if self._lines[key].is_default:
            self._shared[exchange] = self._lines[key]
        return self._lines[key]

    async def _look_at(self, line: _Line) -> None:
        before = (line.reachable, line.offset_ms)
        try:
            await self._measure(line)
        except RateLimited as error:
            self._became(line, True, error.code)
        except (ExchangeError, DataError) as error:
            if line.reachable is not False:
                logger.warning("{} cannot be reached: {}", line.exchange, error)
            self._became(line, False, error.code)
        else:
            if line.reachable is False:
                logger.info("{} can be reached again", line.exchange)
            self._became(line, True, "")
        if line.is_default and (line.reachable, line.offset_ms) != before:
            self._bus.publish(
                ExchangeHealthChanged(
                    at=self._clock.now(),
                    exchange=line.exchange,
                    reachable=bool(line.reachable),
                    clock_offset_ms=line.offset_ms,
                    detail=line.detail,
                )
            )

    async def _measure(self, line: _Line) -> None:
        now = self._clock.monotonic()
        if line.client.clock_reading is not None and now - line.measured_at < MEASURE_EVERY:
            await line.client.server_time()
            return
        reading = await line.client.synchronise()
        line.measured_at, line.offset_ms = now, reading.offset_ms

    def _became(self, line: _Line, reachable: bool, detail: str) -> None:
        if line.reachable is not reachable:
            line.since = self._clock.now()
        line.reachable, line.detail = reachable, detail


def _unsealed(vault: Vault, broker: Broker, name: str, sealed: str) -> str:
    return vault.unseal(sealed, f"user:{broker.user_id}", f"broker:{broker.id}", name) if sealed else ""


def _able(client: T, able: bool) -> T:
    if not able:
        raise InvalidInput("call_not_supported", field="exchange")
    return client
