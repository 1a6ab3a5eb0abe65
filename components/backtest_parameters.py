"""The parameters that a strategy lists, as fields of a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import InvalidInput
from aristobot.language import _, typed
from components.backtest_fields import number_of
from components.notice import notice
from components.words import Words

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.strategy_parameters import Parameter


class ParameterFields:
    """Drawn anew for each strategy; while it is asked, a skeleton keeps the room."""

    def __init__(self, mark: str = "parameter") -> None:
        self._mark = mark
        self.fields: dict[str, ValidationElement[Any]] = {}
        self._listed: tuple[Parameter, ...] = ()
        self._refused = ""
        self._place = ui.element("div").classes("bt-parameters")

    def wait(self) -> None:
        """The strategy is being asked."""
        self._clear()
        with self._place:
            for _number in range(2):
                ui.skeleton(height="40px", animation="pulse")

    def refuse(self, words: str) -> None:
        """The strategy cannot run: say why."""
        self._clear()
        self._refused = words
        with self._place:
            notice(words, "bad")

    def show(self, listed: Sequence[Parameter]) -> None:
        """A field for each, with its default."""
        self._clear()
        self._listed = tuple(listed)
        with self._place:
            Words("h3", _("Parameters"))
            if not listed:
                Words("p", _("This strategy has no parameters."), "small muted")
            with ui.element("div").classes("pair-of-fields"):
                for one in listed:
                    self.fields[one.name] = self._field(one)

    def fill(self, values: Mapping[str, Any]) -> None:
        """Put values into the fields that are there."""
        for name, field in self.fields.items():
            if name in values:
                field.set_value(typed(values[name]) if isinstance(field, ui.input) else values[name])

    def values(self) -> dict[str, Any]:
        """What the fields say. Raises InvalidInput at the one that cannot be."""
        found = {}
        for one in self._listed:
            value: Any = self.fields[one.name].value if one.name in self.fields else one.default
            if one.kind in ("int", "float"):
                value = _read(one, value)
            found[one.name] = value
        return found

    def _clear(self) -> None:
        self._place.clear()
        self.fields, self._listed, self._refused = {}, (), ""

    def _field(self, one: Parameter) -> ValidationElement[Any]:
        if one.kind == "bool" or one.options:
            options = {option: typed(option) for option in one.options or (True, False)}
            field: ValidationElement[Any] = ui.select(options, value=one.default, label=one.name)
        else:
            field = ui.input(one.name, value=typed(one.default))
            if one.kind != "str":
                field.props("inputmode=decimal").classes("amount")
                field.props["hint"] = bounds(one)
        field.props("outlined dense").mark(f"{self._mark}-{one.name}")
        return field


def bounds(one: Parameter) -> str:
    """Between which values it may be, as people write them; empty where both sides are open."""
    if one.low is not None and one.high is not None:
        return f"{typed(one.low)} – {typed(one.high)}"
    return f"≥ {typed(one.low)}" if one.low is not None else f"≤ {typed(one.high)}" if one.high is not None else ""


def _read(one: Parameter, text: Any) -> float:
    if not str(text or "").strip():
        raise InvalidInput("not_a_number", field=one.name, value="")
    value = float(number_of(text, one.name))
    outside = (one.low is not None and value < one.low) or (one.high is not None and value > one.high)
    if outside or (one.kind == "int" and value != int(value)):
        raise InvalidInput("parameter_out_of_range", field=one.name, bounds=bounds(one))
    return int(value) if one.kind == "int" else value
