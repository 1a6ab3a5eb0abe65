"""Does it peek? The run is repeated with the candles cut off at some of them, and must decide the same up to each cut."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from aristobot.backtest.session import Session
from aristobot.backtest.settings import Setup
from aristobot.strategy_orders import Decision

Decisions = Sequence[tuple[int, Decision | int]]


class Verdict(msgspec.Struct, frozen=True):
    """Whether decisions needed the future. `checked` is the number of cuts; `symbol` and `candle` are where it showed first."""

    checked: int
    clean: bool
    symbol: str = ""
    candle: int = -1


def examine(setup: Setup, session: Session) -> Verdict:
    """Repeat a finished run with the future cut off at signalled candles and at random ones."""
    cuts = cuts_of(setup, session)
    if not cuts:
        return Verdict(0, clean=True)
    again = Session(setup)
    for moment in cuts:
        again.play(moment)
        for played, repeated in zip(session.players, again.players, strict=True):
            candle = first_difference(played.lane.decisions, repeated.lane.decisions, repeated.end)
            if candle is not None:
                return Verdict(len(cuts), clean=False, symbol=played.history.symbol, candle=candle)
    return Verdict(len(cuts), clean=True)


def cuts_of(setup: Setup, session: Session) -> list[int]:
    """Closes (UTC ms) at which the future is cut off: two thirds where something was decided, one third at random."""
    dice = random.Random(setup.seed)  # a repeatable sample, no secret
    signalled, anywhere = set(), set()
    for player in session.players:
        times, length = player.history.candles[:, 0], player.history.candle_ms
        signalled |= {int(times[at]) + length for at, _ in player.lane.decisions}
        if len(times) > player.warmup:
            picked = (dice.randrange(player.warmup, len(times)) for _ in range(setup.checks))
            anywhere |= {int(times[at]) + length for at in picked}
    most = min(len(signalled), setup.checks * 2 // 3)
    chosen = set(dice.sample(sorted(signalled), most))
    others = sorted(anywhere - chosen)
    return sorted(chosen | set(dice.sample(others, min(len(others), setup.checks - most))))


def first_difference(full: Decisions, cut: Decisions, end: int) -> int | None:
    """The first candle before `end` after which the two decided differently."""
    known = [one for one in full if one[0] < end]
    for (at, decided), (other, repeated) in zip(known, cut, strict=False):
        if at != other or decided != repeated:
            return min(at, other)
    if len(known) != len(cut):
        longer = known if len(known) > len(cut) else cut
        return longer[min(len(known), len(cut))][0]
    return None
