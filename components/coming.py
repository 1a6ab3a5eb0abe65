"""The face of a page whose room is not furnished yet: what it will do, and what already works without it."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from aristobot.language import _
from components.page_head import page_head
from components.words import Words


def coming(title: str, words: str, *, icon: str, abilities: Sequence[tuple[str, str, str]]) -> None:
    """Draw the page; each ability is an icon, a name and a sentence."""
    with page_head(title, words):
        Words("span", _("In preparation"), "tag primary")
    with ui.element("section").classes("panel coming"):
        ui.icon(icon).classes("coming-icon").props("aria-hidden=true")
        with ui.element("ul").classes("coming-list"):
            for small, name, sentence in abilities:
                with ui.element("li").classes("coming-item"):
                    ui.icon(small).props("aria-hidden=true")
                    with ui.element("div").classes("item-words"):
                        Words("h2", name)
                        ui.label(sentence).classes("muted")
