"""Backtests against five others: the same candles, the same rules, taking turns, rounds compared one by one.

    python -m tests.benchmarks.bench_backtest [rounds] [candles] [candles of the slow three; 0 leaves them out]

A year of minutes by default, of which nautilus_trader, freqtrade and backtrader, which take minutes for it, get the first quarter.
Those three live in environments of their own, which are prepared when they are missing (uv, the internet, some minutes once).

Every run is a process of its own; its time is the processor time from prepared candles to the finished result, its memory the peak
of the whole process. Ours contains the exact money, the equity and the excursions of every round, and all figures of a report
where it does not say "rounds". "asked" is a strategy whose hooks keep a count, so that Python is called at every candle; the plain
line is one whose hooks are answered for all candles at once and checked. Both are the same two hooks to who writes them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.benchmarks.backtest_differences import Fills, differences
from tests.benchmarks.backtest_racers import RACERS, walk
from tests.benchmarks.rivals.homes import Missing, Rival, prepare
from tests.benchmarks.rivals.homes import run as run_rival

PEERS = {"backtesting.py": "backtesting", "vectorbt, rounds": "vectorbt", "vectorbt": "vectorbt"}
RIVALS = {
    "nautilus_trader": Rival("nautilus_trader", "1.221.0", (), "tests.benchmarks.rivals.nautilus_race"),
    "freqtrade": Rival("freqtrade", "2026.9", (), "tests.benchmarks.rivals.freqtrade_race"),
    "backtrader": Rival("backtrader", "1.9.78.123", ("numpy", "pandas"), "tests.benchmarks.rivals.backtrader_race"),
}
#: nautilus_trader fills at the close that was decided on, and no more than a part of the volume at one price.
FILLS = {"nautilus_trader": Fills(early=1, ticks=1)}
#: Ours, theirs, how many times as fast ours shall be.
AIMS = (
    ("aristobot", "backtesting.py", 15), ("aristobot, asked", "backtesting.py", 15),
    ("aristobot", "nautilus_trader", 80), ("aristobot, asked", "nautilus_trader", 80),
    ("aristobot", "freqtrade", 80), ("aristobot, asked", "freqtrade", 80),
    ("aristobot", "backtrader", 150), ("aristobot, asked", "backtrader", 150),
    ("arrays", "vectorbt", 1), ("arrays, rounds", "vectorbt, rounds", 1),
)  # fmt: skip


def installed(package: str) -> bool:
    """Whether a peer is there."""
    return importlib.util.find_spec(package) is not None


def run(name: str, candles: int) -> dict[str, Any]:
    """One run of ours or of a peer in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.backtest_racers", name, str(candles)]
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, env=quiet)
    told: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"cpu"') :])
    return told


def prepared() -> tuple[list[str], dict[str, str]]:
    """The rivals that can be raced here, and why the others cannot."""
    ready, missing = [], {}
    for name, rival in RIVALS.items():
        try:
            prepare(rival)
            ready.append(name)
        except Missing as why:
            missing[name] = str(why)
    return ready, missing


def measure(turns: int, candles: int, stretch: int) -> None:
    """Race, and print the table, the ratios that count and where rounds differ."""
    rivals, missing = prepared() if stretch else ([], dict.fromkeys(RIVALS, "left out"))
    peers = [name for name in RACERS if name not in PEERS or installed(PEERS[name])]
    missing |= {name: "not installed" for name in PEERS.keys() - set(peers)}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*peers, *rivals)}
    rows = walk(candles)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "candles.npy"
        np.save(file, np.ascontiguousarray(rows[:stretch]))
        for turn in range(turns):
            for name in peers:
                found[name].append(run(name, candles))
            for name in rivals:
                found[name].append(run_rival(RIVALS[name], file))
            print(f"turn {turn + 1} of {turns}, load {os.getloadavg()[0]:.1f}", flush=True)
    print_table(found, {name: stretch if name in rivals else candles for name in found})
    for name, why in missing.items():
        print(f"{name}: missing, {why}")
    print_differences(found, rows, {name: stretch if name in rivals else candles for name in found})


def print_table(found: dict[str, list[dict[str, Any]]], sizes: dict[str, int]) -> None:
    """Speed and memory, and the ratios beside their aims."""
    speed = {name: sizes[name] / median(one["cpu"] for one in runs) for name, runs in found.items()}
    print(f"{'':22}{'candles/s':>12}{'x backtesting.py':>18}{'peak MB':>9}{'candles':>10}{'rounds':>8}")
    for name, runs in found.items():
        ratio = f"{speed[name] / speed['backtesting.py']:.2f}" if "backtesting.py" in speed else "-"
        mb = median(one["mb"] for one in runs)
        print(f"{name:22}{speed[name]:12,.0f}{ratio:>18}{mb:9.0f}{sizes[name]:10,}{len(runs[0]['rounds']):8,}")
    for mine, theirs, aim in AIMS:
        if theirs in speed:
            each = [
                sizes[mine] / one["cpu"] / (sizes[theirs] / other["cpu"])
                for one, other in zip(found[mine], found[theirs], strict=True)
            ]
            spread = f"{min(each):.1f}-{max(each):.1f}"
            print(f"{mine:18} against {theirs:18}{speed[mine] / speed[theirs]:8.2f} x  ({spread}; aim {aim})")


def print_differences(found: dict[str, list[dict[str, Any]]], rows: Any, sizes: dict[str, int]) -> None:
    """Rounds one by one with ours, those that ended within the other's candles."""
    ours = [tuple(one) for one in found["aristobot"][0]["rounds"]]
    for name, runs in found.items():
        size = sizes[name]
        mine = [one for one in ours if one[1] < size]
        other = [tuple(one) for one in runs[0]["rounds"]]
        counted = differences(mine, other, FILLS.get(name, Fills()), rows[:size])
        print(f"{name:22}{counted.pop('equal', 0):6,} rounds equal of {len(mine):,}; " + "; ".join(
            f"{number}: {rule}" for rule, number in counted.items()
        ))  # fmt: skip


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    measure(*given, *(3, 525_600, 131_400)[len(given) :])
