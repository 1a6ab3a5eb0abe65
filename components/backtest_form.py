"""What to try: a strategy on a pair, over a time, with its parameters, at these costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import AristobotError, InvalidInput
from aristobot.language import _, explain
from aristobot.market import Timeframe
from aristobot.money import amount
from components.backtest_parameters import ParameterFields
from components.buttons import main_button
from components.form import submitting
from components.page_head import panel
from components.viewer import Viewer, for_traders
from components.words import Words
from services.backtest_sources import Source
from services.backtest_wish import Wish

if TYPE_CHECKING:
    from services.app import App

_YEAR = timedelta(days=365)


class BacktestForm:
    """The panel on the left; `on_start` gets what the user wants to try."""

    def __init__(self, app: App, user: Viewer, on_start: Callable[[Wish], Awaitable[None]]) -> None:
        self._app, self._user, self._on_start = app, user, on_start
        self._sources: Sequence[Source] = ()
        with panel(_("What to try"), "bt-form"), ui.element("form").classes("panel-body").props("novalidate") as form:
            self._strategy = ui.select([], label=_("Strategy")).props("outlined").mark("bt-strategy")
            self._draw_series()
            self._parameters = ParameterFields()
            self._draw_costs()
            self._there = ui.label("").classes("small muted bt-there")
            self._fetch = ui.checkbox(_("Download what is missing first"), value=True).props("dense").mark("bt-fetch")
            self._button = for_traders(main_button(_("Run the backtest"), icon="play_arrow", on_click=self.submit), user)
            self._button.mark("bt-run")
        form.on("submit.prevent", self.submit)
        self._fetch.set_visibility(False)
        self._strategy.on_value_change(self._chosen)
        for one in (self._exchange, self._symbol, self._timeframe, self._since, self._until):
            one.on_value_change(self._count)

    def _draw_series(self) -> None:
        exchanges = {one: self._app.gateway.factory(one).title for one in self._app.gateway.exchanges()}
        with ui.element("div").classes("pair-of-fields"):
            self._exchange = ui.select(exchanges, value=self._app.settings.market_exchange, label=_("Exchange"))
            self._symbol = ui.input(_("Pair"), value="BTC/USDT").props("debounce=300 autocomplete=off").mark("bt-symbol")
            self._timeframe = ui.select([one.value for one in Timeframe], value="1h", label=_("Timeframe")).mark("bt-timeframe")
            self._cash = ui.input(_("Starting capital"), value="10000").props("inputmode=decimal").mark("bt-cash")
            today = self._app.clock.now().date()
            self._since = ui.input(_("From"), value=(today - _YEAR).isoformat()).props("type=date stack-label").mark("bt-since")
            self._until = ui.input(_("To"), value=today.isoformat()).props("type=date stack-label").mark("bt-until")
        for one in (self._exchange, self._symbol, self._timeframe, self._cash, self._since, self._until):
            one.props("outlined dense hide-bottom-space")

    def _draw_costs(self) -> None:
        self._costs: dict[str, ui.input] = {}
        names = {
            "maker": (_("Maker fee"), "", "%"),
            "taker": (_("Taker fee"), "", "%"),
            "slippage_bps": (_("Slippage"), "1", _("bps")),
            "latency": (_("Latency"), "0", "s"),
        }
        Words("h3", _("Costs"))
        with ui.element("div").classes("pair-of-fields"):
            for name, (label, value, unit) in names.items():
                field = ui.input(label, value=value, placeholder=_("of the pair"), suffix=unit).mark(f"bt-{name}")
                field.classes("amount")
                self._costs[name] = field.props("outlined dense hide-bottom-space inputmode=decimal stack-label").classes(
                    "amount"
                )
        Words("p", _("Without a fee, the pair’s own is taken."), "small muted")

    async def load(self, wanted: str = "") -> None:
        """Offer what can be tried; `wanted` is the id or name of what is chosen first."""
        self._sources = await self._app.backtester.sources.every(self._user.id)
        names = {at: _named(one) for at, one in enumerate(self._sources)}
        chosen = next((at for at, one in enumerate(self._sources) if wanted and one.answers(wanted.casefold())), 0)
        self._strategy.set_options(names, value=chosen)
        await self._count()

    def focus(self) -> None:
        """Put the cursor on the first field."""
        self._strategy.run_method("focus")

    async def submit(self, _event: object = None) -> None:
        """Start what the form says; what cannot be is told at its field."""
        if self._strategy.value is None or not self._user.may_trade:
            return
        fields: dict[str, ValidationElement[Any]] = {
            "since": self._since, "until": self._until, "symbol": self._symbol, "cash": self._cash, **self._costs,
            **self._parameters.fields,
        }  # fmt: skip
        async with submitting(self._button, fields):
            await self._on_start(self._wish())

    def _wish(self) -> Wish:
        source = self._sources[int(self._strategy.value)]
        return Wish(
            strategy=source.name if source.version_id else _(source.name),
            text=source.text,
            exchange=str(self._exchange.value),
            symbol=str(self._symbol.value or "").strip().upper(),
            timeframe=str(self._timeframe.value),
            since=_day(self._since.value, "since"),
            until=_day(self._until.value, "until"),
            parameters=self._parameters.values(),
            costs={name: _cost(name, field.value) for name, field in self._costs.items()},
            cash=_number(self._cash.value, "cash"),
            fetch=bool(self._fetch.value) and self._fetch.visible,
            version_id=source.version_id,
            template=source.template,
        )

    async def _chosen(self, _event: object = None) -> None:
        """Ask the strategy for its parameters; one that cannot run says why."""
        if self._strategy.value is None or not self._user.may_trade:
            return
        source = self._sources[int(self._strategy.value)]
        self._parameters.wait()
        try:
            told = await self._app.backtester.sources.described(self._user.id, source.text)
        except AristobotError as error:
            self._parameters.refuse(explain(error))
            return
        self._parameters.show(told.parameters)
        if told.timeframe in self._timeframe.options:
            self._timeframe.set_value(told.timeframe)

    async def _count(self, _event: object = None) -> None:
        """Say how much of the history is there."""
        try:
            span = (_day(self._since.value, "since"), _day(self._until.value, "until"))
            frame, symbol = Timeframe(str(self._timeframe.value)), str(self._symbol.value or "").strip().upper()
            found = await self._app.backtester.candles.coverage(str(self._exchange.value), symbol, frame, span)
        except AristobotError:
            self._there.set_text("")
            self._fetch.set_visibility(False)
            return
        from services.backtest_words import number

        there, missing = number(found.there, 0), number(found.missing, 0)
        self._there.set_text(_("Candles in the store: {there}. Missing: {missing}.", there=there, missing=missing))
        self._fetch.set_visibility(found.missing > 0)


def _named(source: Source) -> str:
    if source.version_id is None:
        return _("Template: {name}", name=_(source.name))
    return f"{source.name} · v{source.number}"


def _day(text: object, field: str) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput("not_a_date", field=field, value=str(text)[:40]) from None


def _number(text: object, field: str) -> Decimal:
    try:
        return amount(str(text or "0").replace(",", ".").replace("\u00a0", "").replace(" ", ""))
    except AristobotError:
        raise InvalidInput("not_a_number", field=field, value=str(text)[:40]) from None


def _cost(name: str, text: object) -> str | None:
    """As the run wants it: fees as fractions, which the form shows in per cent."""
    fee = name in ("maker", "taker")
    if fee and not str(text or "").strip():
        return None
    return str(_number(text, name) / 100 if fee else _number(text, name))
