"""A table whose rows change one by one: only the changed row travels, and a new one glows for three seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from nicegui import ui

from components import ahead
from components.words import labelled

Row = dict[str, Any]

#: Seconds in which the table itself may still be on its way: a row added now could travel in it and after it.
_ARRIVING = 2.0

#: The browser itself ends the freshness of a row, so that scrolling does not make it glow again.
_FORGET_FRESH = "p => p.node.data?.fresh && setTimeout(() => { if (p.node.data) p.node.data.fresh = false; }, 3000)"
#: Columns that say the least are hidden when the table is narrow: `least` is the width below which they go.
_FIT = """p => { const fits = c => p.clientWidth >= (c.getColDef().context?.least ?? 0);
  const wrong = p.api.getColumns().filter(c => c.isVisible() !== fits(c));
  for (const shown of [true, false]) p.api.setColumnsVisible(wrong.filter(c => fits(c) === shown), shown); }"""
#: What NiceGUI hands on of a key does not say which it was.
_ENTER = "e => e.event.key === 'Enter' && e.event.target.click()"
#: A table is one stop of the Tab key, arrows move inside it: a thousand cells would keep everybody from what comes after.
_NO_STOP = "() => false"
#: Pixels by which the outer columns stand further from the panel's edge than from their neighbours: below its heading.
_MARGIN = 11
_CHIP = """p => { const e = document.createElement('span'); if (p.value) {
  e.className = 'chip ' + (p.data[p.colDef.context.tone] || 'quiet'); e.textContent = p.value; } return e; }"""
_TONE = "p => p.data[p.colDef.context.tone]"


def column(field: str, name: str, width: int, *, number: bool = False, grows: int = 0, least: int = 0) -> Row:
    """A column of text. `width` is its least, in pixels; `grows` its share of what is left over.

    It is shown from `least` pixels of the table on, and not before there is room for it.
    """
    definition: Row = {"field": field, "headerName": name, "minWidth": width, "width": width, "context": {"least": least}}
    if grows:
        definition["flex"] = grows
    if number:
        definition |= {"cellClass": "number", "headerClass": "number", "tooltipField": field}
    return definition


def chip(field: str, name: str, width: int, *, grows: int = 0, least: int = 0) -> Row:
    """A column of small framed words; the row's `<field>_tone` colours them, its `<field>_tip` explains them."""
    definition = column(field, name, width, grows=grows, least=least)
    definition["context"]["tone"] = f"{field}_tone"
    return definition | {":cellRenderer": _CHIP, "tooltipField": f"{field}_tip", "cellClass": "chips"}


def toned(definition: Row) -> Row:
    """Colour a column of numbers by the row's `<field>_tone`."""
    definition["context"]["tone"] = f"{definition['field']}_tone"
    return definition | {":cellClass": f"p => 'number ' + ({_TONE})(p)"}


def fitted(columns: list[Row]) -> list[Row]:
    """The outer columns with their margins, and none shown at a width into which it would not fit beside those shown with it."""
    given = [_widened(one, _MARGIN * ((one is columns[0]) + (one is columns[-1]))) for one in columns]
    return [_shown_from(one, sum(other["minWidth"] for other in given if _least(other) <= _least(one))) for one in given]


def _least(definition: Row) -> int:
    return int(definition["context"]["least"])


def _widened(definition: Row, more: int) -> Row:
    return definition | {"minWidth": definition["minWidth"] + more, "width": definition["width"] + more}


def _shown_from(definition: Row, width: int) -> Row:
    least = _least(definition)
    return definition | {"context": definition["context"] | {"least": max(least, width) if least else 0}}


