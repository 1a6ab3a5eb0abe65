"""The charts of a report: equity over who holds with its depths below, and candles with the entries and exits on them."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.language import _
from components import browser_formats, theme
from components.words import labelled

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.backtest.later import FilledOrder
    from aristobot.backtest.legs import Bar
    from aristobot.backtest.report import Report
    from aristobot.strategy_chart import ChartLine

_FONT = {"fontFamily": "Roboto, system-ui, sans-serif", "fontSize": 11, "color": theme.MUTED}
#: Colours of runs that are compared.
COLOURS = (theme.PRIMARY, theme.GOOD, theme.WARN, theme.BAD_TEXT)
#: Colours of a strategy's own lines, which must not be taken for candles.
COLOURS_OF_LINES = (theme.PRIMARY, theme.WARN, theme.TEXT, theme.MUTED)


def equity_chart(report: Report) -> ui.echart:
    """The equity and who holds; below, how far the equity stands under its highest value so far."""
    name, hold, depth = _("Equity"), _("Holding"), _("Under water")
    series = [
        _curve(name, [[one.at, round(one.equity, 2)] for one in report.points], theme.PRIMARY, filled=True),
        _curve(hold, [[one.at, round(one.hold, 2)] for one in report.points], theme.FAINT, dashed=True),
        {**_curve(depth, [[one.at, round(-one.depth * 100, 3)] for one in report.points], theme.BAD, filled=True), **_SECOND},
    ]
    known = [[one.at, round(one.bitcoin, 2)] for one in report.points if one.bitcoin is not None]
    apart = bool(known) and report.bitcoin is not None and report.bitcoin.beside == "held"
    bitcoin = [_("Holding bitcoin")] if apart else []
    series += [_curve(one, known, theme.WARN, dashed=True) for one in bitcoin]
    options = {
        **_frame([name, hold, *bitcoin]),
        "grid": [{"left": 8, "right": 64, "top": 34, "height": "56%"}, {"left": 8, "right": 64, "bottom": 44, "height": "20%"}],
        "xAxis": [_times(shown=False), {**_times(), "gridIndex": 1}],
        "yAxis": [_values(browser_formats.number(0, 0)), {**_values(_percent()), "gridIndex": 1, "splitNumber": 2, "max": 0}],
        "dataZoom": _zoom([0, 1]),
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "series": series,
    }
    return labelled(ui.echart(options).classes("bt-chart"), _("Equity, and who holds")).props("role=img")


def compared_chart(reports: Sequence[tuple[str, Report]]) -> ui.echart:
    """Several equities, each as growth since its start, in per cent."""
    series = [
        _curve(name, [[one.at, round((one.equity / report.cash - 1) * 100, 3)] for one in report.points], colour)
        for (name, report), colour in zip(reports, COLOURS, strict=False)
    ]
    options = {
        **_frame([name for name, _report in reports]),
        "grid": {"left": 8, "right": 64, "top": 34, "bottom": 44},
        "xAxis": _times(),
        "yAxis": _values(_percent()),
        "dataZoom": _zoom([0]),
        "series": series,
    }
    return labelled(ui.echart(options).classes("bt-chart low"), _("Growth of the runs")).props("role=img")


def marks_chart(symbol: str, bars: Sequence[Bar], fills: Sequence[FilledOrder], lines: Sequence[ChartLine] = ()) -> ui.echart:
    """The candles, joined where they are many, with an arrow at every fill, and the lines that the strategy drew over them."""
    times = [one.at for one in bars]
    candles = [[one.open, one.close, one.low, one.high] for one in bars]
    up, down = theme.GOOD, theme.BAD
    style = {"color": up, "borderColor": up, "color0": down, "borderColor0": down}
    axis = {**_times(), "type": "category", "data": times, "boundaryGap": True}
    options = {
        **_frame([one.title for one in lines]),
        "grid": {"left": 8, "right": 72, "top": 34 if lines else 14, "bottom": 44},
        "xAxis": axis,
        "yAxis": _values(browser_formats.price()),
        "dataZoom": _zoom([0]),
        "series": [
            {"type": "candlestick", "data": candles, "itemStyle": style, "name": symbol},
            _arrows(fills, times, "buy", _("Purchase")),
            _arrows(fills, times, "sell", _("Sale")),
            *_drawn(lines, COLOURS_OF_LINES),
        ],
        "tooltip": _tip(browser_formats.price(), candle=True),
    }
    return labelled(ui.echart(options).classes("bt-chart"), _("Entries and exits")).props("role=img")


def lines_chart(name: str, bars: Sequence[Bar], lines: Sequence[ChartLine]) -> ui.echart:
    """A chart of the strategy's own below the candles."""
    options = {
        **_frame([one.title for one in lines]),
        "grid": {"left": 8, "right": 72, "top": 34, "bottom": 44},
        "xAxis": {**_times(), "type": "category", "data": [one.at for one in bars], "boundaryGap": True},
        "yAxis": _values(browser_formats.price()),
        "dataZoom": _zoom([0]),
        "series": _drawn(lines, COLOURS_OF_LINES),
        "tooltip": _tip(browser_formats.price()),
    }
    return labelled(ui.echart(options).classes("bt-chart low"), name).props("role=img")


def _drawn(lines: Sequence[ChartLine], colours: Sequence[str]) -> list[dict[str, Any]]:
    """The lines of a strategy; those without a colour take the next one."""
    free = cycle(colours)
    return [{**_curve(one.title, list(one.values), one.colour or next(free)), "z": 4} for one in lines]


