"""Which parameters to try next: Optuna, asked for a batch and told its outcomes, or a grid walked from end to end.

Optuna is imported only when a search begins, and keeps nothing: our own tables do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from aristobot.kinds import SamplerKind
from aristobot.search.outcome import Outcome
from aristobot.search.space import Axis, Space, Values


class Sampler(Protocol):
    """Asked and told in the same order, one with the same seed answers the same."""

    def ask(self, count: int) -> list[Values]:
        """The next sets of parameters, fewer when there are no more."""

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """What came of some that were asked for."""


def sampler_of(kind: SamplerKind, space: Space, trials: int, seed: int) -> Sampler:
    """The sampler for so many trials."""
    return _Grid(space.grid(trials)) if kind is SamplerKind.GRID else _Optuna(kind, space, seed)


class _Grid:
    """All points in order."""

    def __init__(self, points: list[Values]) -> None:
        self._points = points
        self._asked = 0

    def ask(self, count: int) -> list[Values]:
        """The next points."""
        begin, self._asked = self._asked, self._asked + count
        return self._points[begin : begin + count]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """A grid learns nothing."""


class _Optuna:
    """A study of Optuna's in memory."""

    def __init__(self, kind: SamplerKind, space: Space, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = optuna.samplers
        chosen: Any = samplers.RandomSampler(seed) if kind is SamplerKind.RANDOM else samplers.TPESampler(seed=seed)
        self._states = optuna.trial.TrialState
        self._study = optuna.create_study(sampler=chosen, direction="maximize")
        self._space = space
        self._distributions = {axis.name: _distribution(axis) for axis in space.axes}
        self._waiting: list[Any] = []

    def ask(self, count: int) -> list[Values]:
        """As many sets as wanted."""
        asked = [self._study.ask(self._distributions) for _ in range(count)]
        self._waiting += asked
        return [self._space.whole(one.params) for one in asked]

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """The oldest ones that were asked for; one without a score counts as worse than all with one."""
        for outcome in outcomes:
            trial = self._waiting.pop(0)
            if outcome.score is None:
                self._study.tell(trial, state=self._states.PRUNED)
            else:
                self._study.tell(trial, outcome.score)


def _distribution(axis: Axis) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if axis.options:
        return CategoricalDistribution(axis.options)
    if axis.kind == "int":
        return IntDistribution(int(axis.low), int(axis.top), step=int(axis.step or 1))
    return FloatDistribution(axis.low, axis.top, step=axis.step)
