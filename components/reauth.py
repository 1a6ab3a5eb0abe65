"""Before grave matters the password is asked again: keys, addresses, the second factor, letting trading go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from components.buttons import main_button, quiet_button
from components.confirm import answer_of, dialog_card
from components.entrance import visitor
from components.form import secret_input
from components.viewer import Viewer
from components.words import Words
from services.sign_in import LoginForm

if TYPE_CHECKING:
    from services.app import App


async def reauthenticated(app: App, user: Viewer) -> bool:
    """Whether the user gave their password in the last five minutes, or gives it now."""
    sign_in = app.accounts.sign_in
    if sign_in.is_confirmed(user.session_id) or user.name == sign_in.house_user:
        return True
    where = visitor(ui.context.client.request)
    with dialog_card(_("Please confirm that it is you")) as dialog:
        with ui.element("div").classes("dialog-body"):
            ui.label(_("What you are about to do needs your password again. It holds for five minutes."))
            password = secret_input(_("Password")).props("outlined autofocus autocomplete=current-password")
            code = ui.input(_("Code of your phone, if you use one")).props("outlined autocomplete=one-time-code")
            fault = Words("div", "", "notice bad").props("role=alert")
            fault.set_visibility(False)

        async def check() -> None:
            try:
                await sign_in.confirm(user.login, LoginForm(user.name, password.value, code.value), where)
            except AristobotError as error:
                fault.set_text(explain(error))
                fault.set_visibility(True)
            else:
                dialog.submit(True)

        with ui.element("div").classes("dialog-foot"):
            quiet_button(_("Cancel"), on_click=dialog.close)
            main_button(_("Confirm"), on_click=check).mark("reauthenticate")
        password.mark("reauth-password").on("keydown.enter", check)
        code.on("keydown.enter", check)
    return bool(await answer_of(dialog))
