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
    lines = [_line(player, cash if len(session.players) == 1 else 0.0) for player in session.players]
    if len(lines) == 1:
        times, money, worth = lines[0]
        money += worth
        return times, money, worth
    times = np.unique(np.concatenate([one[0] for one in lines]))
    equity, held = np.full(len(times), cash), np.zeros(len(times))
    for closing, money, worth in lines:
        last = np.searchsorted(closing, times, side="right") - 1
        known = last >= 0
        equity[known] += (money + worth)[last[known]]
        held[known] += worth[last[known]]
    return times, equity, held


def _line(player: Player, cash: float) -> tuple[Floats, Floats, Floats]:
    """Closing times, cash with the sum of money spent and received, and the worth of what is held, of one strategy."""
    lane, candles = player.lane, player.history.candles
    units, count = lane.units, len(candles)
    bars: NDArray[np.int64] = np.array([0, *lane.fills.column(0), count], dtype=np.int64)
    lasting = np.diff(bars)
    money = np.repeat(cash + _steps(lane.fills.column(8), 10**units.money_places), lasting)
    worth = np.repeat(_steps(lane.fills.column(9), round(units.quantities) * units.fees), lasting)
    worth *= candles[:, 2]
    return candles[:, 0] + player.history.candle_ms, money, worth


def _steps(values: Sequence[int], scale: int) -> Floats:
    return np.array([0.0, *[value / scale for value in values]])


def excursions(player: Player, entry: Floats, leaving: Floats) -> tuple[Floats, Floats]:
    """How far each closed position went against and for us, as fractions of its entry price: MAE (0 or less), MFE (0 or more).

    Counted are the candles from the entry up to the one before the exit, and the exit's price.
    """
    closed, candles = player.lane.closed, player.history.candles
    if not closed:
        return np.empty(0), np.empty(0)
    edges: NDArray[np.int64] = np.empty(2 * len(closed), dtype=np.int64)
    edges[::2], edges[1::2] = closed.column(1), closed.column(3)
    some = edges[1::2] > edges[::2]
    lowest = np.where(some, np.minimum.reduceat(candles[:, 4], edges)[::2], leaving)
    highest = np.where(some, np.maximum.reduceat(candles[:, 3], edges)[::2], leaving)
    worst = np.minimum(np.minimum(lowest, leaving) / entry - 1, 0.0)
    return worst, np.maximum(np.maximum(highest, leaving) / entry - 1, 0.0)
