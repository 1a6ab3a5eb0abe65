"""What the house says, as it says it; and the way of one alert through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aristobot.language import _
from components.alert_timeline import show_path
from components.live import Live
from components.log_filters import LogFilters
from components.log_list import LogList
from components.page_head import page_head
from components.shell import page
from components.shortcuts import Shortcuts
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/log", title="Log", icon="terminal", order=80)
async def log_page(app: App, user: Viewer, live: Live, trace: str = "") -> None:
    """The filters and the live table; `trace` in the address shows the lines of one trace."""
    with page_head(_("Log"), _("What every service says, as it says it. No key, token or password stands in it.")):
        pass

    async def path() -> None:
        await show_path(app, user, filters.query().trace_id, link=False)

    filters = LogFilters(user, trace=trace, on_path=path)

    async def show() -> None:
        await table.show(filters.query())

    def only(of_trace: str) -> None:
        filters.only_trace(of_trace)

    table = LogList(app, user, live, only)
    filters.on_change(show)
    Shortcuts({"/": (_("Search the log"), filters.focus_search), "p": (_("Pause or resume"), table.pause)})
    filters.offer_services(await app.log_tail.services())
    await show()
