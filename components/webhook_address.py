"""The address for TradingView's alerts: shown once when it is made, copied with one click, tried with a PING."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from components import formats
from components.buttons import main_button, quiet_button
from components.confirm import complain, confirm, dialog_card, say, take_away
from components.notice import notice
from components.reauth import reauthenticated
from components.viewer import Viewer
from components.words import Words, labelled

if TYPE_CHECKING:
    from aristobot.store.tables import Broker, WebhookToken
    from services.app import App

EXAMPLE = """{
  "Symbol": "{{ticker}}",
  "Exchange": "{{exchange}}",
  "Interval": "{{interval}}",
  "Action": "BuyMarket",
  "Prix": "{{close}}",
  "PrixSL": "-2%",
  "PrixTP": "+3%",
  "PourCent": 100,
  "BarTime": "{{time}}",
  "Time": "{{timenow}}"
}"""
#: What a token of a test lives at most.
PASSING = timedelta(minutes=5)
#: Copies also where the browser offers no clipboard: on a plain address of the home network.
_COPY = """async (text) => {
  try { await navigator.clipboard.writeText(text); }
  catch { const area = document.createElement('textarea'); area.value = text; document.body.append(area); area.select();
          document.execCommand('copy'); area.remove(); } }"""


class WebhookAddress:
    """The dialog of one broker's address."""

    def __init__(self, app: App, user: Viewer, broker: Broker) -> None:
        self._app = app
        self._user = user
        self._broker = broker

    async def open(self) -> None:
        """Show what is there: the tokens' last characters, never the tokens."""
        with dialog_card(_("Webhook address of {name}", name=self._broker.name), wide=True) as dialog:
            with ui.element("div").classes("dialog-body"):
                self._address = ui.element("div").classes("stack")
                ui.label(_("Paste this into the message of the TradingView alert, and change what you need:"))
                with ui.element("div").classes("copyable"):
                    Words("pre", EXAMPLE, "code mono")
                    copy_button(EXAMPLE, _("Copy the example"))
                self._result = ui.element("div")
            with ui.element("div").classes("dialog-foot"):
                quiet_button(_("New address"), "autorenew", self._rotate).mark("rotate")
                self._try = main_button(_("Send a test"), "send", self._send).mark("send-test")
        dialog.on("hide", lambda: take_away(dialog))
        dialog.open()
        await self._show_known()

    async def _show_known(self) -> None:
        tokens = await self._known()
        self._address.clear()
        with self._address:
            if not tokens:
                notice(_("There is no address yet: make one with “New address”."), "warn")
            for token in tokens:
                with ui.element("div").classes("item-words"):
                    Words("span", self._app.brokers.webhooks.url("••••••" + token.last_four), "mono")
                    ui.label(_use_words(token)).classes("muted small")

    async def _known(self) -> list[WebhookToken]:
        """The tokens that the user made; those of a test live for a minute and are nobody's business."""
        tokens = await self._app.brokers.webhooks.of_broker(self._user.id, self._broker.id)
        return [one for one in tokens if one.expires_at is None or one.expires_at - one.created_at > PASSING]

    async def _rotate(self) -> None:
        if not await reauthenticated(self._app, self._user):
            return
        known = await self._known()
        words = _("The address in use now stays valid for 24 hours, so that you can change your alerts.")
        if known and not await confirm(_("Make a new address?"), words, _("New address"), dangerous=False):
            return
        try:
            token = await self._app.brokers.webhooks.rotate(self._user.id, self._broker.id, self._user.actor)
        except AristobotError as error:
            complain(error)
            return
        url = self._app.brokers.webhooks.url(token)
        self._address.clear()
        with self._address:
            notice(_("Copy it now: it is shown only once. Whoever knows it can trade on this broker."), "warn")
            with ui.element("div").classes("copyable"):
                Words("pre", url, "code mono").mark("webhook-url")
                copy_button(url, _("Copy the address")).mark("copy-url")

    async def _send(self) -> None:
        self._try.props("loading")
        try:
            result = await self._app.brokers.webhooks.send_test(self._user.id, self._broker.id)
        except AristobotError as error:
            complain(error)
            return
        finally:
            self._try.props(remove="loading")
        self._result.clear()
        with self._result:
            if result.ok:
                took = formats.number(round(result.milliseconds))
                notice(_("The test arrived and is stored, in {milliseconds} ms.", milliseconds=took))
            else:
                notice(explain(result.reason, {"status": result.status, "detail": result.detail}), "bad")


def _use_words(token: WebhookToken) -> str:
    words = _("never used")
    if token.last_used_at is not None:
        words = _("last used {moment}", moment=formats.day_and_hour(token.last_used_at))
    if token.expires_at is not None:
        words += " · " + _("valid until {moment}", moment=formats.day_and_hour(token.expires_at))
    return words


def copy_button(text: str, name: str) -> ui.button:
    """A small button that puts `text` on the clipboard."""
    button = ui.button(icon="content_copy").props("flat round dense color=white").classes("copy")
    labelled(button, name).tooltip(name)
    button.props["data-copy"] = text
    handler = f"(event) => {{ ({_COPY})(event.currentTarget.dataset.copy); emit(); }}"
    button.on("click", lambda: say(_("Copied.")), js_handler=handler)
    return button
