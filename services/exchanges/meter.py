"""How one client fares: requests, failures, response times."""

from __future__ import annotations

from collections import deque

from aristobot.exchange import ClientStats

#: The 99th percentile is taken over this many of the last requests.
REMEMBERED = 500


class Meter:
    """Counters since the start of the client."""

    def __init__(self) -> None:
        self._requests = 0
        self._failures = 0
        self._total_ms = 0.0
        self._last_ms: deque[float] = deque(maxlen=REMEMBERED)
        self.reconnects = 0

    def answered(self, seconds: float) -> None:
        """Count a request that got an answer, whatever it said."""
        self._requests += 1
        self._total_ms += seconds * 1000
        self._last_ms.append(seconds * 1000)

    def failed(self) -> None:
        """Count a request that got none."""
        self._requests += 1
        self._failures += 1

    def stats(self, weight_used: int, weight_limit: int) -> ClientStats:
        """The figures for the health page."""
        answered = self._requests - self._failures
        ordered = sorted(self._last_ms)
        return ClientStats(
            requests=self._requests,
            failures=self._failures,
            mean_ms=self._total_ms / answered if answered else 0.0,
            p99_ms=ordered[len(ordered) * 99 // 100] if ordered else 0.0,
            weight_used=weight_used,
            weight_limit=weight_limit,
            reconnects=self.reconnects,
        )
