"""Bitget's candles: the words for their lengths, days that begin at midnight in Singapore, and how far back each reaches."""

from __future__ import annotations

from dataclasses import dataclass

from aristobot.money import plain
from services.simulator.price_history import BEGINNING, DAY, HOUR, Bar, next_open, open_of
from services.simulator.prices import Tape

#: From six hours on candles follow UTC+8, unless they are asked for with `utc`.
SHIFT = 8 * HOUR
_SHORT = ("1m", "3m", "5m", "15m", "30m")
_LONG = {"6h": "6H", "12h": "12H", "1d": "1D", "3d": "3D", "1w": "1W", "1M": "1M"}


@dataclass(frozen=True, slots=True)
class Length:
    """The length of a candle: an interval of the price history, and by how much its beginnings lie before UTC's."""

    interval: str
    shift: int = 0
    reach: int = 0

    def open_of(self, moment: int) -> int:
        """When the candle in which `moment` lies began."""
        return open_of(self.interval, moment + self.shift) - self.shift

    def next_open(self, opened: int) -> int:
        """When the candle after the one that began at `opened` begins."""
        return next_open(self.interval, opened + self.shift) - self.shift

    def before(self, last: int, count: int, first: int = BEGINNING) -> list[int]:
        """Up to `count` beginnings not before `first`, oldest first, the last being that of the candle in which `last` lies."""
        opens: list[int] = []
        opened = self.open_of(last)
        while opened >= max(first, BEGINNING) and len(opens) < count:
            opens.append(opened)
            opened = self.open_of(opened - 1)
        return opens[::-1]

    def bar(self, tape: Tape, opened: int) -> Bar:
        """The candle that began at `opened`, as it is by now."""
        return tape.bar(opened, self.next_open(opened))


def _reaches(interval: str) -> int:
    days = {"1m": 31, "3m": 31, "5m": 31, "15m": 52, "30m": 62, "1h": 83, "4h": 240, "6h": 360}.get(interval, 0)
    return days * DAY


def _days(spelling: dict[str, str], *, utc: bool) -> dict[str, Length]:
    lengths = {word: Length(interval, SHIFT, _reaches(interval)) for interval, word in spelling.items()}
    if utc:
        lengths |= {f"{_LONG[interval]}utc": Length(interval, 0, _reaches(interval)) for interval in spelling}
    return lengths


_CLASSIC_DAYS = {"6h": "6h", "12h": "12h", "1d": "1day", "3d": "3day", "1w": "1week", "1M": "1M"}
#: `granularity` of the classic calls.
CLASSIC = (
    {f"{minutes[:-1]}min": Length(minutes, 0, _reaches(minutes)) for minutes in _SHORT}
    | {hours: Length(hours, 0, _reaches(hours)) for hours in ("1h", "4h")}
    | _days(_CLASSIC_DAYS, utc=True)
)
_MINUTES = {minutes: Length(minutes, 0, _reaches(minutes)) for minutes in _SHORT}
_HOURS = {hours.upper(): Length(hours, 0, _reaches(hours)) for hours in ("1h", "4h")}
#: What follows `candle` in the names of the classic socket's channels.
CLASSIC_CHANNELS = _MINUTES | _HOURS | _days(_LONG, utc=True)
#: `interval` of the unified calls, and of their socket.
UNIFIED = _MINUTES | _HOURS | {"2H": Length("2h")} | _days({name: _LONG[name] for name in ("6h", "12h", "1d")}, utc=False)
UNIFIED_CHANNELS = _MINUTES | _HOURS | _days({name: _LONG[name] for name in ("6h", "12h", "1d", "1w")}, utc=False)


def row(tape: Tape, opened: int, bar: Bar) -> list[str]:
    """Start, open, high, low, close, base volume, quote volume."""
    prices = [plain(price * tape.tick) for price in (bar.open, bar.high, bar.low, bar.close)]
    return [str(opened), *prices, plain(bar.volume * tape.lot), plain(bar.quote * tape.tick * tape.lot)]


def lengthened(told: list[str]) -> list[str]:
    """The same with the volume in dollars, which is taken to be that in quote."""
    return [*told, told[-1]]
