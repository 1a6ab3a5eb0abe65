"""One line that tells the keys of the trading page."""

from __future__ import annotations

from nicegui import ui

from aristobot.language import _
from components.words import Words


def draw_keys() -> None:
    """Draw the line; `?` tells them all."""
    keys = (
        ("B", _("buy")), ("S", _("sell")), ("Q", _("quantity")), ("↵", _("validate")), ("E", _("execute")),
        (_("Esc"), _("back")), ("/", _("search")), ("?", _("all keys")),
    )  # fmt: skip
    with ui.element("p").classes("key-line small muted"):
        for key, words in keys:
            with ui.element("span"):
                Words("kbd", key)
                Words("span", words)
