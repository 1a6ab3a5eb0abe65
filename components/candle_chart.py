"""A candlestick chart that lives: the whole series travels once, afterwards only the bar that moves.

    chart = CandleChart(_("BTC/USDT chart"))
    chart.load("BTC/USDT", Timeframe.M5, await app.candles.window("binance", "BTC/USDT", Timeframe.M5, 240))
    live.latest(CandleUpdated, do=lambda event: chart.push(event.candle), max_fps=8)
    chart.annotate([PriceLine(LineKind.STOP, Decimal("58800"), "SL")], [FillMark(Side.BUY, at, price, "Achat 0,01")])

`push` passes over candles of another symbol or timeframe, so that a page may hand on whatever it hears; the exchange is
the page's to check. Marks stay until the next `annotate`, through every `load` of the same symbol.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nicegui import ui

from aristobot.market import Candle, Symbol, Timeframe
from components import theme
from components.chart_marks import FillMark, PriceLine, fill_item, line_item
from components.chart_options import FIRST_VIEW, chart_options
from components.words import labelled

#: Of a line far away, the scale takes no notice: one that lies further than so many times the range of the candles in view.
_NEAR = 1.5
_MOST_DECIMALS = 10


class CandleChart(ui.echart, component="candle_chart.js"):
    """Candles in green and red, their volume below, the last price on the right, own orders and fills on top."""

    def __init__(self, name: str, *, most: int = 600) -> None:
        """`name` is what screen readers say; `most` bars are kept, the oldest go first."""
        self.symbol: Symbol = ""
        self.timeframe = Timeframe.M1
        self._most = most
        self._bars: list[Candle] = []
        self._lines: tuple[PriceLine, ...] = ()
        self._fills: tuple[FillMark, ...] = ()
        super().__init__(chart_options(self.timeframe, 2, 0))
        labelled(self.classes("candle-chart"), name).props("role=img")

    @property
    def bars(self) -> Sequence[Candle]:
        """The candles on the chart, oldest first; the last one may be forming."""
        return tuple(self._bars)

    def load(self, symbol: Symbol, timeframe: Timeframe, candles: Iterable[Candle]) -> None:
        """Show other candles, oldest first; zoom and scale begin anew. Marks of another symbol go."""
        if symbol != self.symbol:
            self._lines, self._fills = (), ()
        self.symbol, self.timeframe = symbol, timeframe
        self._bars = list(candles)[-self._most :]
        options = chart_options(timeframe, _decimals(self._bars), len(self._bars))
        self._write(options, self._everything())
        self._props["options"] = options

    def push(self, candle: Candle) -> bool:
        """Move the last bar, or begin the next one; False for a candle that is another's, or late and known as it is."""
        last = self._bars[-1] if self._bars else None
        if (candle.symbol, candle.timeframe) != (self.symbol, self.timeframe):
            return False
        if last is not None and candle.open_ms < last.open_ms:
            return candle.closed and self._correct(candle)
        if last is not None and candle.open_ms == last.open_ms:
            self._bars[-1] = candle
            self._send(self._moving())
            return True
        self._bars.append(candle)
        del self._bars[: -self._most]
        self._send(self._everything())
        return True

    def _correct(self, candle: Candle) -> bool:
        """The last word on a bar that is not the last one any more."""
        place = next((place for place in range(len(self._bars)) if self._bars[place].open_ms == candle.open_ms), None)
        if place is None or self._bars[place] == candle:
            return False
        self._bars[place] = candle
        self._send(self._everything())
        return True

    def annotate(self, lines: Iterable[PriceLine] = (), fills: Iterable[FillMark] = ()) -> None:
        """Draw these orders, levels and executions instead of those drawn so far."""
        before, (self._lines, self._fills) = (self._lines, self._fills), (tuple(lines), tuple(fills))
        if before == (self._lines, self._fills):
            return
        self._send({"series": self._marks()})

    def _send(self, change: dict[str, Any]) -> None:
        """Keep Python's copy true, and let the change alone travel; a chart that waits to travel whole takes it along."""
        with self._props.suspend_updates():
            self._write(self.options, change)
        if self.id not in self.client.outbox.updates:
            self.run_chart_method("setOption", change, {"lazyUpdate": True})

    @staticmethod
    def _write(options: dict[str, Any], change: dict[str, Any]) -> None:
        options["xAxis"].update(change.get("xAxis", {}))
        known = {one["id"]: one for one in options["series"]}
        for series in change["series"]:
            target = known[series["id"]]
            if "markLine" in series:
                target["markLine"].update(series["markLine"])
            if "data" in series:
                target["data"] = series["data"]

    def _everything(self) -> dict[str, Any]:
        settled = self._bars[:-1]
        series = [
            {"id": "candles", "data": [_bar(place, one) for place, one in enumerate(settled)]},
            {"id": "volumes", "data": [_volume(place, one) for place, one in enumerate(settled)]},
        ]
        times = {"data": [one.open_ms for one in self._bars]}
        return {"xAxis": times, "series": [*series, *self._moving()["series"], *self._marks()]}

    def _moving(self) -> dict[str, Any]:
        """The last bar, its volume and the line of its price."""
        if not self._bars:
            empty: list[Any] = []
            return {"series": [{"id": "live", "data": empty, "markLine": {"data": empty}}, {"id": "live-volume", "data": empty}]}
        place, last = len(self._bars) - 1, self._bars[-1]
        colour = theme.GOOD if last.close >= last.open else theme.BAD_TEXT
        price = {"yAxis": float(last.close), "lineStyle": {"color": colour}, "label": {"backgroundColor": colour}}
        live = {"id": "live", "data": [_bar(place, last)], "markLine": {"data": [price]}}
        return {"series": [live, {"id": "live-volume", "data": [_volume(place, last)]}]}

    def _marks(self) -> list[dict[str, Any]]:
        places = {one.open_ms: place for place, one in enumerate(self._bars)}
        fills = [
            fill_item(one, places[opened])
            for one in self._fills
            if (opened := round(self.timeframe.open_of(one.at).timestamp() * 1000)) in places
        ]
        lines = {"data": [line_item(one) for one in self._lines]}
        return [{"id": "fills", "data": fills}, {"id": "lines", "data": self._reach(), "markLine": lines}]

    def _reach(self) -> list[list[float]]:
        """Invisible points that make the scale reach the lines which are near."""
        if not self._bars:
            return []
        seen = self._bars[-FIRST_VIEW:]
        high, low = max(one.high for one in seen), min(one.low for one in seen)
        last, room = self._bars[-1].close, float(high - low) * _NEAR
        return [[len(self._bars) - 1, float(one.price)] for one in self._lines if abs(float(one.price - last)) <= room]


def _bar(place: int, candle: Candle) -> list[float]:
    """A bar in ECharts' order: place, open, close, lowest, highest."""
    return [place, float(candle.open), float(candle.close), float(candle.low), float(candle.high)]


def _volume(place: int, candle: Candle) -> list[float]:
    return [place, float(candle.volume), int(candle.close >= candle.open)]


def _decimals(candles: Sequence[Candle]) -> int:
    """How many decimals the prices of these candles need."""
    prices = [text for one in candles[-60:] for text in (one.high_text, one.low_text, one.close_text)]
    texts = [text.partition(".")[2].rstrip("0") for text in prices]
    return min(max((len(text) for text in texts), default=2), _MOST_DECIMALS)
