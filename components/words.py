"""Text in the element that says what it is: headings that screen readers list, terms, plain spans."""

from __future__ import annotations

from typing import TypeVar

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

T = TypeVar("T", bound=ui.element)


class Words(TextElement):
    """Text in a chosen element: `Words("h2", "Brokers")`, `Words("span", "3", "muted")`."""

    def __init__(self, tag: str, text: str, classes: str = "") -> None:
        super().__init__(tag=tag, text=text)
        if classes:
            self.classes(classes)


def labelled(element: T, name: str) -> T:
    """Give an element the name that screen readers say."""
    element.props["aria-label"] = name
    return element
