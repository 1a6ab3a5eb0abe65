"""What a trader wants to see on a chart: where orders rest, what a position cost, where it would end, what was filled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from aristobot.orders import Side
from components import theme


class LineKind(StrEnum):
    """What a line stands for; it decides colour and stroke."""

    BUY = "buy"
    SELL = "sell"
    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class PriceLine:
    """A horizontal line: a resting order, an entry, a stop, a target. `words` stand on it, short: `Achat 0,01`."""

    kind: LineKind
    price: Decimal
    words: str


@dataclass(frozen=True, slots=True)
class FillMark:
    """An own execution: an arrow at its moment and price. `words` stand in the legend when the pointer is there."""

    side: Side
    at: datetime
    price: Decimal
    words: str = ""


_COLOURS = {
    LineKind.BUY: theme.GOOD,
    LineKind.SELL: theme.BAD_TEXT,
    LineKind.ENTRY: theme.PRIMARY,
    LineKind.STOP: theme.BAD_TEXT,
    LineKind.TARGET: theme.GOOD,
}
#: Orders are dashed; what a position is made of is drawn through.
_DASHED = (LineKind.BUY, LineKind.SELL)


def line_item(line: PriceLine) -> dict[str, object]:
    """A line as ECharts draws it (an item of `markLine.data`)."""
    colour = _COLOURS[line.kind]
    stroke = {"color": colour, "type": "dashed" if line.kind in _DASHED else "solid", "width": 1, "opacity": 0.85}
    return {"yAxis": float(line.price), "name": line.words, "lineStyle": stroke, "label": {"color": colour}}


def fill_item(fill: FillMark, place: int) -> dict[str, object]:
    """An execution as ECharts draws it (an item of a scatter series), on the bar with the number `place`."""
    bought = fill.side is Side.BUY
    colour = theme.GOOD if bought else theme.BAD
    return {
        "value": [place, float(fill.price)],
        "name": fill.words,
        "symbolRotate": 0 if bought else 180,
        "symbolOffset": [0, "70%" if bought else "-70%"],
        "itemStyle": {"color": colour, "borderColor": theme.GROUND, "borderWidth": 1},
    }
