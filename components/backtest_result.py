"""What a backtest found: verdict, figures with their formulas, charts, tables, what was assumed, and ways to take it along."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.language import _
from components.backtest_charts import equity_chart, excursion_chart
from components.backtest_leg_lines import leg_lines, marks, traded
from components.live_grid import LiveGrid, Row, column
from components.notice import notice
from components.page_head import panel
from components.plain_table import plain_table
from components.words import Words, labelled

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.backtest.report import Report
    from aristobot.store.backtest_tables import Backtest

#: Columns that a narrow table does without.
_LEAST = {"reason": 400, "entry": 500, "exit": 500, "quantity": 520, "closed": 620, "r": 700, "worst": 980, "best": 980}
_LEAST_BESIDE_LEGS = {
    "opened": 400, "entry": 600, "exit": 600, "quantity": 920, "closed": 780, "r": 980, "worst": 1140, "best": 1140,
}  # fmt: skip
#: The figures that stand above all others.
_FIRST = ("net_profit", "roi", "above_hold", "max_drawdown_share", "sharpe", "win_rate", "profit_factor", "count")
_MOST = 2_000
_LEG = ("leg", 118)
_FIELDS = (
    ("opened", 132), ("closed", 132), ("entry", 84), ("exit", 84), ("quantity", 80), ("profit", 84), ("share", 76), ("r", 60),
    ("worst", 72), ("best", 72), ("reason", 100),
)  # fmt: skip
#: Shares of the room that is left over; on a phone the reason of an exit is not shown.
_GROWS = {"leg": 1, "opened": 1, "reason": 3}
_TEXTS = ("leg", "opened", "closed", "reason")


def draw_result(row: Backtest, report: Report, strategy_id: uuid.UUID | None) -> None:
    """Draw the whole report where this is called; `strategy_id` is what the editor can open, if anything."""
    with panel(_("{strategy} on {symbol}", strategy=row.strategy, symbol=traded(row, report)), "bt-result") as head:
        with head:
            _take_along(row, report)
            if strategy_id is not None:
                edit = ui.button(_("Open in the editor"), icon="code", on_click=lambda: ui.navigate.to(_editor(strategy_id)))
                edit.props("flat dense no-caps").mark("edit")
        with ui.element("div").classes("panel-body"):
            _verdict(report)
            _figures(report)
    leg_lines(report)
    if report.points:
        with ui.element("div").classes("halves"):
            with panel(_("Equity, and who holds")):
                equity_chart(report)
            marks(report)
    _closed(report)
    _tables(report)


def _editor(strategy_id: uuid.UUID) -> str:
    return f"/strategies?strategy={strategy_id}"


def _take_along(row: Backtest, report: Report) -> None:
    import msgspec

    from services.backtest_report import as_csv, as_html

    def save(content: bytes, ending: str, kind: str) -> None:
        ui.download.content(content, f"backtest-{row.symbol.replace('/', '')}-{row.timeframe}-{str(row.id)[:8]}.{ending}", kind)

    files = {
        "HTML": lambda: save(as_html(row.strategy, report).encode(), "html", "text/html"),
        "JSON": lambda: save(msgspec.json.encode(report), "json", "application/json"),
        "CSV": lambda: save(as_csv(report).encode("utf-8-sig"), "csv", "text/csv"),
    }
    for name, action in files.items():
        button = ui.button(name, icon="download", on_click=action).props("flat dense no-caps").mark(f"save-{name.lower()}")
        labelled(button, _("Save the report as {format}", format=name))


def _verdict(report: Report) -> None:
    from services import backtest_words as words

    tone, sentence = words.verdict(report)
    notice(sentence, "" if tone == "good" else tone)
    for caution in words.cautions(report):
        notice(caution, "warn")


def _figures(report: Report) -> None:
    from services import backtest_words as words

    quote = report.symbol.partition("/")[2]
    lines = {one.name: one for one in words.lines(report.figures, quote)}
    for names, style in (([*_FIRST], "bt-figures first"), ([one for one in lines if one not in _FIRST], "bt-figures")):
        with ui.element("dl").classes(style):
            for one in (lines[name] for name in names):
                with ui.element("div") as cell:
                    cell.props["title"] = one.formula
                    Words("dt", one.title)
                    Words("dd", one.value, one.tone)


def trade_columns(names: list[str], *, legs: bool) -> list[Row]:
    """The columns of the closed trades, under these names; with `legs` the first says which strategy traded."""
    shown, least = [*([_LEG] if legs else []), *_FIELDS], _LEAST | (_LEAST_BESIDE_LEGS if legs else {})
    return [
        column(field, name, width, number=field not in _TEXTS, grows=_GROWS.get(field, 0), least=least.get(field, 0))
        for (field, width), name in zip(shown, names, strict=True)
    ]


def _closed(report: Report) -> None:
    from services.backtest_report import trade_head, trade_rows

    rows = trade_rows(report)
    if not rows:
        return
    columns = trade_columns(list(trade_head(report)), legs=bool(report.legs))
    fields = [one["field"] for one in columns]
    with panel(_("Closed trades"), "bt-trades"), ui.element("div").classes("bt-grid").style(f"--rows: {len(rows)}"):
        grid = LiveGrid(columns, name=_("Closed trades"), most=_MOST)
        grid.fill({"id": str(at), **dict(zip(fields, row, strict=True))} for at, row in enumerate(rows))


def _tables(report: Report) -> None:
    from services.backtest_report import tables
    from services.backtest_sentences import assumptions

    shown = [one for one in tables(report) if one[0] != _("Closed trades")]
    for heading, head, rows in shown[:1]:
        with panel(heading):
            plain_table(heading, head, rows)
    with ui.element("div").classes("halves"):
        for heading, head, rows in shown[1:]:
            with panel(heading):
                plain_table(heading, head, rows)
        if report.closed:
            with panel(_("Worst and best moments")):
                excursion_chart(report)
        with panel(_("Assumptions")), ui.element("ul").classes("bt-rules"):
            for sentence in assumptions(report):
                Words("li", sentence)
