"""Try a broker's keys at its exchange, step by step, while the user watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from components import formats
from components.broker_words import step_names
from components.buttons import main_button
from components.confirm import dialog_card, take_away
from components.notice import notice
from components.viewer import Viewer
from components.words import Words
from services.broker_connection import ConnectionTest, Step, StepState

if TYPE_CHECKING:
    from aristobot.store.tables import Broker
    from services.app import App

_ICONS = {
    StepState.OK: ("check_circle", "gain"),
    StepState.WARNING: ("warning_amber", "warned"),
    StepState.FAILED: ("cancel", "loss"),
    StepState.SKIPPED: ("remove_circle_outline", "faint"),
}
MOST_BALANCES = 8


async def try_broker(app: App, user: Viewer, broker: Broker) -> None:
    """Open the dialog, run the test, show each step with its reason."""
    with dialog_card(_("Connection of {name}", name=broker.name)) as dialog:
        with ui.element("div").classes("dialog-body").props("aria-live=polite") as body, ui.element("div").classes("line"):
            ui.spinner(size="24px")
            ui.label(_("Asking {exchange} …", exchange=broker.exchange.capitalize())).classes("muted")
        with ui.element("div").classes("dialog-foot"):
            main_button(_("Close"), on_click=dialog.close)
    dialog.on("hide", lambda: take_away(dialog))
    dialog.open()
    try:
        result = await app.brokers.test_connection(user.id, broker.id)
    except AristobotError as error:
        result, fault = None, explain(error)
    if dialog.is_deleted:
        return
    body.clear()
    with body:
        if result is None:
            notice(fault, "bad")
        else:
            _show(result)


def _show(result: ConnectionTest) -> None:
    if result.ok:
        notice(_("Everything works."))
    else:
        notice(_("Something is missing; the step below says what."), "bad")
    with ui.element("div").classes("steps").mark("steps"):
        for step in result.steps:
            _draw(step)
    if result.balances:
        Words("h2", _("Balances"))
        with ui.element("dl").classes("facts short"):
            for balance in sorted(result.balances, key=lambda one: one.asset)[:MOST_BALANCES]:
                Words("dt", balance.asset)
                Words("dd", formats.number(balance.total))


def _draw(step: Step) -> None:
    icon, tone = _ICONS[step.state]
    with ui.element("div").classes("step"):
        ui.icon(icon).classes(tone).props("aria-hidden=true")
        with ui.element("div").classes("item-words"):
            ui.label(step_names().get(step.name, step.name))
            if step.reason:
                ui.label(explain(step.reason, step.facts)).classes(f"small {tone}")
