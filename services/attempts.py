"""Who tries too often waits: failures counted per account and address, and per address alone. Never a permanent lock."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

from aristobot.clock import Clock
from aristobot.errors import AccessDenied

_FREE_TRIES = 5
_FREE_TRIES_PER_ADDRESS = 25
_FIRST_WAIT = 60.0
_LONGEST_WAIT = 900.0
_FORGET_AFTER = 3600.0
_KEYS = 10_000


@dataclass(slots=True)
class _Record:
    failures: int = 0
    last: float = 0.0
    blocked_until: float = 0.0


class Attempts:
    """Back-off after failures: the fifth waits one minute, each further one twice as long, fifteen minutes at most.

    Counts live in memory, for an hour after the last failure, of the ten thousand most recent keys.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def begin(self, account: str, address: str) -> None:
        """Count a try before it is judged, so that a hundred at once are not all free.

        Raises AccessDenied with the seconds to wait (`retry_after`) while this account or address is held back.
        """
        now = self._clock.monotonic()
        wait = max(self._wait(key, now) for key, _ in _keys(account, address))
        if wait > 0:
            raise AccessDenied("too_many_attempts", retry_after=ceil(wait))
        for key, free_tries in _keys(account, address):
            self._count(key, free_tries, now)
        while len(self._records) > _KEYS:
            self._records.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the failures of this account from this address, and take this try off the address's count."""
        (own, _), (shared, free_tries) = _keys(account, address)
        self._records.pop(own, None)
        record = self._records.get(shared)
        if record:
            record.failures -= 1
            if record.failures < free_tries:
                record.blocked_until = 0.0

    def _count(self, key: str, free_tries: int, now: float) -> None:
        record = self._records.pop(key, _Record())
        if now - record.last > _FORGET_AFTER:
            record = _Record()
        record.failures += 1
        record.last = now
        beyond = record.failures - free_tries
        if beyond >= 0:
            record.blocked_until = now + min(_FIRST_WAIT * 2 ** min(beyond, 10), _LONGEST_WAIT)
        self._records[key] = record

    def _wait(self, key: str, now: float) -> float:
        record = self._records.get(key)
        return record.blocked_until - now if record else 0.0


def _keys(account: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
    return (f"{account}\n{address}", _FREE_TRIES), (f"\n{address}", _FREE_TRIES_PER_ADDRESS)
