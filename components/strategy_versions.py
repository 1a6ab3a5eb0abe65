"""Versions of a strategy against each other, or against what stands in the editor; taken back, or taken out as a file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence

from nicegui import ui

from aristobot.code_diff import compared, counted
from aristobot.language import _
from aristobot.store.strategy_tables import StrategyVersion
from components.buttons import main_button, quiet_button
from components.code_compare import CodeCompare
from components.confirm import dialog_card, take_away
from components.words import Words

NOW = 0


class VersionsDialog:
    """Left an older text, right a newer one. `take(code)` puts the left one into the editor."""

    def __init__(self, name: str, saved: Sequence[StrategyVersion], text: str, take: Callable[[str], None] | None) -> None:
        self._name = name
        self._codes = {one.number: one.code for one in saved} | {NOW: text}
        self._take = take

    async def open(self, left: int, right: int = NOW) -> None:
        """Show `left` beside `right`; 0 is what stands in the editor."""
        words = {one: _("Version {number}", number=one) for one in sorted(self._codes, reverse=True) if one} | {
            NOW: _("In the editor")
        }
        with dialog_card(_("Versions of {name}", name=self._name), wide=True) as dialog:
            dialog.props("full-width")
            with ui.element("div").classes("dialog-body compare-body"):
                with ui.element("div").classes("line"):
                    self._left = ui.select(words, value=left, label=_("Before"), on_change=self._draw).props("outlined dense")
                    self._right = ui.select(words, value=right, label=_("After"), on_change=self._draw).props("outlined dense")
                    self._count = Words("span", "", "muted").mark("compare-count")
                self._left.mark("compare-left")
                self._right.mark("compare-right")
                self._rows = CodeCompare()
            with ui.element("div").classes("dialog-foot"):
                quiet_button(_("Export as .py"), "download", self._export).mark("export-version")
                if self._take is not None:
                    main_button(_("Put it into the editor"), "restore", lambda: self._taken(dialog)).mark("take-version")
        dialog.on("hide", lambda: take_away(dialog))
        dialog.open()
        await self._draw()

    async def _draw(self) -> None:
        rows = await asyncio.to_thread(compared, self._codes[self._left.value], self._codes[self._right.value])
        if self._rows.is_deleted:
            return
        came, went = counted(rows)
        self._count.set_text(_("+{came} −{went} lines", came=came, went=went) if rows else _("Nothing differs."))
        self._rows.show(rows)

    def _taken(self, dialog: ui.dialog) -> None:
        if self._take is not None:
            self._take(self._codes[self._left.value])
        dialog.close()

    def _export(self) -> None:
        number = self._left.value
        export(self._name, self._codes[number], number)


def export(name: str, code: str, number: int = NOW) -> None:
    """Hand the text to the browser as a file."""
    stem = re.sub(r"\W+", "_", name).strip("_").lower() or "strategy"
    ui.download.content(code.encode(), f"{stem}_v{number}.py" if number else f"{stem}.py", "text/x-python")
