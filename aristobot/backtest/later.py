"""What only a report asks of a run, worked out when it is first asked for: fills as objects, the holder's curve, the record."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from aristobot.backtest.bitcoin import Beside, Gap, held
from aristobot.backtest.history import History
from aristobot.backtest.ledger import FillRow, Table
from aristobot.backtest.settings import Setup, taker_of
from aristobot.backtest.units import Units
from aristobot.figures.curve import record_of
from aristobot.figures.record import ClosedTrade, Record, StillOpen
from aristobot.indicators.columns import Floats
from aristobot.market import BITCOIN, Timeframe
from aristobot.strategy_chart import ChartLine

#: Bars of a chart that are kept.
BARS = 480


def edges_of(count: int, most: int) -> NDArray[np.int64]:
    """Where each of at most so many equal stretches begins."""
    return np.arange(0, count, max(1, -(-count // most)))


def shown_candles(count: int) -> list[int]:
    """Of so many candles the last one of each bar of a chart."""
    edges = edges_of(count, BARS)
    shown: list[int] = (np.append(edges[1:], count) - 1).tolist() if count else []
    return shown


class FilledOrder(msgspec.Struct, frozen=True):
    """One fill: a mark on the chart. `at` in UTC ms, `candle` of the strategy's timeframe, `fee` in quote."""

    symbol: str
    at: int
    candle: int
    side: str
    price: float
    quantity: float
    fee: float
    maker: bool
    tag: str
    leg: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Course:
    """What one strategy did: on which candles, from which one on it could decide, its fills as they were written down, what it
    drew, and what it holds at the end."""

    history: History
    warmup: int
    units: Units
    rows: Table[FillRow]
    lines: tuple[ChartLine, ...] = ()
    still_open: StillOpen | None = None

    @property
    def can_buy(self) -> bool:
        """Whether there is a candle after the first one at which it could decide."""
        return self.warmup + 1 < len(self.history)

    def brought(self) -> tuple[float, float]:
        """What it gained or lost in quote, what it still holds at the last close included; and its fees."""
        if not self.rows:
            return 0.0, 0.0
        money, units = 10**self.units.money_places, self.units
        total, held_ = self.rows.column(8)[-1], self.rows.column(9)[-1]
        worth = held_ / (round(units.quantities) * units.fees) * float(self.history.candles[-1, 2])
        return total / money + worth, sum(self.rows.column(5)) / money

    def fills(self, leg: int = 0) -> list[FilledOrder]:
        """Every fill, in its order."""
        units, symbol = self.units, self.history.symbol
        money = 10**units.money_places
        return [
            FilledOrder(
                symbol,
                at,
                bar,
                "buy" if buying else "sell",
                price / units.prices,
                lots / units.quantities,
                fee / money,
                maker,
                tag,
                leg,
            )
            for bar, at, buying, price, lots, fee, maker, tag, *_ in self.rows
        ]


@dataclass(frozen=True, eq=False, slots=True)
class Later:
    """The courses of a run, in the order of its entrants."""

    setup: Setup
    courses: tuple[Course, ...]

    def fills(self) -> tuple[FilledOrder, ...]:
        """Every fill of every strategy, in the order in which they came."""
        found = [one for leg, course in enumerate(self.courses) for one in course.fills(leg)]
        return tuple(found if len(self.courses) == 1 else sorted(found, key=lambda one: one.at))

    def hold(self, times: Floats) -> Floats:
        """Everything bought at the first open at which a strategy could have bought, in equal parts, and held."""
        share = float(self.setup.cash) / len(self.courses)
        hold = np.zeros(len(times))
        for course, entrant in zip(self.courses, self.setup.entrants, strict=True):
            candles, first = course.history.candles, course.warmup + 1
            if first >= len(candles):
                hold += share
                continue
            coins = share / (candles[first, 1] * (1 + float(taker_of(entrant, self.setup))))
            worth = coins * candles[:, 2]
            worth[:first] = share
            if len(self.courses) > 1:
                last = np.searchsorted(candles[:, 0] + course.history.candle_ms, times, side="right") - 1
                worth = np.where(last < 0, share, worth[np.maximum(last, 0)])
            hold += worth
        return hold

    def bitcoin(self, times: Floats, hold: Floats) -> tuple[Floats | None, Gap]:
        """Equity of buying bitcoin with everything at the first chance of any strategy, and what speaks of its candles."""
        symbols = {course.history.symbol for course in self.courses}
        quote = min(symbols).partition("/")[2]
        if symbols == {f"{BITCOIN}/{quote}"}:
            return hold, Gap(Beside.TRADED, min(symbols))
        if quote == BITCOIN:
            return np.full(len(times), float(self.setup.cash)), Gap(Beside.QUOTE, BITCOIN)
        firsts = [course.history.candles[course.warmup + 1, 0] for course in self.courses if course.can_buy]
        return held(
            self._bitcoin(f"{BITCOIN}/{quote}"),
            times,
            min(firsts, default=np.inf),
            float(self.setup.cash),
            float(taker_of(self.setup.entrants[0], self.setup)),
        )

    def _bitcoin(self, symbol: str) -> History:
        """The smallest candles of it among those traded and those given; none where nobody has any."""
        known = [one.history for one in self.setup.entrants if one.history.symbol == symbol]
        known += [self.setup.bitcoin] if self.setup.bitcoin is not None else []
        return min(known, key=lambda one: one.candle_ms, default=History(symbol, Timeframe.M1, np.empty((0, 6))))

    def record(
        self, closed: tuple[ClosedTrade, ...], times: Floats, equity: Floats, hold: Floats, bitcoin: Floats | None
    ) -> Record | None:
        """What the figures are computed from: the run from the first candle on that a strategy could decide; None without one."""
        lengths = [course.history.candle_ms for course in self.courses]
        ready = [
            course.history.candles[course.warmup, 0] + length
            for course, length in zip(self.courses, lengths, strict=True)
            if course.warmup < len(course.history)
        ]
        if not ready:
            return None
        first = int(np.searchsorted(times, min(ready)))
        alone = len(self.courses) == 1
        opened = self.courses[0].history.candles[first:, 0] if alone else times[first:] - min(lengths)
        instead = None if bitcoin is None else bitcoin[first:]
        found = record_of(closed, opened, equity[first:], float(self.setup.cash), hold[first:], instead)
        return replace(found, still_open=tuple(one.still_open for one in self.courses if one.still_open is not None))

    def code_hash(self) -> str:
        """SHA-256 of the strategies' text."""
        return hashlib.sha256(self._code().encode()).hexdigest()

    def _code(self) -> str:
        if self.setup.code:
            return self.setup.code
        try:
            return "".join(inspect.getsource(one.kind) for one in self.setup.entrants)
        except (OSError, TypeError):  # code that came from no file
            return "".join(one.kind.__qualname__ for one in self.setup.entrants)
