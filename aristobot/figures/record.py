"""What the figures are computed from: the closed trades of a run and the course of its equity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import msgspec


class ClosedTrade(msgspec.Struct, frozen=True, gc=False):  # made by the ten thousand: in a sixth of a dataclass's time
    """One round trip, entry to flat, in floats: the exact money stands with the fills.

    Times are milliseconds since 1970 in UTC. `fees` and `profit` are in quote, the profit after fees. `risk` is the quote
    that the stop of the entry put at stake, over all that was bought. `worst` and `best` are the largest moves against and for
    the position while it was open, as fractions of the entry price (worst <= 0 <= best). Bars are indices of candles; `leg`
    counts the strategies of a run.
    """

    symbol: str
    opened_at: int
    closed_at: int
    entry_price: float
    exit_price: float
    quantity: float
    fees: float
    profit: float
    reason: str
    risk: float | None
    worst: float
    best: float
    entry_bar: int
    exit_bar: int
    leg: int = 0

    @property
    def share(self) -> float:
        """The profit as a fraction of what was paid, fees of the entry aside."""
        return self.profit / (self.entry_price * self.quantity)

    @property
    def multiple(self) -> float | None:
        """The profit in R: times what was at risk. None when no stop was set."""
        return self.profit / self.risk if self.risk else None


@dataclass(frozen=True, slots=True)
class StillOpen:
    """A position that is open when the run ends: since when (UTC ms), and the fees that it cost so far, in quote."""

    since: int
    fees: float


@dataclass(frozen=True, slots=True)
class Drawdown:
    """A stretch below a former peak of the equity. Depth in quote and as a fraction of the peak, both above zero."""

    peak_at: int
    trough_at: int
    recovered_at: int | None
    depth: float
    share: float

    def lasted(self, ended: int) -> int:
        """Milliseconds from the peak to its recovery, or to the end of the run."""
        return (self.recovered_at or ended) - self.peak_at


@dataclass(frozen=True)
class Record:
    """One run, ready for figures.

    `daily` is the equity at the end of each UTC day from `first_day` (ms), `returns` what each day returned, the first one
    against the start balance, empty once all is lost. `began` to `ended` is the time of the run. Depths are
    told per candle: `deepest` in quote, `deepest_share` of the peak, `longest_under` in ms, `under_share` of all candles.
    `drawdowns` holds the deepest ones. `held` is what buying once and holding would have returned and `held_deepest_share` its
    deepest fall; both are None when there is nothing to compare with. The same of bitcoin instead of what was traded.
    `still_open` is what no trade tells yet.
    """

    closed: tuple[ClosedTrade, ...]
    start_balance: float
    end_balance: float
    began: int
    ended: int
    first_day: int
    daily: tuple[float, ...]
    returns: tuple[float, ...]
    deepest: float
    deepest_share: float
    longest_under: int
    under_share: float
    drawdowns: tuple[Drawdown, ...]
    held: float | None = None
    held_deepest_share: float | None = None
    bitcoin_held: float | None = None
    bitcoin_deepest_share: float | None = None
    still_open: tuple[StillOpen, ...] = ()

    @cached_property
    def profits(self) -> list[float]:
        """The net profit of every closed trade, in order."""
        return [one.profit for one in self.closed]

    @cached_property
    def shares(self) -> list[float]:
        """The profit of every closed trade as a fraction of its cost."""
        return [one.profit / (one.entry_price * one.quantity) for one in self.closed]

    @cached_property
    def multiples(self) -> list[float]:
        """The profit in R of every closed trade that had a stop."""
        return [one.profit / one.risk for one in self.closed if one.risk]

    @cached_property
    def holdings(self) -> list[int]:
        """How long every closed trade lasted, in milliseconds."""
        return [one.closed_at - one.opened_at for one in self.closed]

    @cached_property
    def won(self) -> list[float]:
        """The profits above zero."""
        return [profit for profit in self.profits if profit > 0]

    @cached_property
    def lost(self) -> list[float]:
        """The profits below zero."""
        return [profit for profit in self.profits if profit < 0]
