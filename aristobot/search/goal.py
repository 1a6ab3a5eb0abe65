"""What counts as better: one figure of the report, and how many closed trades it takes to believe it at all."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

#: Figures of which less is better; of all others more.
LESS_IS_BETTER = frozenset(
    {"gross_loss", "fees", "max_drawdown", "max_drawdown_share", "longest_drawdown", "under_water", "volatility", "p_value"}
)
#: Figures that compound as time goes by: in quote, and as a share of what was there at the start.
_IN_QUOTE, _IN_SHARES = frozenset({"net_profit", "profit_before_fees"}), frozenset({"roi"})
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

    def over(self, score: float, times: float, cash: float) -> float:
        """What a score comes to over a time so many `times` as long, at the same pace: profits compound, ratios stay."""
        if self.figure in _IN_QUOTE:
            return float(cash * (max(0.0, 1 + score / cash) ** times - 1))
        return float(max(0.0, 1 + score) ** times - 1) if self.figure in _IN_SHARES else score
