"""Lines that a strategy draws into the report of its backtest, by Jesse's names; at work nobody is asked for any."""

from __future__ import annotations

import re
from collections.abc import Collection
from math import isfinite
from typing import Any

import msgspec

#: Lines that a report shows, and letters of a name.
MOST_LINES, LONGEST_NAME = 12, 40
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_NAMED = {
    "red": "#FF5C8D", "green": "#00FF88", "blue": "#4D8DFF", "orange": "#FFB020", "yellow": "#FFE066", "purple": "#B388FF",
    "white": "#E6EEFF", "gray": "#93A4C4", "grey": "#93A4C4", "black": "#93A4C4", "cyan": "#00D4FF",
}  # fmt: skip


class ChartLine(msgspec.Struct, frozen=True):
    """One line of a report's chart: a value for each of its bars, null where there is none.

    `chart` is empty for the chart of the candles, else the name of one of its own below; without a `colour` one is chosen.
    """

    title: str
    chart: str
    colour: str
    values: list[float | None]


class Drawings:
    """What is drawn at the candles that a chart shows."""

    def __init__(self, candles: Collection[int]) -> None:
        self.candles = frozenset(candles)
        self._lines: dict[tuple[str, str], tuple[str, dict[int, float]]] = {}

    def note(self, candle: int, chart: str, title: str, value: float, colour: str | None) -> None:
        """Remember the value of a line at a candle; what is no number leaves a gap."""
        name = (str(chart)[:LONGEST_NAME], str(title)[:LONGEST_NAME])
        if name not in self._lines and len(self._lines) >= MOST_LINES:
            return
        found = self._lines.setdefault(name, (_colour(colour), {}))[1]
        number = float(value)
        if isfinite(number):
            found[candle] = number

    def lines(self) -> list[ChartLine]:
        """Every line, in the order in which they were first drawn."""
        order = sorted(self.candles)
        return [
            ChartLine(title, chart, colour, [values.get(candle) for candle in order])
            for (chart, title), (colour, values) in self._lines.items()
        ]


class ChartHooks:
    """Asked in a backtest whose report is wanted."""

    def update_chart(self) -> None:
        """Draw lines into the report of a backtest: called for each candle of its chart, after everything else."""


class ChartHelpers:
    """To be called in `update_chart`."""

    #: The run, which every strategy has.
    _run: Any

    def add_line_to_candle_chart(self, title: str, value: float, color: str | None = None) -> None:
        """Draw the present value of a line over the candles of the report."""
        self._draw("", title, value, color)

    def add_horizontal_line_to_candle_chart(
        self, title: str, value: float, color: str | None = None, line_width: float = 1.5, line_style: str = "solid"
    ) -> None:
        """The same, for a value that stays."""
        self._draw("", title, value, color)

    def add_extra_line_chart(self, chart_name: str, title: str, value: float, color: str | None = None) -> None:
        """Draw the present value of a line in a chart of its own below the candles."""
        self._draw(chart_name or title, title, value, color)

    def add_horizontal_line_to_extra_chart(
        self,
        chart_name: str,
        title: str,
        value: float,
        color: str | None = None,
        line_width: float = 1.5,
        line_style: str = "solid",
    ) -> None:
        """The same, for a value that stays."""
        self._draw(chart_name or title, title, value, color)

    def _draw(self, chart: str, title: str, value: float, color: str | None) -> None:
        run = self._run
        if run.drawings is not None:
            run.drawings.note(run.tape.cursor, chart, title, value, color)


def _colour(wanted: str | None) -> str:
    """A colour as a chart may have it; empty for what is none of ours."""
    text = str(wanted or "").strip()
    return text if _HEX.fullmatch(text) else _NAMED.get(text.lower(), "")
