"""Add or change a broker; which keys are asked for is the exchange's matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import InvalidInput
from aristobot.events import ExchangesListed
from aristobot.kinds import BrokerAccess, BrokerMode
from aristobot.language import _
from aristobot.risk import Limits
from components import formats
from components.broker_words import access_names, key_names, mode_names
from components.buttons import main_button, quiet_button
from components.capability_badges import capability_badges
from components.confirm import answer_of, dialog_card, say
from components.form import submitting, text_field
from components.live import Live
from components.notice import notice
from components.reauth import reauthenticated
from components.viewer import Viewer

if TYPE_CHECKING:
    from aristobot.store.tables import Broker
    from services.app import App

ENDPOINTS = ("rest", "stream", "trading")
#: Offered before the exchange's own pairs are known.
_USUAL_QUOTES = ("USDT", "USDC", "EUR", "USD")
_DIVERGENCE = "remap_divergence_percent"


class BrokerDialog:
    """One form for both: without `broker` it adds one."""

    def __init__(self, app: App, user: Viewer, broker: Broker | None = None) -> None:
        self._app = app
        self._user = user
        self._broker = broker
        self._fields: dict[str, ValidationElement[Any]] = {}
        self._keys: dict[str, ui.input] = {}
        self._endpoints: dict[str, ui.input] = {}
        self._insist: ui.checkbox | None = None

    async def ask(self) -> Broker | None:
        """Show the form; the broker when it was saved, None when the user turned away."""
        if not await reauthenticated(self._app, self._user):
            return None
        title = _("Change {name}", name=self._broker.name) if self._broker else _("Add a broker")
        with dialog_card(title, wide=True) as dialog:
            with ui.element("div").classes("dialog-body"):
                self._basics()
                self._key_block = ui.element("div").classes("stack")
                self._draw_keys()
                self._uses()
                if self._user.is_administrator:
                    self._addresses()
                if self._broker is None:
                    Live(self._app.bus, self._user).latest(ExchangesListed, do=self._offer)

            async def save() -> None:
                fields: dict[str, ValidationElement[Any]] = {**self._fields, **self._keys}
                if self._endpoints:
                    fields["endpoints"] = self._endpoints["rest"]
                async with submitting(button, fields):
                    dialog.submit(await self._save())

            with ui.element("div").classes("dialog-foot"):
                quiet_button(_("Cancel"), on_click=dialog.close)
                button = main_button(_("Save"), on_click=save).mark("save-broker")
        saved: Broker | None = await answer_of(dialog)
        if saved is not None:
            say(_("{name} is saved.", name=saved.name))
        return saved

    @property
    def _exchange(self) -> str:
        if self._broker is not None:
            return self._broker.exchange
        return str(getattr(self._fields["exchange"], "value", ""))

    def _basics(self) -> None:
        with ui.element("div").classes("fields"):
            if self._broker is None:
                ours = self._app.brokers.exchanges()
                exchange = ui.select(self._exchanges(), value=ours[0], label=_("Exchange"), on_change=self._chosen)
                # Ours come first; the others are there to be found, with what is said of them, and cannot be chosen.
                exchange.props(f'outlined options-dense :option-disable="option => option.value >= {len(ours)}"')
                self._fields["exchange"] = exchange.mark("broker-exchange")
            name = text_field(_("Name"), self._broker.name if self._broker else "").props("maxlength=64").mark("broker-name")
            self._fields["name"] = name

    def _exchanges(self) -> dict[str, str]:
        """What can be chosen, and after it the rest of the world's exchanges, marked."""
        ours = {one: one.capitalize() for one in self._app.brokers.exchanges()}
        others = {one.name: one.title for one in self._app.credential_names.known() if one.name not in ours}
        return ours | {
            name: _("{exchange} – not supported", exchange=title)
            for name, title in sorted(others.items(), key=lambda one: one[1].casefold())
        }

    def _offer(self, _event: ExchangesListed) -> None:
        exchange = self._fields["exchange"]
        if isinstance(exchange, ui.select):
            exchange.set_options(self._exchanges(), value=exchange.value)

    def _chosen(self) -> None:
        self._draw_keys()
        self._quote.set_options(self._quotes(), value=self._quote.value)

    def _draw_keys(self) -> None:
        """The fields that this exchange asks for; for a known broker they may stay empty."""
        self._key_block.clear()
        self._keys.clear()
        capabilities = self._app.gateway.client(self._exchange).capabilities
        with self._key_block:
            capability_badges(capabilities)
            with ui.element("div").classes("fields"):
                for one in capabilities.credential_fields:
                    field = self._key_field(one.name, secret=one.secret)
                    self._keys[one.name] = field.mark(one.name)
            if self._broker is not None:
                words = _("Leave the keys empty to keep those that are stored (…{last}).", last=self._broker.key_last_four)
                ui.label(words).classes("muted small")
            notice(_("Create the key at the exchange with the rights to read and to trade on spot, never to withdraw."))
            if self._user.is_administrator:
                insist = _("I insist on a key that may withdraw, and know that whoever steals it takes the money too.")
                self._insist = ui.checkbox(insist).mark("allow-withdraw")
                self._insist.set_visibility(False)

    @staticmethod
    def _key_field(name: str, *, secret: bool) -> ui.input:
        field = text_field(key_names().get(name, name), secret=secret, autocomplete="new-password")
        if name == "api_secret":
            field.classes("whole")
        return field

    def _uses(self) -> None:
        known = self._broker
        with ui.element("div").classes("fields"):
            mode = known.mode.value if known else BrokerMode.WEBHOOKS.value
            access = known.access.value if known else BrokerAccess.TRADE.value
            self._fields["mode"] = ui.select(mode_names(), value=mode, label=_("Who trades on it")).props("outlined")
            self._fields["access"] = ui.select(access_names(), value=access, label=_("What orders may do")).props("outlined")
            self._quote = ui.select(
                self._quotes(), value=known.quote if known else "", label=_("Currency to trade against"), with_input=True
            )
            self._fields["quote"] = self._quote.props("outlined options-dense").mark("broker-quote")
            most = Limits.read(known.limits if known else None).remap_divergence_percent
            apart = text_field(_("Most that two markets may lie apart (%)"), formats.number(most))
            self._fields[_DIVERGENCE] = apart.props("inputmode=decimal").mark("broker-divergence")
            hint = _(
                "An alert on BTC/USDT then buys BTC against this currency; stop, target and limit are converted by the ratio "
                "of the two markets. Beyond this distance the alert is refused."
            )
            ui.label(hint).classes("muted small whole")
            self._default = ui.checkbox(_("My default broker"), value=known.is_default if known else False)

    def _quotes(self) -> dict[str, str]:
        """The currencies of the exchange, the commonest first, after "as each alert says"."""
        listed = self._app.catalog.quotes(self._exchange) or list(_USUAL_QUOTES)
        known = [*listed, *([self._broker.quote] if self._broker else [])]
        return {"": _("As each alert says")} | {one: one for one in known if one}

    def _addresses(self) -> None:
        """Other addresses of the exchange, for a testnet or the simulator."""
        stored = (self._broker.endpoints if self._broker else None) or {}
        names = {"rest": "REST", "stream": _("Market stream"), "trading": _("Trading socket")}
        opener = ui.expansion(_("Other addresses (testnet, simulator)"), icon="lan", value=bool(stored)).classes("w-full")
        with opener, ui.element("div").classes("stack"):
            for part in ENDPOINTS:
                self._endpoints[part] = text_field(names[part], stored.get(part, "")).mark(f"endpoint-{part}")

    async def _save(self) -> Broker:
        form: dict[str, Any] = {name: getattr(field, "value", None) for name, field in self._fields.items()}
        keys = {name: field.value for name, field in self._keys.items()}
        if self._broker is None or any(keys.values()):
            form |= keys
        form["is_default"] = self._default.value
        stored = (self._broker.limits if self._broker else None) or {}
        form["limits"] = {**stored, _DIVERGENCE: str(form.pop(_DIVERGENCE)).strip().replace(",", ".")}
        if self._endpoints:
            form["endpoints"] = {part: field.value.strip() for part, field in self._endpoints.items() if field.value.strip()}
        if self._insist is not None and self._insist.value:
            form["allow_withdraw"] = True
        try:
            if self._broker is None:
                return await self._app.brokers.add(self._user.id, form, self._user.actor)
            return await self._app.brokers.change(self._user.id, self._broker.id, form, self._user.actor)
        except InvalidInput as error:
            if error.code == "key_may_withdraw" and self._insist is not None:
                self._insist.set_visibility(True)
            raise
