"""Tokens of the API: what each may do, since when, until when, last used when; made here and shown once, revoked here."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import TokensChanged
from aristobot.kinds import TokenScope
from aristobot.language import _
from components import formats
from components.confirm import complain, confirm
from components.empty_state import empty_state
from components.handlers import within
from components.live import Live
from components.page_head import Part, panel
from components.reauth import reauthenticated
from components.token_dialog import make_token, scope_names
from components.viewer import Viewer
from components.words import Words, labelled

if TYPE_CHECKING:
    from aristobot.store.tables import ApiToken
    from services.app import App

_TONES = {TokenScope.READ: "quiet", TokenScope.TRADE: "primary", TokenScope.ADMIN: "warn"}


class TokensCard(Part[list["ApiToken"]]):
    """The user's own tokens that still count; it follows every change."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        with panel(_("API tokens")) as head:
            self._list = ui.element("div")
        with head:
            add = ui.button(_("Make a token"), icon="add", on_click=within(head, self._add))
            add.props("outline no-caps").mark("add-token")
        self._head = head
        live.each(TokensChanged, do=lambda _event: self.show())

    @classmethod
    async def read(cls, app: App, user: Viewer) -> list[ApiToken]:
        """The tokens that count now."""
        now = app.clock.now()
        rows = await app.accounts.tokens.of_user(user.id)
        return [row for row in rows if row.revoked_at is None and (row.expires_at is None or row.expires_at > now)]

    def draw(self, found: list[ApiToken]) -> None:
        """Draw them."""
        self._list.clear()
        with self._list:
            if not found:
                empty_state("vpn_key", _("No token yet"), _("A program of yours shows a token to read your data or to trade."))
            for row in found:
                self._draw(row)

    def _draw(self, row: ApiToken) -> None:
        with ui.element("div").classes("item").mark("token"):
            ui.icon("vpn_key").classes("faint").props("size=22px aria-hidden=true")
            with ui.element("div").classes("item-words"):
                with ui.element("div").classes("item-title"):
                    Words("span", row.name or _("Without a name"))
                    Words("span", scope_names()[row.scope.value], f"tag {_TONES[row.scope]}")
                    Words("span", f"…{row.last_four}", "mono muted small")
                ui.label(_life(row, self._app.clock.now())).classes("muted small")
            button = ui.button(icon="delete_outline", on_click=within(self._head, partial(self._revoke, row)))
            name = _("Revoke {name}", name=row.name or f"…{row.last_four}")
            labelled(button, name).props("flat round dense color=white").mark("revoke-token").tooltip(_("Revoke"))

    async def _revoke(self, row: ApiToken) -> None:
        words = _("Whatever program shows it is refused from now on.")
        if await confirm(_("Revoke {name}?", name=row.name or f"…{row.last_four}"), words, _("Revoke")):
            try:
                await self._app.accounts.tokens.revoke(row.id, self._user.actor, owner=self._user.id)
            except AristobotError as error:
                complain(error)

    async def _add(self) -> None:
        if await reauthenticated(self._app, self._user):
            await make_token(self._app, self._user)


def _life(row: ApiToken, now: datetime) -> str:
    """Since when, until when, and whether it is used at all."""
    made = _("made on {day}", day=formats.day_and_hour(row.created_at))
    until, used = _("never expires"), _("not used yet")
    if row.expires_at is not None:
        until = _("valid until {moment}", moment=formats.day_and_hour(row.expires_at))
    if row.last_used_at is not None:
        used = _("used {ago}", ago=formats.how_long_ago(row.last_used_at, now))
    return f"{made} · {until} · {used}"
