"""Where a search looks: the parameters of a strategy that may vary, each with the values that it can take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TypeAlias

import msgspec

from aristobot.errors import InvalidInput

Value: TypeAlias = int | float | bool | str
Values: TypeAlias = dict[str, Value]
#: Levels of an axis without steps in a grid that need not be thinned.
_LEVELS = 10


class Axis(msgspec.Struct, frozen=True):
    """One parameter that varies: whole or real numbers from `low` to `high`, in steps if it has some, or one of `options`."""

    name: str
    kind: str
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    options: tuple[Value, ...] = ()

    def values(self, most: int) -> tuple[Value, ...]:
        """All values, or so many of them in even distances, both ends included."""
        if self.options:
            return self.options[:most]
        count = self._count()
        kept = min(count, most)
        places = [round(number * (count - 1) / max(1, kept - 1)) for number in range(kept)]
        return tuple(dict.fromkeys(self._at(place, count) for place in places))

    @property
    def top(self) -> float:
        """The largest value that steps from `low` reach."""
        return self.low + (self._count() - 1) * self.step if self.step else self.high

    def beside(self, value: Value) -> tuple[Value, ...]:
        """The values next to this one: those that a robust choice may be exchanged for."""
        if self.options:
            if self.kind in ("bool", "str") or value not in self.options:
                return tuple(one for one in self.options if one != value and self.kind == "bool")
            at = self.options.index(value)
            return tuple(self.options[place] for place in (at - 1, at + 1) if 0 <= place < len(self.options))
        width = self.step or max((self.high - self.low) / 20, 1.0 if self.kind == "int" else 0.0)
        found = (float(value) - width, float(value) + width)
        return tuple(self._typed(one) for one in found if self.low <= one <= self.high)

    def _count(self) -> int:
        step = self.step or (1.0 if self.kind == "int" else 0.0)
        return int((self.high - self.low) / step + 1e-9) + 1 if step else _LEVELS

    def _at(self, place: int, count: int) -> Value:
        step = self.step or (1.0 if self.kind == "int" else (self.high - self.low) / max(1, count - 1))
        return self._typed(self.low + place * step)

    def _typed(self, value: float) -> Value:
        return round(value) if self.kind == "int" else round(value, 12)


@dataclass(frozen=True, slots=True)
class Space:
    """The axes, and the values of the parameters that stand still."""

    axes: tuple[Axis, ...]
    fixed: Mapping[str, Value]

    @property
    def size(self) -> int:
        """How many different sets of values a full grid has."""
        return prod(len(one.values(1_000_000)) for one in self.axes)

    def grid(self, most: int) -> list[Values]:
        """A grid of at most so many points: full, or with evenly fewer values on the longest axes. The first axis is slowest."""
        lengths = [len(one.values(most)) for one in self.axes]
        while prod(lengths) > most:
            longest = max(range(len(lengths)), key=lengths.__getitem__)
            if lengths[longest] == 1:
                break
            lengths[longest] -= 1
        columns = [axis.values(length) for axis, length in zip(self.axes, lengths, strict=True)]
        return [self.whole(dict(zip(self.names, row, strict=True))) for row in product(*columns)]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what varies."""
        return tuple(one.name for one in self.axes)

    def whole(self, varied: Mapping[str, Value]) -> Values:
        """Every parameter of a run."""
        return {**self.fixed, **varied}

    def neighbours(self, values: Mapping[str, Value]) -> list[Values]:
        """The points one step away along each axis."""
        return [{**values, axis.name: beside} for axis in self.axes for beside in axis.beside(values[axis.name])]


def space_of(parameters: Sequence[Mapping[str, object]], asked: Mapping[str, str]) -> Space:
    """The space of a strategy's parameters, as its process describes them, narrowed by what was asked.

    `asked` per name: `20` stands still, `10:50` and `10:50:5` are a range and its step, `ema,sma` a choice. Numbers without
    bounds and texts without options stand still at their default. InvalidInput for what cannot be, and when nothing varies.
    """
    known = {str(one["name"]): one for one in parameters}
    strange = asked.keys() - known.keys()
    if strange:
        raise InvalidInput("unknown_parameter", field="--param", name=min(strange))
    axes: list[Axis] = []
    fixed: Values = {}
    for name, parameter in known.items():
        axis = _asked(parameter, asked[name]) if name in asked else _listed(parameter)
        axis = axis if isinstance(axis, Axis) else Axis(name, str(parameter["kind"]), options=(axis,))
        if len(axis.values(2)) > 1:
            axes.append(axis)
        else:
            fixed[name] = axis.values(1)[0]
    if not axes:
        raise InvalidInput("nothing_to_search", field="--param")
    return Space(tuple(axes), fixed)


def _listed(parameter: Mapping[str, object]) -> Axis | Value:
    name, kind = str(parameter["name"]), str(parameter["kind"])
    options = (False, True) if kind == "bool" else tuple(_texts(parameter.get("options")))
    if options:
        return Axis(name, kind, options=options)
    low, high = parameter.get("low"), parameter.get("high")
    if kind not in ("int", "float") or low is None or high is None:
        return _read(name, kind, str(parameter["default"]))
    step = parameter.get("step")
    return Axis(name, kind, float(str(low)), float(str(high)), None if step is None else float(str(step)))


def _asked(parameter: Mapping[str, object], text: str) -> Axis | Value:
    name, kind = str(parameter["name"]), str(parameter["kind"])
    if "," in text:
        return Axis(name, kind, options=tuple(_read(name, kind, one.strip()) for one in text.split(",")))
    if kind not in ("int", "float") or ":" not in text:
        return _read(name, kind, text)
    parts = [_number(name, one) for one in text.split(":")]
    if len(parts) > 3 or parts[0] > parts[1] or (len(parts) == 3 and parts[2] <= 0):
        raise InvalidInput("bad_strategy_parameter", field="--param", name=name, value=text[:40])
    return Axis(name, kind, parts[0], parts[1], parts[2] if len(parts) == 3 else None)


def _read(name: str, kind: str, text: str) -> Value:
    if kind == "bool":
        if text.lower() not in ("true", "false", "1", "0"):
            raise InvalidInput("bad_strategy_parameter", field="--param", name=name, value=text[:40])
        return text.lower() in ("true", "1")
    if kind == "str":
        return text
    number = _number(name, text)
    return int(number) if kind == "int" else number


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput("bad_strategy_parameter", field="--param", name=name, value=text[:40]) from None


def _texts(options: object) -> Iterator[Value]:
    if isinstance(options, Sequence) and not isinstance(options, str):
        yield from options
