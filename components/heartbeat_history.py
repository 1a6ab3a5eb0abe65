"""When the candle stream started and stopped, and why: newest first, live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import HeartbeatChanged
from aristobot.language import _, explain
from aristobot.store import heartbeats
from aristobot.store.tables import HeartbeatEvent
from components import formats
from components.empty_state import empty_state, error_state
from components.live import Live
from components.page_head import panel
from components.viewer import Viewer
from components.words import Words, labelled

if TYPE_CHECKING:
    from services.app import App

#: Starts and stops that are listed.
SHOWN = 60


class HeartbeatHistory:
    """The panel with the list."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        with panel(_("Starts and stops"), "beat-past"):
            self._list = ui.element("div").classes("beat-events").props("tabindex=0 role=group")
        labelled(self._list, _("Starts and stops"))
        live.latest(HeartbeatChanged, do=self.show, max_fps=2)

    async def show(self, _event: HeartbeatChanged | None = None) -> None:
        """Read and draw."""
        exchange = self._app.heartbeat.exchange
        try:
            rows = await self._app.db.read(self._user.id, lambda s: heartbeats.history(s, exchange, SHOWN))
        except AristobotError as error:
            self._list.clear()
            with self._list:
                error_state(_("This list could not be read"), explain(error), self.show)
            return
        self._list.clear()
        with self._list:
            if not rows:
                empty_state("history", _("The stream has never started"), _("Its first start will stand here."))
            for number, row in enumerate(rows):
                self._draw(row, rows[number - 1] if number else None)

    def _draw(self, row: HeartbeatEvent, after: HeartbeatEvent | None) -> None:
        """One line; `after` is what happened next, and says how long this lasted."""
        started = row.kind == heartbeats.STARTED
        with ui.element("div").classes("item beat-event"):
            Words("span", "", f"lamp-dot {'good' if started else 'bad'}")
            with ui.element("div").classes("item-words"):
                ui.label(_("Started") if started else _("Stopped")).classes("item-title")
                ui.label(why(row)).classes("muted small")
            with ui.element("div").classes("beat-when"):
                ui.label(formats.day_and_hour(row.at) + f":{row.at:%S}")
                if after is not None:
                    ui.label(_("for {time}", time=formats.lasting(after.at - row.at))).classes("muted small")


def why(row: HeartbeatEvent) -> str:
    """The reason in words: ours for what is ordinary, those of the error for the rest."""
    ordinary = {
        "": "",
        "connected": _("The exchange sends candles"),
        "stopped": _("Aristobot was stopped"),
        "killed": _("Aristobot ended without warning; dated by its last candle"),
        "silent": _("The stream fell silent and is opened anew"),
    }
    return ordinary[row.reason] if row.reason in ordinary else explain(row.reason)
