"""Write strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aristobot.language import _
from components.coming import coming
from components.live import Live
from components.shell import page
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/strategies", title="Strategies", icon="code", order=50)
def strategies(app: App, user: Viewer, live: Live) -> None:
    """Say what this page will show."""
    coming(
        _("Strategies"),
        _("Write strategies in Python, with help as you type."),
        icon="code",
        abilities=[
            ("edit_note", _("Editor"), _("Python with completion, and errors shown where they stand.")),
            ("library_books", _("Templates"), _("Moving averages, RSI and breakout, to start from.")),
            ("history_edu", _("Versions"), _("Each saved version is kept; what runs never changes under your hands.")),
            ("auto_awesome", _("Assistant"), _("Describe an idea and receive a first draft from the model of your choice.")),
        ],
    )
