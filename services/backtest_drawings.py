"""The charts of a report as SVG: lines, a filled depth, candles with marks. Text and numbers only, so that a file opens alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import cycle, groupby

from aristobot.backtest.later import FilledOrder
from aristobot.backtest.legs import Bar
from aristobot.backtest.report import Point
from aristobot.strategy_chart import ChartLine
from services import backtest_words as words

WIDTH, LEFT, RIGHT = 1100, 8, 82
GOOD, BAD, PRIMARY, MUTED, GRID = "#00FF88", "#FF5C8D", "#00D4FF", "#93A4C4", "#1D2940"
BITCOIN = "#FFB020"
#: Of a strategy's own lines that name none.
COLOURS = (PRIMARY, BITCOIN, "#E6EEFF", MUTED)
_LINES = 4


class Frame:
    """Where a value stands in a drawing: times to the right, values upwards."""

    def __init__(self, times: Sequence[int], low: float, high: float, height: int) -> None:
        room = (high - low) * 0.06 or abs(high) * 0.01 or 1.0
        self.low, self.high, self.height = low - room, high + room, height
        self._first, self._last = times[0], max(times[-1], times[0] + 1)

    def x(self, at: float) -> float:
        """The place of a moment."""
        return round(LEFT + (at - self._first) / (self._last - self._first) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """The place of a value."""
        return round((self.high - value) / (self.high - self.low) * (self.height - 24) + 4, 1)

    def grid(self, write: Callable[[float], str]) -> str:
        """Lines with their values on the right, and the first and last day below."""
        step = (self.high - self.low) / (_LINES + 1)
        values = [self.low + step * one for one in range(1, _LINES + 1)]
        end, drawn = WIDTH - RIGHT, []
        for value in values:
            y = self.y(value)
            drawn.append(f'<line x1="{LEFT}" x2="{end}" y1="{y}" y2="{y}" stroke="{GRID}"/>')
            drawn.append(f'<text x="{end + 6}" y="{y + 4}">{escape(write(value))}</text>')
        foot = self.height - 4
        drawn.append(f'<text x="{LEFT}" y="{foot}">{escape(words.day(self._first))}</text>')
        drawn.append(f'<text x="{end}" y="{foot}" text-anchor="end">{escape(words.day(self._last))}</text>')
        return "".join(drawn)


def equity(points: Sequence[Point], name: str) -> str:
    """The equity, and who holds, dashed; of bitcoin in a colour of its own where it can be told."""
    known = [(one.at, one.bitcoin) for one in points if one.bitcoin is not None]
    values = [*(value for one in points for value in (one.equity, one.hold)), *(value for _at, value in known)]
    frame = Frame([one.at for one in points], min(values), max(values), 300)
    hold = _line([(frame.x(one.at), frame.y(one.hold)) for one in points], MUTED, 'stroke-dasharray="5 4"')
    mine = _line([(frame.x(one.at), frame.y(one.equity)) for one in points], PRIMARY)
    bitcoin = _line([(frame.x(at), frame.y(value)) for at, value in known], BITCOIN, 'stroke-dasharray="5 4"') if known else ""
    return _drawing(name, 300, frame.grid(lambda value: words.number(value, 0)) + hold + bitcoin + mine)


def underwater(points: Sequence[Point], name: str) -> str:
    """How far the equity stands below its highest value so far."""
    frame = Frame([one.at for one in points], -max(one.depth for one in points), 0.0, 150)
    places = [(frame.x(one.at), frame.y(-one.depth)) for one in points]
    top = frame.y(0)
    area = " ".join(f"{x},{y}" for x, y in [(places[0][0], top), *places, (places[-1][0], top)])
    filled = f'<polygon points="{area}" fill="{BAD}" fill-opacity=".25"/>'
    return _drawing(name, 150, frame.grid(lambda value: words.share(value, 1)) + filled + _line(places, BAD))


def candles(bars: Sequence[Bar], fills: Sequence[FilledOrder], lines: Sequence[ChartLine], name: str) -> str:
    """The candles with a mark at every fill, upwards where it bought, downwards where it sold; and the strategy's own lines."""
    drawn_over = [value for one in lines for value in one.values if value is not None]
    low, high = min([one.low for one in bars] + drawn_over), max([one.high for one in bars] + drawn_over)
    frame = Frame([one.at for one in bars], low, high, 340)
    wide = max(1.0, (WIDTH - LEFT - RIGHT) / len(bars) * 0.62)
    drawn = [_candle(frame, one, wide) for one in bars]
    for one in fills:
        x, y, bought = frame.x(one.at), frame.y(one.price), one.side == "buy"
        tip = y + 3 if bought else y - 3
        foot = tip + 9 if bought else tip - 9
        says = f"{words.moment(one.at)} · {words.price(one.price)} · {one.tag}"
        shape = f"M{x},{tip}L{x - 5},{foot}L{x + 5},{foot}Z"
        drawn.append(f'<path d="{shape}" fill="{GOOD if bought else BAD}"><title>{escape(says)}</title></path>')
    return _drawing(name, 340, frame.grid(words.price) + "".join(drawn) + _lines(frame, bars, lines))


def own_chart(bars: Sequence[Bar], lines: Sequence[ChartLine], name: str) -> str:
    """A chart of the strategy's own below the candles."""
    values = [value for one in lines for value in one.values if value is not None] or [0.0]
    frame = Frame([one.at for one in bars], min(values), max(values), 180)
    return _drawing(name, 180, frame.grid(words.price) + _lines(frame, bars, lines))


def _lines(frame: Frame, bars: Sequence[Bar], lines: Sequence[ChartLine]) -> str:
    """Lines with their names above; where a value is missing, a line is cut."""
    free, drawn = cycle(COLOURS), []
    for place, one in enumerate(lines):
        colour = one.colour or next(free)
        drawn.append(f'<text x="{LEFT + 4 + place * 130}" y="14" style="fill:{colour}">{escape(one.title[:18])}</text>')
        known = [(bar.at, value) for bar, value in zip(bars, one.values, strict=False)]
        for there, part in groupby(known, key=lambda pair: pair[1] is not None):
            if there:
                drawn.append(_line([(frame.x(at), frame.y(value)) for at, value in part if value is not None], colour))
    return "".join(drawn)


def _candle(frame: Frame, bar: Bar, wide: float) -> str:
    colour = GOOD if bar.close >= bar.open else BAD
    x, top, foot = frame.x(bar.at), frame.y(max(bar.open, bar.close)), frame.y(min(bar.open, bar.close))
    wick = f'<line x1="{x}" x2="{x}" y1="{frame.y(bar.high)}" y2="{frame.y(bar.low)}"/>'
    body = f'<rect x="{round(x - wide / 2, 1)}" y="{top}" width="{wide:.1f}" height="{max(0.6, round(foot - top, 1))}"/>'
    return f'<g stroke="{colour}" fill="{colour}" opacity=".8">{wick}{body}</g>'


def _line(places: Sequence[tuple[float, float]], colour: str, more: str = "") -> str:
    joined = " ".join(f"{x},{y}" for x, y in places)
    return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="1.6" {more}/>'


def _drawing(name: str, height: int, inside: str) -> str:
    return f'<svg role="img" aria-label="{escape(name)}" viewBox="0 0 {WIDTH} {height}">{inside}</svg>'
