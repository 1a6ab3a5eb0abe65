"""Which parameters a search varies, and within which bounds: a row of the form for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import InvalidInput
from aristobot.language import _, typed
from components.backtest_fields import number_of
from components.backtest_parameters import bounds
from components.notice import notice
from components.words import Words, labelled

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.strategy_parameters import Parameter

#: How many levels a range is offered in, and how many parameters vary at first.
_LEVELS, _FIRST = 10, 2
_TIGHT = "outlined dense hide-bottom-space"


class RangeFields:
    """Drawn anew for each strategy; while it is asked, skeletons keep the room."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._refused = ""
        self._place = ui.element("div").classes("bt-parameters")

    @property
    def fields(self) -> dict[str, ValidationElement[Any]]:
        """The first field of each row, where its fault is told."""
        return {row.name: row.first for row in self._rows}

    def wait(self) -> None:
        """The strategy is being asked."""
        self._clear()
        with self._place:
            for _number in range(2):
                ui.skeleton(height="72px", animation="pulse")

    def refuse(self, words: str) -> None:
        """The strategy cannot run: say why."""
        self._clear()
        with self._place:
            notice(words, "bad")

    def show(self, listed: Sequence[Parameter]) -> None:
        """A row for each; the first ones that can vary do."""
        self._clear()
        with self._place:
            Words("h3", _("Parameters to search"))
            if not listed:
                Words("p", _("This strategy has no parameters."), "small muted")
            for one in listed:
                varied = sum(row.varies for row in self._rows)
                self._rows.append(_Row(one, varies=varied < _FIRST and _can_vary(one)))

    def fill(self, asked: Mapping[str, str]) -> None:
        """Put what was asked before into the rows."""
        for row in self._rows:
            if row.name in asked:
                row.fill(asked[row.name])

    def asked(self) -> dict[str, str]:
        """What is asked of each, as a search reads it. Raises InvalidInput at the one that cannot be."""
        if not any(row.varies for row in self._rows):
            raise InvalidInput("nothing_to_vary", field=self._rows[0].name if self._rows else "strategy")
        return {row.name: row.asked() for row in self._rows}

    def _clear(self) -> None:
        self._place.clear()
        self._rows = []


class _Row:
    """One parameter: does it vary, from where to where and in which steps, or which value it has."""

    def __init__(self, parameter: Parameter, *, varies: bool) -> None:
        self._parameter, self.name = parameter, parameter.name
        self._options = _options(parameter)
        with ui.element("div").classes("st-range"):
            self._vary = ui.checkbox(self.name, value=varies, on_change=self._switch).props("dense")
            labelled(self._vary, _("Vary {name}", name=self.name)).mark(f"vary-{self.name}")
            self._vary.set_enabled(_can_vary(parameter) or parameter.kind in ("int", "float"))
            with ui.element("div").classes("st-bounds") as self._bounds:
                low, high, step = _suggested(parameter)
                self._low = _number_field(_("From value"), low, f"low-{self.name}")
                self._high = _number_field(_("To value"), high, f"high-{self.name}")
                self._step = _number_field(_("Step"), step, f"step-{self.name}")
            self._every = Words("span", ", ".join(typed(one) for one in self._options), "small muted")
            if self._options:
                self._value: ValidationElement[Any] = ui.select(
                    {one: typed(one) for one in self._options}, value=parameter.default, label=_("Value")
                )
            else:
                self._value = ui.input(_("Value"), value=typed(parameter.default)).props("inputmode=decimal").classes("amount")
            self._value.props(_TIGHT).mark(f"value-{self.name}")
        self._switch()

    @property
    def varies(self) -> bool:
        """Whether it is searched."""
        return bool(self._vary.value)

    @property
    def first(self) -> ValidationElement[Any]:
        """Where its fault is told."""
        return self._low if self.varies and not self._options else self._value

    def fill(self, asked: str) -> None:
        """As it was asked before."""
        parts = asked.split(":")
        self._vary.set_value(len(parts) > 1 or "," in asked)
        for field, text in zip((self._low, self._high, self._step), parts if len(parts) > 1 else (), strict=False):
            field.set_value(typed(float(text)))
        if len(parts) == 1 and "," not in asked:
            known = {str(one): one for one in self._options}
            counts = self._parameter.kind in ("int", "float")
            self._value.set_value(known.get(asked, typed(float(asked)) if counts else asked))

    def asked(self) -> str:
        """As a search reads it."""
        if not self.varies:
            return str(self._value.value) if self._options or self._parameter.kind == "str" else self._checked(self._value)
        if self._options:
            return ",".join(str(one) for one in self._options)
        low, high = self._checked(self._low), self._checked(self._high)
        step = str(self._step.value or "").strip()
        if float(low) >= float(high):
            raise InvalidInput("range_upside_down", field=self.name, low=typed(float(low)), high=typed(float(high)))
        return f"{low}:{high}:{self._checked(self._step)}" if step else f"{low}:{high}"

    def _checked(self, field: ValidationElement[Any]) -> str:
        number = number_of(field.value, self.name)
        low, high = self._parameter.low, self._parameter.high
        if field is not self._step and ((low is not None and number < low) or (high is not None and number > high)):
            raise InvalidInput("parameter_out_of_range", field=self.name, bounds=bounds(self._parameter))
        return f"{number.normalize():f}"

    def _switch(self, _event: object = None) -> None:
        self._bounds.set_visibility(self.varies and not self._options)
        self._every.set_visibility(self.varies and bool(self._options))
        self._value.set_visibility(not self.varies)


def _can_vary(one: Parameter) -> bool:
    return bool(_options(one)) or (one.kind in ("int", "float") and one.low is not None and one.high is not None)


def _options(one: Parameter) -> tuple[Any, ...]:
    return (False, True) if one.kind == "bool" else tuple(one.options)


def _suggested(one: Parameter) -> tuple[str, str, str]:
    """Bounds of its own, or around its default, in about ten levels."""
    if one.kind not in ("int", "float"):
        return "", "", ""
    default = float(one.default)
    low = one.low if one.low is not None else default / 2
    high = one.high if one.high is not None else default * 2
    step = one.step or (max(1, round((high - low) / _LEVELS)) if one.kind == "int" else (high - low) / _LEVELS)
    return typed(float(low)), typed(float(high)), typed(float(f"{step:.4g}"))


def _number_field(label: str, value: str, mark: str) -> ui.input:
    return ui.input(label, value=value).props(f"{_TIGHT} inputmode=decimal stack-label").classes("amount").mark(mark)
