"""Finds a pair: by its quote, by a few letters, among the user's favourites first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
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
from components.viewer import Viewer
from components.words import Words, labelled

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
        self._entries: dict[Symbol, tuple[ui.element, ui.element]] = {}
        self._prices: dict[Symbol, Words] | None = None if live is None else {}
        self._drawn: tuple[str, list[Symbol], list[Symbol]] | None = None
        with panel(_("Pairs"), "picker"):
            with ui.element("div").classes("picker-tools"):
                choices = {one: one for one in QUOTES} | {ALL: _("All of them")}
                self._quote = ui.toggle(choices, value=QUOTES[0]).props("no-caps unelevated spread").classes("small-toggle")
                labelled(self._quote, _("Quoted in")).mark("quotes").on_value_change(self._list)
                self.field = ui.input(_("Search a pair")).props("outlined dense clearable debounce=200 autocomplete=off")
                self.field.mark("search").on_value_change(self._list)
                self.field.on("keydown.enter", self._first)
            self._place = labelled(ui.element("ul").classes("picker-list"), _("Pairs"))
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
            complain(error)
            return
        symbols = [one.symbol for one in found]
        wanted = text.strip().upper()
        kept = [one for one in self._favourites if wanted in one and (not quote or one.endswith(f"/{quote}"))]
        plan = (exchange, [*kept, *(one for one in symbols if one not in kept)], list(self._favourites))
        if plan != self._drawn:  # what stands there may just be being clicked
            self._drawn = plan
            self._draw(plan[1])

    def _draw(self, symbols: list[Symbol]) -> None:
        self._place.clear()
        self._entries.clear()
        if self._prices:
            self._prices.clear()
        with self._place:
            for symbol in symbols:
                self._entries[symbol] = self._entry(symbol)
            if not symbols:
                Words("li", _("No pair answers this search."), "muted picker-none")
        self._mark(self._chosen)

    def _entry(self, symbol: Symbol) -> tuple[ui.element, ui.element]:
        base, _slash, quote = symbol.partition("/")
        starred = symbol in self._favourites
        with ui.element("li").classes("pair") as entry:
            with ui.element("button").classes("pair-name").props("type=button") as button:
                Words("span", base)
                Words("span", f"/{quote}", "faint")
            button.on("click", partial(self._pick, symbol))
            button.props["aria-label"] = symbol
            place = Words("span", "", "pair-price")
            if self._prices is not None:
                self._prices[symbol] = place
                self._write(symbol, self._app.prices.last(self._exchange, symbol, FRESH))
            star = ui.button(icon="star" if starred else "star_border", on_click=partial(self._star, symbol))
            star.props(f"flat round dense color={'warning' if starred else 'grey-6'}")
            words = _("Remove {symbol} from the favourites") if starred else _("Keep {symbol} at hand")
            labelled(star, words.format(symbol=symbol)).props["aria-pressed"] = "true" if starred else "false"
        return entry, button

    def _priced(self, event: PricesUpdated) -> None:
        """Every round tells of all that is followed: what it does not name is followed no more."""
        if event.exchange == self._exchange:
            for symbol in self._prices or ():
                self._write(symbol, event.prices.get(symbol))

    def _write(self, symbol: Symbol, price: Decimal | None) -> None:
        if self._prices is not None:
            self._prices[symbol].set_text(formats.price(price) if price else "")

    async def _first(self) -> None:
        await self._list()
        if self._entries:
            await self._pick(next(iter(self._entries)))

    async def _pick(self, symbol: Symbol) -> None:
        self._mark(symbol)
        await self._on_pick(symbol)

    def _mark(self, symbol: Symbol) -> None:
        self._chosen = symbol
        for name, (entry, button) in self._entries.items():
            if name == symbol:
                entry.classes(add="chosen")
                button.props("aria-current=true")
            else:
                entry.classes(remove="chosen")
                button.props(remove="aria-current")

    async def _star(self, symbol: Symbol) -> None:
        exchange, now = self._exchange, self._app.clock.now()

        def work(session: GuardedSession) -> None:
            if symbol in self._favourites:
                favourites.remove(session, exchange, symbol)
            else:
                favourites.add(session, exchange, symbol, now)

        await self._app.db.write(self._user.id, work)
        await self._list()
