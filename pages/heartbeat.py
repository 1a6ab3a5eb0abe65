"""The pulse of the market: candles as they form and close."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aristobot.language import _
from components.coming import coming
from components.live import Live
from components.shell import page
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/heartbeat", title="Heartbeat", icon="favorite", order=20)
def heartbeat(app: App, user: Viewer, live: Live) -> None:
    """Say what this page will show."""
    coming(
        _("Heartbeat"),
        _("The candles of the market stream that wakes the strategies."),
        icon="favorite",
        abilities=[
            ("candlestick_chart", _("Live chart"), _("BTC/USDT from 1 minute to 4 hours, drawn as the candles form.")),
            ("timer", _("Age of the candles"), _("How long ago the last one arrived; the bar above shows it already.")),
            ("history", _("Starts and stops"), _("When the stream was up, when it was not, and why.")),
            ("bolt", _("Signals"), _("Which strategies each closed candle woke, and what they decided.")),
        ],
    )
