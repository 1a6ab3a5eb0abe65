"""Searches: a sweep of 400 pairs of averages over 43,800 hours against vectorbt, and what a second core brings to a search that
learns: over those hours, where a trial takes some milliseconds, over 525,600 minutes, and over these with hooks that are called at
every candle.

    python -m tests.benchmarks.bench_optimise [rounds] [trials] [part of the names of the lines that are wanted]

Every run is a process of its own, taking turns; times are by the clock, so the machine must be quiet: what the processors did
is told beside. Ours starts its walled children, keeps every trial in SQLite and computes on whole arrays where a strategy's hooks
can be traced.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from typing import Any

SPEED, MEMORY, SCALING = 1.8, 0.1, 1.8


def run(name: str, workers: int, trials: int) -> dict[str, Any]:
    """One sweep."""
    command = [sys.executable, "-m", "tests.benchmarks.optimise_racers", name, str(workers), str(trials)]
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, env=quiet)
    told: dict[str, Any] = json.loads(done.stdout[done.stdout.rindex('{"seconds"') :])
    return told


def measure(rounds: int, trials: int, wanted: str) -> None:
    """Print the figures, and the ratios beside their aims."""
    lines = {
        "aristobot, 2 processes": ("grid", 2, 400),
        "vectorbt": ("vectorbt", 1, 400),
        "TPE, hours, 1": ("tpe", 1, trials),
        "TPE, hours, 2": ("tpe", 2, trials),
        "TPE, minutes, 1": ("tpe minutes", 1, trials),
        "TPE, minutes, 2": ("tpe minutes", 2, trials),
        "TPE, minutes asked, 1": ("tpe asked", 1, trials),
        "TPE, minutes asked, 2": ("tpe asked", 2, trials),
    }
    lines = {name: line for name, line in lines.items() if wanted in name}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in lines}
    for _ in range(rounds):
        for name, (racer, workers, count) in lines.items():
            found[name].append(run(racer, workers, count))
    print(f"load {os.getloadavg()[0]:.1f}")
    for name, told in found.items():
        seconds, mb, house, children = (median(one[what] for one in told) for what in ("seconds", "mb", "house", "children"))
        best = f"best {told[0]['best']}  {told[0]['roi']:+.1%}"
        cpu = f"(processor: {house:.2f} s, children {children:.2f} s)"
        print(f"{name:24}{told[0]['trials']:>5} pairs {seconds:8.2f} s {cpu:42}{mb:8.0f} MB   {best}")
    seconds = {name: median(one["seconds"] for one in told) for name, told in found.items()}
    memory = {name: median(one["mb"] for one in told) for name, told in found.items()}
    if {"vectorbt", "aristobot, 2 processes"} <= found.keys():
        print(f"speed    {seconds['vectorbt'] / seconds['aristobot, 2 processes']:5.2f} x vectorbt (aim {SPEED})")
        print(f"memory   {memory['aristobot, 2 processes'] / memory['vectorbt']:5.2f} of vectorbt's (aim {MEMORY})")
    for stretch in ("hours", "minutes", "minutes asked"):
        one, two = f"TPE, {stretch}, 1", f"TPE, {stretch}, 2"
        if one in found:
            allowed = min(told["children"] for told in found[one]) / min(
                (told["children"] + told["house"]) / 2 for told in found[two]
            )
            print(
                f"scaling  {seconds[one] / seconds[two]:5.2f} x on the second core over {stretch} (aim {SCALING}; "
                f"the processors' time allows {allowed:.2f})"
            )


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3, int(sys.argv[2]) if len(sys.argv) > 2 else 200, "".join(sys.argv[3:4]))
