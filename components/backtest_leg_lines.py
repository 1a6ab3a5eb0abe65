"""The strategies of a run that had several: a line for each, and its candles with what it bought and sold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.language import _
from components.backtest_charts import marks_chart
from components.page_head import panel
from components.plain_table import plain_table
from components.words import labelled

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.backtest.report import Report
    from aristobot.store.backtest_tables import Backtest


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
            marks_chart(report.symbol, report.bars, report.fills)
            return
        place = ui.element("div").classes("w-full")

        def draw(at: int) -> None:
            place.clear()
            with place:
                chosen = report.legs[at]
                marks_chart(chosen.symbol, chosen.bars, [one for one in report.fills if one.leg == at])

        names = {at: leg_name(at + 1, leg.strategy, leg.symbol, leg.timeframe) for at, leg in enumerate(report.legs)}
        with head:
            choice = ui.select(names, value=0, on_change=lambda event: draw(int(event.value)))
        labelled(choice, _("Leg")).props("dense borderless options-dense").classes("bt-which-leg").mark("bt-which-leg")
        draw(0)
