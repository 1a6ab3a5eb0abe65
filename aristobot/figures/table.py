"""Every figure by name: how it is computed, in which unit, what it is called, and the formula that the screen shows on hover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from aristobot.figures import equity, round_trips, significance
from aristobot.figures.record import Record


class Unit(StrEnum):
    """How a value is written."""

    QUOTE = "quote"
    SHARE = "share"
    RATIO = "ratio"
    COUNT = "count"
    TIME = "time"
    R = "r"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `title` and `formula` are English texts to be translated; a time is in milliseconds, a share a fraction."""

    function: Callable[[Record], float | None]
    unit: Unit
    title: str
    formula: str


#: In the order of a report: what came out, the closed trades, the risk, and whether it may be luck.
FIGURES = {
    "net_profit": Figure(
        round_trips.net_profit, Unit.QUOTE, "Net profit", "Sum of the profits of the closed trades, fees deducted."
    ),
    "gross_profit": Figure(round_trips.gross_profit, Unit.QUOTE, "Gross profit", "Sum of the profits of the winning trades."),
    "gross_loss": Figure(round_trips.gross_loss, Unit.QUOTE, "Gross loss", "Sum of the losses of the losing trades."),
    "fees": Figure(round_trips.fees, Unit.QUOTE, "Fees", "Sum of all fees, in quote at the price of their fill."),
    "profit_before_fees": Figure(
        round_trips.profit_before_fees, Unit.QUOTE, "Profit before fees", "Net profit + the fees of the closed trades."
    ),
    "roi": Figure(equity.roi, Unit.SHARE, "Return", "End equity ÷ start balance − 1."),
    "cagr": Figure(
        equity.cagr,
        Unit.SHARE,
        "Yearly return (CAGR)",
        "(End ÷ start) to the power of 365 days ÷ duration, − 1. From one day on.",
    ),
    "hold_roi": Figure(
        equity.hold_roi,
        Unit.SHARE,
        "Return of holding",
        "Everything bought at the first chance, several pairs in equal parts, fee paid, and held: end ÷ start − 1.",
    ),
    "above_hold": Figure(equity.above_hold, Unit.SHARE, "Return above holding", "Return − return of holding."),
    "hold_drawdown_share": Figure(
        equity.hold_drawdown_share, Unit.SHARE, "Drawdown of holding", "Largest (peak − worth) ÷ peak of who holds."
    ),
    "hold_bitcoin_roi": Figure(
        equity.hold_bitcoin_roi,
        Unit.SHARE,
        "Return of holding bitcoin",
        "Bitcoin bought with everything at the first chance, fee paid, and held: end ÷ start − 1.",
    ),
    "above_bitcoin": Figure(equity.above_bitcoin, Unit.SHARE, "Return above bitcoin", "Return − return of holding bitcoin."),
    "bitcoin_drawdown_share": Figure(
        equity.bitcoin_drawdown_share,
        Unit.SHARE,
        "Drawdown of bitcoin",
        "Largest (peak − worth) ÷ peak of who holds bitcoin.",
    ),
    "count": Figure(round_trips.count, Unit.COUNT, "Closed trades", "Round trips from entry to exit."),
    "win_rate": Figure(round_trips.win_rate, Unit.SHARE, "Win rate", "Winning trades ÷ all trades. Zero is not a win."),
    "profit_factor": Figure(
        round_trips.profit_factor, Unit.RATIO, "Profit factor", "Gross profit ÷ gross loss. Undefined without a loss."
    ),
    "payoff": Figure(round_trips.payoff, Unit.RATIO, "Payoff ratio", "Average win ÷ average loss."),
    "expectancy": Figure(round_trips.expectancy, Unit.QUOTE, "Expectancy", "Net profit ÷ number of trades."),
    "expectancy_r": Figure(
        round_trips.expectancy_r,
        Unit.R,
        "Expectancy in R",
        "Mean of profit ÷ risk at entry, over the trades with a stop (Van Tharp).",
    ),
    "average_share": Figure(round_trips.average_share, Unit.SHARE, "Average trade", "Mean of profit ÷ cost."),
    "best_share": Figure(round_trips.best_share, Unit.SHARE, "Best trade", "Largest profit ÷ cost."),
    "worst_share": Figure(round_trips.worst_share, Unit.SHARE, "Worst trade", "Smallest profit ÷ cost."),
    "most_wins": Figure(round_trips.most_wins, Unit.COUNT, "Longest winning streak", "Most winning trades in a row."),
    "most_losses": Figure(round_trips.most_losses, Unit.COUNT, "Longest losing streak", "Most losing trades in a row."),
    "average_holding": Figure(round_trips.average_holding, Unit.TIME, "Average holding time", "Mean time from entry to exit."),
    "longest_holding": Figure(round_trips.longest_holding, Unit.TIME, "Longest holding time", "Longest time from entry to exit."),
    "exposure": Figure(round_trips.exposure, Unit.SHARE, "Exposure", "Time with an open position ÷ time of the run."),
    "average_worst": Figure(
        round_trips.average_worst,
        Unit.SHARE,
        "Average worst moment (MAE)",
        "Mean of the largest move against the position (John Sweeney).",
    ),
    "average_best": Figure(
        round_trips.average_best, Unit.SHARE, "Average best moment (MFE)", "Mean of the largest move for the position."
    ),
    "max_drawdown_share": Figure(
        equity.max_drawdown_share, Unit.SHARE, "Maximum drawdown", "Largest (peak − equity) ÷ peak, candle by candle."
    ),
    "max_drawdown": Figure(
        equity.max_drawdown, Unit.QUOTE, "Maximum drawdown, amount", "Largest peak − equity, candle by candle."
    ),
    "longest_drawdown": Figure(
        equity.longest_drawdown,
        Unit.TIME,
        "Longest drawdown",
        "Longest time from a peak until it was reached again, or to the end.",
    ),
    "under_water": Figure(
        equity.under_water, Unit.SHARE, "Time under water", "Candles that close below a former peak ÷ all candles."
    ),
    "volatility": Figure(
        equity.volatility, Unit.SHARE, "Yearly volatility", "Standard deviation of the daily returns (n − 1) × √365."
    ),
    "sharpe": Figure(
        equity.sharpe,
        Unit.RATIO,
        "Sharpe ratio",
        "Mean of the daily returns ÷ their standard deviation × √365, riskless rate 0 (Sharpe 1994).",
    ),
    "sortino": Figure(
        equity.sortino,
        Unit.RATIO,
        "Sortino ratio",
        "Mean of the daily returns ÷ root of the mean square of the negative ones × √365 (Sortino and Price 1994).",
    ),
    "calmar": Figure(equity.calmar, Unit.RATIO, "Calmar ratio", "Yearly return ÷ maximum drawdown (Young 1991)."),
    "omega": Figure(
        equity.omega,
        Unit.RATIO,
        "Omega ratio",
        "Sum of the daily gains ÷ sum of the daily losses, threshold 0 (Keating and Shadwick 2002).",
    ),
    "sqn": Figure(
        significance.sqn,
        Unit.RATIO,
        "System quality (SQN)",
        "√n × mean ÷ standard deviation of the trades in R, of their profits where one had no stop (Van Tharp).",
    ),
    "p_value": Figure(
        significance.p_value,
        Unit.SHARE,
        "Chance of mere luck",
        "Probability of such a mean trade or a better one if the true mean were 0: Student’s one-sided t-test.",
    ),
}


def figures_of(record: Record) -> dict[str, float | None]:
    """Every figure of a run; None where it is undefined. Never infinite, never NaN."""
    found = {name: figure.function(record) for name, figure in FIGURES.items()}
    return {name: value if value is not None and isfinite(value) else None for name, value in found.items()}
