"""One figure with its name: the cards at the top of a page."""

from __future__ import annotations

from nicegui import ui


class StatCard(ui.element):
    """A figure that can be written anew; the card keeps its size whatever stands in it."""

    def __init__(self, name: str, icon: str, accent: str = "primary") -> None:
        super().__init__("section")
        self.classes("panel stat").style(f"--accent: var(--{accent})")
        with self:
            with ui.element("div").classes("stat-name"):
                ui.icon(icon).props("aria-hidden=true")
                ui.label(name)
            self._value = ui.label("–").classes("stat-value")
            self._note = ui.label("").classes("stat-note")

    def show(self, value: str, note: str = "", tone: str = "") -> None:
        """Write the figure and the small line under it; `tone` is a class such as `gain` or `loss`."""
        self._value.set_text(value)
        self._value.classes(replace=f"stat-value {tone}")
        self._note.set_text(note)
