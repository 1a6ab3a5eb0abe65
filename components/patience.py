"""How much a stranger may ask of us: a handful of pages per minute and address."""

from __future__ import annotations

from collections import OrderedDict

from aristobot.clock import Clock

#: Pages a stranger may fetch at once, and per minute after that. Each costs us about 80 KB for a minute.
BURST = 60
ADDRESSES = 5000


class Patience:
    """A bucket of tokens per address; full buckets are forgotten first."""

    def __init__(self, clock: Clock, burst: int = BURST) -> None:
        self._clock = clock
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Take one token of this address; False when it has none left."""
        now = self._clock.monotonic()
        left, at = self._buckets.pop(address, (float(self._burst), now))
        left = min(float(self._burst), left + (now - at) * self._burst / 60)
        self._buckets[address] = (max(left - 1, 0.0), now)
        if len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)
        return left >= 1
