"""Strategies at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aristobot.language import _
from components.coming import coming
from components.live import Live
from components.shell import page
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/trading-bot", title="Trading bot", icon="smart_toy", order=40)
def trading_bot(app: App, user: Viewer, live: Live) -> None:
    """Say what this page will show."""
    coming(
        _("Trading bot"),
        _("Which strategy runs on which broker, pair and timeframe."),
        icon="smart_toy",
        abilities=[
            ("play_circle", _("Activations"), _("Start and stop a saved version of a strategy on a broker.")),
            ("rule", _("Every decision"), _("What each strategy saw, decided and did, candle by candle.")),
            ("gpp_good", _("Limits"), _("Sizes, losses and pairs that no strategy may exceed.")),
            ("notifications_active", _("Alarms"), _("A strategy that fails is paused, and you are told.")),
        ],
    )
