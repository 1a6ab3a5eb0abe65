"""What each strategy did in a run of several: a line of its own beside the whole, with its candles for the chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec
import numpy as np

from aristobot.backtest.later import BARS, edges_of
from aristobot.backtest.result import BacktestResult
from aristobot.backtest.settings import Entrant, Setup, maker_of, taker_of
from aristobot.figures.record import ClosedTrade
from aristobot.indicators.columns import Floats
from aristobot.money import plain
from aristobot.strategy_chart import ChartLine

Plain = dict[str, int | float | bool | str]


class Bar(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One or more candles as one; `at` is its open, UTC ms."""

    at: int
    open: float
    high: float
    low: float
    close: float


class LegReport(msgspec.Struct, frozen=True):
    """One strategy on one symbol among several. `allotted` is what it may spend of the balance; null: all there is.

    `profit` is what it gained or lost in quote, what it still holds included and fees deducted; `share` is that ÷ the start
    balance, so that the shares of all make the return of the run.
    """

    strategy: str
    symbol: str
    timeframe: str
    candles: int
    warmup: int
    allotted: float | None
    closed: int
    won: int
    profit: float
    fees: float
    share: float
    parameters: Plain
    costs: dict[str, str]
    bars: list[Bar]
    lines: list[ChartLine] = []


def legs_of(setup: Setup, result: BacktestResult, names: Sequence[str]) -> list[LegReport]:
    """A line for each; none for a run of one strategy, whose figures are the report's own."""
    if len(setup.entrants) == 1:
        return []
    closed: list[list[ClosedTrade]] = [[] for _one in setup.entrants]
    for one in result.closed:
        closed[one.leg].append(one)
    found = []
    for at, (entrant, course) in enumerate(zip(setup.entrants, result.later.courses, strict=True)):
        profit, fees = course.brought()
        found.append(
            LegReport(
                strategy=names[at] if at < len(names) else entrant.kind.__name__,
                symbol=course.history.symbol,
                timeframe=course.history.timeframe.value,
                candles=len(course.history),
                warmup=course.warmup,
                allotted=entrant.allotted,
                closed=len(closed[at]),
                won=sum(one.profit > 0 for one in closed[at]),
                profit=profit,
                fees=fees,
                share=profit / result.cash,
                parameters=plain_values(result.parameters[at]),
                costs=costs_of(setup, entrant),
                bars=bars_of(course.history.candles),
                lines=list(course.lines),
            )
        )
    return found


def bars_of(candles: Floats) -> list[Bar]:
    """The candles, joined where they are many."""
    edges = edges_of(len(candles), BARS)
    lasts = np.append(edges[1:], len(candles)) - 1
    high, low = np.maximum.reduceat(candles[:, 3], edges), np.minimum.reduceat(candles[:, 4], edges)
    columns = (candles[edges, 0], candles[edges, 1], high, low, candles[lasts, 2])
    return [Bar(int(at), *prices) for at, *prices in zip(*(one.tolist() for one in columns), strict=True)]


def costs_of(setup: Setup, entrant: Entrant) -> dict[str, str]:
    """Fees and the pair's rules as they were applied, as text."""
    costs = setup.costs
    rules = {name: getattr(entrant.instrument, name) for name in ("tick", "lot", "min_notional")}
    found = {"maker": maker_of(entrant, setup), "taker": taker_of(entrant, setup), **rules}
    found |= {"slippage_bps": costs.slippage_bps, "latency": costs.latency}
    return {name: plain(value) if isinstance(value, Decimal) else str(value) for name, value in found.items()}


def plain_values(values: Mapping[str, object]) -> Plain:
    """Parameters as JSON knows them."""
    return {name: value if isinstance(value, int | float | bool | str) else str(value) for name, value in values.items()}
