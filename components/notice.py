"""A framed sentence that must be read: advice, a warning, a fault."""

from __future__ import annotations

from nicegui import ui

_ICONS = {"": "info", "warn": "warning_amber", "bad": "error_outline"}


def notice(words: str, kind: str = "") -> ui.element:
    """Draw `words` in a frame; `kind` is empty, `warn` or `bad`."""
    with ui.element("div").classes(f"notice {kind}") as block:
        ui.icon(_ICONS[kind]).props("aria-hidden=true")
        ui.label(words)
    if kind == "bad":
        block.props("role=alert")
    return block
