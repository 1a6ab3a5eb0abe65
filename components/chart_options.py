"""How a candlestick chart looks: axes, colours, legend, zoom. The figures come from `candle_chart`.

The formats run in the browser, in the reader's language and time zone: the server sends plain milliseconds and prices.
"""

from __future__ import annotations

import json
from typing import Any

from aristobot.language import _
from aristobot.market import Timeframe
from components import browser_formats, theme

#: Bars of the first view: as many as stay readable on a narrow chart.
FIRST_VIEW = 120
#: Pixels of a candle at most: a market just listed has one alone.
WIDEST = 40
_DAY = 86_400
#: The tallest volume takes a fifth of the height, at the bottom.
_VOLUME_AXIS = {
    "type": "value", "show": False, "axisLabel": {"show": False}, "axisPointer": {"show": False}, ":max": "v => (v.max || 1) * 5"
}  # fmt: skip
_FONT = {"fontFamily": "Roboto, system-ui, sans-serif", "fontSize": 11}


def chart_options(timeframe: Timeframe, decimals: int, bars: int) -> dict[str, Any]:
    """The options of an empty chart of candles with so many decimals, whose first view shows the last of `bars` bars."""
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {**_FONT, "color": theme.MUTED},
        "grid": {"left": 10, "right": 10, "top": 34, "bottom": 34, "containLabel": True},
        "axisPointer": {"lineStyle": {"color": theme.FAINT, "type": "dashed"}, "label": {"backgroundColor": theme.RAISED}},
        "xAxis": _times(timeframe),
        "yAxis": [_prices(decimals), dict(_VOLUME_AXIS)],
        "dataZoom": _zoom(bars),
        "tooltip": _legend(timeframe, decimals),
        "series": [
            _candles("candles"),
            {**_candles("live"), "markLine": _last_price(decimals)},
            _volumes("volumes"),
            _volumes("live-volume"),
            {"id": "fills", "type": "scatter", "symbol": "triangle", "symbolSize": 11, "z": 6, "data": []},
            _price_lines(),
        ],
    }


def _times(timeframe: Timeframe) -> dict[str, Any]:
    return {
        "type": "category",
        "data": [],
        "axisLine": {"lineStyle": {"color": theme.LINE}},
        "axisTick": {"show": False},
        "axisLabel": {
            **_FONT,
            "color": theme.MUTED,
            "hideOverlap": True,
            "alignMinLabel": "left",
            "alignMaxLabel": "right",
            ":formatter": _axis_time(timeframe),
        },
        "axisPointer": {"label": {"show": False}},
    }


def _prices(decimals: int) -> dict[str, Any]:
    return {
        "type": "value",
        "scale": True,
        "boundaryGap": ["16%", "4%"],  # the volume stands below the candles
        "position": "right",
        "splitNumber": 6,
        "splitLine": {"lineStyle": {"color": theme.LINE, "opacity": 0.55}},
        "axisLabel": {**_FONT, "color": theme.MUTED, ":formatter": _price(decimals)},
        "axisPointer": {"label": {**_FONT, ":formatter": _value(decimals)}},
    }


def _zoom(bars: int) -> list[dict[str, Any]]:
    first = max(0.0, 100 - 100 * FIRST_VIEW / max(bars, 1))
    place = {"start": round(first, 2), "end": 100, "minValueSpan": 12}
    inside = {"type": "inside", "zoomOnMouseWheel": "ctrl", "moveOnMouseWheel": False, "preventDefaultMouseMove": False}
    slider = {
        "type": "slider", "height": 14, "bottom": 8, "left": 12, "right": 12, "brushSelect": False, "showDetail": False,
        "showDataShadow": False, "borderColor": theme.LINE, "backgroundColor": "transparent", "fillerColor": "#00d4ff1f",
        "handleSize": "110%", "handleStyle": {"color": theme.RAISED, "borderColor": theme.PRIMARY},
        "moveHandleSize": 0,
    }  # fmt: skip
    return [{**inside, **place}, {**slider, **place}]


def _candles(series: str) -> dict[str, Any]:
    up, down = theme.GOOD, theme.BAD
    style = {"color": up, "borderColor": up, "color0": down, "borderColor0": down}
    shape = {"type": "candlestick", "z": 3, "encode": {"x": 0, "y": [1, 2, 3, 4]}, "barMaxWidth": WIDEST}
    return {"id": series, **shape, "itemStyle": style, "data": []}


