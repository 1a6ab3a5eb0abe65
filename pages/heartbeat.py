"""The pulse of the market: candles as they form and close, and how well they are heard."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.language import _
from aristobot.market import Symbol
from components.candle_panel import CandlePanel
from components.heartbeat_cards import TimeframeCards
from components.heartbeat_figures import HeartbeatFigures
from components.heartbeat_history import HeartbeatHistory
from components.heartbeat_market import MarketChoice
from components.heartbeat_stream import StreamPanel
from components.live import Live
from components.page_head import page_head
from components.shell import page
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/heartbeat", title="Heartbeat", icon="favorite", order=20)
async def heartbeat(app: App, user: Viewer, live: Live) -> None:
    """How the stream is, what it says, the chart, a card per timeframe, its starts and stops."""
    heart = app.heartbeat
    title = app.gateway.factory(heart.exchange).title
    words = _("The market stream that wakes the strategies: {symbol} on {exchange}.", symbol=heart.symbol, exchange=title)

    async def show(exchange: str, symbol: Symbol) -> None:
        await asyncio.gather(chart.show(exchange, symbol), cards.show(exchange, symbol))

    with page_head(_("Heartbeat"), words):
        choice = MarketChoice(app, user, show)
    figures = HeartbeatFigures(app, user, live)
    with ui.element("div").classes("beat-top"):
        chart = CandlePanel(app, live)
        chart.frame(*choice.market)
        StreamPanel(live)
    cards = TimeframeCards(app, user, live)
    cards.frame(heart.exchange)
    history = HeartbeatHistory(app, user, live)

    async def fill() -> None:
        await asyncio.gather(figures.show(), history.show())
        await show(*choice.market)

    live.beside(fill(), "fill the heartbeat page")
