"""Finds a pair: by its quote, by a few letters, among the user's favourites first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import PricesUpdated
from aristobot.language import _
from aristobot.market import Instrument, Symbol
from aristobot.store import favourites, instruments
from aristobot.store.tenancy import GuardedSession
from components import formats
from components.confirm import complain
from components.live import Live
from components.page_head import panel
from components.pair_list import PairList
from components.viewer import Viewer
from components.words import labelled

if TYPE_CHECKING:
    from services.app import App

ALL = "all"
QUOTES = ("USDT", "USDC", "EUR")
MOST = 40
#: Seconds for which a price may stand when the list is drawn; then the rounds of the price book write it.
FRESH = 10.0


class SymbolPicker:
    """The panel with the filter, the field and the list; `on_pick` gets the symbol that was chosen.

    With `live`, pairs that somebody follows have their price beside them for as long as it is fresh.
    """

    def __init__(self, app: App, user: Viewer, on_pick: Callable[[Symbol], Awaitable[None]], live: Live | None = None) -> None:
        self._app, self._user, self._on_pick = app, user, on_pick
        self._exchange = ""
        self._chosen: Symbol = ""
        self._favourites: list[Symbol] = []
        self._priced_beside = live is not None
        self._drawn: tuple[str, list[Symbol], list[Symbol]] | None = None
        with panel(_("Pairs"), "picker"):
            with ui.element("div").classes("picker-tools"):
                choices = {one: one for one in QUOTES} | {ALL: _("All")}
                self._quote = ui.toggle(choices, value=QUOTES[0]).props("no-caps unelevated spread").classes("small-toggle")
                labelled(self._quote, _("Quoted in")).mark("quotes").on_value_change(self._list)
                self.field = ui.input(_("Search a pair")).props("outlined dense clearable debounce=200 autocomplete=off")
                self.field.mark("search").on_value_change(self._list)
                self.field.on("keydown.enter", self._first)
            self._pairs = PairList(_("Pairs"), self._pick, self._star)
        if live is not None:
            live.latest(PricesUpdated, do=self._priced, max_fps=1)

    async def show(self, exchange: str, chosen: Symbol) -> None:
        """List the pairs of an exchange, one of them chosen."""
        self._exchange, self._chosen = exchange, chosen
        await self._list()
        self._mark(chosen)

    def focus(self) -> None:
        """Put the cursor into the search."""
        self.field.run_method("focus")
        self.field.run_method("select")

    async def _list(self, _event: object = None) -> None:
        exchange, text = self._exchange, str(self.field.value or "")
        quote = "" if self._quote.value == ALL else str(self._quote.value)

        def work(session: GuardedSession) -> tuple[list[Instrument], list[Symbol]]:
            return instruments.search(session, exchange, quote, text, MOST), favourites.mine(session, exchange)

        try:
            found, self._favourites = await self._app.db.read(self._user.id, work)
        except AristobotError as error:
            with self._pairs:
                complain(error)
            return
        symbols = [one.symbol for one in found]
        wanted = text.strip().upper()
        kept = [one for one in self._favourites if wanted in one and (not quote or one.endswith(f"/{quote}"))]
        plan = (exchange, [*kept, *(one for one in symbols if one not in kept)], list(self._favourites))
        if plan != self._drawn:  # what stands there may just be being clicked
            self._drawn = plan
            self._pairs.show(plan[1], self._favourites, self._fresh(plan[1]))

    def _fresh(self, symbols: list[Symbol]) -> dict[Symbol, str]:
        """The prices that may stand beside these pairs."""
        if not self._priced_beside:
            return {}
        return {one: _words(self._app.prices.last(self._exchange, one, FRESH)) for one in symbols}

    def _priced(self, event: PricesUpdated) -> None:
        """Every round tells of all that is followed: what it does not name is followed no more."""
        if event.exchange == self._exchange:
            self._pairs.write({one: _words(event.prices.get(one)) for one in self._pairs.symbols})

    async def _first(self) -> None:
        await self._list()
        if self._pairs.symbols:
            await self._pick(self._pairs.symbols[0])

    async def _pick(self, symbol: Symbol) -> None:
        self._mark(symbol)
        await self._on_pick(symbol)

    def _mark(self, symbol: Symbol) -> None:
        self._chosen = symbol
        self._pairs.choose(symbol)

    async def _star(self, symbol: Symbol) -> None:
        exchange, now = self._exchange, self._app.clock.now()

        def work(session: GuardedSession) -> None:
            if symbol in self._favourites:
                favourites.remove(session, exchange, symbol)
            else:
                favourites.add(session, exchange, symbol, now)

        await self._app.db.write(self._user.id, work)
        await self._list()


def _words(price: Decimal | None) -> str:
    return formats.price(price) if price else ""
