"""Where the keyboard goes, when what had it is no longer there."""

from __future__ import annotations

from nicegui import ui

_FOCUS = """setTimeout(() => {
    const found = getHtmlElement(%d);
    (found?.matches("button, textarea") ? found : found?.querySelector("textarea"))?.focus({ preventScroll: true });
}, 50)"""


def focus(element: ui.element) -> None:
    """Put the keyboard there, once it is drawn."""
    element.client.run_javascript(_FOCUS % element.id)
