"""What a user chooses for themselves: language and time zone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from nicegui import ui

from aristobot.language import _
from components.buttons import main_button
from components.form import submitting
from components.page_head import panel
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App

LANGUAGES = {"fr": "Français", "en": "English"}


def profile_card(app: App, user: Viewer) -> None:
    """Draw the panel; what is saved is seen at once, since the page is loaded anew."""
    with panel(_("Profile")), ui.element("div").classes("panel-body"):
        ui.label(_("Signed in as {name}", name=user.name)).classes("muted")
        with ui.element("div").classes("fields"):
            language = ui.select(LANGUAGES, value=user.login.language, label=_("Language"))
            language.props("outlined options-dense").mark("language")
            zone = ui.select(_zones(), value=user.login.timezone, label=_("Time zone"), with_input=True)
            zone.props("outlined options-dense").mark("timezone")

        async def save() -> None:
            async with submitting(button, {"language": language, "timezone": zone}):
                changes = {"language": language.value, "timezone": zone.value}
                await app.accounts.profiles.update(user.id, changes, user.actor)
                ui.navigate.reload()

        with ui.element("div").classes("line"):
            button = main_button(_("Save"), on_click=save).mark("save-profile")


def _zones() -> list[str]:
    """The zones that people choose: those with a continent, and UTC."""
    return ["UTC", *sorted(one for one in available_timezones() if "/" in one and not one.startswith(("Etc/", "posix", "right")))]
