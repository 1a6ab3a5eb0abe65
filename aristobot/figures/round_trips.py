"""Figures of the closed trades. Money in quote, shares as fractions, times in milliseconds; None where nothing is defined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    return sum(record.won)


def gross_loss(record: Record) -> float:
    """Sum of the losses of the losing trades, above zero."""
    return -sum(record.lost)


def profit_before_fees(record: Record) -> float:
    """Net profit + the fees of the closed trades."""
    return net_profit(record) + sum([one.fees for one in record.closed])


def fees(record: Record) -> float:
    """Sum of all fees, in quote at the price of their fill; those of what is open at the end among them."""
    return sum([one.fees for one in record.closed]) + sum([one.fees for one in record.still_open])


def win_rate(record: Record) -> float | None:
    """Winning trades / all trades. A trade that ends at zero has not won."""
    return len(record.won) / len(record.closed) if record.closed else None


def profit_factor(record: Record) -> float | None:
    """Gross profit / gross loss. Undefined without a loss."""
    return gross_profit(record) / gross_loss(record) if record.lost else None


def payoff(record: Record) -> float | None:
    """Average win / average loss. Undefined without both."""
    won, lost = record.won, record.lost
    return fmean(won) / -fmean(lost) if won and lost else None


def expectancy(record: Record) -> float | None:
    """Net profit / number of trades: what a trade is worth on average."""
    return _mean(record.profits)


def expectancy_r(record: Record) -> float | None:
    """Mean of profit / risk at entry, over the trades that had a stop (Van Tharp's R multiples)."""
    return _mean(record.multiples)


def average_share(record: Record) -> float | None:
    """Mean of profit / cost of the trades."""
    return _mean(record.shares)


def best_share(record: Record) -> float | None:
    """Largest profit / cost of a trade."""
    return max(record.shares, default=None)


def worst_share(record: Record) -> float | None:
    """Smallest profit / cost of a trade."""
    return min(record.shares, default=None)


def most_wins(record: Record) -> float:
    """The largest number of winning trades in a row, in the order in which they were closed."""
    return _longest_run(record.profits)


def most_losses(record: Record) -> float:
    """The largest number of losing trades in a row."""
    return _longest_run([-profit for profit in record.profits])


def average_holding(record: Record) -> float | None:
    """Mean time from entry to exit."""
    return _mean(record.holdings)


def longest_holding(record: Record) -> float | None:
    """Longest time from entry to exit."""
    return max(record.holdings, default=None)


def exposure(record: Record) -> float | None:
    """Time with at least one open position / time of the run. What is open at the end counts up to there."""
    began, ended = record.began, record.ended
    spans = [(one.opened_at, one.closed_at) for one in record.closed]
    spans += [(one.since, ended) for one in record.still_open]
    return _covered(spans, began, ended) / (ended - began) if ended > began else None


def average_worst(record: Record) -> float | None:
    """Mean of the largest move against the position while it was open (John Sweeney's maximum adverse excursion)."""
    return _mean([one.worst for one in record.closed])


def average_best(record: Record) -> float | None:
    """Mean of the largest move for the position while it was open (maximum favourable excursion)."""
    return _mean([one.best for one in record.closed])


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _longest_run(profits: Iterable[float]) -> int:
    """The largest number of profits above zero in a row."""
    longest = present = 0
    for profit in profits:
        if profit > 0:
            present += 1
        elif present:
            longest = present if present > longest else longest
            present = 0
    return present if present > longest else longest


def _covered(spans: Iterable[tuple[int, int]], began: int, ended: int) -> int:
    """The time between two moments in which at least one was open."""
    covered, reached = 0, began
    for start, end in sorted(spans):
        if end > reached and start < ended:
            last = end if end < ended else ended
            covered += last - (start if start > reached else reached)
            reached = last
    return covered
