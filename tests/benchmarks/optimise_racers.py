"""One sweep in a process of its own: `python -m tests.benchmarks.optimise_racers NAME WORKERS TRIALS`.

Pairs of averages over five years of hours or a year of minutes, long only, everything in, fee 0.1 % a side, filled at the next
open. Prints one line of JSON: seconds by the clock from prepared candles to the last score, peak megabytes of all processes,
seconds of processor of the house and of its children, the best pair, its return.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aristobot.candle_rows import Rows, no_rows
from aristobot.clock import SystemClock
from aristobot.kinds import SamplerKind
from aristobot.search.definition import Definition
from aristobot.search.goal import Goal
from aristobot.search.space import Axis
from aristobot.search.spans import Plan, Scheme
from aristobot.store import studies, users
from aristobot.store.database import Database
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.study_tables import Study
from aristobot.store.tenancy import SYSTEM
from services.optimiser import Advance, Optimiser
from services.study_book import StudyBook
from services.trial_crew import crew
from tests.backtesting import START, an_instrument
from tests.builders import a_user

FEE, CASH = 0.001, 10_000.0
FASTS, SLOWS = range(5, 101, 5), range(120, 501, 20)
CROSS = """
class Cross(Strategy):
    def hyperparameters(self):
        return [{"name": name, "type": int, "min": 5, "max": 500, "default": 50} for name in ("fast", "slow")]

    def indicators(self):
        return {name: ta.sma(self.candles, self.hp[name], sequential=True) for name in ("fast", "slow")}

    def should_long(self):
        return utils.crossed(self.fast, self.slow, "above")

    def should_exit(self):
        return utils.crossed(self.fast, self.slow, "below")
