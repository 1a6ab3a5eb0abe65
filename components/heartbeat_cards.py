"""The six timeframes of a market, each in a card, all fed from one place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.clock import from_milliseconds
from aristobot.errors import AristobotError
from aristobot.events import CandleUpdated
from aristobot.language import _
from aristobot.market import Symbol, Timeframe
from aristobot.store import candles
from components.heartbeat_card import CLOSED, FORMING, HISTORY, LIVE, TimeframeCard
from components.live import Live
from components.viewer import Viewer
from components.words import Words

if TYPE_CHECKING:
    from services.app import App

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
        self._market = (exchange, symbol)
        offered = self._app.candles.offered(exchange)
        if tuple(self._cards) != offered:
            self._place.clear()
            with self._place:
                self._cards = {one: TimeframeCard(one, self._refill) for one in offered}
        for card in self._cards.values():
            card.loading()
        await self._refill()

    async def _refill(self) -> None:
        market = self._market
        await asyncio.gather(*(self._fill(card, *market) for card in self._cards.values()))

    async def _fill(self, card: TimeframeCard, exchange: str, symbol: Symbol) -> None:
        try:
            found = await self._app.candles.window(exchange, symbol, card.timeframe, CLOSED)
            since = found[0].open_time if found else from_milliseconds(0)
            series = (exchange, symbol, card.timeframe)
            lags = await self._app.db.read(self._user.id, lambda s: candles.lags(s, series, since))
        except AristobotError as error:
            if self._market == (exchange, symbol):
                card.failed(error)
            return
        if self._market == (exchange, symbol):
            card.fill(found, lags, self._app.clock.now())

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