def excursion_chart(report: Report) -> ui.echart:
    """How far each position went against (MAE) and for it (MFE), over what it came to; all in per cent."""

    def points(worst: bool) -> list[list[float]]:
        return [[round((one.worst if worst else one.best) * 100, 3), round(one.share * 100, 3)] for one in report.closed]

    options = {
        **_frame([_("Worst moment"), _("Best moment")]),
        "grid": {"left": 8, "right": 24, "top": 34, "bottom": 24, "containLabel": True},
        "xAxis": {**_values(_percent()), "position": "bottom"},
        "yAxis": {**_values(_percent()), "position": "left"},
        "tooltip": {"show": False},
        "series": [
            {**_DOTS, "name": _("Worst moment"), "data": points(True), "itemStyle": {"color": theme.BAD_TEXT}},
            {**_DOTS, "name": _("Best moment"), "data": points(False), "itemStyle": {"color": theme.GOOD}},
        ],
    }  # fmt: skip
    return labelled(ui.echart(options).classes("bt-chart low"), _("Worst and best moments")).props("role=img")


#: Fills beyond which their arrows are drawn small, so that the candles stay to be seen.
_MANY = 120
_DOTS = {"type": "scatter", "symbolSize": 7}
_SECOND = {"xAxisIndex": 1, "yAxisIndex": 1}


def _percent() -> str:
    return f"(() => {{ const f = {browser_formats.number(0, 1)}; return v => f(v) + '\\u00a0%'; }})()"


def _arrows(fills: Sequence[FilledOrder], times: Sequence[int], side: str, name: str) -> dict[str, Any]:
    bought = side == "buy"
    shown = [one for one in fills if one.side == side and one.at >= times[0]]
    points = [{"value": [bisect_right(times, one.at) - 1, one.price], "name": one.tag} for one in shown]
    colour = theme.GOOD if bought else theme.BAD
    return {
        "type": "scatter",
        "name": name,
        "data": points,
        "symbol": "triangle",
        "symbolSize": 10 if len(fills) <= _MANY else 5,
        "symbolRotate": 0 if bought else 180,
        "symbolOffset": [0, "80%" if bought else "-80%"],
        "itemStyle": {"color": colour, "borderColor": theme.GROUND, "borderWidth": 1},
        "z": 6,
    }


def _curve(name: str, data: list[Any], colour: str, *, filled: bool = False, dashed: bool = False) -> dict[str, Any]:
    line = {"width": 1.6, "color": colour, "type": "dashed" if dashed else "solid"}
    area = {"areaStyle": {"color": colour, "opacity": 0.1}} if filled else {}
    common = {"type": "line", "showSymbol": False, "sampling": "lttb", "animation": False}
    return {**common, **area, "name": name, "data": data, "lineStyle": line, "itemStyle": {"color": colour}}


def _frame(names: list[str]) -> dict[str, Any]:
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": _FONT,
        "legend": {"data": names, "top": 4, "left": 8, "textStyle": _FONT, "itemHeight": 8, "icon": "roundRect"},
        "tooltip": _tip(browser_formats.number(0, 2)),
    }


def _tip(write: str, *, candle: bool = False) -> dict[str, Any]:
    """Text only, never markup: names of exits are the strategy's own."""
    when = browser_formats.moment(day="numeric", month="short", year="numeric", hour="2-digit", minute="2-digit")
    ohlc = json.dumps([_("O"), _("C"), _("L"), _("H")])
    return {
        "trigger": "axis",
        "transitionDuration": 0,
        "backgroundColor": theme.RAISED,
        "borderColor": theme.LINE,
        "textStyle": {**_FONT, "fontSize": 12, "color": theme.TEXT},
        "extraCssText": "white-space:pre;font-variant-numeric:tabular-nums",
        ":formatter": f"""(() => {{ const write = {write}, when = {when}, names = {ohlc}, candle = {json.dumps(candle)};
            return ps => {{ const lines = [when(ps[0].axisValue)];
                for (const p of ps) {{
                    const bar = p.seriesType === 'candlestick', last = Array.isArray(p.value) ? p.value[1] : p.value;
                    lines.push(bar ? names.map((n, i) => n + '\\u00a0' + write(p.value[i + 1])).join('  ')
                                   : p.seriesName + '\\u00a0\\u00a0' + write(last) + (p.name && candle ? '  ' + p.name : '')); }}
                const box = document.createElement('span'); box.textContent = lines.join('\\n'); return box; }}; }})()""",
    }


def _times(*, shown: bool = True) -> dict[str, Any]:
    day = browser_formats.moment(day="numeric", month="short", year="2-digit")
    label = {**_FONT, "show": shown, "hideOverlap": True, ":formatter": day}
    line = {"lineStyle": {"color": theme.LINE}}
    return {"type": "time", "axisLine": line, "axisTick": {"show": False}, "splitLine": {"show": False}, "axisLabel": label}


def _values(write: str) -> dict[str, Any]:
    lines = {"lineStyle": {"color": theme.LINE, "opacity": 0.55}}
    return {
        "type": "value",
        "scale": True,
        "position": "right",
        "splitNumber": 4,
        "splitLine": lines,
        "axisLabel": {**_FONT, ":formatter": write},
    }


def _zoom(axes: list[int]) -> list[dict[str, Any]]:
    inside = {"type": "inside", "xAxisIndex": axes, "zoomOnMouseWheel": "ctrl", "moveOnMouseWheel": False}
    slider = {
        "type": "slider", "xAxisIndex": axes, "height": 14, "bottom": 6, "left": 12, "right": 72, "brushSelect": False,
        "showDetail": False, "showDataShadow": False, "borderColor": theme.LINE, "backgroundColor": "transparent",
        "fillerColor": "#00d4ff1f", "handleStyle": {"color": theme.RAISED, "borderColor": theme.PRIMARY}, "moveHandleSize": 0,
    }  # fmt: skip
    return [inside, slider]
