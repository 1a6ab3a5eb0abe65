"""One set of parameters that was tried, and what came of it; two parameters of many such sets as a map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt

import msgspec

from aristobot.search.space import Value, Values

_DAYS = 365


class Outcome(msgspec.Struct, frozen=True):
    """What came of one trial: its `score` (more is better, None: not to be believed), its figures, or the code of its fault."""

    fold: int
    number: int
    parameters: Values
    score: float | None = None
    figures: dict[str, float | None] = {}
    fault: str = ""

    @property
    def daily_sharpe(self) -> float | None:
        """Mean / deviation of the daily returns, not annualised."""
        yearly = self.figures.get("sharpe")
        return None if yearly is None else yearly / sqrt(_DAYS)


class HeatMap(msgspec.Struct, frozen=True):
    """The best score of all trials with these two values, whatever the other parameters were; None where none was tried.

    `scores[row][column]` belongs to `rows[row]` of the parameter `down` and `columns[column]` of the parameter `across`.
    """

    down: str
    across: str
    rows: tuple[Value, ...]
    columns: tuple[Value, ...]
    scores: tuple[tuple[float | None, ...], ...]


def ranked(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The best first, those without a score left out; of equal ones the one that was tried first."""
    scored = [one for one in outcomes if one.score is not None]
    return sorted(scored, key=lambda one: (-(one.score or 0.0), one.number))


def heat_map(outcomes: Iterable[Outcome], down: str, across: str, most: int = 40) -> HeatMap:
    """The map of two parameters. Numbers with more than `most` different values are gathered into so many even stretches."""
    listed = [one for one in outcomes if down in one.parameters and across in one.parameters]
    rows = _labels([one.parameters[down] for one in listed], most)
    columns = _labels([one.parameters[across] for one in listed], most)
    best: dict[tuple[Value, Value], float] = {}
    for one in listed:
        place = rows[one.parameters[down]], columns[one.parameters[across]]
        if one.score is not None and one.score > best.get(place, float("-inf")):
            best[place] = one.score
    kept_rows, kept_columns = tuple(dict.fromkeys(rows.values())), tuple(dict.fromkeys(columns.values()))
    scores = tuple(tuple(best.get((row, column)) for column in kept_columns) for row in kept_rows)
    return HeatMap(down, across, kept_rows, kept_columns, scores)


def _labels(values: Iterable[Value], most: int) -> Mapping[Value, Value]:
    """The value under which each one is shown, in rising order: itself, or the middle of its stretch."""
    known = sorted(set(values), key=lambda one: (isinstance(one, str), one))
    numbers = [float(one) for one in known if not isinstance(one, str)]
    if len(known) <= most or len(numbers) < len(known):
        return {one: one for one in known}
    low, width = numbers[0], (numbers[-1] - numbers[0]) / most
    places = {one: min(most - 1, int((float(one) - low) / width)) for one in known}
    return {one: round(low + (place + 0.5) * width, 6) for one, place in places.items()}
