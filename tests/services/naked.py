"""For how long a position was without its stop, by the exchange's own clock and its own books."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from aristobot.orders import OrderType, Side
from services.simulator.records import VenueEvent
from tests.services.trading import Trader, TradingHouse

_STOPS = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
COVERED = Decimal("0.99")


@dataclass
class NakedMeter:
    """Listens to everything that happens to one account; counts from the first stop that rests.

    `gaps` are the lengths of the times without full protection, in milliseconds; `oversold` says whether more was ever
    offered for sale by resting stops than is held.
    """

    house: TradingHouse
    trader: Trader
    gaps: list[int] = field(default_factory=list)
    oversold: bool = False
    _guarded: bool = False
    _since: int | None = None

    def __post_init__(self) -> None:
        self.trader.account.listeners.append(self._hear)
        self._look()

    @property
    def longest(self) -> int:
        """The longest gap; one that is not over counts until now."""
        now = self.house.simulator.world.clock.ms()
        return max([*self.gaps, now - self._since if self._since is not None else 0])

    def _hear(self, event: VenueEvent) -> None:
        self._look()

    def _look(self) -> None:
        now = self.house.simulator.world.clock.ms()
        stops = [one for one in self.trader.orders(side=Side.SELL) if one.is_open and one.type in _STOPS]
        stopped = sum((one.remaining for one in stops), Decimal(0))
        held = self.trader.total("BTC")
        self.oversold = self.oversold or (bool(stops) and stopped > held)
        covered = stopped >= held * COVERED
        self._guarded = self._guarded or bool(stops)
        if not self._guarded:
            return
        if covered and self._since is not None:
            self.gaps.append(now - self._since)
            self._since = None
        elif not covered and self._since is None:
            self._since = now