class LiveGrid(ui.aggrid):
    """Rows are dictionaries of texts with a unique `id`; the newest stands first, and at most `most` are kept."""

    def __init__(self, columns: list[Row], *, name: str, most: int = 100, on_open: Callable[[str], Any] | None = None) -> None:
        ahead.at_once(ahead.GRID)
        self._most = most
        self._rows: list[Row] = []
        self._sent_all_at = time.monotonic()
        super().__init__(
            {
                "columnDefs": fitted(columns),
                "rowData": [],
                ":getRowId": "p => String(p.data.id)",
                "rowClassRules": {"fresh": "data.fresh"},
                ":processRowPostCreate": _FORGET_FRESH,
                ":onGridSizeChanged": _FIT,
                "defaultColDef": {"sortable": False, "resizable": False, "suppressMovable": True},
                "animateRows": False,
                "suppressColumnMoveAnimation": True,
                "tooltipShowDelay": 300,
                "loading": False,  # or "Loading..." is read out, in English, while rows are on their way
                "suppressNoRowsOverlay": True,
                ":tabToNextHeader": _NO_STOP,
                ":tabToNextCell": _NO_STOP,
                "suppressColumnVirtualisation": True,  # or a header that came into view by a resize stays blank
            }
        )
        labelled(self.classes("live-grid" if on_open else "live-grid grid-still").props("role=group"), name)
        if on_open is not None:
            self.on("rowClicked", lambda event: on_open(event.args["data"]["id"]), args=["data"])
            self.options[":onCellKeyDown"] = _ENTER

    @property
    def rows(self) -> list[Row]:
        """What the table holds, in its order."""
        return list(self._rows)

    def fill(self, rows: Iterable[Row]) -> None:
        """Replace everything."""
        self._rows = [dict(row) for row in rows][: self._most]
        self._send_all(self._rows)

    def upsert(self, row: Row) -> None:
        """Change the row with this id where it stands; a new one comes first and glows."""
        for number, known in enumerate(self._rows):
            if known["id"] == row["id"]:
                if known != row:
                    self._rows[number] = dict(row)
                    self._remember()
                    self.run_grid_method("applyTransactionAsync", {"update": [row]})
                return
        fresh = {**row, "fresh": True}
        self._rows.insert(0, dict(row))
        dropped, self._rows = self._rows[self._most :], self._rows[: self._most]
        if time.monotonic() - self._sent_all_at < _ARRIVING:
            self._send_all([fresh, *self._rows[1:]])
            return
        self._remember()
        gone = [{"id": one["id"]} for one in dropped]
        self.run_grid_method("applyTransactionAsync", {"add": [fresh], "addIndex": 0, "remove": gone})

    def prepend(self, rows: list[Row]) -> None:
        """Put several new rows on top, the first of them first, in one message; what no longer fits falls off the end."""
        self._rows[:0] = [dict(row) for row in rows]
        dropped, self._rows = self._rows[self._most :], self._rows[: self._most]
        if time.monotonic() - self._sent_all_at < _ARRIVING:
            self._send_all(self._rows)
            return
        self._remember()
        gone = [{"id": one["id"]} for one in dropped]
        added = self._rows[: len(rows)]
        self.run_grid_method("applyTransactionAsync", {"add": added, "addIndex": 0, "remove": gone})

    def remove_row(self, row_id: str) -> None:
        """Take one row away; one that is not there is no fault."""
        kept = [row for row in self._rows if row["id"] != row_id]
        if len(kept) < len(self._rows):
            self._rows = kept
            self._remember()
            self.run_grid_method("applyTransactionAsync", {"remove": [{"id": row_id}]})

    def _send_all(self, rows: list[Row]) -> None:
        """Send the whole table; the browser keeps the rows it has by their ids, so that none can come twice."""
        self._sent_all_at = time.monotonic()
        self._remember()
        self.run_grid_method("flushAsyncTransactions")
        self.run_grid_method("setGridOption", "rowData", rows)

    def _remember(self) -> None:
        """Keep Python's copy true without sending the whole table, nor watching each of its rows: that took half the time."""
        dict.__setitem__(self.options, "rowData", self._rows)
