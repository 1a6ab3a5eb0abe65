"""The choice of a market to look at: an exchange, and one of its symbols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.language import _
from aristobot.market import Symbol
from aristobot.store import candles, instruments
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App

Choose = Callable[[str, Symbol], Awaitable[None]]


class MarketChoice:
    """Two lists. The symbols are those there are candles of; the whole catalogue joins them when the list is opened."""

    def __init__(self, app: App, user: Viewer, on_choice: Choose) -> None:
        self._app, self._user, self._on_choice = app, user, on_choice
        heart = app.heartbeat
        self._whole = ""
        self._settling = False
        titles = {one: app.gateway.factory(one).title for one in app.gateway.exchanges()}
        with ui.element("div").classes("market-choice"):
            self._exchange = ui.select(titles, value=heart.exchange, label=_("Exchange"), on_change=self._exchange_chosen)
            self._symbol = ui.select(
                [heart.symbol], value=heart.symbol, label=_("Symbol"), with_input=True, on_change=self._chosen
            )
        self._exchange.props("outlined dense").classes("filter").mark("exchange")
        self._symbol.props("outlined dense").classes("filter").mark("symbol").on("popup-show", self._complete)

    @property
    def market(self) -> tuple[str, Symbol]:
        """What is chosen."""
        return self._exchange.value, self._symbol.value

    async def _exchange_chosen(self, _event: object) -> None:
        """Keep the symbol where the other exchange has candles of it or lists it; else take its first known one."""
        exchange, symbol = self.market
        known = await self._known(exchange)
        listed = await self._app.db.read(self._user.id, lambda s: instruments.get(s, exchange, symbol))
        if symbol not in known and listed is None and known:
            symbol = known[0]
        self._whole = ""
        self._offer([*known, symbol], symbol)
        await self._on_choice(exchange, symbol)

    async def _chosen(self, _event: object) -> None:
        if not self._settling and self._symbol.value:
            await self._on_choice(*self.market)

    async def _complete(self) -> None:
        """Offer everything the exchange lists: fetched when somebody looks, once per exchange."""
        exchange, symbol = self.market
        if self._whole == exchange:
            return
        listed = await self._app.db.read(self._user.id, lambda s: instruments.symbols(s, exchange))
        known = await self._known(exchange)
        if self._exchange.value == exchange:
            self._whole = exchange if listed else ""
            self._offer([*known, symbol, *listed], symbol)

    async def _known(self, exchange: str) -> list[Symbol]:
        pairs = await self._app.db.read(self._user.id, candles.known)
        return [symbol for name, symbol in pairs if name == exchange]

    def _offer(self, symbols: list[Symbol], chosen: Symbol) -> None:
        self._settling = True  # a choice that is made here is no wish of the user's
        self._symbol.set_options(list(dict.fromkeys(symbols)), value=chosen)
        self._settling = False
