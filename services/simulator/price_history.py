"""A past for every symbol, made up from a seed: any candle of any length, each consistent with all the others.

Days come from a smooth noise over the calendar; shorter candles are cut out of longer ones, so that opens, closes, highs, lows
and volumes of the parts always make the whole. Nothing is stored: the same seed gives the same past. All numbers are integers:
prices in ticks, volumes in lots, quote volumes in ticks times lots.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK_ORIGIN = 4 * DAY  # Monday, 5 January 1970
#: Lengths of candles in milliseconds; a month is counted on the calendar.
INTERVALS = {
    "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE, "1h": HOUR, "2h": 2 * HOUR,
    "4h": 4 * HOUR, "6h": 6 * HOUR, "8h": 8 * HOUR, "12h": 12 * HOUR, "1d": DAY, "3d": 3 * DAY, "1w": 7 * DAY, "1M": 0,
}  # fmt: skip
#: Each length that is generated, with the next shorter one: a day is cut into six, those into four, and so on.
_CUTS = ((DAY, 6), (4 * HOUR, 4), (HOUR, 4), (15 * MINUTE, 3), (5 * MINUTE, 5), (MINUTE, 0))
_OCTAVES = ((256, 0.45), (64, 0.22), (16, 0.10), (4, 0.05), (1, 0.02))


#: Nothing was exchanged before: 1 January 2000.
BEGINNING = 946_684_800_000


class Chance:
    """A small generator of numbers (splitmix64): cheap to seed, and a history of candles does nothing else."""

    __slots__ = ("_state",)

    def __init__(self, *seeds: int) -> None:
        self._state = 0
        for seed in seeds:
            self._state = (self._state ^ seed) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
            self._next()

    def _next(self) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        mixed = (self._state ^ (self._state >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        return mixed ^ (mixed >> 31)

    def uniform(self, low: float, high: float) -> float:
        """A number from `low` up to `high`."""
        return low + (high - low) * self._next() / 0x1_0000_0000_0000_0000

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self._next() % (high - low + 1)


@dataclass(slots=True)
class Bar:
    """One candle in integers. `count` is the number of executions, `taken` and `taken_quote` what buyers took of the volume."""

    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    quote: int = 0
    count: int = 0
    taken: int = 0
    taken_quote: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, later: Bar) -> None:
        """Extend by a bar that follows."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote += later.quote
        self.count += later.count
        self.taken += later.taken
        self.taken_quote += later.taken_quote
        if self.first_id < 0:
            self.first_id = later.first_id
        self.last_id = max(self.last_id, later.last_id)


def merged(bars: Iterable[Bar]) -> Bar | None:
    """One bar made of consecutive ones; None of none."""
    whole: Bar | None = None
    for bar in bars:
        if whole is None:
            whole = Bar(bar.open, bar.high, bar.low, bar.close)
            whole.volume, whole.quote, whole.count = bar.volume, bar.quote, bar.count
            whole.taken, whole.taken_quote = bar.taken, bar.taken_quote
            whole.first_id, whole.last_id = bar.first_id, bar.last_id
        else:
            whole.add(bar)
    return whole


def open_of(interval: str, moment: int) -> int:
    """Open time of the candle in which `moment` lies, both in milliseconds UTC; weeks begin on Monday."""
    if interval == "1M":
        day = datetime.fromtimestamp(moment / 1000, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp() * 1000)
    origin = WEEK_ORIGIN if interval == "1w" else 0
    length = INTERVALS[interval]
    return origin + (moment - origin) // length * length


def next_open(interval: str, opened: int) -> int:
    """Open time of the candle after the one that opened at `opened`."""
    return open_of("1M", opened + 32 * DAY) if interval == "1M" else opened + INTERVALS[interval]


