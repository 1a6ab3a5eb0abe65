"""What one address may ask of one exchange in a minute, shared by every user of the house."""

from __future__ import annotations

from aristobot.clock import Clock, to_milliseconds
from aristobot.errors import RateLimited

#: Nothing is sent that would pass this share of the exchange's limit; reads stop earlier and leave the rest to orders.
ORDER_SHARE = 0.8
READ_SHARE = 0.7
MINUTE_MS = 60_000
#: The longest ban an exchange hands out (seconds); a hint beyond it is not believed.
LONGEST_SILENCE = 3 * 86_400.0


class Budget:
    """Weight used in the running minute, as the exchange's own headers say it, and the silence it may ask for."""

    def __init__(self, clock: Clock, exchange: str, limit: int) -> None:
        self._clock = clock
        self.exchange = exchange
        self.limit = limit
        self._used = 0
        self._minute = 0
        self._silent_until = float("-inf")

    @property
    def minute(self) -> int:
        """The running minute; hand it back to `heard` with the answer."""
        minute = int(self._clock.now().timestamp()) // 60
        if minute != self._minute:
            self._minute, self._used = minute, 0
        return minute

    @property
    def used(self) -> int:
        """Weight used in this minute."""
        return self._used if self.minute else 0

    @property
    def silent_for(self) -> float:
        """Seconds of silence still to keep."""
        return max(0.0, self._silent_until - self._clock.monotonic())

    def heard(self, used: int, minute: int) -> None:
        """Take over the exchange's own count; an answer to a question of an earlier minute says nothing of this one."""
        if minute == self.minute:
            self._used = max(self._used, used)

    def refund(self, weight: int, minute: int) -> None:
        """Give back what a call turned out not to cost."""
        if minute == self.minute:
            self._used = max(0, self._used - weight)

    def silence(self, seconds: float) -> None:
        """Say nothing to this exchange for so long, whoever asks."""
        self._silent_until = max(self._silent_until, self._clock.monotonic() + min(seconds, LONGEST_SILENCE))

    def take(self, weight: int, *, read: bool) -> int:
        """Spend `weight` and return the minute it counts in; raise RateLimited when the exchange must be left alone."""
        if self._silent_until > self._clock.monotonic():
            raise RateLimited("exchange_asked_for_silence", retry_after=self.silent_for, exchange=self.exchange)
        minute = self.minute
        if self._used + weight > self.limit * (READ_SHARE if read else ORDER_SHARE):
            raise RateLimited("weight_spent", retry_after=self._until_next_minute(), exchange=self.exchange, used=self._used)
        self._used += weight
        return minute

    def _until_next_minute(self) -> float:
        return (MINUTE_MS - to_milliseconds(self._clock.now()) % MINUTE_MS) / 1000 + 0.05
