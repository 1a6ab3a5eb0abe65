"""What a part of a page shows when there is nothing yet, when it could not be read, and while it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from aristobot.language import _
from components.words import labelled


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


def loading_state() -> ui.element:
    """Something is on its way."""
    return labelled(ui.spinner(size="32px"), _("Loading…")).props("role=status")


def waiting_lines(classes: str = "") -> ui.element:
    """Lines of light in the room of what is on its way."""
    return labelled(ui.element("div").classes(f"skeletons waiting-lines {classes}"), _("Loading…")).props("role=img")
