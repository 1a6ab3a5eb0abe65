"""A run of which only the figures are wanted: the fills of a report without what only a report shows; and candles with noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aristobot.backtest.curve import equity_of
from aristobot.backtest.history import History
from aristobot.backtest.player import TraceMistaken
from aristobot.backtest.runner import closed_trades, rarely_collected
from aristobot.backtest.session import Session
from aristobot.backtest.settings import Setup
from aristobot.candle_rows import CLOSE, TIME, VOLUME
from aristobot.errors import StrategyError
from aristobot.figures.curve import record_of
from aristobot.figures.record import Record


def quick_record(setup: Setup, since: int, until: int) -> Record | None:
    """What every figure is computed from: one strategy alone, deciding at the candles that open from `since` on and before
    `until` (UTC ms). Candles before `since` warm it up where there are enough. None when it never could decide.

    Raises StrategyError for parameters that cannot be, and `strategy_raised` for hooks that fell.
    """
    with rarely_collected():
        session = _played(_between(setup, since, until))
        session.finish(setup.close_at_end)
        player = session.players[0]
        if player.lane.run.memory.stopped:
            raise StrategyError("strategy_raised", line=0, error=player.lane.run.memory.stopped)
        if player.warmup >= len(player.history):
            return None
        times, equity, _ = equity_of(session, float(setup.cash))
        opened = times[player.warmup :] - player.history.candle_ms
        found = record_of(closed_trades(player), opened, equity[player.warmup :], float(setup.cash))
        held = player.lane.still_open()
        return found if held is None else replace(found, still_open=(held,))


def with_noise(history: History, share: float, tick: float, seed: int) -> History:
    """Other candles that might have been: each one moved as a whole by a random part of a usual move, rounded to the tick.

    The factor of a candle is exp(share * s * z), s the standard deviation of the closes' logarithmic returns, z normal.
    """
    candles = history.candles.copy(order="F")
    chance = np.random.default_rng(seed)
    spread = float(np.std(np.diff(np.log(candles[:, CLOSE])))) if len(candles) > 2 else 0.0
    factors = np.exp(share * spread * chance.standard_normal(len(candles)))
    prices = candles[:, TIME + 1 : VOLUME]
    prices *= factors[:, None]
    np.maximum(np.round(prices / tick) * tick, tick, out=prices)
    return History(history.symbol, history.timeframe, candles)


def _between(setup: Setup, since: int, until: int) -> Setup:
    (entrant,) = setup.entrants
    whole = entrant.history.candles
    first, last = np.searchsorted(whole[:, TIME], (since, until))
    ahead = _warmup(setup, first, last) if first else 0
    begin = max(0, int(first) - ahead)
    part = History(entrant.history.symbol, entrant.history.timeframe, whole[begin:last])
    warmup = max(ahead, 0) if first else setup.warmup
    return replace(setup, entrants=(replace(entrant, history=part),), warmup=warmup)


def _warmup(setup: Setup, first: int, last: int) -> int:
    """How many candles these parameters want before their first decision."""
    (entrant,) = setup.entrants
    part = History(entrant.history.symbol, entrant.history.timeframe, entrant.history.candles[first:last])
    return Session(replace(setup, entrants=(replace(entrant, history=part),))).players[0].warmup


def _played(setup: Setup) -> Session:
    session = Session(setup)
    try:
        session.play(traced=True)
    except TraceMistaken:
        session = Session(setup)
        session.play()
    return session
