"""What a backtest and a search are asked alike: on which candles, with how much money, at which costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import AristobotError, InvalidInput
from aristobot.language import _, typed
from aristobot.market import Timeframe
from aristobot.money import amount
from components.date_field import DateField
from components.trading_fields import MoneyField
from components.words import Words
from services.backtest_candles import Coverage

if TYPE_CHECKING:
    from services.app import App

_YEAR = timedelta(days=365)
_CAPITAL = Decimal(10_000)
#: Costs that the form shows in per cent and a run takes as fractions.
_IN_PERCENT = ("maker", "taker", "slippage_range")
TIGHT = "outlined dense hide-bottom-space"


class SeriesFields:
    """Exchange, pair, timeframe, capital and span; below, when it has been drawn, how much of it is in the store."""

    def __init__(self, app: App, mark: str) -> None:
        self._app = app
        self.beside: Callable[[str, tuple[datetime, datetime]], Awaitable[int]] = _nothing_beside
        exchanges = {one: app.gateway.factory(one).title for one in app.gateway.exchanges()}
        today = app.clock.now().date()
        with ui.element("div").classes("pair-of-fields"):
            self.exchange = ui.select(exchanges, value=app.settings.market_exchange, label=_("Exchange"))
            self.symbol = ui.input(_("Pair"), value="BTC/USDT").props("debounce=300 autocomplete=off")
            self.timeframe = ui.select([one.value for one in Timeframe], value="1h", label=_("Timeframe"))
            self.cash = MoneyField(_("Starting capital"), "cash", _CAPITAL)
            self.since = DateField(_("From"), "since", today - _YEAR)
            self.until = DateField(_("To"), "until", today)
        self.fields: dict[str, ValidationElement[Any]] = {
            "exchange": self.exchange, "symbol": self.symbol, "timeframe": self.timeframe, "cash": self.cash,
            "since": self.since, "until": self.until,
        }  # fmt: skip
        for name, field in self.fields.items():
            field.props(TIGHT).mark(f"{mark}-{name}")

    def draw_coverage(self, mark: str) -> None:
        """Draw what is there, and the box that has the rest downloaded."""
        self._there = ui.label("").classes("small muted bt-there")
        self._fetch = ui.checkbox(_("Download what is missing first"), value=True).props("dense").mark(f"{mark}-fetch")
        self._fetch.set_visibility(False)
        for field in (self.exchange, self.symbol, self.timeframe):
            field.on_value_change(self.count)
        for day in (self.since, self.until):
            day.on_day(self.count)

    def values(self) -> dict[str, Any]:
        """What the fields say, by the names of a wish. Raises InvalidInput at the one that cannot be."""
        return {
            "exchange": str(self.exchange.value),
            "symbol": pair_of(self.symbol.value),
            "timeframe": str(self.timeframe.value),
            "since": self.since.moment,
            "until": self.until.moment,
            "cash": self.cash.amount,
            "fetch": bool(self._fetch.value) and self._fetch.visible,
        }

    def fill(self, given: Mapping[str, Any]) -> None:
        """Put values into the fields."""
        for name in ("exchange", "symbol", "timeframe"):
            self.fields[name].set_value(str(given[name]))
        self.cash.write(given["cash"])
        self.since.write(given["since"].date())
        self.until.write(given["until"].date())

    def suggest(self, timeframe: str) -> None:
        """Choose the timeframe that a strategy is made for."""
        if timeframe in self.timeframe.options:
            self.timeframe.set_value(timeframe)

    async def count(self, _event: object = None) -> None:
        """Say how much of the history is there; `beside` says how many candles are missing that are needed besides."""
        try:
            span = (self.since.moment, self.until.moment)
            frame = Timeframe(str(self.timeframe.value))
            found = await self._app.backtester.candles.coverage(str(self.exchange.value), pair_of(self.symbol.value), frame, span)
            beside = await self.beside(str(self.exchange.value), span)
        except AristobotError:
            self._there.set_text("")
            self._fetch.set_visibility(False)
            return
        self._there.set_text(candles_there(found))
        self._fetch.set_visibility(found.missing + beside > 0)


class CostFields:
    """Fees, slippage, latency."""

    def __init__(self, mark: str) -> None:
        self.fields: dict[str, ValidationElement[Any]] = {}
        names = {
            "maker": (_("Maker fee"), "", "%"),
            "taker": (_("Taker fee"), "", "%"),
            "slippage_bps": (_("Slippage"), "1", _("bps")),
            "slippage_range": (_("Slippage of the range"), "0", "%"),
            "latency": (_("Latency"), "0", "s"),
        }
        Words("h3", _("Costs"))
        with ui.element("div").classes("pair-of-fields"):
            for name, (label, value, unit) in names.items():
                field = ui.input(label, value=value, placeholder=_("of the pair"), suffix=unit).mark(f"{mark}-{name}")
                self.fields[name] = field.props(f"{TIGHT} inputmode=decimal stack-label").classes("amount")
            assets = {"quote": _("in the quote"), "base": _("in the coins bought")}
            asset = ui.select(assets, value="quote", label=_("Fee of a purchase")).mark(f"{mark}-fee_asset")
            self.fields["fee_asset"] = asset.props(TIGHT).classes("whole-row")

    def values(self) -> dict[str, str | None]:
        """As a run takes them: fees and shares as fractions, which the form shows in per cent."""
        return {name: _cost(name, field.value) for name, field in self.fields.items()}

    def fill(self, costs: Mapping[str, Any]) -> None:
        """Put the costs of a run into the fields."""
        for name, field in self.fields.items():
            value = costs.get(name)
            if name == "fee_asset":
                field.set_value(value or "quote")
            elif value is None:
                field.set_value("" if name in ("maker", "taker") else "0")
            else:
                shown = Decimal(str(value)) * (100 if name in _IN_PERCENT else 1)
                field.set_value(typed(shown))


def pair_of(text: object) -> str:
    """A pair as it was typed."""
    return str(text or "").strip().upper()


def candles_there(found: Coverage) -> str:
    """How much of a history is in the store, in words."""
    from services.backtest_words import number

    there, missing = number(found.there, 0), number(found.missing, 0)
    return _("Candles in the store: {there}. Missing: {missing}.", there=there, missing=missing)


async def _nothing_beside(_exchange: str, _span: tuple[datetime, datetime]) -> int:
    return 0


def number_of(text: object, field: str) -> Decimal:
    """A number as people write it, or InvalidInput; nothing is zero."""
    try:
        return amount(str(text or "0").replace(",", ".").replace("\u00a0", "").replace("\u202f", "").replace(" ", ""))
    except AristobotError:
        raise InvalidInput("not_a_number", field=field, value=str(text)[:40]) from None


def _cost(name: str, text: object) -> str | None:
    if name == "fee_asset":
        return str(text)
    if name in ("maker", "taker") and not str(text or "").strip():
        return None
    number = number_of(text, name)
    return str(number / 100 if name in _IN_PERCENT else number)
