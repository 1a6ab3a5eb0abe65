"""Kraken's counters: each call adds to one, time takes away from it. Figures: Kraken API, "Rate limits".

Calls count per key, orders per key and pair, public questions per address.
"""

from __future__ import annotations

from dataclasses import dataclass

from aristobot.clock import Clock
from aristobot.errors import RateLimited
from aristobot.market import Symbol
from services.exchanges.kraken_errors import CALLS_SPENT, LOCKED_OUT, NAME, ORDERS_SPENT


@dataclass(frozen=True, slots=True)
class Tier:
    """What an account may do: highest counts, and what goes off them per second."""

    calls: float
    calls_decay: float
    orders: float
    orders_decay: float


STARTER = Tier(15, 0.33, 60, 1.0)
INTERMEDIATE = Tier(20, 0.5, 125, 2.34)
PRO = Tier(20, 1.0, 180, 3.75)
PUBLIC_BURST, PUBLIC_DECAY = 15.0, 1.0

#: Age in seconds below which changing an order costs so many points.
_AMEND_COSTS = ((5, 4), (10, 3), (15, 2))
_CANCEL_COSTS = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
_REMEMBERED = 1000
#: What is left of a second by computing with floats.
_NOTHING = 1e-6


def tier_of(highest_orders: int) -> Tier:
    """The tier whose order counter goes so high, as the executions channel says it."""
    return next((tier for tier in (PRO, INTERMEDIATE) if highest_orders >= tier.orders), STARTER)


class Counter:
    """One count."""

    def __init__(self, clock: Clock, most: float, decay: float) -> None:
        self._clock = clock
        self.most = most
        self.decay = decay
        self._count = 0.0
        self._at = clock.monotonic()
        self._closed_until = float("-inf")

    @property
    def count(self) -> float:
        """What it stands at now."""
        now = self._clock.monotonic()
        self._count = max(0.0, self._count - (now - self._at) * self.decay)
        self._at = now
        return self._count

    def take(self, points: float, code: str = CALLS_SPENT) -> None:
        """Add to it; raise RateLimited, and add nothing, where the exchange would refuse."""
        self.require(points, code)
        self._count += points

    def require(self, points: float, code: str = CALLS_SPENT) -> None:
        """Raise RateLimited where the exchange would refuse so many points, and add nothing."""
        wait = max((self.count + points - self.most) / self.decay, self._closed_until - self._at)
        if wait > _NOTHING:
            raise RateLimited(code, retry_after=wait, exchange=NAME)

    def add(self, points: float) -> None:
        """Add to it what is never refused."""
        self._count = self.count + points

    def fill(self) -> None:
        """The exchange says that it is full."""
        self._count = max(self.count, self.most)

    def close(self, seconds: float) -> None:
        """The exchange wants to hear nothing for so long."""
        self._closed_until = self._clock.monotonic() + seconds


class KeyLimits:
    """The counters of one key."""

    def __init__(self, clock: Clock, tier: Tier = STARTER) -> None:
        self._clock = clock
        self._tier = tier
        self._orders: dict[Symbol, Counter] = {}
        self._placed: dict[str, float] = {}
        self.calls = Counter(clock, tier.calls, tier.calls_decay)

    def become(self, tier: Tier) -> None:
        """The exchange said which tier the account is in."""
        self._tier = tier
        self.calls.most, self.calls.decay = tier.calls, tier.calls_decay
        for counter in self._orders.values():
            counter.most, counter.decay = tier.orders, tier.orders_decay

    def placing(self, symbol: Symbol, client_order_id: str) -> None:
        """Count a new order; raise RateLimited where the exchange would certainly refuse it."""
        self._of(symbol).take(1, ORDERS_SPENT)
        self._placed[client_order_id] = self._clock.monotonic()
        if len(self._placed) > _REMEMBERED:
            del self._placed[next(iter(self._placed))]

    def amending(self, symbol: Symbol, client_order_id: str) -> None:
        """Count a change in place: the younger the order, the dearer. It is sent whatever the count."""
        self._of(symbol).add(self._cost(_AMEND_COSTS, client_order_id) or 1)

    def cancelling(self, symbol: Symbol, client_order_id: str) -> None:
        """Count a cancel, which costs nothing once the order is five minutes old. It is sent whatever the count."""
        self._of(symbol).add(self._cost(_CANCEL_COSTS, client_order_id))

    def heard(self, error: RateLimited, symbol: Symbol = "") -> None:
        """The exchange counts higher than we do: believe it. Our own refusals say nothing new."""
        if "native_code" not in error.facts:
            return
        if error.code == LOCKED_OUT:
            self.calls.close(error.retry_after)
        elif error.code == ORDERS_SPENT and symbol:
            self._of(symbol).fill()
        elif error.code == CALLS_SPENT:
            self.calls.fill()

    def _of(self, symbol: Symbol) -> Counter:
        if symbol not in self._orders:
            self._orders[symbol] = Counter(self._clock, self._tier.orders, self._tier.orders_decay)
        return self._orders[symbol]

    def _cost(self, costs: tuple[tuple[int, int], ...], client_order_id: str) -> int:
        age = self._clock.monotonic() - self._placed.get(client_order_id, float("-inf"))
        return next((points for below, points in costs if age < below), 0)
