"""What is known of an indicator before any array is seen: its name, its inputs, its parameters, what it gives."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

from aristobot.indicators import own_table, talib_table

Value: TypeAlias = float | str
#: What an indicator of ours takes: the candles themselves.
CANDLES = "candles"
#: Inputs of indicators that may be computed of any series: an indicator of an indicator.
PLAIN_SERIES = (("source",), ("source", "periods"))


@dataclass(frozen=True, slots=True)
class Spec:
    """One indicator, computed by `function` of our file `room`, of TA-Lib where that is empty. One series has no fields."""

    name: str
    inputs: tuple[str, ...]
    parameters: tuple[tuple[str, Value], ...]
    fields: tuple[str, ...]
    about: str
    function: str
    room: str = ""

    @property
    def defaults(self) -> dict[str, Value]:
        """Every parameter that a caller may give, in order, with its default."""
        chosen = dict(self.parameters)
        if self.room:
            return chosen
        if "source" in self.inputs:
            chosen["source_type"] = "high" if "other" in self.inputs else "close"
        if "other" in self.inputs:
            chosen["other_source_type"] = "low"
        return chosen

    @property
    def signature(self) -> inspect.Signature:
        """As an editor completes it: candles, parameters, sequential."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        taken = [inspect.Parameter(CANDLES, kind)]
        if "periods" in self.inputs:
            taken.append(inspect.Parameter("periods", kind))
        taken += [inspect.Parameter(name, kind, default=value) for name, value in self.defaults.items()]
        return inspect.Signature([*taken, inspect.Parameter("sequential", kind, default=False)])


@cache
def table() -> dict[str, Spec]:
    """Every indicator by the name that strategies know it by."""
    library = {one.name: one for one in map(_spec, talib_table.ROWS.strip().splitlines())}
    ours = {
        one.name: replace(one, room=one.inputs[0], inputs=one.inputs[1:])
        for one in map(_spec, own_table.ROWS.strip().splitlines())
    }
    found = library | ours
    aliases = {name: replace(found[other], name=name) for name, other in own_table.ALIASES.items()}
    return dict(sorted((found | aliases).items()))


def _spec(row: str) -> Spec:
    name, inputs, parameters, fields, about = (part.strip() for part in row.split("|"))
    given = (part.partition("=") for part in parameters.split())
    return Spec(
        name=name,
        inputs=tuple(inputs.split()),
        parameters=tuple((key, ast.literal_eval(value)) for key, _, value in given),
        fields=tuple(fields.split()),
        about=about,
        function=name,
    )
