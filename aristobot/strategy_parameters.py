"""The parameters of a strategy: what `hyperparameters()` lists, checked, and the values of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from aristobot.errors import StrategyError
from aristobot.strategy import Strategy

KINDS: dict[object, str] = {int: "int", float: "float", bool: "bool", str: "str", "categorical": "str"}
Value = int | float | bool | str


class Parameter(msgspec.Struct, frozen=True):
    """One parameter: a line of the form. `kind` is int, float, bool or str; bounds of None are open."""

    name: str
    kind: str
    default: Value
    low: float | None = None
    high: float | None = None
    step: float | None = None
    options: tuple[Value, ...] = ()

    def checked(self, value: object) -> Value:
        """The value in the parameter's kind; raise StrategyError `bad_strategy_parameter` for what it cannot be."""
        try:
            found: Value = _READ[self.kind](value)
        except (TypeError, ValueError):
            raise StrategyError("bad_strategy_parameter", name=self.name, value=str(value)[:40]) from None
        outside = not isinstance(found, str | bool) and not (
            (self.low is None or found >= self.low) and (self.high is None or found <= self.high)
        )
        if outside or (self.options and found not in self.options):
            raise StrategyError("bad_strategy_parameter", name=self.name, value=str(value)[:40])
        return found


def _whole(value: Any) -> int:
    if int(value) != float(value):
        raise ValueError(value)
    return int(value)


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    found = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if found is None:
        raise ValueError(value)
    return found


_READ: dict[str, Any] = {"int": _whole, "float": float, "bool": _truth, "str": str}


def parameters_of(kind: type[Strategy]) -> tuple[Parameter, ...]:
    """What the strategy lists; raise StrategyError `bad_strategy_parameter` for a line without a name, a type or a default."""
    found = []
    for line in kind().hyperparameters():
        try:
            options = tuple(line.get("options") or ())
            default = line["default"] if "default" in line else options[0]
            one = Parameter(
                str(line["name"]), KINDS[line["type"]], default, line.get("min"), line.get("max"), line.get("step"), options
            )
        except (AttributeError, IndexError, KeyError, TypeError):
            raise StrategyError("bad_strategy_parameter", name=str(line)[:60], value="") from None
        found.append(msgspec.structs.replace(one, default=one.checked(one.default)))
    return tuple(found)


def values_for(kind: type[Strategy], given: Mapping[str, object]) -> dict[str, Value]:
    """Every parameter with its value in this run; raise StrategyError for an unknown name or a value out of bounds."""
    listed = parameters_of(kind)
    strange = given.keys() - {one.name for one in listed}
    if strange:
        raise StrategyError("unknown_parameter", name=min(strange))
    return {one.name: one.checked(given.get(one.name, one.default)) for one in listed}
