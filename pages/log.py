"""What the house says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aristobot.language import _
from components.coming import coming
from components.live import Live
from components.shell import page
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/log", title="Log", icon="terminal", order=80)
def log_page(app: App, user: Viewer, live: Live) -> None:
    """Say what this page will show."""
    coming(
        _("Log"),
        _("What every service says, as it says it."),
        icon="terminal",
        abilities=[
            ("filter_alt", _("Filters"), _("By service, level, user and text.")),
            ("route", _("One trace"), _("Follow an alert from its arrival to the order and its fill.")),
            ("lock", _("No secrets"), _("Keys, tokens and passwords are masked before a line is written.")),
            ("save", _("Files"), _("One JSON file per service, in the folder of the installation.")),
        ],
    )
