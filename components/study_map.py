"""The heat map of two parameters: where the good sets lie, as a picture and as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from aristobot.figures.table import Unit
from aristobot.language import _
from aristobot.search.outcome import HeatMap
from aristobot.search.space import Value
from components import browser_formats, theme
from components.contrast import words_on
from components.page_head import panel
from components.plain_table import plain_table
from components.study_words import Goal, figure, plain
from components.words import labelled

_FONT = {"fontFamily": "Roboto, system-ui, sans-serif", "fontSize": 11, "color": theme.MUTED}
#: From the worst to the best: around zero when scores lie on both sides of it, else from dark to bright.
_AROUND_ZERO = [theme.BAD, "#5c1233", theme.RAISED, "#0a5a44", theme.GOOD]
_UPWARDS = [theme.RAISED, "#0b4560", "#0784a5", theme.PRIMARY]
#: Cells beyond which their figures are told by the pointer and by the table alone.
_FEW = 80


class StudyMap:
    """The panel: two parameters to choose, and the best score of each pair of their values."""

    def __init__(self, maps: Sequence[HeatMap], goal: Goal) -> None:
        self._maps, self._goal = {(one.down, one.across): one for one in maps}, goal
        names = list(dict.fromkeys(name for one in maps for name in (one.across, one.down)))
        with panel(_("Heat map"), "st-map") as head:
            with head:
                self._across = ui.select(names, value=maps[0].across, label=_("Across")).mark("map-across")
                self._down = ui.select(names, value=maps[0].down, label=_("Down")).mark("map-down")
                faces = {"map": _("Picture"), "table": _("Table")}
                self._face = ui.toggle(faces, value="map").props("no-caps unelevated").classes("small-toggle").mark("map-face")
            for field in (self._across, self._down):
                field.props("outlined dense options-dense").classes("st-axis").on_value_change(self._draw)
            self._face.on_value_change(self._draw)
            self._place = ui.element("div").classes("w-full")
        self._draw()

    def _chosen(self) -> HeatMap | None:
        down, across = str(self._down.value), str(self._across.value)
        if (down, across) in self._maps:
            return self._maps[down, across]
        turned = self._maps.get((across, down))
        if turned is None:
            return None
        scores = tuple(zip(*turned.scores, strict=True))
        return HeatMap(down, across, turned.columns, turned.rows, scores)

    def _draw(self, _event: object = None) -> None:
        found = self._chosen()
        self._place.clear()
        with self._place:
            if found is None:
                ui.label(_("Choose two different parameters.")).classes("muted st-none")
            elif self._face.value == "map":
                _picture(found, self._goal)
            else:
                self._table(found)

    def _table(self, found: HeatMap) -> None:
        head = [f"{found.down} ↓ · {found.across} →", *(plain(one) for one in found.columns)]
        rows = [
            [plain(name), *(figure(self._goal.name, self._goal.value(one)) for one in scores)]
            for name, scores in zip(found.rows, found.scores, strict=True)
        ]
        plain_table(_("Heat map of {down} and {across}", down=found.down, across=found.across), head, rows)


def _picture(found: HeatMap, goal: Goal) -> ui.echart:
    cells: list[tuple[int, int, float]] = [
        (column, row, float(f"{goal.value(score) or 0.0:.6g}"))
        for row, scores in enumerate(found.scores)
        for column, score in enumerate(scores)
        if score is not None
    ]
    values = [one[2] for one in cells] or [0.0]
    low, high = min(values), max(values)
    options = {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": _FONT,
        "grid": {"left": 8, "right": 12, "top": 30, "bottom": 66, "containLabel": True},
        "xAxis": _axis(found.across, found.columns) | {"nameLocation": "middle", "nameGap": 26},
        "yAxis": _axis(found.down, found.rows) | {"nameLocation": "end", "nameTextStyle": {**_FONT, "align": "left"}},
        "tooltip": _tip(found, goal),
        "visualMap": _scale(low, high, goal),
        "series": [
            {
                "type": "heatmap",
                "data": _marked(cells, goal),
                "itemStyle": {"borderColor": theme.GROUND, "borderWidth": 1},
                "label": {"show": len(cells) <= _FEW, "fontSize": 10, ":formatter": _label(goal)},
            }
        ],
    }
    name = _("Heat map of {down} and {across}", down=found.down, across=found.across)
    return labelled(ui.echart(options).classes("bt-chart"), name).props("role=img")


def _bounds(low: float, high: float, goal: Goal) -> tuple[float, float, list[str]]:
    """From where to where the colours reach, and which they are: around zero both sides reach equally far."""
    edge = max(-low, high)
    around = low < 0 < high
    colours = _AROUND_ZERO if around else _UPWARDS
    first, last = (-edge, edge) if around else (low, high if high > low else low + 1)
    return first, last, colours[::-1] if goal.less_is_better else colours


def _scale(low: float, high: float, goal: Goal) -> dict[str, Any]:
    """The colours, and the legend that tells them."""
    first, last, colours = _bounds(low, high, goal)
    return {
        "min": first,
        "max": last,
        "calculable": True,
        "orient": "horizontal",
        "left": "center",
        "bottom": 4,
        "itemWidth": 12,
        "itemHeight": 160,
        "textStyle": _FONT,
        "inRange": {"color": colours},
        ":formatter": _writer(goal),
    }


def _marked(cells: Sequence[tuple[int, int, float]], goal: Goal) -> list[dict[str, Any]]:
    """The cells with words that can be read on their colour; the best one is framed, if there is one."""
    values = [one[2] for one in cells] or [0.0]
    low, high = min(values), max(values)
    best = low if goal.less_is_better else high
    first, last, colours = _bounds(low, high, goal)
    return [
        {
            "value": list(one),
            "label": {"color": words_on(colours, (one[2] - first) / (last - first))},
            "itemStyle": {"borderColor": theme.WARN, "borderWidth": 2} if one[2] == best and low < high else {},
        }
        for one in cells
    ]


def _axis(name: str, values: Sequence[Value]) -> dict[str, Any]:
    return {
        "type": "category",
        "name": name,
        "data": [plain(one) for one in values],
        "axisLine": {"lineStyle": {"color": theme.LINE}},
        "axisTick": {"show": False},
        "axisLabel": {**_FONT, "hideOverlap": True},
        "splitArea": {"show": False},
    }


def _tip(found: HeatMap, goal: Goal) -> dict[str, Any]:
    """Text only, never markup: names of parameters are the strategy's own."""
    rows, columns = [plain(one) for one in found.rows], [plain(one) for one in found.columns]
    return {
        "transitionDuration": 0,
        "backgroundColor": theme.RAISED,
        "borderColor": theme.LINE,
        "textStyle": {**_FONT, "fontSize": 12, "color": theme.TEXT},
        "extraCssText": "white-space:pre;font-variant-numeric:tabular-nums",
        ":formatter": f"""(() => {{ const write = {_writer(goal)}, rows = {json.dumps(rows)}, columns = {json.dumps(columns)};
            const names = {json.dumps([found.across, found.down, goal.title])};
            return p => {{ const box = document.createElement('span'), [across, down, value] = p.value;
                const told = [columns[across], rows[down], write(value)];
                box.textContent = told.map((one, i) => names[i] + '\\u00a0\\u00a0' + one).join('\\n'); return box; }}; }})()""",
    }


def _label(goal: Goal) -> str:
    return f"(() => {{ const write = {_writer(goal)}; return p => write(p.value[2]); }})()"


def _writer(goal: Goal) -> str:
    """A function of a value as people read it."""
    if goal.unit is Unit.SHARE:
        return f"(() => {{ const f = {browser_formats.number(1, 1)}; return v => f(v * 100) + '\\u00a0%'; }})()"
    decimals = 0 if goal.unit in (Unit.QUOTE, Unit.COUNT) else 2
    return browser_formats.number(decimals, decimals)
