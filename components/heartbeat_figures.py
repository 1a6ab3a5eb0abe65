"""The four cards above the heartbeat page."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import CandleClosed, CandleUpdated, HeartbeatChanged
from aristobot.language import _
from aristobot.market import Timeframe
from aristobot.store import candles, heartbeats
from components import formats
from components.live import Live
from components.stat_card import StatCard
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class HeartbeatFigures:
    """The four cards on top: the stream of the heartbeat itself, whatever market the page shows."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        with ui.element("div").classes("cards"):
            self._state = StatCard(_("Market stream"), "favorite", "good")
            self._price = StatCard(_("Last price"), "show_chart")
            self._lag = StatCard(_("Lag of reception"), "timer", "warn")
            self._stops = StatCard(_("Interruptions in 24 h"), "heart_broken", "bad")
        live.latest(HeartbeatChanged, CandleClosed, do=self.show, max_fps=1)
        live.latest(CandleUpdated, do=self._moved, max_fps=4)

    async def show(self, _event: object = None) -> None:
        """Read what is stored, and write the cards."""
        heart, now = self._app.heartbeat, self._app.clock.now()
        series = (heart.exchange, heart.symbol, Timeframe.M1)
        try:
            lags = await self._app.db.read(self._user.id, lambda s: candles.lags(s, series, now - HOUR))
            stops = await self._app.db.read(self._user.id, lambda s: heartbeats.stops(s, heart.exchange, now - DAY))
        except AristobotError:
            return  # the lists below say what is wrong, with a button to try again
        pulse = heart.status()
        since = _("since {time}", time=formats.day_short(pulse.since)) if pulse.since else _("not heard yet")
        words, tone = (_("Connected"), "gain") if pulse.connected else (_("Interrupted"), "loss")
        self._state.show(words, since, tone)
        if lags:
            worst = _("worst of the last hour: {seconds}", seconds=formats.seconds(max(lags.values())))
            self._lag.show(formats.seconds(median(lags.values())), worst)
        else:
            self._lag.show(formats.NOTHING, _("no candle in the last hour"))
        self._stops.show(formats.number(stops), "", "loss" if stops else "")

    def _moved(self, event: CandleUpdated) -> None:
        heart, candle = self._app.heartbeat, event.candle
        if (event.exchange, candle.symbol, candle.timeframe) == (heart.exchange, heart.symbol, Timeframe.M1):
            self._price.show(formats.price(candle.close), candle.symbol)
