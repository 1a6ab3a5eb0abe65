"""Equity at every close, from the fills: no work per candle, a few steps over whole arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aristobot.backtest.player import Player
from aristobot.backtest.session import Session
from aristobot.indicators.columns import Floats


def equity_of(session: Session, cash: float) -> tuple[Floats, Floats, Floats]:
    """Closing times (UTC ms), equity in quote, and the part of it that was held, at every close of any candle of the run."""
    lines = [_line(player) for player in session.players]
    if len(lines) == 1:
        times, money, worth = lines[0]
        return times, cash + money + worth, worth
    times = np.unique(np.concatenate([one[0] for one in lines]))
    equity, held = np.full(len(times), cash), np.zeros(len(times))
    for closing, money, worth in lines:
        last = np.searchsorted(closing, times, side="right") - 1
        known = last >= 0
        equity[known] += (money + worth)[last[known]]
        held[known] += worth[last[known]]
    return times, equity, held


def _line(player: Player) -> tuple[Floats, Floats, Floats]:
    """Closing times, the sum of money spent and received, and the worth of what is held, of one strategy."""
    lane, candles = player.lane, player.history.candles
    units, count = lane.units, len(candles)
    bars = np.fromiter((row[0] for row in lane.fills), dtype=np.int64, count=len(lane.fills))
    lasting = np.diff(np.concatenate([np.zeros(1, np.int64), bars, np.array([count])]))
    money = np.repeat(_steps([row[8] for row in lane.fills], 10**units.money_places), lasting)
    held = np.repeat(_steps([row[9] for row in lane.fills], round(units.quantities) * units.fees), lasting)
    return candles[:, 0] + player.history.candle_ms, money, held * candles[:, 2]


def _steps(values: Sequence[int], scale: int) -> Floats:
    return np.array([0.0, *(value / scale for value in values)])


def excursions(player: Player) -> tuple[Floats, Floats]:
    """How far each closed position went against and for us, as fractions of its entry price: MAE (0 or less), MFE (0 or more).

    Counted are the candles from the entry up to the one before the exit, and the exit's price.
    """
    closed, candles = player.lane.closed, player.history.candles
    if not closed:
        return np.empty(0), np.empty(0)
    entry = np.array([row[4] / row[5] for row in closed]) / player.lane.units.prices
    leaving = np.array([row[6] / row[7] for row in closed]) / player.lane.units.prices
    edges: NDArray[np.int64] = np.array([(row[1], row[3]) for row in closed], dtype=np.int64).ravel()
    some = edges[1::2] > edges[::2]
    lowest = np.where(some, np.minimum.reduceat(candles[:, 4], edges)[::2], leaving)
    highest = np.where(some, np.maximum.reduceat(candles[:, 3], edges)[::2], leaving)
    worst = np.minimum(np.minimum(lowest, leaving) / entry - 1, 0.0)
    return worst, np.maximum(np.maximum(highest, leaving) / entry - 1, 0.0)
