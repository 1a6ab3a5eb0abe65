"""Small lamps for the status bar: green, amber or red, with a word beside them."""

from __future__ import annotations

from nicegui import ui

from components.words import Words


class Lamp(ui.element):
    """A dot with a name and a short value; `tone` is good, warn, bad or empty."""

    def __init__(self, name: str, value: str = "", tone: str = "") -> None:
        super().__init__("span")
        self.classes("lamp").props("role=status")
        with self:
            Words("span", "", "lamp-dot")
            Words("span", name, "lamp-words")
            self._value = Words("span", value, "lamp-value lamp-words")
        self._name = name
        self.show(value, tone)

    def show(self, value: str, tone: str) -> None:
        """Change what the lamp says and its colour."""
        self._value.set_text(value)
        self._value.set_visibility(bool(value))
        self.classes(replace=f"lamp {tone}")
        self.props["aria-label"] = f"{self._name} {value}".strip()


class AgeLamp(ui.element, component="age_lamp.js"):
    """A lamp that shows how long ago something happened; amber after `late` seconds, red after `lost`.

    The browser counts on by itself: nothing is sent while nothing happens.
    """

    def __init__(self, name: str, *, late: float = 15, lost: float = 60) -> None:
        super().__init__()
        self._beat = 0
        self._props.update(name=name, unknown="–", late=late, lost=lost)
        self.since(None)

    def since(self, seconds: float | None) -> None:
        """It happened `seconds` ago; None when it never did."""
        self._beat += 1
        self._props["seconds"] = -1.0 if seconds is None else max(seconds, 0.0)
        self._props["beat"] = self._beat
        self.update()