class PriceHistory:
    """The past of one symbol up to `now`, where its price is `ticks`."""

    def __init__(self, seed: str, ticks: int, lots_per_day: int, now: int) -> None:
        self._seed = zlib.crc32(seed.encode())
        self._ticks = ticks
        self._lots_per_day = lots_per_day
        self._cut = lru_cache(maxsize=16_384)(self._cut_one)
        self._knot = lru_cache(maxsize=16_384)(self._one_knot)
        self._price = lru_cache(maxsize=16_384)(self._one_price)
        self._anchor = self._noise(now / DAY)

    def bar(self, start: int, end: int) -> Bar:
        """The candle from `start` to `end` (milliseconds, whole minutes)."""
        whole = merged(self._pieces(start, end, 0))
        if whole is None:
            raise ValueError("an empty span has no candle")
        return whole

    def _pieces(self, start: int, end: int, level: int) -> Iterable[Bar]:
        length = _CUTS[level][0]
        moment = start
        while moment < end:
            opened = moment // length * length
            closes = opened + length
            if opened == moment and closes <= end:
                yield self._at(level, opened)
            else:
                yield from self._pieces(moment, min(closes, end), level + 1)
            moment = closes

    def _at(self, level: int, opened: int) -> Bar:
        if level == 0:
            return self._cut(-1, opened)[0]
        length = _CUTS[level - 1][0]
        parent = opened // length * length
        return self._cut(level - 1, parent)[(opened - parent) // _CUTS[level][0]]

    def _cut_one(self, level: int, opened: int) -> tuple[Bar, ...]:
        if level < 0:
            return (self._day(opened // DAY),)
        return cut(self._at(level, opened), _CUTS[level][1], Chance(self._seed, level, opened))

    def _day(self, day: int) -> Bar:
        chance = Chance(self._seed, 99, day)
        opens, closes = self._price(day), self._price(day + 1)
        high = max(opens, closes) + int(max(opens, closes) * chance.uniform(0.001, 0.02))
        low = max(1, min(opens, closes) - int(min(opens, closes) * chance.uniform(0.001, 0.02)))
        volume = int(self._lots_per_day * chance.uniform(0.5, 1.5)) + 1440
        quote = volume * ((opens + high + low + closes) // 4)
        count = 1440 * chance.whole(60, 400)
        return Bar(opens, high, low, closes, volume, quote, count, volume // 2, quote // 2)

    def _one_price(self, day: float) -> int:
        return max(2, round(self._ticks * math.exp(self._noise(day) - self._anchor)))

    def _noise(self, day: float) -> float:
        total = 0.0
        for period, height in _OCTAVES:
            at = day / period
            knot = math.floor(at)
            part = at - knot
            smooth = part * part * (3 - 2 * part)
            total += height * (self._knot(period, knot) * (1 - smooth) + self._knot(period, knot + 1) * smooth)
        return total

    def _one_knot(self, period: int, knot: int) -> float:
        return Chance(self._seed, 1000 + period, knot).uniform(-1, 1)


@lru_cache(maxsize=64)
def history_of(seed: str, ticks: int, lots_per_day: int, now: int) -> PriceHistory:
    """A past that all worlds of one beginning share: it is the same for each, and working it out takes longer than reading it."""
    return PriceHistory(seed, ticks, lots_per_day, now)


def cut(whole: Bar, parts: int, chance: Chance) -> tuple[Bar, ...]:
    """Cut a candle into `parts` that follow each other and together make it again."""
    swing = (whole.high - whole.low) / 3
    knots = [whole.open]
    for step in range(1, parts):
        line = whole.open + (whole.close - whole.open) * step / parts
        knots.append(min(whole.high, max(whole.low, round(line + chance.uniform(-swing, swing)))))
    knots.append(whole.close)
    reach = max(1, (whole.high - whole.low) // (2 * parts))
    bars = []
    for opens, closes in pairwise(knots):
        high = min(whole.high, max(opens, closes) + chance.whole(0, reach))
        low = max(whole.low, min(opens, closes) - chance.whole(0, reach))
        bars.append(Bar(opens, high, low, closes))
    max(bars, key=lambda bar: bar.high).high = whole.high
    min(bars, key=lambda bar: bar.low).low = whole.low
    _share(whole, bars, [chance.whole(50, 150) for _ in bars])
    return tuple(bars)


def _share(whole: Bar, bars: list[Bar], weights: list[int]) -> None:
    rest = sum(weights)
    left = Bar(0, 0, 0, 0, whole.volume, whole.quote, whole.count, whole.taken, whole.taken_quote)
    for bar, weight in zip(bars, weights, strict=True):
        bar.volume, bar.quote, bar.count = left.volume * weight // rest, left.quote * weight // rest, left.count * weight // rest
        bar.taken, bar.taken_quote = left.taken * weight // rest, left.taken_quote * weight // rest
        left.volume, left.quote, left.count = left.volume - bar.volume, left.quote - bar.quote, left.count - bar.count
        left.taken, left.taken_quote = left.taken - bar.taken, left.taken_quote - bar.taken_quote
        rest -= weight
