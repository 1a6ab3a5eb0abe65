"""What counts as better: one figure of the report, and how many closed trades it takes to believe it at all."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

#: Figures of which less is better; of all others more.
LESS_IS_BETTER = frozenset(
    {"gross_loss", "fees", "max_drawdown", "max_drawdown_share", "longest_drawdown", "under_water", "volatility", "p_value"}
)
#: Figures that every trial is told with, whatever it was for.
ALWAYS = ("net_profit", "roi", "count", "sharpe", "max_drawdown_share")


class Goal(msgspec.Struct, frozen=True):
    """The figure to improve, by its name in `aristobot.figures.table`, and the least number of closed trades."""

    figure: str = "sharpe"
    least_trades: int = 10

    @property
    def figures(self) -> tuple[str, ...]:
        """The figures that a trial has to compute."""
        return tuple(dict.fromkeys((self.figure, *ALWAYS)))

    def score(self, figures: Mapping[str, float | None]) -> float | None:
        """More is better; None where the figure is undefined or too few trades closed."""
        value = figures.get(self.figure)
        if value is None or (figures.get("count") or 0) < self.least_trades:
            return None
        return -value if self.figure in LESS_IS_BETTER else value
