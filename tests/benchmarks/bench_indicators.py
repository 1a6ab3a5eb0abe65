"""What an indicator costs a strategy at every candle: read off the tape, beside computing it anew from the last candles.

    python -m tests.benchmarks.bench_indicators [candles]

A year of one-minute candles. "Anew" is TA-Lib itself over the last 240 closes, which is what a framework does that remembers
nothing; it is measured in alternation with ours, over fewer candles. The first column is the one computation over the whole
run, after which reading is all there is. Times are those of this thread on a core, not of the clock.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from time import thread_time

import numpy as np

from aristobot.indicators import ta
from aristobot.indicators.columns import Floats
from aristobot.indicators.series import Tape
from tests.aristobot.test_indicator_tape import walk

WINDOW, SAMPLE, ROUNDS = 240, 20_000, 5
CALLS: dict[str, Callable[[Floats], object]] = {
    "ema": lambda candles: ta.ema(candles, 20),
    "ema, whole series": lambda candles: ta.ema(candles, 20, sequential=True),
    "rsi": lambda candles: ta.rsi(candles, 14),
    "macd, three values": ta.macd,
    "supertrend, two values": ta.supertrend,
    "vwap of the day": ta.vwap,
    "ichimoku, seven values": ta.ichimoku,
}


def first_time(call: Callable[[Floats], object], candles: Floats) -> float:
    """Milliseconds of the first call: the indicator over the whole run."""
    view = Tape(candles).view()
    begun = thread_time()
    call(view)
    return (thread_time() - begun) * 1e3


def off_the_tape(call: Callable[[Floats], object], tape: Tape) -> float:
    """Nanoseconds of a call, the view of the candles aside."""
    tape.cursor = len(tape.candles) - SAMPLE - 1
    view = tape.view()
    call(view)
    begun = thread_time()
    for _ in range(SAMPLE):
        call(view)
    return (thread_time() - begun) / SAMPLE * 1e9


def anew(call: Callable[[Floats], object], candles: Floats) -> float:
    """Nanoseconds of a call on the last candles as a plain array."""
    rows = SAMPLE // 20
    begun = thread_time()
    for at in range(WINDOW, WINDOW + rows):
        call(candles[at - WINDOW : at])
    return (thread_time() - begun) / rows * 1e9


def main() -> None:
    """Print the table."""
    candles = walk(int(sys.argv[1]) if len(sys.argv) > 1 else 525_600)
    candles[:, 0] = candles[0, 0] + 60_000.0 * np.arange(len(candles))
    tape = Tape(candles)
    views = []
    for _ in range(ROUNDS):
        begun = thread_time()
        for tape.cursor in range(SAMPLE):
            tape.view()
        views.append((thread_time() - begun) / SAMPLE * 1e9)
    print(f"the candles so far: {median(views):.0f} ns a view")
    print(f"{'':26}{'once, ms':>10}{'read, ns':>10}{'anew, ns':>10}{'ratio':>8}")
    for name, call in CALLS.items():
        pairs = [(off_the_tape(call, tape), anew(call, candles)) for _ in range(ROUNDS)]
        read, again = (median(side) for side in zip(*pairs, strict=True))
        ratio = median(after / before for before, after in pairs)
        print(f"{name:26}{first_time(call, candles):10.1f}{read:10.0f}{again:10.0f}{ratio:7.0f}x")


if __name__ == "__main__":
    main()
