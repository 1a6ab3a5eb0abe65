"""A new activation: which version, with which broker, on which market, with how much money and which parameters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.kinds import BrokerMode
from aristobot.language import _, explain
from aristobot.market import Symbol, Timeframe
from aristobot.store.strategy_tables import Activation
from aristobot.store.tables import Broker
from components.backtest_parameters import ParameterFields
from components.buttons import main_button, quiet_button
from components.confirm import dialog_card, take_away
from components.form import submitting
from components.notice import notice
from components.symbol_picker import SymbolPicker
from components.trading_fields import MoneyField
from components.viewer import Viewer
from services.activation_desk import Wish
from services.backtest_sources import Source

if TYPE_CHECKING:
    from services.app import App


class BotDialog:
    """Asks, then makes it; `made(row)` is called with what was made, stopped as yet."""

    def __init__(self, app: App, user: Viewer, made: Callable[[Activation], Awaitable[None]]) -> None:
        self._app, self._user, self._made = app, user, made
        self._sources: Sequence[Source] = ()
        self._brokers: Sequence[Broker] = ()

    async def open(self) -> None:
        """Show what there is to choose from, or what is missing first."""
        every = await self._app.backtester.sources.every(self._user.id)
        self._sources = [one for one in every if one.version_id is not None]
        mine = await self._app.brokers.mine(self._user.id)
        self._brokers = [one for one in mine if one.mode is BrokerMode.STRATEGIES]
        with dialog_card(_("New activation"), wide=True) as dialog:
            self._dialog = dialog
            if self._sources and self._brokers:
                await self._draw()
            else:
                self._draw_missing()
        dialog.on("hide", lambda: take_away(dialog))
        dialog.open()

    def _draw_missing(self) -> None:
        with ui.element("div").classes("dialog-body"):
            if not self._sources:
                notice(_("Save a strategy first: write one, or begin with a template."), "warn")
                ui.link(_("To the strategies"), "/strategies")
            if not self._brokers:
                notice(_("None of your brokers is in the mode for strategies: change one on the account page."), "warn")
                ui.link(_("To the account page"), "/account")
        with ui.element("div").classes("dialog-foot"):
            quiet_button(_("Close"), on_click=self._dialog.close)

    async def _draw(self) -> None:
        with ui.element("div").classes("dialog-body bot-form"):
            with ui.element("div").classes("stack"):
                names = {at: f"{one.name} · v{one.number}" for at, one in enumerate(self._sources)}
                self._strategy = ui.select(names, value=0, label=_("Strategy")).mark("bot-strategy")
                brokers = {at: f"{one.name} · {one.exchange.capitalize()}" for at, one in enumerate(self._brokers)}
                self._broker = ui.select(brokers, value=0, label=_("Broker")).mark("bot-broker")
                with ui.element("div").classes("pair-of-fields"):
                    self._symbol = ui.input(_("Pair"), value="BTC/USDT").mark("bot-symbol")
                    self._timeframe = ui.select([one.value for one in Timeframe], value="1h", label=_("Timeframe"))
                    self._allotted = MoneyField(_("Allotted amount"), "allotted", 100).mark("bot-allotted")
                    self._allotted.unit("USDT")
                self._timeframe.mark("bot-timeframe")
                for one in (self._strategy, self._broker, self._symbol, self._timeframe, self._allotted):
                    one.props("outlined dense hide-bottom-space")
                self._parameters = ParameterFields()
            self._picker = SymbolPicker(self._app, self._user, self._picked)
        with ui.element("div").classes("dialog-foot"):
            quiet_button(_("Cancel"), on_click=self._dialog.close)
            self._button = main_button(_("Create"), on_click=self._create).mark("bot-create")
        self._strategy.on_value_change(self._chosen)
        self._broker.on_value_change(self._another_broker)
        self._symbol.on_value_change(self._suffix)
        await self._another_broker()
        await self._chosen()

    async def _chosen(self, _event: object = None) -> None:
        """Ask the strategy for its parameters; one that cannot run says why."""
        self._parameters.wait()
        try:
            told = await self._app.backtester.sources.described(self._user.id, self._source.text)
        except AristobotError as error:
            self._parameters.refuse(explain(error))
            return
        self._parameters.show(told.parameters)
        if told.timeframe in self._timeframe.options:
            self._timeframe.set_value(told.timeframe)

    async def _another_broker(self, _event: object = None) -> None:
        await self._picker.show(self._brokers[int(self._broker.value)].exchange, str(self._symbol.value))

    async def _picked(self, symbol: Symbol) -> None:
        self._symbol.set_value(symbol)

    def _suffix(self, _event: object = None) -> None:
        quote = str(self._symbol.value or "").upper().partition("/")[2]
        self._allotted.unit(quote)

    @property
    def _source(self) -> Source:
        return self._sources[int(self._strategy.value)]

    async def _create(self) -> None:
        fields: dict[str, Any] = {
            "allotted": self._allotted, "symbol": self._symbol, "timeframe": self._timeframe, **self._parameters.fields,
        }  # fmt: skip
        async with submitting(self._button, fields):
            row = await self._app.runner.desk.create(self._user.id, self._wish())
            self._dialog.close()
            await self._made(row)

    def _wish(self) -> Wish:
        version = self._source.version_id
        assert version is not None
        return Wish(
            version_id=version,
            broker_id=self._brokers[int(self._broker.value)].id,
            symbol=str(self._symbol.value or "").strip().upper(),
            timeframe=str(self._timeframe.value),
            allotted=self._allotted.amount,
            parameters=self._parameters.values(),
        )
