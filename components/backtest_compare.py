"""Up to four runs side by side: their growth in one chart, every figure in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aristobot.language import _, typed
from aristobot.store.backtest_tables import Backtest
from components.backtest_charts import compared_chart
from components.backtest_history import run_title
from components.page_head import panel
from components.plain_table import plain_table

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.backtest.report import Report


def draw_comparison(found: Sequence[tuple[Backtest, Report]]) -> None:
    """Draw them where this is called."""
    from services import backtest_words as words
    from services.backtest_sentences import parameters_of

    names = [f"{at}. {run_title(row)}" for at, (row, _report) in enumerate(found, 1)]
    with panel(_("Growth of the runs")):
        compared_chart([(name, report) for name, (_row, report) in zip(names, found, strict=True)])
    columns = [{one.name: one for one in words.lines(report.figures, row.symbol.partition("/")[2])} for row, report in found]
    rows = [[line.title, *(column[name].value for column in columns)] for name, line in columns[0].items()]
    parameters = [parameters_of(report) for _row, report in found]
    rows += [[name, *(typed(one.get(name, "")) for one in parameters)] for name in sorted(set().union(*parameters))]
    with panel(_("Side by side")):
        plain_table(_("Side by side"), [_("Figure"), *(f"{at}." for at in range(1, len(found) + 1))], rows)
