"""A search in words: how far it is, the table of the best, and what to beware of."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

from aristobot.language import _, explain
from aristobot.search.findings import Candidate, Findings
from services.commands.candles import Bar, clock_of
from services.optimiser import Advance

_MIDDLE = 2


class SearchBar(Bar):
    """The bar of a download, for trials."""

    def show_search(self, advance: Advance) -> None:
        """How far a search is, how long it will still take, and its best score so far."""
        best = "" if advance.best is None or advance.best.score is None else f"  {_number(advance.best.score)}"
        left = "" if advance.seconds_left is None else f"  {clock_of(advance.seconds_left)}"
        self.draw(advance.done / advance.total if advance.total else 1.0, f"  {advance.done}/{advance.total}{left}{best}")


def tell(found: Findings) -> None:
    """The best on standard output, everything else on standard error."""
    if not found.best:
        print(_("Of {tried} sets of parameters none closed enough trades to be believed.", tried=found.tried), file=sys.stderr)
        return
    rows = [_heading(found), *(_row(number, one) for number, one in enumerate(found.best, 1))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for sentence in sentences(found):
        print(sentence, file=sys.stderr)


def sentences(found: Findings) -> Iterator[str]:
    """What was found beside the table, and each doubt."""
    if found.unseen_roi is not None:
        yield _("On the unseen candles, one stretch after the other: {roi}.", roi=_share(found.unseen_roi))
    if found.drawn:
        drawdown = found.drawn["drawdown"]
        facts = {"middle": _share(drawdown[_MIDDLE]), "bad": _share(drawdown[-1])}
        yield _("Trades drawn again: drawdown {middle} in the middle, {bad} in one case of twenty.", **facts)
    if found.noise.get("profit"):
        profit = found.noise["profit"]
        facts = {"middle": _number(profit[_MIDDLE]), "bad": _number(profit[0])}
        yield _("Candles with noise: net profit {middle} in the middle, {bad} in one case of twenty.", **facts)
    for doubt in found.doubts:
        yield "⚠ " + explain(doubt.code, doubt.facts)


def _heading(found: Findings) -> list[str]:
    names = list(found.best[0].learned.parameters)
    return ["", _("Learned"), _("Unseen"), _("Net profit"), _("Maximum drawdown"), _("Closed trades"), *names]


def _row(number: int, one: Candidate) -> list[str]:
    figures: Mapping[str, float | None] = one.learned.figures
    shown: Sequence[str] = [
        str(number),
        _number(one.learned.score),
        _number(one.test_score),
        _number(figures.get("net_profit")),
        _share(figures.get("max_drawdown_share")),
        str(int(figures.get("count") or 0)),
    ]
    return [*shown, *(f"{one:.6g}" if isinstance(one, float) else str(one) for one in one.learned.parameters.values())]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
