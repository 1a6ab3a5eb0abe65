"""Every fact that travels on the bus: frozen, in the past tense, values or ids, never database rows.

`user_id` is None for facts that concern everybody. `key` names what a newer event of the same class replaces.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from aristobot.market import Candle, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all facts: when it happened, for whom, and the trace of what caused it."""

    at: datetime
    trace_id: str = ""
    user_id: uuid.UUID | None = None

    @property
    def key(self) -> object:
        """What a newer event of this class replaces, for readers that keep only the latest."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleUpdated(Event):
    """A candle moved (forming) on an exchange."""

    exchange: str
    candle: Candle
    received_at: datetime

    @property
    def key(self) -> object:
        """One per exchange, symbol and timeframe."""
        return (self.exchange, self.candle.symbol, self.candle.timeframe)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleClosed(CandleUpdated):
    """A candle closed and is stored: once each, in order, none missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleStoreChanged(Event):
    """A series of the candle store grows, or no more: `state` is running, done, stopped or failed (then with `reason`)."""

    exchange: str
    symbol: Symbol
    timeframe: str
    state: str
    done: int = 0
    total: int = 0
    seconds_left: float = 0.0
    reason: str = ""

    @property
    def key(self) -> object:
        """One per series."""
        return (self.exchange, self.symbol, self.timeframe)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatChanged(Event):
    """The candle stream that wakes the strategies began to speak, or stopped; `reason` is the code of why."""

    exchange: str
    connected: bool
    reason: str

    @property
    def key(self) -> object:
        """One per exchange."""
        return self.exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived(Event):
    """An alert is stored durably and waits for the engine; `payload` spares the engine a look into the store.

    `recovered`: it may have been begun before, so that it is taken up as after a crash.
    """

    webhook_id: uuid.UUID
    broker_id: uuid.UUID
    payload: bytes = b""
    recovered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookUpdated(Event):
    """The row of an alert changed its status or outcome."""

    webhook_id: uuid.UUID
    broker_id: uuid.UUID
    status: str
    outcome: str | None

    @property
    def key(self) -> object:
        """One per row."""
        return self.webhook_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdated(Event):
    """An order's row changed."""

    order_id: uuid.UUID
    broker_id: uuid.UUID
    symbol: Symbol
    status: str

    @property
    def key(self) -> object:
        """One per order."""
        return self.order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionUpdated(Event):
    """A position or its protection changed (opened, grew, shrank, closed, stop moved)."""

    position_id: uuid.UUID
    broker_id: uuid.UUID
    symbol: Symbol

    @property
    def key(self) -> object:
        """One per position."""
        return self.position_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesChanged(Event):
    """The exchange told of new balances of a broker."""

    broker_id: uuid.UUID

    @property
    def key(self) -> object:
        """One per broker."""
        return self.broker_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersCompared(Event):
    """The order monitor ended a round over a broker."""

    broker_id: uuid.UUID

    @property
    def key(self) -> object:
        """One per broker."""
        return self.broker_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangersChanged(Event):
    """Orders that are not ours came to a broker, or changed."""

    broker_id: uuid.UUID

    @property
    def key(self) -> object:
        """One per broker."""
        return self.broker_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartReported(Event):
    """The report of a start was written, or put away."""

    @property
    def key(self) -> object:
        """One per user."""
        return self.user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesUpdated(Event):
    """Last prices of an exchange, by symbol."""

    exchange: str
    prices: dict[Symbol, Decimal] = field(default_factory=dict)

    @property
    def key(self) -> object:
        """One per exchange."""
        return self.exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerUpdated(Event):
    """A broker was added, changed or deleted."""

    broker_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStateChanged(Event):
    """A supervised service started, fell or recovered."""

    service: str
    state: str
    detail: str = ""

    @property
    def key(self) -> object:
        """One per service."""
        return self.service


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeHealthChanged(Event):
    """An exchange became reachable or unreachable, or its clock offset was measured anew."""

    exchange: str
    reachable: bool
    clock_offset_ms: int = 0
    detail: str = ""

    @property
    def key(self) -> object:
        """One per exchange."""
        return self.exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeMeasured(Event):
    """The gateway has looked at an exchange: its figures may be read anew."""

    exchange: str

    @property
    def key(self) -> object:
        """One per exchange."""
        return self.exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogProgressed(Event):
    """The instruments of an exchange are being read: `stage` is asking, storing, done or failed; counts are instruments.

    `total`, `added`, `changed` and `removed` are known from `storing` on; `failure` is an error's code.
    """

    exchange: str
    stage: str
    written: int = 0
    total: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    failure: str = ""

    @property
    def key(self) -> object:
        """One per exchange."""
        return self.exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogDoubted(Event):
    """A catalogue allowed what its exchange refused (a symbol, a step, a minimum), or stands in the way of what it might take."""

    exchange: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangesListed(Event):
    """The names of the exchanges in the world, and of what their keys are made of, are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingHalted(Event):
    """The kill switch was set or released; `level` is halt, reduce, flatten, or empty when released.

    `by` is who did it and `reason` why, as far as this process knows.
    """

    scope: str
    scope_id: uuid.UUID | None
    level: str
    halt_id: uuid.UUID | None = None
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopMissing(Event):
    """A position has been without its stop for too long; the entries of its broker were stopped."""

    position_id: uuid.UUID
    broker_id: uuid.UUID
    symbol: Symbol
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFailed(Event):
    """No copy of the memory could be taken; said once until one is taken again."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationAdded(Event):
    """A line was written behind the bell; `outlets` are the ways inside the house that it takes."""

    notification_id: uuid.UUID
    unread: int
    outlets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsRead(Event):
    """The user has read some of the lines; so many are left unread."""

    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationChannelChanged(Event):
    """A way out of the house was set up, changed, removed, or is heard of again."""

    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceWatchChanged(Event):
    """What a broker's alerts are expected to do was changed."""

    broker_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyChanged(Event):
    """A strategy is new, was saved, renamed or archived, or the trial of one of its versions is over."""

    strategy_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(Event):
    """A user's account or sessions changed: pages and sockets of ended sessions must go. `fields` are the profile's."""

    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdChanged(Event):
    """Somebody came, may do more or less than before, or has another password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensChanged(Event):
    """A user's API tokens: one more, or one that counts no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened(Event):
    """Somebody logged in. `device` is how their browser names itself; `known` whether it logged in before."""

    session_id: uuid.UUID
    address: str
    device: str
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A login session ended (logout, revoked, expired, user disabled): close every page of it."""

    session_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLinesWritten(Event):
    """New lines stand in the log: who shows it may read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyChanged(Event):
    """Start-up reconciliation made progress; empty `waiting_for` means ready."""

    waiting_for: tuple[str, ...]
