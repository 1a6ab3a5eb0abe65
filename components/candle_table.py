"""A table of candles: of the hundreds that it holds, the browser draws those in view, and one that moves travels alone.

table = CandleTable(Timeframe.M5, name=_("Candles of {timeframe}", timeframe="5m"), most=241)
table.fill([forming, *closed])
table.put(forming)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nicegui import ui

from aristobot.language import _
from aristobot.market import Candle, Timeframe
from components import browser_formats
from components.words import labelled

HISTORY, LIVE, FORMING = "history", "live", "forming"
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class CandleRow:
    """A candle on the screen; `lag` is how many seconds after its close one came that was received live."""

    candle: Candle
    lag: float | None = None

    @property
    def kind(self) -> str:
        """Where it comes from, which colours it."""
        if not self.candle.closed:
            return FORMING
        return HISTORY if self.lag is None else LIVE

    @property
    def line(self) -> str:
        """It as the browser reads it: the figures in the exchange's own digits."""
        one = self.candle
        lag = {FORMING: FORMING, HISTORY: ""}.get(self.kind, str(self.lag))
        return f"{one.open_ms},{one.open_text},{one.high_text},{one.low_text},{one.close_text},{one.volume_text},{lag}"


class CandleTable(ui.element, component="candle_table.js"):
    """The newest candle stands on top; at most `most` are kept. Figures are written in the reader's language and zone."""

    def __init__(self, timeframe: Timeframe, *, name: str, most: int) -> None:
        super().__init__()
        self._most = most
        self._rows: list[CandleRow] = []
        self._lines: list[str] = []  # of the rows: joined a hundred times a second, written once
        columns = [{"name": name, "title": title, "write": write} for name, title, write in _columns(timeframe)]
        self._props.update(rows="", columns=columns, most=most, span=timeframe.seconds * 1000, forming=_("forming"))
        labelled(self, name)

    @property
    def rows(self) -> list[CandleRow]:
        """What the table holds, in its order."""
        return list(self._rows)

    def fill(self, rows: Iterable[CandleRow]) -> None:
        """Replace everything."""
        self._rows = list(rows)[: self._most]
        self._lines = [row.line for row in self._rows]
        self._props["rows"] = ";".join(self._lines)

    def put(self, row: CandleRow) -> None:
        """Change the row of this candle where it stands, if it is among the newest; a later candle comes on top and glows."""
        opened = row.candle.open_ms
        place = next((place for place, one in enumerate(self._rows[:3]) if one.candle.open_ms == opened), None)
        if place is not None and self._rows[place] == row:
            return
        known = slice(0, 0) if place is None else slice(place, place + 1)
        self._rows[known], self._lines[known] = [row], [row.line]
        del self._rows[self._most :], self._lines[self._most :]
        with self._props.suspend_updates():
            self._props["rows"] = ";".join(self._lines)
        self.run_method("put", row.line)


def _columns(timeframe: Timeframe) -> list[tuple[str, str, str]]:
    parts = {"hour": "2-digit", "minute": "2-digit"}
    if timeframe.seconds >= _HOUR:
        parts |= {"day": "2-digit", "month": "2-digit"}
    price = browser_formats.price()
    return [
        ("when", _("Close at"), browser_formats.moment(**parts)),
        ("open", _("O"), price),
        ("high", _("H"), price),
        ("low", _("L"), price),
        ("close", _("C"), price),
        ("volume", _("Vol."), browser_formats.significant(4)),
        ("lag", _("Lag"), browser_formats.short_while()),
    ]
