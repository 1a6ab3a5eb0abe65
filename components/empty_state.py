"""What a list shows when there is nothing, or when it could not be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from aristobot.language import _


def empty_state(icon: str, title: str, words: str = "") -> ui.element:
    """A quiet picture with a sentence that says what will appear here and how."""
    with ui.element("div").classes("empty") as block:
        ui.icon(icon).props("aria-hidden=true")
        ui.label(title).classes("empty-title")
        if words:
            ui.label(words)
    return block


def error_state(title: str, words: str = "", again: Callable[[], Any] | None = None) -> ui.element:
    """A fault in the user's words, with a button to try again."""
    with ui.element("div").classes("empty bad").props("role=alert") as block:
        ui.icon("error_outline").props("aria-hidden=true")
        ui.label(title).classes("empty-title")
        if words:
            ui.label(words)
        if again is not None:
            ui.button(_("Try again"), icon="refresh", on_click=again).props("outline no-caps")
    return block
