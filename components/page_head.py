"""The head of a page: its name, one line about it, and room for its filters on the right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

from components.words import Words


@contextmanager
def page_head(title: str, words: str = "") -> Iterator[None]:
    """Draw the title; what is drawn inside the block stands beside it."""
    with ui.element("div").classes("page-head"):
        with ui.element("div").classes("page-head-words"):
            Words("h1", title)
            if words:
                ui.label(words).classes("muted")
        yield


@contextmanager
def panel(title: str, classes: str = "") -> Iterator[ui.element]:
    """A framed part of a page with a heading; what is drawn in the yielded head stands beside the heading."""
    with ui.element("section").classes(f"panel {classes}"):
        with ui.element("div").classes("panel-head") as head:
            Words("h2", title)
        yield head
