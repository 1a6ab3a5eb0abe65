"""When silence means something: rhythms learned from what came, and the moment from which a missing alert is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low
from typing import Any

from aristobot.errors import DataError, InvalidInput
from aristobot.payloads import interval_seconds

#: A rhythm is learned from at least so many gaps, of which three quarters are alike within a quarter.
FEWEST_GAPS, MOST_GAPS = 3, 8
#: Two PINGs must be missing, not one (reliability, S4); and a little more, for the way.
PINGS_MISSED = 2
PING_GRACE = timedelta(seconds=30)
#: So many candles in a row make an alert one that comes after every candle.
FEWEST_BARS = 4
SHORTEST_GRACE, LONGEST_GRACE = timedelta(seconds=30), timedelta(minutes=5)
SHORTEST_RHYTHM = timedelta(seconds=20)
_MOST_EXPECTED = 50


def rhythm_of(moments: Sequence[datetime]) -> timedelta | None:
    """The usual time between these moments, oldest first; None while there is no rhythm in them."""
    recent = moments[-(MOST_GAPS + 1) :]
    gaps = [later - earlier for earlier, later in pairwise(recent)]
    if len(gaps) < FEWEST_GAPS:
        return None
    usual = median_low(gaps)
    alike = sum(abs(gap - usual) * 4 <= usual for gap in gaps)
    return usual if usual >= SHORTEST_RHYTHM and alike * 4 >= len(gaps) * 3 else None


def ping_due(rhythm: timedelta, last: datetime) -> datetime:
    """From when on a PING is missing."""
    return last + rhythm * PINGS_MISSED + PING_GRACE


@dataclass(slots=True)
class BarSeries:
    """An alert that comes after candles: the last candle it came for, how many running, and how long after its opening.

    `bars` counts candles without a gap; `expected` says that the user waits for it in any case.
    """

    interval: timedelta
    last_bar: datetime
    delay: timedelta
    bars: int = 1
    expected: bool = False
    silent: bool = False

    def came(self, bar: datetime, received_at: datetime) -> None:
        """An alert for a candle came."""
        if bar <= self.last_bar:
            return
        self.bars = self.bars + 1 if bar - self.last_bar == self.interval else 1
        self.last_bar, self.delay, self.silent = bar, max(received_at - bar, timedelta(0)), False

    def due(self, learned: bool) -> datetime | None:
        """From when on the alert of the next candle is missing; None while nobody waits for it."""
        if self.silent or not (self.expected or (learned and self.bars >= FEWEST_BARS)):
            return None
        grace = min(max(self.interval / 5, SHORTEST_GRACE), LONGEST_GRACE)
        return self.last_bar + self.interval + min(self.delay, self.interval * 2) + grace

    def skip_to(self, now: datetime) -> None:
        """What should have come while the house was away is not waited for: begin with the candle that is open now."""
        behind = (now - self.last_bar - self.delay) // self.interval
        if behind > 0:
            self.last_bar += self.interval * behind

    def missed(self) -> None:
        """It was said that it is missing: one silence is said once, and a learned rhythm is learned anew."""
        self.silent, self.bars = True, 0


def awaited_from(now: datetime, interval: timedelta, epoch: datetime) -> BarSeries:
    """A series that must come, of which nothing was seen yet: the candle open now is the first that counts."""
    opened = epoch + (now - epoch) // interval * interval
    return BarSeries(interval, opened - interval, interval, bars=0, expected=True)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of a broker's PINGs: how often they come, as learned or set, the last one, and when one is missing."""

    rhythm: timedelta | None
    last: datetime | None
    due: datetime | None


@dataclass(slots=True)
class Line:
    """One broker's alerts."""

    pings: deque[datetime] = field(default_factory=lambda: deque(maxlen=MOST_GAPS + 1))
    series: dict[tuple[str, int], BarSeries] = field(default_factory=dict)
    silent_since: datetime | None = None


def seconds_of(interval: str) -> int:
    """The length of an interval as alerts write it; 0 for none."""
    try:
        return interval_seconds(interval, "interval") if interval else 0
    except DataError:
        return 0


def whole_minutes(duration: timedelta) -> str:
    """Whole minutes, one at least."""
    return str(max(1, round(duration / timedelta(minutes=1))))


def expected_of(text: str) -> list[list[Any]]:
    """Pairs of symbol and seconds from `BTCUSDT 60, ETHUSDT 4h`; InvalidInput."""
    found: list[list[Any]] = []
    for part in filter(None, (one.strip() for one in text.replace(";", ",").replace("\n", ",").split(","))):
        symbol, _space, interval = part.partition(" ")
        seconds = seconds_of(interval.strip())
        if not seconds or not symbol.isprintable() or len(symbol) > 64:
            raise InvalidInput("not_an_expected_alert", field="expected", value=part[:40])
        if [symbol, seconds] not in found:
            found.append([symbol, seconds])
    if len(found) > _MOST_EXPECTED:
        raise InvalidInput("too_many_expected", field="expected", maximum=_MOST_EXPECTED)
    return found
