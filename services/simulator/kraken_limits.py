"""How much may be asked: a counter per key for the REST interface, one per account and pair for orders, both with decay.

The numbers are those of the intermediate tier ("API rate limits", "Trading rate limits" of the documentation).
"""

from __future__ import annotations

from dataclasses import dataclass

from services.simulator.kraken_errors import KrakenError
from services.simulator.records import Account, Order
from services.simulator.times import ExchangeClock

#: What it costs to change an order that is younger than so many seconds.
_CANCEL = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
_AMEND = ((5, 3), (10, 2), (15, 1))
_EDIT = ((5, 6), (10, 5), (15, 4), (45, 2), (90, 1))


@dataclass(slots=True)
class _Counter:
    value: float = 0.0
    at: int = 0

    def now(self, moment: int, decay: float) -> float:
        """The counter at a moment in milliseconds; it loses `decay` a second."""
        self.value = max(0.0, self.value - max(0, moment - self.at) / 1000 * decay)
        self.at = moment
        return self.value


class Limits:
    """The counters. The numbers may be changed while it runs."""

    def __init__(self, clock: ExchangeClock) -> None:
        self._clock = clock
        #: Whether anything counts at all; a test of something else may do without.
        self.counting = True
        self.calls, self.calls_decay = 20.0, 0.5
        self.orders, self.orders_decay = 125.0, 2.34
        self.public, self.public_decay = 60.0, 1.0
        self._calls: dict[str, _Counter] = {}
        self._orders: dict[tuple[str, str], _Counter] = {}
        self._public: dict[str, _Counter] = {}

    def spend_public(self, peer: str, cost: float = 1) -> None:
        """A public call of an address."""
        limit = self.public, self.public_decay
        self._spend(self._public.setdefault(peer, _Counter()), cost, limit, "EGeneral:Too many requests")

    def spend_call(self, key: str, cost: float) -> None:
        """A private call that is no order."""
        self._spend(self._calls.setdefault(key, _Counter()), cost, (self.calls, self.calls_decay), "EAPI:Rate limit exceeded")

    def _spend(self, counter: _Counter, cost: float, limit: tuple[float, float], words: str) -> None:
        most, decay = limit
        if not self.counting or not cost:
            return
        if counter.now(self._clock.ms(), decay) + cost > most:
            raise KrakenError(words)
        counter.value += cost

    def spend_order(self, account: Account, symbol: str, cost: float = 1) -> None:
        """Something is done with an order on a pair; cancelling is never refused, but it counts."""
        counter = self._orders.setdefault((account.key, symbol), _Counter())
        self._spend(counter, cost, (self.orders, self.orders_decay), "EOrder:Rate limit exceeded")

    def count_cancel(self, order: Order) -> None:
        """An order was cancelled: the younger it was, the more it counts. A cancellation itself is never refused."""
        if self.counting:
            counter = self._orders.setdefault((order.account.key, order.symbol), _Counter())
            counter.value = counter.now(self._clock.ms(), self.orders_decay) + self._by_age(order, _CANCEL)

    def spend_amend(self, order: Order) -> None:
        """An order is changed in place."""
        self.spend_order(order.account, order.symbol, 1 + self._by_age(order, _AMEND))

    def spend_edit(self, order: Order) -> None:
        """An order is replaced by another."""
        self.spend_order(order.account, order.symbol, 1 + self._by_age(order, _EDIT))

    def _by_age(self, order: Order, steps: tuple[tuple[int, int], ...]) -> int:
        age = (self._clock.ms() - order.accepted_at) / 1000
        return next((cost for younger, cost in steps if age < younger), 0)

    def count(self, account: Account, symbol: str) -> int:
        """The counter of an account's orders on a pair, rounded up, as `ratecount` tells it."""
        counter = self._orders.get((account.key, symbol))
        return -int(-counter.now(self._clock.ms(), self.orders_decay) // 1) if counter is not None else 0
