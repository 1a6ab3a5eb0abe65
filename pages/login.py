"""The front door: name and password, a code for those who use one; and the very first administrator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi.responses import RedirectResponse, Response
from nicegui import Client, ui

from aristobot.errors import AristobotError, InvalidInput
from aristobot.language import _, explain
from aristobot.settings_values import is_loopback
from components.buttons import main_button
from components.entrance import Entrance, own_path, visitor
from components.focus import give_back
from components.form import secret_input
from components.guard import viewer_of
from components.menu import door
from components.notice import notice
from components.words import Words
from services.household import NewUser
from services.sign_in import LoginForm, Visitor

if TYPE_CHECKING:
    from services.app import App


@door("/login")
async def login(app: App, entrance: Entrance, client: Client, to: str = "") -> Response | None:
    """Draw the form that is needed: for somebody we know, or for the first to come."""
    if viewer_of(client) is not None:
        return RedirectResponse(own_path(to), 303)
    house_user = await entrance.house_user(client.request)
    if house_user and to:  # they were on their way to a page; who has just logged out is asked
        return RedirectResponse(f"/auth/arrive?to={quote(own_path(to))}", 303)
    with ui.element("div").classes("door"), ui.element("section").classes("panel door-card"):
        with ui.element("div").classes("brand"):
            Words("span", "A", "brand-mark").props("aria-hidden=true")
            Words("h1", "Aristobot")
        if await app.accounts.needs_first_admin():
            _first_administrator(app, entrance, visitor(client.request))
        else:
            _log_in(app, entrance, visitor(client.request), to)
            if house_user:
                ui.button(_("Come in as {name}", name=house_user), on_click=lambda: ui.navigate.to("/auth/arrive")).props(
                    "outline no-caps"
                ).classes("w-full").mark("house-door")
    return None


class _Form:
    """A form that says in one place what is wrong, and cannot be sent twice at once."""

    def __init__(self, action: str) -> None:
        self.fault = Words("div", "", "notice bad").props("role=alert").mark("fault")
        self.fault.set_visibility(False)
        self.button = main_button(action).classes("w-full").mark("submit")

    def working(self) -> None:
        self.fault.set_visibility(False)
        self.button.props("loading")
        self.button.disable()

    def failed(self, error: AristobotError) -> None:
        self.fault.set_text(explain(error))
        self.fault.set_visibility(True)
        self.button.props(remove="loading")
        self.button.enable()
        give_back(self.button)


def _field(label: str, *, secret: bool = False, autocomplete: str = "off") -> ui.input:
    field = secret_input(label) if secret else ui.input(label)
    return field.props(f"outlined autocomplete={autocomplete}")


def _long_enough(label: str) -> ui.input:
    """A new password; how long it must be stands below, where a narrow screen has room for it."""
    field = _field(label, secret=True, autocomplete="new-password")
    field.props["hint"] = _("12 characters or more")
    return field


def _log_in(app: App, entrance: Entrance, who: Visitor, to: str) -> None:
    ui.label(_("Welcome back. Please log in.")).classes("muted")
    name = _field(_("Name"), autocomplete="username").props("autofocus").mark("name")
    password = _field(_("Password"), secret=True, autocomplete="current-password").mark("password")
    code = _field(_("Code of your phone, if you use one"), autocomplete="one-time-code").props("inputmode=numeric").mark("code")
    place = ui.element("div").classes("stack w-full")
    own: list[ui.input] = []
    form = _Form(_("Log in"))

    async def submit() -> None:
        form.working()
        try:
            opened = await app.accounts.sign_in.log_in(LoginForm(name.value, password.value, code.value, _the_same(own)), who)
        except AristobotError as error:
            if error.code == "choose_password":
                with place:
                    own[:] = _own_password(submit)
            elif not own:
                code.set_value("")
            form.failed(error)
            return
        ui.navigate.to(entrance.address_for(opened, to))

    _send_with(form, submit, name, password, code)


def _own_password(submit: Callable[[], Awaitable[None]]) -> list[ui.input]:
    """Two fields for the password that takes the place of a one-time one."""
    chosen = _long_enough(_("Your own password")).mark("chosen")
    again = _field(_("The same password again"), secret=True, autocomplete="new-password").mark("again")
    for field in (chosen, again):
        field.on("keydown.enter", submit)
    return [chosen, again]


def _the_same(fields: list[ui.input]) -> str:
    """What stands in both; empty while there are none. InvalidInput when they differ."""
    if fields and fields[0].value != fields[1].value:
        raise InvalidInput("passwords_differ", field="again")
    return str(fields[0].value) if fields else ""


def _first_administrator(app: App, entrance: Entrance, who: Visitor) -> None:
    ui.label(_("Welcome. Nobody lives here yet: create the first administrator.")).classes("muted")
    if not is_loopback(who.address):
        notice(_("For your safety this works only in a browser on the machine where Aristobot runs."), "warn")
        return
    name = _field(_("Name"), autocomplete="username").props("autofocus").mark("name")
    password = _long_enough(_("Password")).mark("password")
    again = _field(_("The same password again"), secret=True, autocomplete="new-password").mark("again")
    code = _field(_("One-time code from the console")).props("inputmode=numeric").mark("code")
    form = _Form(_("Create the account"))

    async def submit() -> None:
        form.working()
        if password.value != again.value:
            form.failed(InvalidInput("passwords_differ", field="again"))
            return
        new = NewUser(name.value, password.value, language=app.settings.language)
        try:
            await app.accounts.create_first_admin(code.value, new, who)
            opened = await app.accounts.sign_in.log_in(LoginForm(name.value, password.value), who)
        except AristobotError as error:
            form.failed(error)
            return
        ui.navigate.to(entrance.address_for(opened, "/account"))

    _send_with(form, submit, name, password, again, code)


def _send_with(form: _Form, submit: Callable[[], Awaitable[None]], *fields: ui.input) -> None:
    """Send by the button, or by Enter in any field."""
    form.button.on_click(submit)
    for field in fields:
        field.on("keydown.enter", submit)
