"""Everything that a search is asked, as it is kept: whoever finds it, on any machine, can go on with it."""

from __future__ import annotations

from typing import Any

import msgspec

from aristobot.kinds import SamplerKind
from aristobot.search.goal import Goal
from aristobot.search.space import Axis, Space, Value
from aristobot.search.spans import Fold, Plan

#: Trials in one task, and tasks that are asked for ahead of the answers: both decide what a search with a seed tries.
BATCH, AHEAD = 10, 4


class Definition(msgspec.Struct, frozen=True):
    """A search. Times in UTC ms; `instrument`, `costs` and `cash` as a backtest takes them; `trials` per fold."""

    strategy: str
    exchange: str
    symbol: str
    timeframe: str
    since: int
    until: int
    instrument: dict[str, Any]
    axes: tuple[Axis, ...]
    fixed: dict[str, Value]
    goal: Goal = Goal()
    plan: Plan = Plan()
    sampler: SamplerKind = SamplerKind.TPE
    trials: int = 100
    seed: int = 0
    cash: str = "10000"
    costs: dict[str, Any] = {}
    batch: int = BATCH
    ahead: int = AHEAD

    @property
    def space(self) -> Space:
        """Where it looks."""
        return Space(self.axes, self.fixed)

    @property
    def folds(self) -> tuple[Fold, ...]:
        """On which candles it learns and tries."""
        return self.plan.folds(self.since, self.until)

    def setup(self, candles: str) -> dict[str, Any]:
        """The run that all trials have in common, as the strategy's process is asked; `candles` is the name of the array."""
        history = {"symbol": self.symbol, "timeframe": self.timeframe, "array": candles}
        entrant = {"history": history, "instrument": self.instrument}
        return {"entrants": [entrant], "cash": self.cash, "costs": self.costs, "seed": self.seed, "checks": 0}
