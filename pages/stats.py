"""What was earned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aristobot.language import _
from components.coming import coming
from components.live import Live
from components.monitor_panel import MonitorPanel
from components.shell import page
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/statistics", title="Statistics", icon="leaderboard", order=70)
async def stats(app: App, user: Viewer, live: Live) -> None:
    """The order monitor at work, and what else this page will show."""
    coming(
        _("Statistics"),
        _("What was earned, by broker, strategy and period."),
        icon="leaderboard",
        abilities=[
            ("trending_up", _("Gains and losses"), _("Realised and open, per day, week and month.")),
            ("percent", _("Hit rate"), _("How often, how much, and for how long.")),
            ("payments", _("Fees"), _("What the exchanges kept.")),
            ("download", _("Export"), _("Tables for your spreadsheet and your tax return.")),
        ],
    )
    await MonitorPanel(app, user, live).show()
