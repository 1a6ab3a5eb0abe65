"""The six timeframes of a market, each in a card, all fed from one place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.clock import from_milliseconds
from aristobot.errors import AristobotError
from aristobot.events import CandleUpdated
from aristobot.language import _
from aristobot.market import Candle, Symbol, Timeframe
from aristobot.store import candles
from components.candle_table import FORMING, HISTORY, LIVE
from components.heartbeat_card import CLOSED, TimeframeCard
from components.live import Live
from components.viewer import Viewer
from components.words import Words

if TYPE_CHECKING:
    from services.app import App

#: Closed candles, how late those came that came live, or why they could not be read.
_Found = tuple[list[Candle], dict[int, float], AristobotError | None]
#: How often a second the forming candle of each card is written.
PER_SECOND = 4


class TimeframeCards:
    """Where the cards stand; a change of market fills them anew."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._market = ("", "")
        self._cards: dict[Timeframe, TimeframeCard] = {}
        with ui.element("div").classes("beat-title"):
            Words("h2", _("Candles by timeframe"))
            for kind, words in ((HISTORY, _("Fetched from the history")), (LIVE, _("Received live")), (FORMING, _("Forming"))):
                Words("span", words, f"beat-key beat-{kind}")
        self._place = ui.element("div").classes("beat-cards")
        live.each(CandleUpdated, do=self._heard)
        live.latest(CandleUpdated, do=self._moved, max_fps=PER_SECOND)

    async def show(self, exchange: str, symbol: Symbol) -> None:
        """Show the candles of another market."""
        self.frame(exchange)
        self._market = (exchange, symbol)
        self.loading()
        await self._refill()

    def loading(self) -> None:
        """Nothing is known yet."""
        for card in self._cards.values():
            card.loading()

    def frame(self, exchange: str) -> None:
        """Draw the cards of an exchange, with nothing in them yet."""
        offered = self._app.candles.offered(exchange)
        if tuple(self._cards) != offered:
            self._place.clear()
            with self._place:
                self._cards = {one: TimeframeCard(one, self._refill) for one in offered}

    async def _refill(self) -> None:
        """Read all of them, and draw them in one go: every change makes the browser look at the whole page."""
        market, cards = self._market, list(self._cards.values())
        found = await asyncio.gather(*(self._read(*market, card.timeframe) for card in cards))
        if market != self._market:
            return
        for card, (closed, lags, error) in zip(cards, found, strict=True):
            if error is not None:
                card.failed(error)
            else:
                card.fill(closed, lags, self._app.clock.now())

    async def _read(self, exchange: str, symbol: Symbol, timeframe: Timeframe) -> _Found:
        try:
            found = await self._app.candles.window(exchange, symbol, timeframe, CLOSED)
            since = found[0].open_time if found else from_milliseconds(0)
            series = (exchange, symbol, timeframe)
            return found, await self._app.db.read(self._user.id, lambda s: candles.lags(s, series, since)), None
        except AristobotError as error:
            return [], {}, error

    def _card(self, event: CandleUpdated) -> TimeframeCard | None:
        ours = (event.exchange, event.candle.symbol) == self._market
        return self._cards.get(event.candle.timeframe) if ours else None

    def _heard(self, event: CandleUpdated) -> None:
        """Every closed candle is written; of those that move only the newest, a few times a second."""
        if event.candle.closed and (card := self._card(event)):
            card.closed(event.candle, event.received_at)

    def _moved(self, event: CandleUpdated) -> None:
        if not event.candle.closed and (card := self._card(event)):
            card.moved(event.candle)