def _volumes(series: str) -> dict[str, Any]:
    colour = f"p => p.value[2] ? '{theme.GOOD}38' : '{theme.BAD}42'"
    shape = {"type": "bar", "yAxisIndex": 1, "z": 1, "barGap": "-100%", "barCategoryGap": "30%", "barMaxWidth": WIDEST}
    common = {"id": series, **shape, "data": []}
    return {**common, "encode": {"x": 0, "y": 1}, "itemStyle": {":color": colour}}


def _last_price(decimals: int) -> dict[str, Any]:
    label = {
        **_FONT,
        "position": "end",
        "distance": 4,
        "padding": [4, 5, 2, 5],
        "borderRadius": 3,
        "color": theme.INK,
        "fontWeight": 600,
    }
    return {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "lineStyle": {"type": "dotted", "width": 1},
        "label": {**label, ":formatter": _value(decimals)},
        "data": [],
    }


def _price_lines() -> dict[str, Any]:
    label = {**_FONT, "position": "insideStartTop", "formatter": "{b}", "fontWeight": 500}
    drawn = {"silent": True, "symbol": "none", "animation": False, "label": label, "data": []}
    return {"id": "lines", "type": "line", "symbol": "none", "lineStyle": {"opacity": 0}, "data": [], "markLine": drawn}


def _legend(timeframe: Timeframe, decimals: int) -> dict[str, Any]:
    """The figures of the bar under the pointer, in one line on top of the chart; text only, never markup."""
    names = [_("O"), _("H"), _("L"), _("C"), _("Vol.")]
    return {
        "trigger": "axis",
        "transitionDuration": 0,
        "position": [8, 4],
        "padding": [2, 6],
        "borderWidth": 0,
        "backgroundColor": f"{theme.PANEL}E6",
        "textStyle": {**_FONT, "fontSize": 12, "color": theme.TEXT},
        "extraCssText": "box-shadow:none;font-variant-numeric:tabular-nums;white-space:pre-wrap;max-width:calc(100% - 80px)",
        "axisPointer": {"type": "cross", "crossStyle": {"color": theme.FAINT}},
        ":formatter": f"""(() => {{
            const names = {json.dumps(names)}, price = {_price(decimals)}, when = {_whole_time(timeframe)};
            const many = {browser_formats.significant(5)}, percent = {browser_formats.number(2, 2, sign=True)};
            return ps => {{
                const bar = ps.find(p => p.seriesType === 'candlestick'), volume = ps.find(p => p.seriesType === 'bar');
                if (!bar) return '';
                const box = document.createElement('span'), [, open, close, low, high] = bar.value;
                const words = [when(bar.axisValue), ...[open, high, low, close].map((n, i) => names[i] + '\\u00a0' + price(n))];
                words.push(percent(open ? (close / open - 1) * 100 : 0) + '\\u00a0%');
                if (volume) words.push(names[4] + '\\u00a0' + many(volume.value[1]));
                const fills = ps.filter(p => p.seriesType === 'scatter' && p.name).map(p => '\\n' + p.name);
                box.textContent = words.join('  ') + fills.join('');
                return box; }}; }})()""",
    }


def _price(decimals: int) -> str:
    return browser_formats.number(2, decimals)


def _value(decimals: int) -> str:
    """The price of something that has one."""
    return f"(() => {{ const price = {_price(decimals)}; return p => price(p.value); }})()"


def _axis_time(timeframe: Timeframe) -> str:
    """The hour; the day where it begins, and for candles of a day and longer."""
    day, hour = browser_formats.moment(day="numeric", month="short"), browser_formats.moment(hour="2-digit", minute="2-digit")
    if timeframe.seconds >= _DAY:
        return day
    return f"(() => {{ const day = {day}, hour = {hour}; return ms => hour(ms) === '00:00' ? day(ms) : hour(ms); }})()"


def _whole_time(timeframe: Timeframe) -> str:
    hour = {} if timeframe.seconds >= _DAY else {"hour": "2-digit", "minute": "2-digit"}
    return browser_formats.moment(weekday="short", day="numeric", month="short", **hour)
