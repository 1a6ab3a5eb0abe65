"""What the rounds of the order monitor came to, per broker: the last one, and sums since the start."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError, BadKey, MissingRight
from aristobot.events import OrdersCompared
from aristobot.key_events import KeyDoubted
from services.broker_book import Account
from services.exchange_gateway import ExchangeGateway
from services.key_state import KeyState


@dataclass(frozen=True, slots=True)
class Difference:
    """What a comparison found: our order, what we believed, what the exchange says."""

    broker_id: uuid.UUID
    order_id: uuid.UUID
    symbol: str
    ours: str
    theirs: str


@dataclass(slots=True)
class Tally:
    """What one comparison counts while it runs."""

    looked_at: int = 0
    changed: int = 0
    imported: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """One comparison of a broker. `weight` is what the exchange's shared budget lost meanwhile, whoever asked."""

    at: datetime
    looked_at: int
    changed: int
    imported: int
    failure: str
    ms: float
    weight: int


@dataclass(frozen=True, slots=True)
class BrokerRounds:
    """The rounds of one broker since the start."""

    last: Round
    rounds: int = 0
    changed: int = 0
    imported: int = 0
    failures: int = 0


class MonitorRounds:
    """Counts, and tells the screen by OrdersCompared."""

    def __init__(self, bus: Bus, clock: Clock, gateway: ExchangeGateway) -> None:
        self._bus = bus
        self._clock = clock
        self._gateway = gateway
        self._known: dict[uuid.UUID, BrokerRounds] = {}
        self._refused: dict[uuid.UUID, bool] = {}

    def of(self, broker_id: uuid.UUID) -> BrokerRounds | None:
        """The rounds of a broker; None before the first."""
        return self._known.get(broker_id)

    @contextmanager
    def counted(self, account: Account) -> Iterator[Tally]:
        """Measure what is done inside as one round; an error ends it as a failure and goes on."""
        tally, begun, at = Tally(), self._clock.monotonic(), self._clock.now()
        used = self._weight(account)
        try:
            yield tally
        except AristobotError as error:
            tally.failure = error.code
            raise
        finally:
            took = (self._clock.monotonic() - begun) * 1000
            weight = max(self._weight(account) - used, 0)
            done = Round(at, tally.looked_at, tally.changed, tally.imported, tally.failure, round(took, 1), weight)
            self._remember(account, done)

    def asked(self, account: Account, error: AristobotError | None = None) -> None:
        """Have the key looked at when it is not taken any more, or taken again; other errors say nothing of it."""
        refused = isinstance(error, BadKey | MissingRight)
        if error is not None and not refused:
            return
        now = self._clock.now()
        if refused != self._refused.get(account.id, KeyState.of(account.broker).trouble(now) is not None):
            self._bus.publish(KeyDoubted(at=now, user_id=account.user_id, broker_id=account.id))
        self._refused[account.id] = refused

    def _weight(self, account: Account) -> int:
        return self._gateway.client_for(account.broker).stats().weight_used

    def _remember(self, account: Account, done: Round) -> None:
        before = self._known.get(account.id, BrokerRounds(done))
        self._known[account.id] = replace(
            before,
            last=done,
            rounds=before.rounds + 1,
            changed=before.changed + done.changed,
            imported=before.imported + done.imported,
            failures=before.failures + bool(done.failure),
        )
        self._bus.publish(OrdersCompared(at=done.at, user_id=account.user_id, broker_id=account.id))
