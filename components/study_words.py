"""A search in words: its goal, its sets of parameters, its states and its stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aristobot.figures.table import FIGURES, Unit
from aristobot.kinds import StudyStatus
from aristobot.language import _, typed
from aristobot.search.definition import Definition
from aristobot.search.goal import LESS_IS_BETTER
from aristobot.search.space import Value
from components import formats


@dataclass(frozen=True, slots=True)
class Goal:
    """The figure that is improved, and how it is written."""

    name: str
    quote: str

    @classmethod
    def of(cls, asked: Definition) -> Goal:
        """Of a search."""
        return cls(asked.goal.figure, asked.symbol.partition("/")[2])

    @property
    def title(self) -> str:
        """Its name as people read it."""
        return _(FIGURES[self.name].title)

    @property
    def unit(self) -> Unit:
        """In what it counts."""
        return FIGURES[self.name].unit

    @property
    def less_is_better(self) -> bool:
        """Whether a score is its negative."""
        return self.name in LESS_IS_BETTER

    def value(self, score: float | None) -> float | None:
        """The figure behind a score."""
        return -score if score is not None and self.less_is_better else score

    def written(self, value: float | None) -> str:
        """The figure as people read it."""
        return figure(self.name, value, self.quote)


def figure(name: str, value: float | None, quote: str = "") -> str:
    """A figure in its unit."""
    from services.backtest_words import written

    return written(value, FIGURES[name].unit, quote)


def parameters(values: Mapping[str, Value], names: Iterable[str]) -> str:
    """Those parameters of a set that vary, on one line."""
    return ", ".join(f"{name} {plain(values[name])}" for name in names if name in values)


def plain(value: Value) -> str:
    """One value."""
    return typed(float(f"{value:.6g}") if isinstance(value, float) else value)


def state_names() -> dict[StudyStatus, str]:
    """How a search stands."""
    return {
        StudyStatus.QUEUED: _("Waiting"),
        StudyStatus.RUNNING: _("Under way"),
        StudyStatus.STOPPED: _("Stopped"),
        StudyStatus.INTERRUPTED: _("Interrupted"),
        StudyStatus.FAILED: _("Failed"),
        StudyStatus.DONE: _("Run through"),
    }


def stage_names() -> dict[str, str]:
    """What a search under way does."""
    return {
        "queued": _("Waits for its turn"),
        "candles": _("Downloads the missing candles"),
        "searching": _("Tries sets of parameters"),
        "weighing": _("Tries the best ones on unseen candles, and looks for what speaks against them"),
    }


def span(asked: Definition) -> str:
    """From when to when."""
    from aristobot.clock import from_milliseconds

    days = [formats.day_and_hour(from_milliseconds(one)).partition(",")[0] for one in (asked.since, asked.until)]
    return " – ".join(days)
