"""Add somebody to the household: with a password that is made and shown once, or with one chosen together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.kinds import Role
from aristobot.language import LANGUAGES, _
from components.buttons import main_button, quiet_button
from components.confirm import answer_of, dialog_card, say
from components.form import submitting, text_field
from components.profile_card import language_names
from components.shown_once import show_once
from components.viewer import Viewer
from services.household import NewUser
from services.passwords import ONE_TIME_HOURS
from services.rights import role_names

if TYPE_CHECKING:
    from services.app import App


async def add_user(app: App, user: Viewer) -> None:
    """Ask for name, role and language; then show the one-time password, if one was made."""
    with dialog_card(_("Add a user")) as dialog:
        with ui.element("div").classes("dialog-body"):
            name = text_field(_("Name")).props("maxlength=64 autofocus").mark("user-name")
            role = ui.select(role_names(), value=Role.TRADER.value, label=_("What they may do")).props("outlined options-dense")
            role.mark("new-role")
            language = ui.select(language_names(), value=app.settings.language or LANGUAGES[0], label=_("Language"))
            language.props("outlined options-dense")
            made = ui.checkbox(_("Make a password that is good once"), value=True).mark("make-password")
            password = text_field(_("Password"), secret=True, autocomplete="new-password")
            password.props["hint"] = _("12 characters or more")
            password.mark("user-password").bind_visibility_from(made, "value", value=False)

        async def save() -> None:
            household = app.accounts.household
            async with submitting(button, {"name": name, "password": password, "role": role}):
                new = NewUser(name.value, password.value, Role(role.value), language.value, user.login.timezone)
                if made.value:
                    added, once = await household.invite(new, user.actor)
                else:
                    added, once = await household.add(new, user.actor), ""
                dialog.submit((added.name, once))

        with ui.element("div").classes("dialog-foot"):
            quiet_button(_("Cancel"), on_click=dialog.close)
            button = main_button(_("Add"), on_click=save).mark("save-user")
    answer = await answer_of(dialog)
    if answer is None:
        return
    added_name, once = answer
    if once:
        await show_once(_("Password of {name}", name=added_name), once_words(), once)
    else:
        say(_("{name} is added.", name=added_name))


def once_words() -> str:
    """What is said beside a one-time password."""
    return _(
        "Hand it over now: it is shown only once, and good for one login within {hours} hours, at which they choose their own.",
        hours=ONE_TIME_HOURS,
    )
