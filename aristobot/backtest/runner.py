"""One backtest from beginning to end: `backtest(setup)`."""

from __future__ import annotations

import gc
import hashlib
import inspect
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from aristobot.backtest.curve import equity_of, excursions
from aristobot.backtest.lookahead import Verdict, examine
from aristobot.backtest.player import Player, TraceMistaken
from aristobot.backtest.result import BacktestResult, Band, FilledOrder, OpenPosition, RefusedOrder
from aristobot.backtest.rules import rules_of
from aristobot.backtest.session import Progress, Session, histories
from aristobot.backtest.settings import Mood, Setup, taker_of
from aristobot.figures.curve import record_of
from aristobot.figures.record import ClosedTrade, Record
from aristobot.indicators.columns import Floats


def backtest(setup: Setup, progress: Progress | None = None) -> BacktestResult:
    """Play the strategies over their candles. `progress` is told which part of the main run is done.

    Deterministic: the same setup gives the same result. Raise StrategyError for parameters or hooks that cannot be.
    """
    with rarely_collected():
        session = _played(setup, progress)
        found = _result(setup, session)
        if not found.lookahead.clean and any(player.trace for player in session.players):  # was it the trace that was wrong?
            session = Session(setup)
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
    closed = tuple(one for player in session.players for one in closed_trades(player))
    closed = closed if len(session.players) == 1 else tuple(sorted(closed, key=lambda one: (one.closed_at, one.symbol)))
    lanes = [player.lane for player in session.players]
    hold = _hold(setup, session.players, times)
    verdict = examine(setup, session) if setup.checks and any(decided) else Verdict(0, clean=True)
    return BacktestResult(
        cash=float(setup.cash),
        times=times,
        equity=equity,
        invested=invested,
        hold=hold,
        closed=closed,
        fills=tuple(one for player in session.players for one in filled(player)),
        refused=tuple(one for player in session.players for one in _refused(player)),
        vetoes=sum((lane.vetoes for lane in lanes), Counter()),
        open_positions=tuple(_open(player) for player in session.players if player.lane.account.lots),
        messages=tuple(one for lane in lanes for one in lane.messages),
        stopped="; ".join(lane.run.memory.stopped for lane in lanes if lane.run.memory.stopped),
        warmup=max(player.warmup for player in session.players),
        band=_band(setup, session, equity),
        lookahead=verdict,
        rules=rules_of(setup),
        parameters=tuple(dict(lane.run.hp) for lane in lanes),
        seed=setup.seed,
        variants=setup.variants,
        code_hash=hashlib.sha256(_code(setup).encode()).hexdigest(),
        record=_record(setup, session.players, closed, times, equity, hold),
        data_hash=hashlib.sha256("".join(one.digest for one in histories(setup)).encode()).hexdigest(),
    )


def _played(setup: Setup, progress: Progress | None, mood: Mood = Mood.PESSIMISTIC) -> Session:
    session = Session(setup, mood)
    try:
        session.play(progress=progress, traced=True)
    except TraceMistaken:
        session = Session(setup, mood)
        session.play(progress=progress)
    return session


def _record(
    setup: Setup, players: list[Player], closed: tuple[ClosedTrade, ...], times: Floats, equity: Floats, hold: Floats
) -> Record | None:
    """What the figures are computed from: the run from the first candle on that a strategy could decide; None without one."""
    ready = [
        player.history.candles[player.warmup, 0] + player.history.candle_ms
        for player in players
        if player.warmup < len(player.history.candles)
    ]
    if not ready:
        return None
    first = int(np.searchsorted(times, min(ready)))
    opened = times[first:] - min(player.history.candle_ms for player in players)
    return record_of(closed, opened, equity[first:], float(setup.cash), hold[first:])


def closed_trades(player: Player) -> list[ClosedTrade]:
    """The positions that were opened and closed, oldest first."""
    units, symbol = player.lane.units, player.history.symbol
    money = 10**units.money_places
    worst, best = excursions(player)
    found = []
    for row, mae, mfe in zip(player.lane.closed, worst.tolist(), best.tolist(), strict=True):
        opened, first, at, last, bought, lots, sold, sold_lots, fees, profit, tag, stop = row
        entry, quantity = bought / lots / units.prices, lots / units.quantities
        found.append(
            ClosedTrade(  # in the order of its fields: by name it would take twice as long
                symbol,
                opened,
                at,
                entry,
                sold / sold_lots / units.prices,
                quantity,
                fees / money,
                profit / money,
                tag,
                (entry - stop) * quantity if 0 < stop < entry else None,
                mae,
                mfe,
                first,
                last,
            )
        )
    return found


def filled(player: Player) -> list[FilledOrder]:
    """Every fill, in its order."""
    units, symbol = player.lane.units, player.history.symbol
    money = 10**units.money_places
    return [
        FilledOrder(
            symbol, at, bar, "buy" if buying else "sell", price / units.prices, lots / units.quantities, fee / money, maker, tag
        )
        for bar, at, buying, price, lots, fee, maker, tag, *_ in player.lane.fills
    ]


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


def _hold(setup: Setup, players: list[Player], times: Floats) -> Floats:
    """Everything bought at the first open at which a strategy could have bought, in equal parts, and held."""
    share = float(setup.cash) / len(players)
    hold = np.zeros(len(times))
    for player in players:
        candles, first = player.history.candles, player.warmup + 1
        if first >= len(candles):
            hold += share
            continue
        coins = share / (candles[first, 1] * (1 + float(taker_of(player.entrant, setup))))
        worth = coins * candles[:, 2]
        worth[:first] = share
        if len(players) > 1:
            last = np.searchsorted(candles[:, 0] + player.history.candle_ms, times, side="right") - 1
            worth = np.where(last < 0, share, worth[np.maximum(last, 0)])
        hold += worth
    return hold


def _code(setup: Setup) -> str:
    if setup.code:
        return setup.code
    try:
        return "".join(inspect.getsource(one.kind) for one in setup.entrants)
    except (OSError, TypeError):  # code that came from no file
        return "".join(one.kind.__qualname__ for one in setup.entrants)
