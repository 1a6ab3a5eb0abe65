"""How a user comes in: password, codes of the phone, and the browsers that are logged in now."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError, InvalidInput
from aristobot.events import SessionEnded, UserChanged
from aristobot.language import _
from components import formats
from components.buttons import main_button, quiet_button
from components.confirm import answer_of, complain, confirm, dialog_card, say
from components.form import submitting, text_field
from components.handlers import within
from components.live import Live
from components.notice import notice
from components.page_head import panel
from components.qr import qr_code
from components.reauth import reauthenticated
from components.viewer import Viewer
from components.words import Words, labelled
from services.device_names import browser_words

if TYPE_CHECKING:
    from aristobot.store.tables import LoginSession
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


class SecondFactorCard:
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

    async def show(self) -> None:
        """Draw what holds now."""
        row = await self._app.accounts.household.get(self._user.id)
        is_on = row.totp_sealed is not None
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


class SessionsCard:
    """Where the user is logged in, each with a way to end it."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        with panel(_("Logged in")) as head:
            self._list = ui.element("div")
        self._head = head
        live.each(SessionEnded, do=lambda _event: self.show())

    async def show(self) -> None:
        """Draw the sessions that live now."""
        rows = await self._app.accounts.sessions.mine(self._user.id)
        self._list.clear()
        with self._list:
            for row in rows:
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
                ui.label(f"{row.address or formats.NOTHING} · {last}").classes("muted small")
            if row.id != self._user.session_id:
                button = ui.button(icon="logout", on_click=within(self._head, lambda: self._end(row.id)))
                labelled(button, _("Log out there")).props("flat round dense color=white").mark("end-session")

    async def _end(self, session_id: uuid.UUID) -> None:
        try:
            await self._app.accounts.sessions.end(self._user.id, session_id)
        except AristobotError as error:
            complain(error)


def _groups(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]
