"""Setting up one way out of the house: a Telegram bot, a mail server, an address for a webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.events import NotificationChannelChanged
from aristobot.language import _
from aristobot.notices import Outlet
from components.buttons import main_button, quiet_button
from components.confirm import dialog_card, say, take_away
from components.form import submitting, text_field
from components.live import Live
from components.notice import notice
from components.viewer import Viewer
from components.words import Words
from services.channel_view import ChannelView
from services.notice_words import outlet_name
from services.notifiers.email import PLAIN, STARTTLS, TLS
from services.tokens import new_token

if TYPE_CHECKING:
    from services.app import App

Fields = dict[str, ValidationElement[Any]]


class ChannelDialog:
    """The form of one channel. A stored secret is never shown: an empty field keeps it."""

    def __init__(self, app: App, user: Viewer, outlet: Outlet, view: ChannelView | None) -> None:
        self._app = app
        self._user = user
        self._outlet = outlet
        self._view = view
        self._known = dict(view.settings) if view is not None else {}

    async def open(self) -> None:
        """Show it; a bot is linked in the same dialog once its token is accepted."""
        with dialog_card(outlet_name(self._outlet)) as dialog:
            self._dialog = dialog
            with ui.element("div").classes("dialog-body") as self._body:
                forms = {Outlet.TELEGRAM: self._telegram, Outlet.EMAIL: self._email, Outlet.WEBHOOK: self._webhook}
                fields = forms[self._outlet]()
            with ui.element("div").classes("dialog-foot"):
                quiet_button(_("Close"), on_click=dialog.close)
                self._button = main_button(_("Save"), on_click=lambda: self._save(fields)).mark("save-channel")
            Live(self._app.bus, self._user).each(NotificationChannelChanged, do=self._changed)
        dialog.on("hide", lambda: take_away(dialog))
        dialog.open()

    def _telegram(self) -> Fields:
        ui.label(_("1. In Telegram, write /newbot to @BotFather and copy the token that it gives you."))
        token = text_field(_("Bot token"), secret=True)
        token.mark("channel-token")
        if self._view is not None:
            token.props["hint"] = _("Empty: the stored one is kept")
        self._step = ui.element("div").classes("stack")
        if self._view is not None:
            self._show_code()
        return {"token": token}

    def _show_code(self) -> None:
        """The second step: a code that links the chat."""
        self._step.clear()
        code, bot = self._app.news.phone.code(self._user.id), str(self._known.get("bot", ""))
        with self._step:
            ui.label(_("2. Open the bot and send it this message. It works once, for ten minutes:"))
            Words("pre", f"/start {code}", "code mono").mark("link-code")
            if bot:
                ui.link(f"t.me/{bot}", f"https://t.me/{bot}?start={code}", new_tab=True)
            if self._known.get("chat_id"):
                notice(_("Linked to the chat with {name}.", name=self._known.get("chat_name") or "–"))

    async def _changed(self, event: NotificationChannelChanged) -> None:
        """The chat was linked while the dialog is open."""
        if self._outlet is not Outlet.TELEGRAM or event.channel != self._outlet:
            return
        view = (await self._app.news.settings.channels(self._user.id)).get(self._outlet)
        if view is not None and view.settings.get("chat_id") and not self._known.get("chat_id"):
            self._dialog.close()
            say(_("Linked to the chat with {name}.", name=view.settings.get("chat_name") or "–"))

    def _email(self) -> Fields:
        kinds = {STARTTLS: "STARTTLS (587)", TLS: "TLS (465)", PLAIN: _("None: only on this machine or without a password")}
        with ui.element("div").classes("fields"):
            host = text_field(_("Mail server"), str(self._known.get("host", "")))
            port = text_field(_("Port"), str(self._known.get("port", 587))).props("inputmode=numeric")
            security = ui.select(kinds, value=self._known.get("security", STARTTLS), label=_("Encryption"))
            security.props("outlined options-dense").classes("whole")
            username = text_field(_("User name"), str(self._known.get("username", "")), autocomplete="off")
            password = text_field(_("Password"), secret=True, autocomplete="new-password")
            if self._view is not None:
                password.props["hint"] = _("Empty: the stored one is kept")
            sender = text_field(_("Sender"), str(self._known.get("sender", "")))
            recipient = text_field(_("Recipient"), str(self._known.get("recipient", "")))
        named: Fields = {"host": host, "port": port, "security": security, "username": username, "password": password}
        named |= {"sender": sender, "recipient": recipient}
        for name, field in named.items():
            field.mark(f"channel-{name}")
        return named

    def _webhook(self) -> Fields:
        stored = _("Empty: the stored one is kept") if self._view is not None else ""
        url = text_field(_("Address"), "", autocomplete="off").mark("channel-url")
        url.props["hint"] = stored
        key = text_field(_("Secret for the signature"), "" if self._view is not None else new_token(), secret=True)
        key.mark("channel-key").props["hint"] = stored or _("Keep it where the messages are checked: it is not shown again.")
        words = _("Each message carries X-Aristobot-Signature: sha256= and the HMAC-SHA256 of “timestamp.body” with this secret.")
        ui.label(words).classes("muted small")
        return {"url": url, "key": key}

    async def _save(self, fields: Fields) -> None:
        async with submitting(self._button, fields):
            form = {name: field.value for name, field in fields.items()}
            view = await self._app.news.settings.save(self._user.id, self._outlet, form, self._user.actor)
            self._view, self._known = view, dict(view.settings)
            if view.ready:
                self._dialog.close()
                say(_("{channel} is saved. Send a test to be sure.", channel=outlet_name(self._outlet)))
            else:
                self._show_code()
