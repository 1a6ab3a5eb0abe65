"""The tables of a report: month by month, reason by reason, fall by fall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean

from aristobot.figures.record import Drawdown, Record


@dataclass(frozen=True, slots=True)
class Month:
    """One calendar month (UTC): end equity / end of the month before (or start balance) - 1."""

    year: int
    month: int
    share: float


@dataclass(frozen=True, slots=True)
class ByReason:
    """The trades that were closed for one reason. `share` is the mean of profit / cost."""

    reason: str
    count: int
    won: int
    profit: float
    share: float


def months(record: Record) -> list[Month]:
    """The return of each month, in order; a month is left out once nothing was left to return anything."""
    first = datetime.fromtimestamp(record.first_day / 1000, UTC)
    ends: dict[tuple[int, int], float] = {}
    for at, equity in enumerate(record.daily):
        day = first + timedelta(days=at)
        ends[day.year, day.month] = equity
    found, before = [], record.start_balance
    for (year, month), after in ends.items():
        if before > 0:
            found.append(Month(year, month, after / before - 1))
        before = after
    return found


def reasons(record: Record) -> list[ByReason]:
    """What each reason to close brought, the most profitable first."""
    names = dict.fromkeys(one.reason for one in record.closed)
    found = []
    for name in names:
        closed = [one for one in record.closed if one.reason == name]
        profit, share = sum(one.profit for one in closed), fmean(one.share for one in closed)
        found.append(ByReason(name, len(closed), sum(one.profit > 0 for one in closed), profit, share))
    return sorted(found, key=lambda one: -one.profit)


def falls(record: Record, most: int = 10) -> list[Drawdown]:
    """The deepest drawdowns, the deepest first."""
    return list(record.drawdowns[:most])
