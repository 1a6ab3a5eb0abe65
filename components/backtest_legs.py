"""Strategies beside the first one of a run: a card each, drawn when somebody adds it, gone when it is taken away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import AristobotError, InvalidInput
from aristobot.language import _
from aristobot.market import Timeframe
from components.backtest_fields import TIGHT, candles_there, pair_of
from components.backtest_parameters import ParameterFields
from components.focus import give_back
from components.source_fields import SourceFields, title_of
from components.trading_fields import MoneyField
from components.viewer import Viewer
from components.words import Words, labelled
from services.backtest_legs import MOST_LEGS, LegWish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.app import App

Span = tuple[datetime, datetime]


class LegCard(ui.element):
    """One strategy more, on a pair of its own."""

    def __init__(
        self, app: App, user: Viewer, mark: str, on_change: Callable[[], Awaitable[None]], on_remove: Callable[[], None]
    ) -> None:
        super().__init__("section")
        self.classes("bt-leg").mark(mark)
        self._app = app
        with self:
            with ui.element("div").classes("bt-leg-head"):
                self._title = Words("h3", "")
                self._away = ui.button(icon="close", on_click=on_remove).props("flat round dense").mark(f"{mark}-remove")
            self._source = SourceFields(app, user, mark)
            with ui.element("div").classes("pair-of-fields"):
                self.symbol = ui.input(_("Pair"), value="ETH/USDT").props("debounce=300 autocomplete=off").mark(f"{mark}-symbol")
                self.timeframe = ui.select([one.value for one in Timeframe], value="1h", label=_("Timeframe"))
                self.allotted = allotted_field(f"{mark}-allotted")
            for field in (self.symbol, self.timeframe.mark(f"{mark}-timeframe")):
                field.props(TIGHT).on_value_change(lambda: on_change())
            self._parameters = ParameterFields(f"{mark}-parameter")
            self._there = ui.label("").classes("small muted bt-there")
        self._source.tell(self._parameters, self._suggest)

    async def load(self) -> None:
        """Offer what can be tried."""
        await self._source.load()

    def focus(self) -> None:
        """Put the cursor on its first field."""
        self._source.focus()

    def place(self, number: int) -> None:
        """It stands at this place of the run, 2 or more."""
        name = _("Leg {number}", number=number)
        self._title.set_text(name)
        labelled(self._away, _("Take away {leg}", leg=name))

    def fields(self, at: int) -> dict[str, ValidationElement[Any]]:
        """Its fields by the names of errors; `at` counts from 0, the first leg of the run."""
        own = {"symbol": self.symbol, "timeframe": self.timeframe, "allotted": self.allotted, **self._parameters.fields}
        return {f"legs.{at}.{name}": field for name, field in own.items()}

    def wish(self, at: int) -> LegWish | None:
        """What it says; None while no strategy is chosen. Raises InvalidInput at the field that cannot be."""
        source = self._source.source
        if source is None:
            return None
        with _placed(at):
            return LegWish(
                strategy=title_of(source),
                text=source.text,
                symbol=pair_of(self.symbol.value),
                timeframe=str(self.timeframe.value),
                parameters=self._parameters.values(),
                allotted=allotment_of(self.allotted),
                version_id=source.version_id,
                template=source.template,
            )

    async def count(self, exchange: str, span: Span) -> int:
        """Say how much of its candles is in the store; how many are missing."""
        try:
            frame = Timeframe(str(self.timeframe.value))
            found = await self._app.backtester.candles.coverage(exchange, pair_of(self.symbol.value), frame, span)
        except AristobotError:
            self._there.set_text("")
            return 0
        self._there.set_text(candles_there(found))
        return found.missing

    def _suggest(self, timeframe: str) -> None:
        if timeframe in (self.timeframe.options or ()):
            self.timeframe.set_value(timeframe)


class BacktestLegs:
    """The cards, and the button that adds one."""

    def __init__(self, app: App, user: Viewer, on_change: Callable[[], Awaitable[None]]) -> None:
        self._app, self._user, self._on_change = app, user, on_change
        self.cards: list[LegCard] = []
        self._made = 0
        self._allotted = allotted_field("bt-allotted", _("Allotted to the first leg"))
        self._place = ui.element("div").classes("bt-legs")
        self._add = ui.button(_("Add a leg to the run"), icon="add", on_click=self.add).props("flat dense no-caps")
        self._add.classes("bt-add-leg").mark("add-leg")
        with self._add:
            ui.tooltip(_("One more strategy or pair, over the same balance"))
        self._arrange()

    async def add(self) -> None:
        """One more card at the end."""
        if len(self.cards) >= MOST_LEGS - 1:
            return
        self._made += 1
        with self._place:
            card = LegCard(self._app, self._user, f"leg{self._made}", self._on_change, lambda: self._remove(card))
        self.cards.append(card)
        self._arrange()
        await card.load()
        card.focus()
        await self._on_change()

    def clear(self) -> None:
        """None but the first leg."""
        for card in list(self.cards):
            self._remove(card)

    @property
    def fields(self) -> dict[str, ValidationElement[Any]]:
        """Every field by the names of errors."""
        found = {"allotted": self._allotted, "legs.0.allotted": self._allotted}
        return found | {name: field for at, card in enumerate(self.cards, 1) for name, field in card.fields(at).items()}

    def values(self) -> dict[str, Any]:
        """As a wish takes them. Raises InvalidInput at the field that cannot be."""
        if not self.cards:
            return {}
        with _placed(0):
            allotted = allotment_of(self._allotted)
        further = [card.wish(at) for at, card in enumerate(self.cards, 1)]
        return {"allotted": allotted, "further": tuple(one for one in further if one is not None)}

    async def count(self, exchange: str, span: Span) -> int:
        """Have every card say how much of its candles is there; how many are missing."""
        return sum([await card.count(exchange, span) for card in list(self.cards)])

    def _remove(self, card: LegCard) -> None:
        self.cards.remove(card)
        card.delete()
        self._arrange()
        give_back(self._add)

    def _arrange(self) -> None:
        for number, card in enumerate(self.cards, 2):
            card.place(number)
        self._allotted.set_visibility(bool(self.cards))
        self._add.set_visibility(len(self.cards) < MOST_LEGS - 1)


def allotted_field(mark: str, label: str = "") -> MoneyField:
    """How much of the balance a leg may spend."""
    field = MoneyField(label or _("Allotted"), "allotted").mark(mark).classes("whole-row")
    return field.props(f'stack-label placeholder="{_("all that is free")}"')


def allotment_of(field: MoneyField) -> Decimal | None:
    """The number of such a field; None when it is empty."""
    return field.amount if str(field.value or "").strip() else None


@contextmanager
def _placed(at: int) -> Iterator[None]:
    """Name the field of an error after its leg."""
    try:
        yield
    except InvalidInput as error:
        facts = {name: value for name, value in error.facts.items() if name != "field"}
        raise InvalidInput(error.code, field=f"legs.{at}.{error.field}", **facts) from None
