"""The household, for administrators: who lives here, what each may do, and a new password for whoever lost theirs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import HouseholdChanged
from aristobot.kinds import Role
from aristobot.language import _
from components.confirm import complain, confirm, say
from components.handlers import within
from components.household_row import UserRow
from components.live import Live
from components.page_head import Part, panel
from components.reauth import reauthenticated
from components.shown_once import show_once
from components.user_dialog import add_user, once_words
from components.viewer import Viewer
from components.words import Words
from services.household import MOST_USERS

if TYPE_CHECKING:
    from aristobot.store.tables import User
    from services.app import App


class HouseholdCard(Part[tuple[list["User"], dict[Any, Any]]]):
    """The panel; it follows what any administrator changes, by screen or API."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        with panel(_("Household")) as head:
            self._list = ui.element("div")
        with head:
            self._count = Words("span", "", "tag quiet")
            add = ui.button(_("Add a user"), icon="person_add", on_click=within(head, self._add))
            add.props("outline no-caps").mark("add-user")
        self._head = head
        live.each(HouseholdChanged, do=lambda _event: self.show())

    @classmethod
    async def read(cls, app: App, user: Viewer) -> tuple[list[User], dict[Any, Any]]:
        """Everybody, and when each was here last."""
        return await app.accounts.household.everyone(), await app.accounts.sessions.last_seen()

    def draw(self, found: tuple[list[User], dict[Any, Any]]) -> None:
        """Draw everybody as they are now."""
        everyone, seen = found
        active = sum(one.is_active for one in everyone)
        self._count.set_text(_("{count} of {most} active", count=active, most=MOST_USERS))
        self._list.clear()
        with self._list:
            for one in everyone:
                row = UserRow(one, seen.get(one.id), self._app.clock.now(), mine=one.id == self._user.id)
                row.role.on_value_change(partial(self._role_chosen, one, row))
                row.reset.on_click(within(self._head, partial(self._reset, one)))
                row.switch.on_click(within(self._head, partial(self._switch, one)))

    async def _add(self) -> None:
        if await reauthenticated(self._app, self._user):
            await add_user(self._app, self._user)

    async def _role_chosen(self, one: User, row: UserRow) -> None:
        role = Role(row.role.value)
        if role is one.role:
            return
        with self._head:
            await self._change(one, role=role, title=_("Change what {name} may do?", name=one.name), words=_effect(role))
        await self.show()

    async def _switch(self, one: User) -> None:
        if one.is_active:
            title, words = _("Disable {name}?", name=one.name), _("They are logged out at once, and their tokens stop working.")
            await self._change(one, active=False, title=title, words=f"{words} {_guarded()}")
        elif await reauthenticated(self._app, self._user):
            await self._do(one, active=True)

    async def _change(self, one: User, *, title: str, words: str, role: Role | None = None, active: bool | None = None) -> None:
        agreed = await confirm(title, words, _("Change"), dangerous=role is not Role.TRADER)
        if agreed and await reauthenticated(self._app, self._user):
            await self._do(one, role=role, active=active)

    async def _do(self, one: User, *, role: Role | None = None, active: bool | None = None) -> None:
        try:
            await self._app.accounts.household.change(one.id, self._user.actor, role=role, active=active)
            say(_("{name} is changed.", name=one.name))
        except AristobotError as error:
            complain(error)

    async def _reset(self, one: User) -> None:
        words = _("Their password stops working and they are logged out everywhere; the codes of their phone stay.")
        if not await confirm(_("A new password for {name}?", name=one.name), words, _("New password")):
            return
        if not await reauthenticated(self._app, self._user):
            return
        try:
            password, _until = await self._app.accounts.household.reset_password(one.id, self._user.actor)
        except AristobotError as error:
            complain(error)
        else:
            await show_once(_("New password of {name}", name=one.name), once_words(), password)


def _effect(role: Role) -> str:
    return {
        Role.ADMINISTRATOR: _("They are logged out, and may then change everything: users, tokens, and every halt."),
        Role.TRADER: _("They are logged out, and may then trade and change what is theirs."),
        Role.VIEWER: _("They are logged out, and may then only look; their alerts are no longer taken.") + " " + _guarded(),
    }[role]


def _guarded() -> str:
    return _("What they hold stays guarded by its stops and targets.")
