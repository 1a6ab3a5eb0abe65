"""What a strategy can read of its own past: the positions that it closed, the figures of these, and its worth day by day."""

from __future__ import annotations

from collections.abc import Sequence

from aristobot.figures import round_trips
from aristobot.figures.record import ClosedTrade, Record
from aristobot.strategy_run import MOST_REMEMBERED, ClosedPosition, Run

#: The figures of a report that closed positions alone make up, by the report's own names.
METRICS = {
    name: getattr(round_trips, name)
    for name in (
        "count", "net_profit", "gross_profit", "gross_loss", "win_rate", "profit_factor", "payoff", "expectancy", "average_share",
        "best_share", "worst_share", "most_wins", "most_losses", "average_holding", "longest_holding",
    )
}  # fmt: skip


class PastReadings:
    """The same in a backtest and live, across restarts too."""

    _run: Run

    @property
    def closed_positions(self) -> tuple[ClosedPosition, ...]:
        """The last positions that were closed, oldest first (Jesse: `trades`)."""
        return tuple(self._run.memory.closed)

    @property
    def metrics(self) -> dict[str, float | None]:
        """Figures of the last 200 closed positions: count, win_rate, net_profit, profit_factor and others; None: undefined.

        Money in quote after fees, shares as fractions, times in milliseconds, as in a report.
        """
        record = _record(self._run.memory.closed[-MOST_REMEMBERED:])
        return {name: figure(record) for name, figure in METRICS.items()}

    @property
    def daily_balances(self) -> tuple[float, ...]:
        """`portfolio_value` at the end of each UTC day, oldest first, today's so far at the end; the last 400 days."""
        return tuple(self._run.memory.days)


def _record(closed: Sequence[ClosedPosition]) -> Record:
    """The positions as the figures of a report read them."""
    seen = tuple(
        ClosedTrade(
            symbol="", opened_at=one.opened_at, closed_at=one.closed_at, entry_price=one.entry_price, exit_price=one.exit_price,
            quantity=one.quantity, fees=0.0, profit=one.profit, reason=one.reason, risk=None, worst=0.0, best=0.0,
            entry_bar=0, exit_bar=0,
        )
        for one in closed
    )  # fmt: skip
    return Record(
        closed=seen, start_balance=0.0, end_balance=0.0, began=0, ended=0, first_day=0, daily=(), returns=(), deepest=0.0,
        deepest_share=0.0, longest_under=0, under_share=0.0, drawdowns=(),
    )  # fmt: skip
