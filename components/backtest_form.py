"""What to try: a strategy on a pair, over a time, with its parameters, at these costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nicegui import background_tasks, ui

from aristobot.language import _
from aristobot.market import BITCOIN, Timeframe
from components.backtest_fields import CostFields, SeriesFields, pair_of
from components.backtest_legs import BacktestLegs
from components.backtest_parameters import ParameterFields
from components.buttons import main_button
from components.candle_import import CandleImport
from components.fee_offer import FeeOffer
from components.form import submitting
from components.page_head import panel
from components.source_fields import SourceFields, title_of
from components.viewer import Viewer, for_traders
from services.backtest_wish import Wish

if TYPE_CHECKING:
    from services.app import App


class BacktestForm:
    """The panel on the left; `on_start` gets what the user wants to try."""

    def __init__(self, app: App, user: Viewer, on_start: Callable[[Wish], Awaitable[None]]) -> None:
        self._app, self._user, self._on_start = app, user, on_start
        with panel(_("What to try"), "bt-form"), ui.element("form").classes("panel-body").props("novalidate") as form:
            self._source = SourceFields(app, user, "bt")
            self._series = SeriesFields(app, "bt")
            self._parameters = ParameterFields()
            self._legs = BacktestLegs(app, user, self._series.count)
            self._costs = CostFields("bt")
            self._fees = FeeOffer(app, user, self._series, self._costs, "bt")
            self._detail = ui.checkbox(_("Follow the minutes inside larger candles")).props("dense").mark("bt-detail")
            self._series.draw_coverage("bt")
            self._bitcoin = ui.label("").classes("small muted bt-there")
            bring = ui.button(_("Candles from a file"), icon="upload_file", on_click=self._bring_in).props("flat dense no-caps")
            for_traders(bring.classes("bt-add-leg"), user).mark("candle-file")
            self.button = for_traders(main_button(_("Run the backtest"), icon="play_arrow", on_click=self.submit), user)
            self.button.classes("bt-go").mark("bt-run")
        self._series.beside = self._missing_beside
        self._source.tell(self._parameters, self._series.suggest)
        self._whole = form
        form.on("submit.prevent", self.submit)

    async def load(self, wanted: str = "") -> None:
        """Offer what can be tried; `wanted` is the id or name of what is chosen first."""
        await self._series.count()
        await self._source.load(wanted)
        background_tasks.create(self._fees.tell(), name="fees of a run")

    async def fill(self, wanted: str, given: Mapping[str, Any], parameters: Mapping[str, Any], costs: Mapping[str, Any]) -> None:
        """Put a run into the form: `wanted` names the strategy, `given` the fields of the series."""
        if not await self._source.load(wanted):
            return  # the strategy is gone: its parameters fit no other
        self._series.fill(given)
        self._costs.fill(costs)
        self._parameters.fill(parameters)
        self._legs.clear()
        await self._series.count()

    def focus(self) -> None:
        """Bring it into view and put the cursor on the first field."""
        self._whole.run_method("scrollIntoView", {"block": "start"})
        self._source.focus()

    async def submit(self, _event: object = None) -> None:
        """Start what the form says; what cannot be is told at its field."""
        if self._source.source is None or not self._user.may_trade:
            return
        fields = {**self._series.fields, **self._costs.fields, **self._parameters.fields, **self._legs.fields}
        fields["legs.0.symbol"] = self._series.symbol
        async with submitting(self.button, fields):
            source = self._source.source
            wish = Wish(
                strategy=title_of(source),
                text=source.text,
                parameters=self._parameters.values(),
                costs=self._costs.values(),
                detail=bool(self._detail.value),
                version_id=source.version_id,
                template=source.template,
                **self._series.values(),
                **self._legs.values(),
            )
            await self._on_start(wish)

    def _bring_in(self) -> None:
        CandleImport(self._app, self._series.count).open(self._series.fields)

    async def _missing_beside(self, exchange: str, span: tuple[datetime, datetime]) -> int:
        """How many candles of other legs and of bitcoin, which every run is compared with, are not in the store."""
        return await self._legs.count(exchange, span) + await self._missing_bitcoin(exchange, span)

    async def _missing_bitcoin(self, exchange: str, span: tuple[datetime, datetime]) -> int:
        played = [(self._series.symbol, self._series.timeframe), *((one.symbol, one.timeframe) for one in self._legs.cards)]
        symbols = {pair_of(symbol.value) for symbol, _frame in played}
        frame = min((Timeframe(str(frame.value)) for _symbol, frame in played), key=lambda one: one.seconds)
        quote = min(symbols).partition("/")[2]
        wanted = f"{BITCOIN}/{quote}"
        self._bitcoin.set_text("")
        if quote == BITCOIN or symbols == {wanted}:
            return 0
        missing = (await self._app.backtester.candles.coverage(exchange, wanted, frame, span)).missing
        if missing:
            words = _("To compare with holding bitcoin, {count} candles of {symbol} are missing.", count=missing, symbol=wanted)
            self._bitcoin.set_text(words)
        return missing
