"""Every figure of a run once more, from its fills and candles alone, with other arithmetic than the house's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from typing import Any

import numpy as np
import pytest

from aristobot.backtest.history import History
from aristobot.backtest.later import FilledOrder
from aristobot.backtest.result import BacktestResult
from aristobot.backtest.runner import backtest
from aristobot.backtest.settings import Costs, Entrant, FeeAsset, Setup
from aristobot.figures.table import FIGURES, figures_of
from aristobot.market import Timeframe
from tests.aristobot.test_backtest_money import Gambler, walk
from tests.backtesting import START, an_instrument

CASH, WARMUP, DAY = 10_000.0, 5, 86_400_000
STEP = Timeframe.H4.seconds * 1000
LOT = 0.001
#: Compared with holding, which has tests of its own.
HOLDING = {name for name in FIGURES if name.startswith(("hold_", "above_", "bitcoin_"))}


def four_hours(seed: int) -> History:
    """A walk of 60 days."""
    rows = walk(seed, 360).candles.copy(order="F")
    rows[:, 0] = START + np.arange(len(rows)) * STEP
    return History.of("BTC/USDT", Timeframe.H4, rows)


def ran(seed: int, costs: Costs) -> BacktestResult:
    """Sixty days of gambling, with entries in parts, several targets, stops, and something held at the end now and then."""
    entrant = Entrant(Gambler, four_hours(seed), an_instrument(lot=str(LOT)), {"seed": seed})
    return backtest(Setup((entrant,), cash=Decimal(10_000), costs=costs, warmup=WARMUP, checks=0))


@dataclass
class Trip:
    """Fills from flat to flat."""

    fills: list[FilledOrder] = field(default_factory=list)
    closed: bool = False

    def total(self, side: str, what: str = "value") -> float:
        """The value, or the quantity, of what was bought or sold."""
        return sum(one.quantity * (one.price if what == "value" else 1) for one in self.fills if one.side == side)

    @property
    def fees(self) -> float:
        return sum(one.fee for one in self.fills)


def trips_of(fills: tuple[FilledOrder, ...], fee_in_base: bool) -> list[Trip]:
    """One after the other; what is less than a lot is dust and goes with the next one."""
    found, held = [Trip()], 0.0
    for one in fills:
        trip = found[-1]
        trip.fills.append(one)
        paid = one.fee / one.price if fee_in_base and one.side == "buy" else 0.0
        held += one.quantity - paid if one.side == "buy" else -one.quantity
        if one.side == "sell" and held < LOT - 1e-9:
            trip.closed = True
            found.append(Trip())
    return [one for one in found if one.fills]


def courses_of(result: BacktestResult, candles: Any, fee_in_base: bool) -> list[float]:
    """Equity at each close: money and coins, fill by fill."""
    money, coins, found, fills = CASH, 0.0, [], list(result.fills)
    for at in range(len(candles)):
        while fills and fills[0].candle == at:
            one = fills.pop(0)
            sign = 1 if one.side == "buy" else -1
            in_base = fee_in_base and sign == 1
            money -= sign * one.price * one.quantity + (0 if in_base else one.fee)
            coins += sign * one.quantity - (one.fee / one.price if in_base else 0)
        found.append(money + coins * candles[at, 2])
    return found


def falls_of(equity: list[float]) -> Iterator[tuple[float, float, bool]]:
    """Depth, depth as a share of the peak, and whether it is below a peak, close by close."""
    peak = CASH
    for one in equity:
        peak = max(peak, one)
        yield peak - one, (peak - one) / peak, one < peak


def tail_of_student(t: float, degrees: int) -> float:
    """P(T > t) by adding up the density from the middle to t: no incomplete beta."""
    grid = np.linspace(0, t, 100_001)
    density = (1 + grid**2 / degrees) ** (-(degrees + 1) / 2)
    height = math.gamma((degrees + 1) / 2) / math.gamma(degrees / 2) / math.sqrt(degrees * math.pi)
    return 0.5 - height * float(((density[1:] + density[:-1]) / 2).sum()) * t / 100_000


def by_other_means(result: BacktestResult, candles: Any, fee_in_base: bool) -> dict[str, float]:
    """The same figures."""
    return of_trips(result, candles, fee_in_base) | of_equity(courses_of(result, candles, fee_in_base), candles)


def of_trips(result: BacktestResult, candles: Any, fee_in_base: bool) -> dict[str, float]:
    """Those of the trades."""
    trips = trips_of(result.fills, fee_in_base)
    done = [one for one in trips if one.closed]
    profits = np.array([one.total("sell") - one.total("buy") - _in_money(one, fee_in_base) for one in done])
    shares = profits / [one.total("buy") for one in done]
    won, lost = profits[profits > 0], profits[profits < 0]
    risks = [one.risk for one in result.closed]
    multiples = np.array([profit / risk for profit, risk in zip(profits, risks, strict=True) if risk])
    rated = multiples if len(multiples) == len(profits) else profits
    lasted = np.array([one.fills[-1].at - one.fills[0].at for one in done])
    moves = np.array([_moves(one, candles) for one in done])
    runs = [(key, len(list(group))) for key, group in groupby(np.sign(profits))]
    t = np.sqrt(len(profits)) * profits.mean() / profits.std(ddof=1)
    return {
        "count": len(done),
        "net_profit": profits.sum(),
        "gross_profit": won.sum(),
        "gross_loss": -lost.sum(),
        "fees": sum(one.fees for one in trips),
        "profit_before_fees": profits.sum() + sum(one.fees for one in done),
        "win_rate": len(won) / len(done),
        "profit_factor": won.sum() / -lost.sum(),
        "payoff": won.mean() / -lost.mean(),
        "expectancy": profits.mean(),
        "expectancy_r": multiples.mean(),
        "average_share": shares.mean(),
        "best_share": shares.max(),
        "worst_share": shares.min(),
        "most_wins": max((number for key, number in runs if key > 0), default=0),
        "most_losses": max((number for key, number in runs if key < 0), default=0),
        "average_holding": lasted.mean(),
        "longest_holding": lasted.max(),
        "exposure": _in_market(trips, candles).mean(),
        "average_worst": moves[:, 0].mean(),
        "average_best": moves[:, 1].mean(),
        "sqn": np.sqrt(len(rated)) * rated.mean() / rated.std(ddof=1),
        "p_value": tail_of_student(float(t), len(profits) - 1),
    }


def of_equity(course: list[float], candles: Any) -> dict[str, float]:
    """Those of the equity, from the first candle that could be decided on."""
    equity, opened = course[WARMUP:], candles[WARMUP:, 0]
    ended = opened[-1] + STEP
    days = [list(group)[-1][1] for _, group in groupby(zip(opened, equity, strict=True), lambda one: one[0] // DAY)]
    returns = np.diff([CASH, *days]) / [CASH, *days[:-1]]
    depths = list(falls_of(equity))
    under = [(key, len(list(group))) for key, group in groupby(one[2] for one in depths)]
    stretches = [(number + (place + 1 < len(under))) * STEP for place, (key, number) in enumerate(under) if key]
    growth = (equity[-1] / CASH) ** (365 * DAY / (ended - opened[0])) - 1
    year = np.sqrt(365)
    return {
        "roi": equity[-1] / CASH - 1,
        "cagr": growth,
        "max_drawdown": max(one[0] for one in depths),
        "max_drawdown_share": max(one[1] for one in depths),
        "longest_drawdown": max(stretches, default=0),
        "under_water": sum(one[2] for one in depths) / len(depths),
        "volatility": returns.std(ddof=1) * year,
        "sharpe": returns.mean() / returns.std(ddof=1) * year,
        "sortino": returns.mean() / np.sqrt((np.minimum(returns, 0) ** 2).mean()) * year,
        "calmar": growth / max(one[1] for one in depths),
        "omega": np.maximum(returns, 0).mean() / np.maximum(-returns, 0).mean(),
    }


def _in_market(trips: list[Trip], candles: Any) -> Any:
    """Minute by minute whether anything was held."""
    began, ended = candles[WARMUP, 0], candles[-1, 0] + STEP
    minutes = np.zeros(int(ended - began) // 60_000, bool)
    for one in trips:
        end = one.fills[-1].at if one.closed else ended
        minutes[int(one.fills[0].at - began) // 60_000 : int(end - began) // 60_000] = True
    return minutes


def _in_money(trip: Trip, fee_in_base: bool) -> float:
    """Its fees that were paid in quote."""
    return sum(one.fee for one in trip.fills if not (fee_in_base and one.side == "buy"))


def _moves(trip: Trip, candles: Any) -> tuple[float, float]:
    entry = trip.total("buy") / trip.total("buy", "coins")
    leaving = trip.total("sell") / trip.total("sell", "coins")
    lived = candles[trip.fills[0].candle : trip.fills[-1].candle]
    lows, highs = [leaving, entry, *lived[:, 4]], [leaving, entry, *lived[:, 3]]
    return min(lows) / entry - 1, max(highs) / entry - 1


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "costs",
    [
        Costs(taker=Decimal("0.001"), maker=Decimal("0.0005"), slippage_bps=3.0),
        Costs(taker=Decimal("0.002"), fee_asset=FeeAsset.BASE),
    ],
    ids=["fees in quote", "fees in base"],
)
def test_every_figure_comes_out_of_the_fills(seed: int, costs: Costs) -> None:
    result = ran(seed, costs)
    fee_in_base = costs.fee_asset is FeeAsset.BASE
    candles = four_hours(seed).candles
    assert result.record is not None
    assert result.equity.tolist() == pytest.approx(courses_of(result, candles, fee_in_base))
    found, expected = figures_of(result.record), by_other_means(result, candles, fee_in_base)
    assert set(expected) == set(FIGURES) - HOLDING
    assert {name: found[name] for name in expected} == {
        name: pytest.approx(value, rel=1e-6, abs=1e-9) for name, value in expected.items()
    }
    assert sum(len(one.fills) for one in trips_of(result.fills, fee_in_base)) > 3 * expected["count"], "in parts"
