"""Two texts side by side, what went in red and what came in green."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from aristobot.code_diff import DiffRow
from aristobot.language import _

MOST_ROWS = 2000


class CodeCompare(ui.element, component="code_compare.js"):
    """Draws the rows it is given; nothing while there are none."""

    def __init__(self) -> None:
        super().__init__()
        self._props["label"] = _("Comparison")
        self._props["words"] = _("{count} lines as before", count="{count}")
        self.show([])

    def show(self, rows: Sequence[DiffRow]) -> None:
        """Draw these rows, and at most so many of them that a browser bears it."""
        self._props["rows"] = [
            {
                "left": one.left,
                "right": one.right,
                "left_text": one.left_text,
                "right_text": one.right_text,
                "gap": one.gap,
                "changed": one.is_changed,
            }
            for one in rows[:MOST_ROWS]
        ]
