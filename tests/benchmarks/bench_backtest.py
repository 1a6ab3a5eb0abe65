"""Backtests against backtesting.py and vectorbt: the same candles, the same rounds, taking turns.

    python -m tests.benchmarks.bench_backtest [rounds] [candles]

A year of minutes by default. Every run is a process of its own; its time is the processor time from prepared candles to the
finished result, its memory the peak of the whole process. Ours always contains the exact money, the equity, every figure and
the excursions of every round. "asked" is a strategy whose hooks keep a count, so that Python is called at every candle.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from statistics import median
from typing import Any

from tests.benchmarks.backtest_racers import RACERS

AIM, ABSENT = 15.0, {"nautilus_trader": "nautilus_trader", "freqtrade": "freqtrade", "backtrader": "backtrader"}
PEERS = {"backtesting.py": "backtesting", "vectorbt": "vectorbt", "vectorbt, report": "vectorbt"}


def installed(package: str) -> bool:
    """Whether a peer is there."""
    return importlib.util.find_spec(package) is not None


def run(name: str, candles: int) -> dict[str, Any]:
    """One run in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.backtest_racers", name, str(candles)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"}
    )
    told: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"cpu"') :])
    return told


def equal(ours: list[Any], other: list[Any]) -> int:
    """How many rounds of ours the other has to the cent of a cent."""
    known = {(first, last): (bought, sold) for first, last, bought, sold in other}
    return sum(
        abs(known.get((first, last), (0.0, 0.0))[0] - bought) < 1e-9 and abs(known[first, last][1] - sold) < 1e-9
        for first, last, bought, sold in ours
    )


def main() -> None:
    """The table, and the two ratios that count."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    candles = int(sys.argv[2]) if len(sys.argv) > 2 else 525_600
    names = [name for name in RACERS if name not in PEERS or installed(PEERS[name])]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(turns):
        for name in names:
            found[name].append(run(name, candles))
    cpu = {name: median(one["cpu"] for one in runs) for name, runs in found.items()}
    ours = found["aristobot"][0]["rounds"]
    print(f"{candles:,} candles, {len(ours):,} rounds, median of {turns} turns")
    print(f"{'':22}{'candles/s':>12}{'x backtesting.py':>18}{'x vectorbt':>12}{'peak MB':>9}{'equal rounds':>14}")
    for name, runs in found.items():
        by_peer = [f"{cpu[peer] / cpu[name]:.1f}" if peer in cpu else "-" for peer in ("backtesting.py", "vectorbt")]
        memory, agreed = median(one["mb"] for one in runs), equal(ours, runs[0]["rounds"])
        print(f"{name:22}{candles / cpu[name]:12,.0f}{by_peer[0]:>18}{by_peer[1]:>12}{memory:9.0f}{agreed:14,}")
    for name, package in ABSENT.items():
        print(f"{name}: {'installed, but not raced here' if installed(package) else 'absent'}")
    if "backtesting.py" in cpu:
        print(f"aim {AIM:.0f} x backtesting.py: {cpu['backtesting.py'] / cpu['aristobot']:.1f}")


if __name__ == "__main__":
    main()
