"""The alert builder: choose what an alert shall do, take address, message or Pine, and see what the house would understand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import background_tasks, ui

from aristobot.alert_remarks import Remark, Tone, read_back
from aristobot.alert_text import AlertChoice, harmless, likely_price, message
from aristobot.errors import AristobotError, DataError, UnknownSymbol
from aristobot.language import _, explain
from aristobot.pine_text import pine
from aristobot.signals import Action, Signal
from components import formats
from components.alert_builder_form import AlertForm
from components.alert_builder_reading import AlertReading
from components.buttons import main_button, quiet_button
from components.confirm import complain, dialog_card, take_away
from components.notice import notice
from components.viewer import Viewer
from components.webhook_address import WebhookAddress, copy_button
from components.words import Words

if TYPE_CHECKING:
    from aristobot.store.tables import Broker
    from services.app import App


class AlertBuilder:
    """The dialog of one broker."""

    def __init__(self, app: App, user: Viewer, broker: Broker) -> None:
        self._app = app
        self._user = user
        self._broker = broker
        self._choice = AlertChoice()
        self._asked = 0

    async def open(self) -> None:
        """Everything at once: a change on top is seen below."""
        with dialog_card(_("Build an alert for {name}", name=self._broker.name), wide=True) as dialog:
            with ui.element("div").classes("dialog-body"):
                self._form = AlertForm(self._rebuild)
                Words("h2", _("What the house understands"))
                self._reading = AlertReading()
                self._draw_texts()
                self._result = ui.element("div")
            with ui.element("div").classes("dialog-foot"):
                address = WebhookAddress(self._app, self._user, self._broker)
                quiet_button(_("Webhook address"), "link", address.open).mark("builder-address")
                self._try = main_button(_("Send as a test"), "send", self._send).mark("builder-test")
        dialog.on("hide", lambda: take_away(dialog))
        dialog.open()
        self._rebuild()
        await self._show_address()

    def _draw_texts(self) -> None:
        Words("h2", _("For TradingView"))
        self._address = ui.element("div").classes("stack")
        with ui.tabs().props("dense no-caps align=left inline-label") as tabs:
            ui.tab("message", _("Message of the alert")).mark("tab-message")
            ui.tab("pine", _("Pine script")).mark("tab-pine")
        with ui.tab_panels(tabs, value="message").classes("w-full bg-transparent").style("flex: none"):
            with ui.tab_panel("message"), ui.element("div").classes("copyable"):
                self._text = ui.textarea(on_change=self._read).props("outlined autogrow debounce=250 spellcheck=false")
                self._text.classes("mono").mark("alert-message").props["aria-label"] = _("Message of the alert")
                self._copy_text = copy_button("", _("Copy the message")).mark("copy-message")
            with ui.tab_panel("pine"), ui.element("div").classes("copyable"):
                self._pine = Words("pre", "", "code mono").mark("alert-pine")
                self._copy_pine = copy_button("", _("Copy the script")).mark("copy-pine")

    async def _show_address(self) -> None:
        tokens = await self._app.brokers.webhooks.of_broker(self._user.id, self._broker.id)
        lasting = [one for one in tokens if one.expires_at is None]
        self._address.clear()
        with self._address:
            if not lasting:
                notice(_("This broker has no webhook address yet: make one with “Webhook address”."), "warn")
            for token in lasting:
                Words("pre", self._app.brokers.webhooks.url("••••••" + token.last_four), "code mono").mark("builder-url")
                ui.label(_("The whole address was shown once, when it was made.")).classes("muted small")

    def _rebuild(self) -> None:
        choice = self._form.choice()
        self._try.set_enabled(choice is not None)
        if choice is None:
            return
        self._choice = choice
        script = pine(choice)
        self._pine.set_text(script)
        self._copy_pine.props["data-copy"] = script
        self._text.set_value(message(choice))
        self._read()

    def _read(self) -> None:
        text = str(self._text.value or "")
        self._copy_text.props["data-copy"] = text
        reading = read_back(text, self._choice, self._app.clock.now())
        self._reading.show(reading)
        commands = [one for parsed in reading.parsed for one in parsed.commands]
        # what stands there in letters; the symbol of the chart is only known when the alert fires
        named = {one.symbol_text: one for one in commands if one.symbol_text and one.symbol_text.upper() in text.upper()}
        self._asked += 1
        if named:
            background_tasks.create(self._look_up([*named.values()], self._asked, text), name="symbols of an alert")

    async def _look_up(self, signals: list[Signal], asked: int, text: str) -> None:
        """Whether the broker can trade what the message names; an answer that comes too late is dropped."""
        found = [remark for signal in signals if (remark := await self._market(signal)) is not None]
        if found and asked == self._asked and not self._reading.is_deleted:
            self._reading.show(read_back(text, self._choice, self._app.clock.now()), tuple(found))

    async def _market(self, signal: Signal) -> Remark | None:
        exchange = self._broker.exchange.capitalize()
        wanted = Signal(Action.BUY_MARKET, symbol_text=signal.symbol_text)
        try:
            account = await self._app.floor.brokers.owned(self._user.id, self._broker.id)
            ours = await self._app.markets.symbol(account, wanted)
        except UnknownSymbol:
            return Remark(Tone.BAD, "reason.alert_no_market", {"symbol": signal.symbol_text, "exchange": exchange})
        except DataError as error:
            return Remark(Tone.BAD, error.code, error.facts)
        except AristobotError:
            return Remark(Tone.WARN, "reason.alert_market_unknown", {"symbol": signal.symbol_text, "exchange": exchange})
        return Remark(Tone.INFO, "reason.alert_market", {"symbol": signal.symbol_text, "ours": ours, "exchange": exchange})

    async def _send(self) -> None:
        self._try.props("loading")
        text, now, close = str(self._text.value or ""), self._app.clock.now(), likely_price(self._choice)

        def written(identity: str) -> str:
            return harmless(text, now, close=close, identity=identity)

        try:
            result = await self._app.brokers.webhooks.send_test(self._user.id, self._broker.id, written)
        except AristobotError as error:
            complain(error)
            return
        finally:
            if not self._try.is_deleted:
                self._try.props(remove="loading")
        if self._result.is_deleted:
            return
        self._result.clear()
        with self._result:
            if result.ok:
                took = formats.number(round(result.milliseconds))
                notice(_("It arrived as a PING and is stored, in {milliseconds} ms. Nothing was traded.", milliseconds=took))
            else:
                notice(explain(result.reason, {"status": result.status, "detail": result.detail}), "bad")
