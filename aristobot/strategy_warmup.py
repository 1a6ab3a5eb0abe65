"""How many candles a strategy needs before it can be asked: found out by asking it once and looking at what it computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from aristobot.indicators.columns import Floats
from aristobot.indicators.series import Tape
from aristobot.strategy import Strategy
from aristobot.strategy_driver import Driver
from aristobot.strategy_run import Facts, OtherCandles, Run, Standing

#: Candles that the first attempt looks at; doubled while an indicator has no value yet.
_FIRST = 1_000


def warmup_of(
    kind: type[Strategy], facts: Facts, hp: Mapping[str, Any], candles: Floats, larger: OtherCandles | None = None
) -> int:
    """The index of the first candle at which every indicator has a value, there and one candle before; at least the class's own.

    What is asked for only in a position is found as well: its hooks are asked too, and what they raise does not matter here.
    """
    size = _FIRST
    while True:
        found = leading_of(kind, facts, hp, candles[:size], larger)
        if found is not None or size >= len(candles):
            return max(kind.warmup_candles, (found or 0) + 1)
        size *= 4


def leading_of(
    kind: type[Strategy], facts: Facts, hp: Mapping[str, Any], candles: Floats, larger: OtherCandles | None
) -> int | None:
    """The longest run of missing values at a beginning; None when a series has nothing but those."""
    tape = Tape(candles)
    run = Run(facts, tape, hp, Standing(1_000_000.0, 1_000_000.0))
    run.others = larger
    driver = Driver(kind, run)
    if not len(candles):
        return 0
    _try_hooks(driver, tape)
    firsts = [_first_values(arrays) for arrays in (*tape.whole.results.values(), *((one,) for one in driver.arrays.values()))]
    firsts += _seen_of_larger(larger, candles[:, 0] + run.candle_ms) if larger is not None else []
    return None if None in firsts else max((one for one in firsts if one is not None), default=0)


def _seen_of_larger(larger: OtherCandles, closes: Floats) -> list[int | None]:
    """At which of the own candles, that close then, the first values of what was computed on larger ones can be read."""
    found: list[int | None] = []
    for tape, closed_at in larger.tapes():
        for arrays in tape.whole.results.values():
            first = _first_values(arrays)
            at = len(closes) if first is None else int(np.searchsorted(closes, closed_at[first]))
            found.append(at if at < len(closes) else None)
    return found


def _try_hooks(driver: Driver, tape: Tape) -> None:
    driver.attempt(lambda: driver.load(tape))
    driver.attempt(lambda: driver.reveal(len(tape.candles) - 1))
    strategy = driver.strategy
    flat: tuple[Callable[[], object], ...] = (
        strategy.before,
        strategy.should_long,
        lambda: [one() for one in strategy.filters()],
        strategy.go_long,
    )
    held: tuple[Callable[[], object], ...] = (strategy.should_exit, strategy.update_position, strategy.after)
    for hook in flat:
        driver.attempt(hook)
    price = driver.run.price
    driver.run.stand = Standing(1_000_000.0, 1_000_000.0, 1.0, entry=price)
    driver.run.held = 1.0
    for hook in held:
        driver.attempt(hook)


def _first_values(outputs: Sequence[Floats]) -> int | None:
    """Where the last output of an indicator begins; one without any value counts only when all are so (a pivot has no R4)."""
    known = [first for one in outputs if (first := _first_value(one)) is not None]
    return max(known) if known else None


def _first_value(values: Floats) -> int | None:
    missing = np.isnan(values)
    if not missing.any():
        return 0
    return None if missing.all() else int(missing.argmin())
