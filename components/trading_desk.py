"""The trading page's parts, and what they all look at: one broker, one pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.language import _
from aristobot.market import Symbol
from aristobot.store.tables import Broker
from components.dust_fold import DustFold
from components.live import Live
from components.order_form import OrderForm
from components.order_history import OrderHistory
from components.order_table import OrderTable
from components.portfolio_panel import PortfolioPanel
from components.symbol_picker import SymbolPicker
from components.trading_beside import beside, together
from components.trading_chart import TradingChart
from components.trading_keys import act_on_keys, draw_keys
from components.trading_positions import TradingPositions
from components.trading_toasts import TradingToasts
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App

USUAL = "BTC"


class TradingDesk:
    """The parts of the page, below its head and in it, and what they all look at: one broker, one pair."""

    def __init__(self, app: App, user: Viewer, live: Live, known: list[Broker], head: ui.element) -> None:
        self._app, self._live = app, live
        self._brokers = {str(one.id): one for one in known}
        self._broker, self._symbol = known[0], ""
        with head:
            names = {key: one.name for key, one in self._brokers.items()}
            self._choice = ui.select(names, value=str(known[0].id), label=_("Broker")).props("outlined dense").classes("filter")
            self._choice.mark("broker").on_value_change(self._broker_chosen)
        with ui.element("div").classes("desk"):
            with ui.element("div").classes("stack desk-left"):
                self._picker = SymbolPicker(app, user, self._picked, live)
                self._portfolio = PortfolioPanel(app, user, live)
            with ui.element("div").classes("stack desk-middle"):
                self._chart = TradingChart(app, user, live)
                self._positions = TradingPositions(app, user, live)
                with self._positions.foot:
                    self._dust = DustFold(app, user, live)
                self._orders = OrderTable(app, user, live)
            with ui.element("div").classes("stack desk-right"):
                self._form = OrderForm(app, user, live)
                draw_keys()
        self._history = OrderHistory(app, user, live)
        TradingToasts(app, user, live)
        act_on_keys(self._form, self._picker)

    async def choose(self, broker: Broker, symbol: Symbol) -> None:
        """Show a pair of a broker, the usual one when none is named; what its exchange tells comes when it does."""
        symbol = symbol or _usual(self._app, broker)
        self._broker, self._symbol = broker, symbol
        self._choice.set_value(str(broker.id))
        self._app.prices.watch(broker.exchange, [symbol])
        await together(
            self._picker.show(broker.exchange, symbol),
            self._orders.show(broker.id),
            self._positions.show(broker.id, broker.exchange),
            self._dust.show(broker.id),
            self._show_pair(),
        )

    async def _show_pair(self) -> None:
        broker, symbol = self._broker, self._symbol
        beside(self._live, lambda: self._form.show(broker.id, broker.exchange, symbol))
        beside(self._live, lambda: self._chart.show(broker.id, broker.exchange, symbol))
        beside(self._live, lambda: self._portfolio.show(broker.id, symbol.partition("/")[2]))
        await self._history.show(broker.id, symbol)

    async def _picked(self, symbol: Symbol) -> None:
        self._symbol = symbol
        self._app.prices.watch(self._broker.exchange, [symbol])
        await self._show_pair()

    async def _broker_chosen(self) -> None:
        broker = self._brokers[str(self._choice.value)]
        if broker.id == self._broker.id:
            return
        same = self._app.catalog.known(broker.exchange, self._symbol)
        await self.choose(broker, same or "")


def _usual(app: App, broker: Broker) -> Symbol:
    """The pair that is shown when nobody chose one: bitcoin in the broker's quote, else in the commonest."""
    quotes = [broker.quote or "USDT", "USDT", "USDC", "EUR", "USD"]
    found = (app.catalog.known(broker.exchange, f"{USUAL}/{quote}") for quote in quotes)
    return next((one for one in found if one is not None), f"{USUAL}/USDT")
