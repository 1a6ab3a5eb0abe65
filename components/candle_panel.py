"""The chart with its choice of timeframes, of one symbol of one exchange: loaded, followed, and repaired by itself.

panel = CandlePanel(app, live)
await panel.show("binance", "BTC/USDT")
panel.annotate("BTC/USDT", [PriceLine(LineKind.STOP, Decimal("58800"), "SL")])
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import CandleUpdated
from aristobot.language import _, explain
from aristobot.market import Candle, Symbol, Timeframe
from components import ahead, formats
from components.candle_chart import CandleChart
from components.candle_feed import CandleFeed
from components.chart_marks import FillMark, PriceLine
from components.empty_state import empty_state, error_state, loading_state
from components.live import Live
from components.words import Words, labelled

if TYPE_CHECKING:
    from services.app import App

#: Bars that are loaded, and how often a second a moving one is drawn.
BARS = 240
PER_SECOND = 8


class CandlePanel:
    """A framed chart. `head` has room for what a page wants beside the timeframes.

    The chart comes with its first candles, so that the page need not wait for it; its room is kept from the start.
    """

    def __init__(self, app: App, live: Live, *, timeframe: Timeframe = Timeframe.M5, classes: str = "") -> None:
        self._app = app
        self._exchange, self._symbol = "", ""
        self._loading = 0
        self._covered: Callable[..., object] | None = None
        self._settling = False
        self._shown: tuple[str, Symbol, Timeframe] | None = None
        self._chart: CandleChart | None = None
        self._marks: tuple[Symbol, Sequence[PriceLine], Sequence[FillMark]] = ("", (), ())
        ahead.at_once(ahead.CHART)
        with ui.element("section").classes(f"panel {classes}"):
            with ui.element("div").classes("panel-head") as self.head:
                self._title = Words("h2", "")
                self._choice = (
                    ui.toggle([timeframe.value], value=timeframe.value).props("no-caps unelevated").classes("small-toggle")
                )
                labelled(self._choice, _("Timeframe")).mark("timeframe")
            with ui.element("div").classes("chart-box") as self._box:
                self._shade = ui.element("div").classes("chart-shade")
                self._told = Words("p", "", "visually-hidden")
        self._cover(loading_state)
        self._feed = CandleFeed(app)
        self._choice.on_value_change(self._chosen)
        live.latest(CandleUpdated, do=self._moved, max_fps=PER_SECOND)

    @property
    def timeframe(self) -> Timeframe:
        """The timeframe that is shown."""
        return Timeframe(self._choice.value)

    async def show(self, exchange: str, symbol: Symbol) -> None:
        """Show another symbol, in the same timeframe where its exchange has it."""
        self.frame(exchange, symbol)
        self._feed.look(exchange, symbol)
        await self._load()

    def frame(self, exchange: str, symbol: Symbol) -> None:
        """Say what will be shown, before anything of it is known."""
        self._exchange, self._symbol = exchange, symbol
        self._title.set_text(symbol)
        offered = self._app.candles.offered(exchange)
        chosen = self.timeframe if self.timeframe in offered else offered[0]
        self._settling = True  # a choice that is made here is no wish of the user's
        self._choice.set_options([one.value for one in offered], value=chosen.value)
        self._settling = False

    def annotate(self, symbol: Symbol, lines: Sequence[PriceLine], fills: Sequence[FillMark]) -> None:
        """Draw these marks on the chart of this symbol, now or when it is shown, instead of those drawn so far."""
        self._marks = (symbol, lines, fills)
        if self._chart is not None and self._chart.symbol == symbol:
            self._chart.annotate(lines, fills)

    def _drawn(self) -> CandleChart:
        """The chart, below whatever covers it."""
        if self._chart is None:
            with self._box:
                self._chart = CandleChart(_("Chart of candles"))
            self._chart.move(target_index=0)
        return self._chart

    async def _chosen(self, _event: object) -> None:
        if not self._settling:
            await self._load()

    async def _load(self) -> None:
        """Fetch the last candles and draw them; a newer choice wins over the answer to an older one."""
        self._loading += 1
        mine, exchange, symbol, timeframe = self._loading, self._exchange, self._symbol, self.timeframe
        if (exchange, symbol, timeframe) != self._shown:
            self._cover(loading_state)
        try:
            found = await self._app.candles.window(exchange, symbol, timeframe, BARS)
        except AristobotError as error:
            if mine == self._loading:
                self._cover(error_state, _("The candles could not be read"), explain(error), self._load)
            return
        if mine == self._loading:
            self._shown = (exchange, symbol, timeframe)
            self._draw(found)

    def _draw(self, found: Sequence[Candle]) -> None:
        """Show these candles of what was chosen, or say that there are none; the chart comes with the first there are."""
        if found or self._chart is not None:
            self._drawn().load(self._symbol, self.timeframe, found)
            self.annotate(*self._marks)
        self._told.set_text(in_words(self.timeframe, found))
        if found:
            self._covered = None
            self._shade.set_visibility(False)
        else:
            self._cover(empty_state, "candlestick_chart", _("No candle yet"), _("The exchange has none of this symbol."))

    def _cover(self, draw: Callable[..., object], *words: Any) -> None:
        """Say something instead of the chart, which keeps its room below."""
        if draw is loading_state and self._covered is draw:
            return
        self._covered = draw
        self._shade.clear()
        with self._shade:
            draw(*words)
        self._shade.set_visibility(True)

    def _moved(self, event: CandleUpdated) -> Awaitable[None] | None:
        candle = event.candle
        if (event.exchange, candle.symbol, candle.timeframe) != self._shown:
            return None
        bars = self._chart.bars if self._chart is not None else ()
        if bars and candle.open_time > bars[-1].close_time:
            return self._catch_up(candle)
        self._put(candle)
        return None

    async def _catch_up(self, candle: Candle) -> None:
        """Something was missed: it is read. Where the exchange has nothing in between, the candle follows all the same."""
        shown = self._shown
        await self._load()
        if self._shown == shown and self._covered is not error_state:
            self._put(candle)

    def _put(self, candle: Candle) -> None:
        if self._chart is not None and self._chart.bars:
            self._chart.push(candle)
        else:
            self._draw([candle])  # the first one there is


def in_words(timeframe: Timeframe, candles: Sequence[Candle]) -> str:
    """What the chart shows, for whoever does not see it; as of when it was drawn."""
    if not candles:
        return ""
    highest, lowest = max(one.high for one in candles), min(one.low for one in candles)
    return _(
        "{count} candles of {timeframe} since {since}: from {first} to {last}, highest {highest}, lowest {lowest}.",
        count=len(candles),
        timeframe=timeframe.value,
        since=formats.day_and_hour(candles[0].open_time),
        first=formats.price(candles[0].open),
        last=formats.price(candles[-1].close),
        highest=formats.price(highest),
        lowest=formats.price(lowest),
    )
