"""The browsers in which a user is logged in now."""

from __future__ import annotations

import ipaddress
import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import SessionEnded, SessionOpened
from aristobot.language import _
from components import formats
from components.confirm import complain, confirm
from components.handlers import within
from components.live import Live
from components.page_head import Part, panel
from components.viewer import Viewer
from components.words import Words, labelled
from services.device_names import browser_words

if TYPE_CHECKING:
    from aristobot.store.tables import LoginSession
    from services.app import App


class SessionsCard(Part[list["LoginSession"]]):
    """Where the user is logged in, each with a way to end it."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        with panel(_("Logged in")) as head:
            self._list = ui.element("div")
        self._head = head
        with head:
            self._others = ui.button(_("Log out everywhere else"), icon="logout", on_click=within(head, self._end_others))
            self._others.props("flat no-caps dense").mark("end-others").set_visibility(False)
        live.each(SessionOpened, SessionEnded, do=lambda _event: self.show())

    @classmethod
    async def read(cls, app: App, user: Viewer) -> list[LoginSession]:
        """The sessions that live now."""
        return await app.accounts.sessions.mine(user.id)

    def draw(self, found: list[LoginSession]) -> None:
        """Draw them."""
        self._others.set_visibility(len(found) > 1)
        self._list.clear()
        with self._list:
            for row in found:
                self._draw(row)

    def _draw(self, row: LoginSession) -> None:
        now = self._app.clock.now()
        with ui.element("div").classes("item"):
            ui.icon("devices").classes("faint").props("size=22px aria-hidden=true")
            with ui.element("div").classes("item-words"):
                with ui.element("div").classes("item-title"):
                    Words("span", browser_words(row.user_agent))
                    if row.id == self._user.session_id:
                        Words("span", _("This browser"), "tag primary")
                last = _("last used {ago}", ago=formats.how_long_ago(row.last_seen_at, now))
                since = _("since {moment}", moment=formats.day_and_hour(row.created_at))
                ui.label(" · ".join((_place(row.address), since, last))).classes("muted small")
            if row.id != self._user.session_id:
                button = ui.button(icon="logout", on_click=within(self._head, lambda: self._end(row.id)))
                labelled(button, _("Log out there")).props("flat round dense color=white").mark("end-session")

    async def _end_others(self) -> None:
        words = _("Every other browser in which you are logged in is sent back to the login at once.")
        if await confirm(_("Log out everywhere else?"), words, _("Log out there")):
            await self._app.accounts.sessions.end_all(self._user.id, but=self._user.session_id)

    async def _end(self, session_id: uuid.UUID) -> None:
        try:
            await self._app.accounts.sessions.end(self._user.id, session_id)
        except AristobotError as error:
            complain(error)


def _place(address: str) -> str:
    """Where a browser stands, as far as its address tells."""
    try:
        where = ipaddress.ip_address(address)
    except ValueError:
        return address or formats.NOTHING
    if where.is_loopback:
        return _("This machine ({address})", address=address)
    return _("Home network ({address})", address=address) if where.is_private else address
