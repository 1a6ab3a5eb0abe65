"""What happens while strategies are tried on the past, and while better parameters are looked for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from aristobot.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestProgressed(Event):
    """A backtest goes on: `stage` is queued, candles, playing or checking; `done` is its share; None: who knows."""

    backtest_id: uuid.UUID
    stage: str
    done: float = 0.0
    seconds_left: float | None = None

    @property
    def key(self) -> object:
        """One per backtest."""
        return self.backtest_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFinished(Event):
    """A backtest is over: done, failed, cancelled or interrupted; or its row was deleted."""

    backtest_id: uuid.UUID
    status: str

    @property
    def key(self) -> object:
        """One per backtest."""
        return self.backtest_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyProgressed(Event):
    """A search goes on: `stage` is queued, candles, searching or weighing; `done` trials of `total`, `best` score so far."""

    study_id: uuid.UUID
    stage: str
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    best: float | None = None

    @property
    def key(self) -> object:
        """One per search."""
        return self.study_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFinished(Event):
    """A search is over for now: done, failed, stopped or interrupted; or its row was deleted."""

    study_id: uuid.UUID
    status: str

    @property
    def key(self) -> object:
        """One per search."""
        return self.study_id
