"""Try strategies on the past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aristobot.language import _
from components.coming import coming
from components.live import Live
from components.shell import page
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/backtest", title="Backtest", icon="science", order=60)
def backtest(app: App, user: Viewer, live: Live) -> None:
    """Say what this page will show."""
    coming(
        _("Backtest"),
        _("Try a strategy on past candles before it touches money."),
        icon="science",
        abilities=[
            ("show_chart", _("Equity curve"), _("With fees and slippage, against buying and holding.")),
            ("query_stats", _("Figures"), _("Return, drawdown, Sharpe ratio and every closed position.")),
            ("visibility_off", _("No look ahead"), _("A check finds strategies that peek at the future.")),
            ("tune", _("Optimisation"), _("Search parameters on all the cores of this machine.")),
        ],
    )
