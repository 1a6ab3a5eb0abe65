"""How often Bitget may be asked: so many times a second per endpoint and user (or address), so many a minute per address."""

from __future__ import annotations

from services.simulator.bitget_errors import too_many_requests
from services.simulator.times import ExchangeClock

#: Messages that a socket may send in one second.
MESSAGES = 10


class Limits:
    """Counts. The numbers may be changed while it runs; what was too much is forgotten when its second is over."""

    def __init__(self, clock: ExchangeClock) -> None:
        self._clock = clock
        #: Whether anything counts at all; a test of something else may do without.
        self.counting = True
        self.per_minute = 6000
        self._seconds: dict[tuple[str, str], tuple[int, int]] = {}
        self._minutes: dict[str, tuple[int, int]] = {}

    def spend(self, peer: str, endpoint: str, who: str, most: int) -> int:
        """One request of `who` to an endpoint; return how many are left in this second, raise BitgetError when there is none."""
        if not self.counting:
            return most
        now = self._clock.ms()
        minute, second = now // 60_000, now // 1000
        began, used = self._minutes.get(peer, (minute, 0))
        used = used + 1 if began == minute else 1
        self._minutes[peer] = minute, used
        since, times = self._seconds.get((endpoint, who), (second, 0))
        times = times + 1 if since == second else 1
        self._seconds[endpoint, who] = second, times
        if used > self.per_minute or times > most:
            raise too_many_requests()
        return most - times
