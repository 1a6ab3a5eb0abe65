"""What every rival's run has in common. Knows numpy and nothing of ours: it runs in an environment of the rival's own."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

FAST, SLOW, FEE, CASH = 20, 50, 0.001, 10_000
COLUMNS = ("open", "close", "high", "low", "volume")
#: Candles of the run before the one that counts: it loads and compiles what is needed.
SHORT = 1_000
#: Entry candle, exit candle, entry price, exit price.
Rounds: TypeAlias = list[tuple[int, int, float, float]]


def race(prepare: Callable[[Any], Any], run: Callable[[Any], Rounds]) -> None:
    """Run over the candles of a file; print one line of JSON: seconds of processor and clock, peak megabytes, the rounds."""
    candles = np.load(sys.argv[1])
    run(prepare(candles[:SHORT]))
    prepared = prepare(candles)
    cpu, wall = time.process_time(), time.perf_counter()
    rounds = run(prepared)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": cpu, "wall": wall, "mb": peak, "rounds": rounds}))


def frame_of(candles: Any, named: str = "date") -> Any:
    """The candles as a pandas frame with a column of times, or with an index of them when `named` is empty."""
    pandas = importlib.import_module("pandas")
    times = pandas.to_datetime(candles[:, 0], unit="ms", utc=True)
    frame = pandas.DataFrame(candles[:, 1:], columns=list(COLUMNS), index=times)
    return frame.rename_axis(named).reset_index() if named else frame