"""


@dataclass(frozen=True)
class Stretch:
    """So many candles of one length, and how far prices move in each."""

    count: int
    timeframe: str
    milliseconds: int
    drift: float
    spread: float


#: The same with a count of its own, so that its hooks are called at every candle.
ASKED = CROSS.replace("    def should_long(self):\n", "    asked = 0\n\n    def should_long(self):\n        self.asked += 1\n")
HOURS = Stretch(43_800, "1h", 3_600_000, 0.00002, 0.006)
MINUTES = Stretch(525_600, "1m", 60_000, 0.0000005, 0.0008)


def candles(stretch: Stretch) -> Rows:
    """The same candles each time; every open is the close before it."""
    chance = np.random.default_rng(11)
    rows = no_rows(stretch.count)
    closes = np.round(20_000 * np.exp(np.cumsum(chance.normal(stretch.drift, stretch.spread, stretch.count))), 2)
    rows[:, 0] = START + np.arange(stretch.count) * stretch.milliseconds
    rows[0, 1], rows[1:, 1], rows[:, 2] = closes[0], closes[:-1], closes
    rows[:, 3] = np.maximum(rows[:, 1], closes) + 1
    rows[:, 4] = np.minimum(rows[:, 1], closes) - 1
    rows[:, 5] = 1.0
    return rows


def definition(sampler: SamplerKind, trials: int, stretch: Stretch) -> Definition:
    """The sweep: as a grid it has 400 pairs."""
    axes = tuple(Axis(name, "int", one[0], one[-1], one.step) for name, one in (("fast", FASTS), ("slow", SLOWS)))
    return Definition(
        strategy="Cross", exchange="binance", symbol="BTC/USDT", timeframe=stretch.timeframe, since=START,
        until=START + stretch.count * stretch.milliseconds,
        instrument=msgspec.to_builtins(an_instrument(lot="0.00001")), axes=axes, fixed={}, goal=Goal("roi", 1),
        plan=Plan(Scheme.WHOLE), sampler=sampler, trials=trials,
    )  # fmt: skip


async def ours(sampler: SamplerKind, workers: int, trials: int, stretch: Stretch = HOURS, text: str = CROSS) -> dict[str, Any]:
    """The search as users start it, studies kept in SQLite; without the questions that are asked of the best afterwards."""
    clock, rows, wanted = SystemClock(), candles(stretch), definition(sampler, trials, stretch)
    done: list[tuple[float, Advance]] = []
    peaks, spent = [0.0], [0.0, 0.0]

    def note(one: Advance) -> None:
        done.append((clock.monotonic() - began, one))
        if one.done == one.total:  # the children end soon after
            told = [_of_child(pid) for pid in _children()]
            peaks[0], spent[1] = sum(mb for mb, _ in told), sum(cpu for _, cpu in told)
            spent[0] = time.process_time() - used

    with tempfile.TemporaryDirectory() as folder, crew(workers) as hands:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        upgrade_at_start(url, None)
        db = Database(url)
        user = await db.write(SYSTEM, lambda session: users.create(session, a_user()))
        row = Study(user_id=user.id, strategy="Cross", code=text, data_hash="", created_at=clock.now())
        study = await db.write(user.id, partial(studies.create, row=row))
        began, used = clock.monotonic(), time.process_time()
        book = StudyBook(db, clock, user.id, study.id)
        await Optimiser(clock, book, hands, note).run(wanted, text, rows)
        await db.close()
    seconds, last = done[-1]
    assert last.best is not None
    pair = [last.best.parameters[name] for name in ("fast", "slow")]
    found = {"trials": last.done, "best": pair, "roi": last.best.figures["roi"], "house": spent[0], "children": spent[1]}
    return {"seconds": seconds, "mb": _peak(resource.RUSAGE_SELF) + peaks[0], **found}


def _children() -> list[int]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for task in path.parent.parent.iterdir() for pid in (task / "children").read_text().split()]


def _of_child(pid: int) -> tuple[float, float]:
    """Peak megabytes since its program began, and seconds of processor. (What `wait` tells counts the memory before `exec` too.)"""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return peak / 1024, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def vectorbt() -> dict[str, Any]:
    """The same 400 pairs as columns of one portfolio, compiled before the clock starts."""
    warnings.simplefilter("ignore")
    clock, rows = SystemClock(), candles(HOURS)
    _columns(rows[:1000])
    began, used = clock.monotonic(), time.process_time()
    returns = _columns(rows)
    spent = clock.monotonic() - began
    best = int(returns.argmax())
    pair = [FASTS[best // len(SLOWS)], SLOWS[best % len(SLOWS)]]
    mb = _peak(resource.RUSAGE_SELF)
    found = {
        "trials": len(returns),
        "best": pair,
        "roi": float(returns[best]),
        "house": time.process_time() - used,
        "children": 0,
    }
    return {"seconds": spent, "mb": mb, **found}


def _columns(rows: Rows) -> Any:
    """The return of every pair; each average is computed once, Sharpe ratios and drawdowns as well as they are in ours."""
    package, pandas = importlib.import_module("vectorbt"), importlib.import_module("pandas")
    index = pandas.to_datetime(rows[:, 0], unit="ms")
    close = pandas.Series(rows[:, 2], index=index)
    fast = package.MA.run(close, list(FASTS)).ma.to_numpy()[:, np.repeat(np.arange(len(FASTS)), len(SLOWS))]
    slow = package.MA.run(close, list(SLOWS)).ma.to_numpy()[:, np.tile(np.arange(len(SLOWS)), len(FASTS))]
    above, below = fast > slow, fast < slow
    entries, exits = np.zeros_like(above), np.zeros_like(above)
    entries[2:], exits[2:] = above[1:-1] & (fast <= slow)[:-2], below[1:-1] & (fast >= slow)[:-2]
    portfolio = package.Portfolio.from_signals(
        close, pandas.DataFrame(entries, index=index), pandas.DataFrame(exits, index=index), price=pandas.Series(rows[:, 1], index),
        fees=FEE, init_cash=CASH, freq="1h",
    )  # fmt: skip
    portfolio.sharpe_ratio()
    portfolio.max_drawdown()
    return portfolio.total_return().to_numpy()


def _peak(whose: int) -> float:
    return resource.getrusage(whose).ru_maxrss / 1024


RACERS: dict[str, Callable[[int, int], Any]] = {
    "grid": lambda workers, trials: ours(SamplerKind.GRID, workers, trials),
    "tpe": lambda workers, trials: ours(SamplerKind.TPE, workers, trials),
    "tpe minutes": lambda workers, trials: ours(SamplerKind.TPE, workers, trials, MINUTES),
    "tpe asked": lambda workers, trials: ours(SamplerKind.TPE, workers, trials, MINUTES, ASKED),
    "vectorbt": lambda workers, trials: vectorbt(),
}

if __name__ == "__main__":
    print(json.dumps(asyncio.run(RACERS[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3])))))
