"""How a candlestick chart looks: axes, colours, legend, zoom. The figures come from `candle_chart`.

The formats run in the browser, in the reader's language and time zone: the server sends plain milliseconds and prices.
"""

from __future__ import annotations

import json
from typing import Any

from aristobot.language import _, current_language
from aristobot.market import Timeframe
from components import theme
from components.viewer import zone

#: Bars of the first view: as many as stay readable on a narrow chart.
FIRST_VIEW = 120
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
            {
                "id": "lines",
                "type": "line",
                "symbol": "none",
                "lineStyle": {"opacity": 0},
                "data": [],
                "markLine": _price_lines(),
            },
        ],
    }


def _times(timeframe: Timeframe) -> dict[str, Any]:
    return {
        "type": "category",
        "data": [],
        "axisLine": {"lineStyle": {"color": theme.LINE}},
        "axisTick": {"show": False},
        "axisLabel": {**_FONT, "color": theme.MUTED, "hideOverlap": True, ":formatter": _axis_time(timeframe)},
        "axisPointer": {"label": {"show": False}},
    }


def _prices(decimals: int) -> dict[str, Any]:
    return {
        "type": "value",
        "scale": True,
        "position": "right",
        "splitNumber": 6,
        "splitLine": {"lineStyle": {"color": theme.LINE, "opacity": 0.55}},
        "axisLabel": {**_FONT, "color": theme.MUTED, ":formatter": _price(decimals)},
        "axisPointer": {"label": {**_FONT, ":formatter": f"p => ({_price(decimals)})(p.value)"}},
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
    return {"id": series, "type": "candlestick", "z": 3, "encode": {"x": 0, "y": [1, 2, 3, 4]}, "itemStyle": style, "data": []}


def _volumes(series: str) -> dict[str, Any]:
    colour = f"p => p.value[2] ? '{theme.GOOD}38' : '{theme.BAD}42'"
    common = {"id": series, "type": "bar", "yAxisIndex": 1, "z": 1, "barGap": "-100%", "barCategoryGap": "30%", "data": []}
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
        "label": {**label, ":formatter": f"p => ({_price(decimals)})(p.value)"},
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
        ":formatter": f"""ps => {{
            const bar = ps.find(p => p.seriesType === 'candlestick'), box = document.createElement('span');
            if (!bar) return '';
            const price = {_price(decimals)}, names = {json.dumps(names)}, v = bar.value;
            const volume = ps.find(p => p.seriesType === 'bar'), change = v[1] ? (v[2] / v[1] - 1) * 100 : 0;
            const many = new Intl.NumberFormat({json.dumps(_tag())}, {{maximumSignificantDigits: 5}});
            const percent = new Intl.NumberFormat({json.dumps(_tag())}, {{minimumFractionDigits: 2, maximumFractionDigits: 2,
                signDisplay: 'exceptZero'}});
            const words = [({_whole_time(timeframe)})(bar.axisValue), ...[v[1], v[4], v[3], v[2]].map(
                (n, i) => names[i] + '\\u00a0' + price(n)), percent.format(change) + '\\u00a0%'];
            if (volume) words.push(names[4] + '\\u00a0' + many.format(volume.value[1]));
            const fills = ps.filter(p => p.seriesType === 'scatter' && p.name).map(p => p.name);
            box.textContent = words.join('  ') + (fills.length ? '\\n' + fills.join('\\n') : '');
            return box; }}""",
    }


def _tag() -> str:
    """The language as browsers name it."""
    return "en-GB" if current_language() == "en" else "fr-FR"


def _price(decimals: int) -> str:
    figures = {"minimumFractionDigits": min(decimals, 2), "maximumFractionDigits": decimals}
    return f"(n => new Intl.NumberFormat({json.dumps(_tag())}, {json.dumps(figures)}).format(n))"


def _axis_time(timeframe: Timeframe) -> str:
    """The hour; the day where it begins, and for candles of a day and longer."""
    day, hour = _moment({"day": "numeric", "month": "short"}), _moment({"hour": "2-digit", "minute": "2-digit"})
    if timeframe.seconds >= _DAY:
        return day
    return f"ms => {{ const t = ({hour})(ms); return t === '00:00' ? ({day})(ms) : t; }}"


def _whole_time(timeframe: Timeframe) -> str:
    parts = {"weekday": "short", "day": "numeric", "month": "short"}
    return _moment(parts if timeframe.seconds >= _DAY else {**parts, "hour": "2-digit", "minute": "2-digit"})


def _moment(parts: dict[str, str]) -> str:
    format_ = f"new Intl.DateTimeFormat({json.dumps(_tag())}, {json.dumps({**parts, 'timeZone': str(zone())})})"
    return f"ms => {format_}.format(Number(ms))"
