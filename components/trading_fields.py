"""Fields for amounts: what is typed, in French or English notation, becomes an exact number, and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from nicegui import ui

from aristobot.errors import InvalidInput
from aristobot.language import current_language, explain
from aristobot.money import ZERO, plain, typed_amount
from components import formats

Typed = Callable[[str], Awaitable[None]]


def decimal_mark() -> str:
    """What stands before the decimals in the reader's language."""
    return "," if current_language() == "fr" else "."


def written(value: Decimal) -> str:
    """An amount as the reader would type it: every digit, no groups; zero is an empty field."""
    return plain(value).replace(".", decimal_mark()) if value else ""


class AmountField(ui.input):
    """One amount. `name` is its name in errors; `on_typed` gets it when the user, and not the form itself, has changed it.

    While somebody is in the field, the form writes nothing there: what is on its way would replace what they type meanwhile.
    """

    def __init__(self, label: str, name: str, on_typed: Typed | None = None) -> None:
        super().__init__(label)
        self.props(
            "outlined dense hide-bottom-space inputmode=decimal autocomplete=off"
        )  # no debounce: an Enter must not overtake the last digit
        self.classes("amount").mark(name)
        self.field_name = name
        self._on_typed = on_typed
        self._writing = self._entered = False
        self.on_value_change(self._changed)
        self.on("focus", self._enter, args=[])
        self.on("blur", self._leave, args=[])

    @property
    def amount(self) -> Decimal:
        """What stands there; zero when nothing does. Raises InvalidInput."""
        return typed_amount(str(self.value or ""), decimal_mark(), self.field_name)

    def write(self, value: Decimal) -> None:
        """Write an amount, without calling anybody."""
        text = written(value)
        if text != (self.value or "") and not self._entered:
            self._writing = True
            self.set_value(text)
            self._writing = False

    def wipe(self) -> None:
        """Empty it, whoever is in it."""
        self._entered = False
        self.write(ZERO)

    def _enter(self) -> None:
        self._entered = True

    def _leave(self) -> None:
        self._entered = False
        self.update()  # what was written just before somebody came shows no longer: here stands what counts

    def unit(self, words: str) -> None:
        """What it is counted in."""
        self.props["suffix"] = words

    def _changed(self) -> Awaitable[None] | None:
        if self._writing or self._on_typed is None:
            return None
        self.error = self._fault()
        return self._on_typed(self.field_name)  # of what cannot be read too: figures of what stood there before must go

    def _fault(self) -> str | None:
        try:
            typed_amount(str(self.value or ""), decimal_mark(), self.field_name)
        except InvalidInput as error:
            return explain(error)
        return None


class MoneyField(AmountField):
    """An amount of money, written as everywhere while nobody is in it: grouped, to the cent; an empty one stays empty."""

    def __init__(self, label: str, name: str, value: Decimal | int = ZERO) -> None:
        super().__init__(label, name)
        self.write(Decimal(value))

    def write(self, value: Decimal) -> None:
        """Write an amount."""
        text = formats.number(value, 2) if value else ""
        if text != (self.value or ""):
            self.set_value(text)

    def _leave(self) -> None:
        super()._leave()
        try:
            self.write(self.amount)
        except InvalidInput:
            return  # what cannot be read stays for whoever typed it
