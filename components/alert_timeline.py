"""The path of one alert through the house, drawn: each step with its moment and the milliseconds it took."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _
from aristobot.log_writer import Line
from components.buttons import main_button, quiet_button
from components.confirm import complain, dialog_card, take_away
from components.empty_state import empty_state
from components.log_rows import level_words, message_of, moment_of, service_words, when_exactly
from components.path_words import ICONS, duration, stage_words, step_details
from components.viewer import Viewer
from components.webhook_rows import ACTION_TONES, status_words
from components.words import Words
from services.alert_path import AlertPath, follow
from services.log_archive import LogQuery

if TYPE_CHECKING:
    from services.app import App


async def show_path(app: App, user: Viewer, trace_id: str, *, link: bool = True) -> None:
    """Open the dialog with the path of the trace; `link` offers the way to its lines on the log page."""
    query = LogQuery(user.id, administrator=user.is_administrator, trace_id=trace_id)
    try:
        path = await follow(app.db, app.log_tail, app.clock, query)
    except AristobotError as error:
        complain(error)
        return
    with dialog_card(_("Path of the alert"), wide=True) as dialog:
        with ui.element("div").classes("dialog-body").props("tabindex=0"):
            _draw(path, app.clock.now())
        with ui.element("div").classes("dialog-foot"):
            quiet_button(_("Close"), on_click=dialog.close)
            if link:

                def to_log() -> None:
                    dialog.close()
                    ui.navigate.to(f"/log?trace={trace_id}")

                main_button(_("Lines in the log"), icon="terminal", on_click=to_log).mark("to-log")
    dialog.on("hide", lambda: take_away(dialog))
    dialog.open()


def _draw(path: AlertPath, now: datetime) -> None:
    if path.webhook is not None:
        word, tone = status_words(path.webhook)
        with ui.element("div").classes("line"):
            if path.webhook.action:
                Words("span", path.webhook.action, f"tag {ACTION_TONES.get(path.webhook.action, 'quiet')}")
            Words("span", path.webhook.symbol or path.webhook.symbol_in_payload, "item-title")
            Words("span", word, f"tag {tone}")
            if path.steps:
                total = duration(path.steps[-1].at - path.steps[0].at)
                Words("span", _("{duration} in all", duration=total), "push muted")
    if path.steps:
        _steps(path, now)
    else:
        empty_state("route", _("No alert of yours has this trace"), _("What the log says of it stands below."))
    if path.lacks_log:
        ui.label(_("The log no longer holds the lines of this alert: steps that only it knows are missing.")).classes(
            "muted small"
        )
    _lines(path.lines, now)


def _steps(path: AlertPath, now: datetime) -> None:
    begun = path.steps[0].at
    whole = max((path.steps[-1].at - begun) / timedelta(milliseconds=1), 1.0)
    with ui.element("ol").classes("path"):
        before = begun
        for step in path.steps:
            part = (step.at - before) / timedelta(milliseconds=1) / whole
            with ui.element("li").classes("path-step").style(f"--part: {part:.4f}; --from: {_share(before, begun, whole):.4f}"):
                ui.icon(ICONS[step.stage]).classes("path-icon").props("aria-hidden=true")
                with ui.element("div").classes("item-words"):
                    Words("span", stage_words(step), "path-name")
                    if details := step_details(step):
                        Words("span", details, "path-details muted small")
                Words("span", "", "path-bar").props("aria-hidden=true")
                Words("span", when_exactly(step.at, now), "path-at muted")
                Words("span", f"+{duration(step.at - before)}" if step.at > begun else "", "path-took")
            before = step.at


def _share(moment: datetime, begun: datetime, whole: float) -> float:
    return (moment - begun) / timedelta(milliseconds=1) / whole


def _lines(lines: list[Line], now: datetime) -> None:
    if not lines:
        return
    Words("h2", _("Lines in the log"))
    with ui.element("ul").classes("path-lines mono"):
        for line in lines:
            tone = level_words(str(line.get("level")))[1]
            with ui.element("li").classes({"warn": "warned", "bad": "loss"}.get(tone, "")):
                Words("span", when_exactly(moment_of(line), now), "muted")
                Words("span", service_words(str(line.get("service"))), "faint")
                Words("span", message_of(line))
