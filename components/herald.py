"""Says which page has come: pages change without being loaded, so nobody else tells those who do not see."""

from __future__ import annotations

from nicegui import ui


class Herald(ui.element, component="herald.js"):
    """An invisible line that screen readers read out; it also brings the focus to a page whose predecessor held it."""

    def arrived(self, title: str) -> None:
        """The page with this title is shown now."""
        self.run_method("arrived", title)
