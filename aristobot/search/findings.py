"""What a search found, as it is kept and shown."""

from __future__ import annotations

import msgspec

from aristobot.search.doubts import Doubt
from aristobot.search.outcome import HeatMap, Outcome
from aristobot.search.spans import Fold


class Candidate(msgspec.Struct, frozen=True):
    """One of the best: what it did where it learned and, where there is unseen time, what it did there."""

    learned: Outcome
    test_score: float | None = None
    test_figures: dict[str, float | None] = {}


class FoldFinding(msgspec.Struct, frozen=True):
    """What was chosen on one fold, and how it went on; None when nothing could be chosen."""

    fold: Fold
    chosen: Candidate | None


class Findings(msgspec.Struct, frozen=True):
    """The answer of a search.

    best          the best first, of the last fold          folds         what was chosen on each fold
    tried         how many sets of parameters were tried    probability   deflated Sharpe ratio: not merely the luckiest of them
    steadiness    mean score one step away, as a part of the best one's
    drawn, reordered, noise   quantiles (aristobot.search.luck.QUANTILES) of `profit` and `drawdown`
    unseen_roi    compounded return of all tests, one after the other
    """

    best: tuple[Candidate, ...]
    folds: tuple[FoldFinding, ...]
    tried: int
    doubts: tuple[Doubt, ...] = ()
    probability: float | None = None
    steadiness: float | None = None
    drawn: dict[str, list[float]] = {}
    reordered: dict[str, list[float]] = {}
    noise: dict[str, list[float]] = {}
    maps: tuple[HeatMap, ...] = ()
    unseen_roi: float | None = None
