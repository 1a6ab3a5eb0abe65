"""Figures of the closed trades. Money in quote, shares as fractions, times in milliseconds; None where nothing is defined."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from statistics import fmean

from aristobot.figures.record import Record


def count(record: Record) -> float:
    """The number of closed trades."""
    return len(record.closed)


def net_profit(record: Record) -> float:
    """Sum of the profits after fees."""
    return sum(record.profits)


def gross_profit(record: Record) -> float:
    """Sum of the profits of the winning trades, after their fees (as TradingView's strategy report has it)."""
    return sum(_won(record))


def gross_loss(record: Record) -> float:
    """Sum of the losses of the losing trades, above zero."""
    return -sum(_lost(record))


def profit_before_fees(record: Record) -> float:
    """Net profit + fees."""
    return net_profit(record) + fees(record)


def fees(record: Record) -> float:
    """Sum of all fees, in quote at the price of their fill."""
    return sum(one.fees for one in record.closed)


def win_rate(record: Record) -> float | None:
    """Winning trades / all trades. A trade that ends at zero has not won."""
    return len(_won(record)) / len(record.closed) if record.closed else None


def profit_factor(record: Record) -> float | None:
    """Gross profit / gross loss. Undefined without a loss."""
    return gross_profit(record) / gross_loss(record) if _lost(record) else None


def payoff(record: Record) -> float | None:
    """Average win / average loss. Undefined without both."""
    won, lost = _won(record), _lost(record)
    return fmean(won) / -fmean(lost) if won and lost else None


def expectancy(record: Record) -> float | None:
    """Net profit / number of trades: what a trade is worth on average."""
    return _mean(record.profits)


def expectancy_r(record: Record) -> float | None:
    """Mean of profit / risk at entry, over the trades that had a stop (Van Tharp's R multiples)."""
    return _mean(multiple for one in record.closed if (multiple := one.multiple) is not None)


def average_share(record: Record) -> float | None:
    """Mean of profit / cost of the trades."""
    return _mean(one.share for one in record.closed)


def best_share(record: Record) -> float | None:
    """Largest profit / cost of a trade."""
    return max((one.share for one in record.closed), default=None)


def worst_share(record: Record) -> float | None:
    """Smallest profit / cost of a trade."""
    return min((one.share for one in record.closed), default=None)


def most_wins(record: Record) -> float:
    """The largest number of winning trades in a row, in the order in which they were closed."""
    return _longest_run(record, won=True)


def most_losses(record: Record) -> float:
    """The largest number of losing trades in a row."""
    return _longest_run(record, won=False)


def average_holding(record: Record) -> float | None:
    """Mean time from entry to exit."""
    return _mean(one.closed_at - one.opened_at for one in record.closed)


def longest_holding(record: Record) -> float | None:
    """Longest time from entry to exit."""
    return max((one.closed_at - one.opened_at for one in record.closed), default=None)


def exposure(record: Record) -> float | None:
    """Time with at least one open position / time of the run."""
    began, ended = record.began, record.ended
    held = ((max(one.opened_at, began), min(one.closed_at, ended)) for one in record.closed)
    return _covered(held) / (ended - began) if ended > began else None


def average_worst(record: Record) -> float | None:
    """Mean of the largest move against the position while it was open (John Sweeney's maximum adverse excursion)."""
    return _mean(one.worst for one in record.closed)


def average_best(record: Record) -> float | None:
    """Mean of the largest move for the position while it was open (maximum favourable excursion)."""
    return _mean(one.best for one in record.closed)


def _won(record: Record) -> list[float]:
    return [profit for profit in record.profits if profit > 0]


def _lost(record: Record) -> list[float]:
    return [profit for profit in record.profits if profit < 0]


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return fmean(found) if found else None


def _longest_run(record: Record, won: bool) -> int:
    signs = [(profit > 0) if won else (profit < 0) for profit in record.profits]
    return max((sum(1 for _ in run) for same, run in groupby(signs) if same), default=0)


def _covered(stretches: Iterable[tuple[int, int]]) -> int:
    """The time that some stretches cover together."""
    covered, reached = 0, 0
    for start, end in sorted(stretches):
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return covered
