"""What speaks against the best of many tries: luck, a fall on unseen candles, a lonely peak, too few trades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import msgspec

from aristobot.figures.significance import deflated_sharpe
from aristobot.search.outcome import Outcome

#: Below this probability a Sharpe ratio may well be the best of so many lucky ones (Bailey and López de Prado, 2014).
SURE = 0.95
#: A score on unseen candles below this part of the learned one is a fall; neighbours below it make a peak.
KEPT, PLATEAU = 0.5, 0.5
FEW_TRADES = 30


class Doubt(msgspec.Struct, frozen=True):
    """One warning: a code that the language files know, and its facts."""

    code: str
    facts: dict[str, float | int | str]


class Evidence(msgspec.Struct, frozen=True):
    """What is known about the chosen parameters.

    tried      every trial of the search        returns    daily returns of the best one where it learned
    train, test   the best one's score where it learned, and on unseen candles     neighbours   scores one step away
    """

    tried: Sequence[Outcome]
    best: Outcome
    returns: Sequence[float] = ()
    train: float | None = None
    test: float | None = None
    tested: bool = False
    neighbours: Sequence[float | None] = ()


def probability(evidence: Evidence) -> float | None:
    """The deflated Sharpe ratio: the probability that the best one's true ratio is above what luck gives to the best of so many.

    None where it is undefined.
    """
    ratios = [one.daily_sharpe for one in evidence.tried]
    return deflated_sharpe(evidence.returns, [one for one in ratios if one is not None])


def steadiness(evidence: Evidence) -> float | None:
    """Mean score of the neighbours as a part of the best one's: near 1 on a plateau, near 0 or below on a lonely peak.

    A neighbour without a score counts as 0. None without neighbours, or when the best score is not above 0.
    """
    score = evidence.best.score
    if not evidence.neighbours or score is None or score <= 0:
        return None
    return fmean(one or 0.0 for one in evidence.neighbours) / score


def doubts_of(evidence: Evidence) -> list[Doubt]:
    """Every warning that applies, the heaviest first."""
    found = [
        _luck(evidence),
        _fall(evidence),
        _peak(evidence),
        _few(evidence.best.figures),
        None if evidence.tested else Doubt("reason.doubt_untested", {}),
    ]
    return [one for one in found if one is not None]


def _luck(evidence: Evidence) -> Doubt | None:
    chance = probability(evidence)
    if chance is not None and chance >= SURE:
        return None
    facts: dict[str, float | int | str] = {"variants": len(evidence.tried)}
    if chance is None:
        return Doubt("reason.doubt_luck_unknown", facts)
    return Doubt("reason.doubt_luck", {**facts, "probability": round(chance * 100)})


def _fall(evidence: Evidence) -> Doubt | None:
    if not evidence.tested or evidence.train is None or evidence.train <= 0:
        return None
    if evidence.test is None:
        return Doubt("reason.doubt_nothing_unseen", {})
    if evidence.test >= evidence.train * KEPT:
        return None
    return Doubt("reason.doubt_falls_unseen", {"train": round(evidence.train, 3), "test": round(evidence.test, 3)})


def _peak(evidence: Evidence) -> Doubt | None:
    share = steadiness(evidence)
    if share is None or share >= PLATEAU:
        return None
    return Doubt("reason.doubt_lonely_peak", {"share": round(share * 100)})


def _few(figures: Mapping[str, float | None]) -> Doubt | None:
    count = int(figures.get("count") or 0)
    return Doubt("reason.doubt_few_trades", {"count": count, "wanted": FEW_TRADES}) if count < FEW_TRADES else None
