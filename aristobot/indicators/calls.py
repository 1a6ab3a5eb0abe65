"""A function for every row of the tables: `ta.ema(candles, 20)` is the last value, `sequential=True` the whole series."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from aristobot.indicators.columns import Floats, price
from aristobot.indicators.library import library
from aristobot.indicators.series import Whole
from aristobot.indicators.spec import PLAIN_SERIES, Spec, Value, table

#: The files of our own table, loaded when one of their indicators is first named.
ROOMS = {
    "averages": "aristobot.indicators.averages",
    "bands": "aristobot.indicators.bands",
    "oscillators": "aristobot.indicators.oscillators",
    "sessions": "aristobot.indicators.sessions",
    "trend": "aristobot.indicators.trend",
}
#: Whole series of an indicator from the candles, a way to get their prices, and every parameter.
Compute = Callable[[Floats, Callable[[str], Floats], Mapping[str, Any]], tuple[Floats, ...]]
#: What every indicator does, with real parameters: a call costs a loop over candles as little as Python allows.
SOURCE = """
def {name}({parameters}):
    try:
        read = candles.whole.readers[{name!r}, {given}]
    except (AttributeError, KeyError, TypeError):
        read = None
    return otherwise(candles, {given}) if read is None else read(candles.last)
"""


def import_rooms() -> None:
    """Import what indicators import when they are first named: behind a strategy's walls no file can be read any more."""
    table()
    for room in ROOMS.values():
        import_module(room)


def indicator(spec: Spec) -> Callable[..., Any]:
    """The function that strategies call.

    On the candles that a tape shows it reads what was computed over the whole run; on any other array it computes.
    """
    names = list(spec.signature.parameters)
    source = SOURCE.format(name=spec.name, parameters=", ".join(names), given=", ".join(names[1:]))
    module = compile(source, f"<ta.{spec.name}>", "exec")
    code = next(one for one in module.co_consts if isinstance(one, CodeType))
    defaults = (*spec.defaults.values(), False)
    call = FunctionType(code, {"otherwise": _otherwise(spec)}, spec.name, defaults)
    call.__doc__ = spec.about
    return call


def _otherwise(spec: Spec) -> Callable[..., Any]:
    """What a call does that has not been made before on this tape, or is made on a plain array."""
    compute = _of_ours(spec) if spec.room else _of_library(spec)
    names, defaults = list(spec.signature.parameters)[1:-1], spec.defaults
    kind: Any = namedtuple(spec.name, spec.fields) if spec.fields else None

    def plainly(candles: Any, given: dict[str, Any], sequential: bool) -> Any:
        columns = _plain(candles, spec)
        arrays = compute(columns, lambda source: price(columns, source), given)
        return _whole(arrays, kind) if sequential else _last(arrays, kind)

    def reader(whole: Whole, given: dict[str, Any], sequential: bool) -> Callable[[int], Any]:
        arrays = whole.result((spec.name, *given.values()), lambda: compute(whole.candles, whole.price, given))
        return _together([(_series_of if sequential else _value_of)(array) for array in arrays], kind)

    def otherwise(candles: Any, *values: Any) -> Any:
        given = {name: _like(defaults.get(name), value, name) for name, value in zip(names, values[:-1], strict=True)}
        whole, sequential = getattr(candles, "whole", None), values[-1]
        if not isinstance(sequential, bool | np.bool_):  # an argument too many, meant for something else
            raise TypeError(f"{spec.name}: sequential is True or False, not {sequential!r}")
        if whole is None or "periods" in spec.inputs:
            return plainly(candles, given, bool(sequential))
        read = whole.readers[spec.name, *values] = reader(whole, given, bool(sequential))
        return read(candles.last)

    return otherwise


def _of_library(spec: Spec) -> Compute:
    """How a row of TA-Lib's table is computed."""
    function = getattr(library(), spec.function.upper())
    choices = {"source": "source_type", "other": "other_source_type"}

    def compute(candles: Floats, column: Callable[[str], Floats], given: Mapping[str, Any]) -> tuple[Floats, ...]:
        inputs = [
            np.asarray(given["periods"], dtype=np.float64) if one == "periods" else column(given.get(choices.get(one, ""), one))
            for one in spec.inputs
        ]
        parameters = [given[parameter] for parameter, _ in spec.parameters]
        try:
            found = function(*inputs, *parameters)
        except Exception as error:  # TA-Lib raises nothing more special
            given_in_words = ", ".join(f"{name}={value}" for name, value in given.items())
            raise ValueError(f"TA-Lib refuses {spec.name}({given_in_words}): {error}") from error
        return found if isinstance(found, tuple) else (found,)

    return compute


def _of_ours(spec: Spec) -> Compute:
    """How a row of our own table is computed."""
    function = getattr(import_module(ROOMS[spec.room]), spec.function)

    def compute(candles: Floats, column: Callable[[str], Floats], given: Mapping[str, Any]) -> tuple[Floats, ...]:
        found: tuple[Floats, ...] = function(candles, **{parameter: given[parameter] for parameter, _ in spec.parameters})
        return found

    return compute


def _plain(candles: Any, spec: Spec) -> Floats:
    """The candles as an array; a series where the indicator is of one price alone. ValueError for any other shape."""
    columns = np.asarray(candles, dtype=np.float64)
    if columns.ndim == 1 and spec.inputs not in PLAIN_SERIES:
        raise ValueError(f"{spec.name} needs candles, not a single series")
    return columns


def _like(default: Value | None, value: Any, name: str) -> Any:
    """A parameter in its default's kind: a slider's 20.0 is the period 20."""
    if default is None:
        return value
    if isinstance(default, str):
        return str(value)
    if isinstance(default, float):
        return float(value)
    if int(value) != value:
        raise ValueError(f"{name} is a whole number, not {value}")
    return int(value)


def _whole(arrays: tuple[Floats, ...], kind: Any) -> Any:
    return arrays[0] if kind is None else kind(*arrays)


def _last(arrays: tuple[Floats, ...], kind: Any) -> Any:
    values = [array[-1].item() if len(array) else float("nan") for array in arrays]
    return values[0] if kind is None else kind(*values)


def _value_of(array: Floats) -> Callable[[int], Any]:
    """Reads the value at a candle, in 20 ns."""
    return array.data.__getitem__


def _series_of(array: Floats) -> Callable[[int], Any]:
    """Reads the values up to a candle."""
    return lambda at: array[: at + 1]


def _together(readers: list[Callable[[int], Any]], kind: Any) -> Callable[[int], Any]:
    """Reads all outputs of an indicator. Two and three are written out: a loop would take as long again."""
    new = tuple.__new__
    if kind is None:
        return readers[0]
    if len(readers) == 2:
        first, second = readers
        return lambda at: new(kind, (first(at), second(at)))
    if len(readers) == 3:
        upper, middle, lower = readers
        return lambda at: new(kind, (upper(at), middle(at), lower(at)))
    return lambda at: new(kind, [read(at) for read in readers])
