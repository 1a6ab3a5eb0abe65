"""The button that does what the page is for; every other button is flat or outlined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui


def main_button(words: str, icon: str | None = None, on_click: Callable[..., Any] | None = None) -> ui.button:
    """A filled button with dark words on the bright colour."""
    return ui.button(words, icon=icon, on_click=on_click).props("unelevated no-caps text-color=ink")


def quiet_button(words: str, icon: str | None = None, on_click: Callable[..., Any] | None = None) -> ui.button:
    """A button beside the main one."""
    return ui.button(words, icon=icon, on_click=on_click).props("flat no-caps text-color=white")
