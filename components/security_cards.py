"""How a user comes in: password, and codes of the phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import InvalidInput
from aristobot.events import UserChanged
from aristobot.language import _
from components.buttons import main_button, quiet_button
from components.confirm import answer_of, confirm, dialog_card, say
from components.form import submitting, text_field
from components.handlers import within
from components.live import Live
from components.notice import notice
from components.page_head import Part, panel
from components.qr import qr_code
from components.reauth import reauthenticated
from components.viewer import Viewer
from components.words import Words

if TYPE_CHECKING:
    from services.app import App


def password_card(app: App, user: Viewer) -> None:
    """Change the password: every other browser of the user is logged out."""
    with panel(_("Password")), ui.element("div").classes("panel-body"):
        ui.label(_("After a change every other browser is logged out.")).classes("muted")
        with ui.element("div").classes("fields"):
            new = text_field(_("New password"), secret=True, autocomplete="new-password")
            new.props["hint"] = _("12 characters or more")
            again = text_field(_("The same password again"), secret=True, autocomplete="new-password")

        async def save() -> None:
            if not await reauthenticated(app, user):
                return
            async with submitting(button, {"password": new, "again": again}):
                if new.value != again.value:
                    raise InvalidInput("passwords_differ", field="again")
                await app.accounts.household.set_password(user.id, new.value, user.actor, keep=user.session_id)
                new.set_value("")
                again.set_value("")
                say(_("The password is changed."))

        with ui.element("div").classes("line"):
            button = main_button(_("Change the password"), on_click=save).mark("save-password")
    new.mark("new-password")
    again.mark("new-password-again")


class SecondFactorCard(Part[bool]):
    """Switch the codes of the phone on or off."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        with panel(_("Codes of your phone")) as head:
            self._body = ui.element("div").classes("panel-body")
        self._head = head
        with head:
            self._tag = Words("span", "", "tag quiet")
        live.each(UserChanged, do=lambda _event: self.show())

    @classmethod
    async def read(cls, app: App, user: Viewer) -> bool:
        """Whether the codes are asked for."""
        return (await app.accounts.household.get(user.id)).totp_sealed is not None

    def draw(self, found: bool) -> None:
        """Draw what holds now."""
        is_on = found
        self._tag.set_text(_("On") if is_on else _("Off"))
        self._tag.classes(replace=f"tag {'good' if is_on else 'quiet'}")
        self._body.clear()
        with self._body:
            words = _("A code of your phone is asked at every login, besides the password.")
            ui.label(words).classes("muted")
            with ui.element("div").classes("line"):
                if is_on:
                    quiet_button(_("Switch off"), "no_encryption", within(self._head, self._switch_off)).mark("totp-off")
                else:
                    set_up = ui.button(_("Set up"), icon="qr_code_2", on_click=within(self._head, self._set_up))
                    set_up.props("outline no-caps").mark("totp-on")

    async def _set_up(self) -> None:
        if not await reauthenticated(self._app, self._user):
            return
        enrolment = self._app.accounts.second_factor.begin(self._user.id, self._user.name)
        with dialog_card(_("Codes of your phone")) as dialog:
            with ui.element("div").classes("dialog-body"):
                ui.label(_("Scan this picture with an authenticator app, or type the key into it."))
                with ui.element("div").classes("line"):
                    qr_code(enrolment.uri, _("QR code for the authenticator app"))
                    Words("span", " ".join(_groups(enrolment.secret)), "mono grow")
                code = text_field(_("The code that the app shows now"), autocomplete="one-time-code")
                code.props("inputmode=numeric").mark("totp-code")

            async def complete() -> None:
                async with submitting(button, {"code": code}):
                    done = await self._app.accounts.second_factor.complete(self._user.id, code.value, self._user.actor)
                    dialog.submit(done)

            with ui.element("div").classes("dialog-foot"):
                quiet_button(_("Cancel"), on_click=dialog.close)
                button = main_button(_("Switch on"), on_click=complete).mark("totp-complete")
        codes = await answer_of(dialog)
        if codes:
            await self.show()
            _show_recovery_codes(codes)

    async def _switch_off(self) -> None:
        words = _("From then on the password alone lets you in.")
        if not await confirm(_("Switch the codes off?"), words, _("Switch off")):
            return
        if await reauthenticated(self._app, self._user):
            await self._app.accounts.second_factor.switch_off(self._user.id, self._user.actor)
            await self.show()


def _show_recovery_codes(codes: list[str]) -> None:
    with dialog_card(_("Your recovery codes")) as dialog:
        with ui.element("div").classes("dialog-body"):
            words = _("Print them and put them away: each lets you in once, should you lose the phone. They are shown only now.")
            notice(words, "warn")
            Words("pre", "\n".join(codes), "code mono")
        with ui.element("div").classes("dialog-foot"):
            main_button(_("I have kept them"), on_click=dialog.close)
    dialog.open()


def _groups(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]
