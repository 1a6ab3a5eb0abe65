"""The second half of a search: the best are tried where nothing was learned, and what speaks against them is gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import combinations
from math import prod
from statistics import fmean
from typing import Any, TypeAlias

from aristobot.search.definition import Definition
from aristobot.search.doubts import Evidence, doubts_of, probability, steadiness
from aristobot.search.findings import Candidate, Findings, FoldFinding
from aristobot.search.outcome import Outcome, heat_map, ranked
from aristobot.search.space import Values
from aristobot.search.spans import Fold, Span

Answers: TypeAlias = list[dict[str, Any]]
#: How many of the best are shown, and tried on unseen candles.
SHOWN = 10
#: Runs over candles with noise, how many in one task, and by which part of a usual move a candle is shifted.
NOISES, NOISES_PER_TASK, NOISE = 40, 10, 0.1
_MOST_MAPS = 6


class Inquiry:
    """Asks the crew (`ask` one task, get its answers) about what a search found."""

    def __init__(self, definition: Definition, ask: Callable[[dict[str, Any]], Awaitable[Answers]]) -> None:
        self._definition, self._ask = definition, ask

    async def findings(self, found: Sequence[Sequence[Outcome]]) -> Findings:
        """The answer, from the outcomes of each fold."""
        from aristobot.search.luck import drawn_again, reordered  # numpy, which nobody needs before

        definition, folds = self._definition, self._definition.folds
        best = await self._candidates(found[-1], folds[-1], SHOWN)
        before = [await self._candidates(one, fold, 1) for one, fold in zip(found[:-1], folds[:-1], strict=True)]
        chosen = [FoldFinding(fold, next(iter(one), None)) for fold, one in zip(folds, [*before, best], strict=True)]
        tried = [one for fold in found for one in fold]
        if not best:
            return Findings((), tuple(chosen), len(tried))
        (closer,), beside, noise = await asyncio.gather(
            self._asked("closer", folds[-1].train, [best[0].learned.parameters]),
            self._neighbours(best[0].learned, found[-1], folds[-1].train),
            self._noises(best[0].learned.parameters, folds[-1].train),
        )
        evidence = _evidence(definition, chosen, found[-1], closer["returns"], beside)
        cash, profits = float(definition.cash), closer["profits"]
        return Findings(
            best=tuple(best),
            folds=tuple(chosen),
            tried=len(tried),
            doubts=tuple(doubts_of(evidence)),
            probability=probability(evidence),
            steadiness=steadiness(evidence),
            drawn=drawn_again(profits, cash, seed=definition.seed),
            reordered=reordered(profits, cash, seed=definition.seed),
            noise=noise,
            maps=tuple(heat_map(found[-1], *pair) for pair in list(combinations(definition.space.names, 2))[:_MOST_MAPS]),
            unseen_roi=_compounded([one.chosen for one in chosen if one.fold.test]),
        )

    async def _candidates(self, outcomes: Sequence[Outcome], fold: Fold, most: int) -> list[Candidate]:
        """The best different ones, tried on the unseen candles of the fold where it has some."""
        different: dict[str, Outcome] = {}
        for one in ranked(outcomes):
            different.setdefault(repr(sorted(one.parameters.items())), one)
        best = list(different.values())[:most]
        if fold.test is None or not best:
            return [Candidate(one) for one in best]
        answers = await self._asked("trials", fold.test, [one.parameters for one in best])
        return [
            Candidate(one, self._definition.goal.score(answer["figures"]), answer["figures"])
            for one, answer in zip(best, answers, strict=True)
        ]

    async def _neighbours(self, best: Outcome, outcomes: Sequence[Outcome], span: Span) -> list[float | None]:
        """Scores one step away from the best, played where they are not known."""
        known = {repr(sorted(one.parameters.items())): one.score for one in outcomes}
        places = {repr(sorted(one.items())): one for one in self._definition.space.neighbours(best.parameters)}
        missing = [one for name, one in places.items() if name not in known]
        answers = await self._asked("trials", span, missing) if missing else []
        for one, answer in zip(missing, answers, strict=True):
            known[repr(sorted(one.items()))] = self._definition.goal.score(answer["figures"])
        return [known[name] for name in places]

    async def _noises(self, parameters: Values, span: Span) -> dict[str, list[float]]:
        """Quantiles of the best one's profit and drawdown over candles with noise."""
        from aristobot.search.luck import quantiles

        first = self._definition.seed
        tasks = [
            self._ask(
                {
                    **self._task("noise", span),
                    "parameters": parameters,
                    "share": NOISE,
                    "seeds": list(range(first + at, first + at + NOISES_PER_TASK)),
                }
            )
            for at in range(0, NOISES, NOISES_PER_TASK)
        ]
        figures = [answer["figures"] for part in await asyncio.gather(*tasks) for answer in part]
        names = {"profit": "net_profit", "drawdown": "max_drawdown_share"}
        known = {name: [value for one in figures if (value := one.get(figure)) is not None] for name, figure in names.items()}
        return {name: quantiles(values) for name, values in known.items()}

    async def _asked(self, do: str, span: Span, trials: Sequence[Values]) -> Answers:
        return await self._ask({**self._task(do, span), "trials": list(trials)})

    def _task(self, do: str, span: Span) -> dict[str, Any]:
        return {"do": do, "since": span.since, "until": span.until, "figures": self._definition.goal.figures}


def _evidence(
    asked: Definition,
    chosen: Sequence[FoldFinding],
    last: Sequence[Outcome],
    returns: Sequence[float],
    beside: Sequence[float | None],
) -> Evidence:
    """What is known of the best one; over several folds the means of what was chosen there, learned ones over a test's length."""
    picked = [(one.fold, one.chosen) for one in chosen if one.chosen is not None]
    learned = [_at_length(asked, fold, one.learned.score) for fold, one in picked if one.learned.score is not None]
    unseen = [one.test_score for _fold, one in picked if one.test_score is not None]
    return Evidence(
        tried=last,
        best=picked[-1][1].learned,
        returns=returns,
        train=fmean(learned) if learned else None,
        test=fmean(unseen) if unseen else None,
        tested=any(one.fold.test for one in chosen),
        neighbours=beside,
    )


def _at_length(asked: Definition, fold: Fold, score: float) -> float:
    """A learned score over the length of the fold's test."""
    if fold.test is None:
        return score
    times = (fold.test.until - fold.test.since) / (fold.train.until - fold.train.since)
    return asked.goal.over(score, times, float(asked.cash))


def _compounded(tests: Sequence[Candidate | None]) -> float | None:
    """The return of one test after the other, a fold without a choice standing still; None when nothing was tested."""
    returns = [one.test_figures.get("roi") if one is not None else 0.0 for one in tests]
    return prod(1 + (one or 0.0) for one in returns) - 1 if returns else None
