"""One backtest from beginning to end: `backtest(setup)`."""

from __future__ import annotations

import gc
import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from operator import truediv

import numpy as np

from aristobot.backtest.curve import equity_of, excursions
from aristobot.backtest.later import Later
from aristobot.backtest.lookahead import Verdict, examine
from aristobot.backtest.player import Player, TraceMistaken
from aristobot.backtest.result import BacktestResult, Band, OpenPosition, RefusedOrder
from aristobot.backtest.rules import rules_of
from aristobot.backtest.session import Progress, Session, histories
from aristobot.backtest.settings import Mood, Setup
from aristobot.figures.record import ClosedTrade
from aristobot.indicators.columns import Floats
from aristobot.strategy_driver import unkept


def backtest(setup: Setup, progress: Progress | None = None) -> BacktestResult:
    """Play the strategies over their candles. `progress` is told which part of the main run is done.

    Deterministic: the same setup gives the same result. Raise StrategyError for parameters or hooks that cannot be.
    """
    with rarely_collected():
        return _found(setup, progress)


def _found(setup: Setup, progress: Progress | None) -> BacktestResult:
    session = _played(setup, progress)
    found = _result(setup, session)
    if not found.lookahead.clean and any(player.trace for player in session.players):  # was it the trace that was wrong?
        session = Session(setup, draws=True)
        session.play(progress=progress)
        found = _result(setup, session)
    return found


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Rows by the ten thousand make no rings: looking for some as often as Python does would take a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _result(setup: Setup, session: Session) -> BacktestResult:
    decided = [len(player.lane.decisions) for player in session.players]
    session.finish(setup.close_at_end)
    times, equity, invested = equity_of(session, float(setup.cash))
    closed = tuple(one for leg, player in enumerate(session.players) for one in closed_trades(player, leg))
    closed = closed if len(session.players) == 1 else tuple(sorted(closed, key=lambda one: (one.closed_at, one.leg)))
    lanes = [player.lane for player in session.players]
    verdict = examine(setup, session) if setup.checks and any(decided) else Verdict(0, clean=True)
    return BacktestResult(
        cash=float(setup.cash),
        times=times,
        equity=equity,
        invested=invested,
        closed=closed,
        refused=tuple(one for player in session.players for one in _refused(player)),
        vetoes=sum((lane.vetoes for lane in lanes), Counter()),
        open_positions=tuple(_open(player) for player in session.players if player.lane.account.lots),
        messages=tuple(one for lane in lanes for one in lane.messages),
        stopped=_stopped(session),
        unkept="; ".join(filter(None, (unkept(lane.driver) for lane in lanes))),
        warmup=max(player.warmup for player in session.players),
        band=_band(setup, session, equity),
        lookahead=verdict,
        rules=rules_of(setup),
        parameters=tuple(dict(lane.run.hp) for lane in lanes),
        seed=setup.seed,
        variants=setup.variants,
        later=Later(setup, tuple(player.course() for player in session.players)),
        data_hash=hashlib.sha256("".join(one.digest for one in histories(setup)).encode()).hexdigest(),
    )


def _played(setup: Setup, progress: Progress | None, mood: Mood = Mood.PESSIMISTIC) -> Session:
    draws = mood is Mood.PESSIMISTIC
    session = Session(setup, mood, draws=draws)
    try:
        session.play(progress=progress, traced=True)
    except TraceMistaken:
        session = Session(setup, mood, draws=draws)
        session.play(progress=progress)
    return session


def _stopped(session: Session) -> str:
    """What made strategies enter no more; of several it is said which."""
    words = [one.lane.run.memory.stopped for one in session.players]
    if len(words) == 1:
        return words[0]
    symbols = [one.history.symbol for one in session.players]
    return "; ".join(f"{leg}. {symbol}: {said}" for leg, (symbol, said) in enumerate(zip(symbols, words, strict=True), 1) if said)


def closed_trades(player: Player, leg: int = 0) -> list[ClosedTrade]:
    """The positions that were opened and closed, oldest first."""
    rows, units = player.lane.closed, player.lane.units
    if not rows:
        return []
    money = 10**units.money_places
    opened, first, at, last, bought, lots, sold, sold_lots, fees, profit, tag, stop = map(rows.column, range(12))
    entry = np.array(list(map(truediv, bought, lots))) / units.prices
    leaving = np.array(list(map(truediv, sold, sold_lots))) / units.prices
    worst, best = excursions(player, entry, leaving)
    entries, quantities = entry.tolist(), [one / units.quantities for one in lots]
    risks = (
        (price - limit) * quantity if 0 < limit < price else None
        for price, limit, quantity in zip(entries, stop, quantities, strict=True)
    )
    columns = (  # in the order of its fields, made by the ten thousand
        repeat(player.history.symbol), opened, at, entries, leaving.tolist(), quantities, [one / money for one in fees],
        [one / money for one in profit], tag, risks, worst.tolist(), best.tolist(), first, last, *([repeat(leg)] if leg else []),
    )  # fmt: skip
    return list(map(ClosedTrade, *columns))


def _refused(player: Player) -> list[RefusedOrder]:
    units, symbol = player.lane.units, player.history.symbol
    return [
        RefusedOrder(symbol, at, "buy" if buying else "sell", price / units.prices, max(lots, 0) / units.quantities, tag, reason)
        for at, buying, lots, price, tag, reason in player.lane.refusals
    ]


def _open(player: Player) -> OpenPosition:
    lane = player.lane
    last = float(player.history.candles[-1, 2])
    return OpenPosition(player.history.symbol, lane.opened_at, lane.held, lane.entry, (lane.held + lane.dust) * last)


def _band(setup: Setup, session: Session, equity: Floats) -> Band:
    """The optimistic counter-run is made when anything could be read otherwise: an order rested, or came late."""
    worst = float(equity[-1]) - float(setup.cash) if len(equity) else 0.0
    if not setup.costs.latency and not any(player.lane.rested for player in session.players):
        return Band(worst, worst)
    counter = _played(setup, None, Mood.OPTIMISTIC)
    counter.finish(setup.close_at_end)
    best = float(equity_of(counter, float(setup.cash))[1][-1]) - float(setup.cash)
    return Band(min(worst, best), max(worst, best))
