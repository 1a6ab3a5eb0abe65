"""One line of the log in full."""

from __future__ import annotations

import json
from collections.abc import Callable

from nicegui import ui

from aristobot.language import _
from aristobot.log_writer import Line
from components import formats
from components.buttons import main_button, quiet_button
from components.confirm import dialog_card, take_away
from components.log_rows import level_words, moment_of, service_words
from components.words import Words


def show_line(line: Line, *, on_trace: Callable[[str], object]) -> None:
    """Open the dialog of one line; `on_trace` is called with its trace when the user wants to see all of it."""
    trace = str(line.get("trace_id") or "")
    with dialog_card(_("Line of {moment}", moment=formats.moment(moment_of(line))), wide=True) as dialog:
        with ui.element("div").classes("dialog-body"):
            _summary(line)
            _facts(line)
            for title, text in ((_("Details"), _laid_out(line.get("data"))), (_("Error"), str(line.get("error") or ""))):
                if text:
                    Words("h2", title)
                    Words("pre", text, "code mono").props("tabindex=0")
        with ui.element("div").classes("dialog-foot"):
            quiet_button(_("Close"), on_click=dialog.close)
            if trace:

                def follow() -> None:
                    dialog.close()
                    on_trace(trace)

                main_button(_("Everything of this trace"), icon="route", on_click=follow).mark("follow-trace")
    dialog.on("hide", lambda: take_away(dialog))
    dialog.open()


def _summary(line: Line) -> None:
    word, tone = level_words(str(line.get("level")))
    with ui.element("div").classes("line"):
        Words("span", word, f"tag {tone}")
        Words("span", service_words(str(line.get("service"))), "item-title")
    ui.label(str(line.get("msg", ""))).classes("mono")


def _facts(line: Line) -> None:
    facts = [
        (_("Date"), formats.whole_moment(moment_of(line))),
        (_("Place in the code"), str(line.get("where") or "")),
        (_("Trace"), str(line.get("trace_id") or "")),
    ]
    with ui.element("dl").classes("facts"):
        for name, value in facts:
            if value:
                Words("dt", name)
                Words("dd", value)


def _laid_out(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) if data else ""
