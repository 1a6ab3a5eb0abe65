"""The strategies of a run that had several: a line for each, and its candles with what it bought and sold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.language import _
from components.backtest_charts import lines_chart, marks_chart
from components.page_head import panel
from components.plain_table import plain_table
from components.words import Words, labelled

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.backtest.later import FilledOrder
    from aristobot.backtest.legs import Bar
    from aristobot.backtest.report import Report
    from aristobot.store.backtest_tables import Backtest
    from aristobot.strategy_chart import ChartLine


def traded(row: Backtest, report: Report) -> str:
    """The first pair with its timeframe, and how many legs there are besides."""
    from services.backtest_words import and_more

    return and_more(f"{row.symbol} · {row.timeframe}", len(report.legs) - 1)


def leg_lines(report: Report) -> None:
    """A line for each strategy of several, and the whole below."""
    from services.backtest_report import leg_tables

    for heading, head, rows in leg_tables(report):
        with panel(heading, "bt-leg-lines"):
            plain_table(heading, head, rows)


def marks(report: Report) -> None:
    """The candles with what was bought and sold; of several strategies those of the one that is chosen."""
    from services.backtest_words import leg_name

    with panel(_("Entries and exits")) as head:
        if not report.legs:
            _charts(report.symbol, report.bars, report.fills, report.lines)
            return
        place = ui.element("div").classes("w-full")

        def draw(at: int) -> None:
            place.clear()
            with place:
                chosen = report.legs[at]
                _charts(chosen.symbol, chosen.bars, [one for one in report.fills if one.leg == at], chosen.lines)

        names = {at: leg_name(at + 1, leg.strategy, leg.symbol, leg.timeframe) for at, leg in enumerate(report.legs)}
        with head:
            choice = ui.select(names, value=0, on_change=lambda event: draw(int(event.value)))
        labelled(choice, _("Leg")).props("dense borderless options-dense").classes("bt-which-leg").mark("bt-which-leg")
        draw(0)


def _charts(symbol: str, bars: Sequence[Bar], fills: Sequence[FilledOrder], lines: Sequence[ChartLine]) -> None:
    """The candles, and below them the charts that the strategy drew of its own."""
    marks_chart(symbol, bars, fills, [one for one in lines if not one.chart])
    for name in dict.fromkeys(one.chart for one in lines if one.chart):
        Words("h3", name, "bt-own-chart")
        lines_chart(name, bars, [one for one in lines if one.chart == name])
