"""A table of switches: one element, and not one for each of its dozens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from nicegui import events, ui

#: Which row, which column, and whether it is on now.
Flipped = Callable[[str, str, bool], Awaitable[object]]


class SwitchTable(ui.element, component="switch_table.js"):
    """`label` names the table, `corner` its first column; every further column has a name, a title and an icon."""

    def __init__(self, label: str, corner: str, columns: list[tuple[str, str, str]], flipped: Flipped) -> None:
        super().__init__()
        self._columns = [name for name, _title, _icon in columns]
        self._titles: dict[str, str] = {}
        self._flipped = flipped
        heads = [{"name": name, "title": title, "icon": icon} for name, title, icon in columns]
        self._props.update(label=label, corner=corner, columns=heads, rows=[])
        self.on("flipped", self._heard)

    def show(self, titles: Mapping[str, str], on: Mapping[str, Collection[str]]) -> None:
        """The rows by their titles, and the columns in which each is on."""
        self._titles = dict(titles)
        rows = [
            {"name": name, "title": title, "on": [column in on.get(name, ()) for column in self._columns]}
            for name, title in titles.items()
        ]
        self._props["rows"] = rows

    def refuse(self, reason: str) -> None:
        """Let nobody use it, and say why where the pointer rests."""
        self._props["refusal"] = reason

    async def _heard(self, event: events.GenericEventArguments) -> None:
        """Take one switch; what names no row and column of this table is nobody's click."""
        said: dict[str, Any] = event.args if isinstance(event.args, dict) else {}
        row, column, on = said.get("row"), said.get("column"), said.get("on")
        if row in self._titles and column in self._columns and isinstance(on, bool) and not self._props.get("refusal"):
            await self._flipped(row, column, on)
