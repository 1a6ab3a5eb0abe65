"""What of the log is shown: service, level, trace, words; for an administrator also whose lines."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from aristobot.language import _
from components.log_rows import service_words
from components.viewer import Viewer
from services.log_archive import LogQuery

ALL = ""
WHOLE_TRACE = 32
_NOT_HEX = re.compile(r"[^0-9a-f]")


class LogFilters:
    """One row of filters; `query` is what they ask for now."""

    def __init__(self, user: Viewer, *, trace: str, on_path: Callable[[], Awaitable[None]]) -> None:
        self._user = user
        with ui.element("div").classes("log-filters"):
            self._service = ui.select({ALL: _("All services")}, value=ALL, label=_("Service")).props(
                "outlined dense options-dense"
            )
            self._level = ui.select(_levels(), value="INFO", label=_("Level")).props("outlined dense options-dense")
            self._text = ui.input(_("Search")).props("outlined dense clearable debounce=300")
            self._trace = ui.input(_("Trace"), value=_clean(trace)).props("outlined dense clearable debounce=300 maxlength=32")
            self._path = ui.button(_("Path of the alert"), icon="route", on_click=on_path).props("outline no-caps")
            self._house = ui.switch(_("Everybody's lines"), value=False)
        self._house.set_visibility(user.is_administrator)
        self._house.tooltip(_("Also the lines of the other users of the house, to find a fault for them."))
        for element, mark in ((self._service, "service"), (self._level, "level"), (self._text, "text"), (self._trace, "trace")):
            element.classes("filter").mark(f"log-{mark}")
        self._path.mark("path")
        self._house.mark("whole-house")
        self._show_path()

    def on_change(self, do: Callable[[], Awaitable[None]]) -> None:
        """Call `do` whenever something else is asked for."""

        async def changed() -> None:
            self._show_path()
            await do()

        for element in (self._service, self._level, self._text, self._trace, self._house):
            element.on_value_change(changed)

    def offer_services(self, names: list[str]) -> None:
        """Put these services into the list."""
        self._service.set_options({ALL: _("All services")} | {name: service_words(name) for name in names})

    def only_trace(self, trace: str) -> None:
        """Show everything that was said under one trace, and nothing else."""
        self._service.set_value(ALL)
        self._level.set_value("TRACE")
        self._text.set_value("")
        self._trace.set_value(trace)

    def focus_search(self) -> None:
        """Put the cursor into the search."""
        self._text.run_method("focus")

    def query(self) -> LogQuery:
        """What is asked for."""
        return LogQuery(
            self._user.id,
            administrator=self._user.is_administrator,
            whole_house=bool(self._house.value),
            service=str(self._service.value or ""),
            level=str(self._level.value),
            trace_id=_clean(self._trace.value),
            text=str(self._text.value or "").strip(),
        )

    def _show_path(self) -> None:
        whole = len(_clean(self._trace.value)) == WHOLE_TRACE
        self._path.set_enabled(whole)


def _clean(trace: Any) -> str:
    return _NOT_HEX.sub("", str(trace or "").lower())[:WHOLE_TRACE]


def _levels() -> dict[str, str]:
    return {
        "TRACE": _("Everything"),
        "INFO": _("Info and graver"),
        "WARNING": _("Warnings and errors"),
        "ERROR": _("Errors only"),
    }
