"""A function for every row of the tables: `ta.ema(candles, 20)` is the last value, `sequential=True` the whole series."""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from aristobot.indicators.columns import Floats, price
from aristobot.indicators.library import library
from aristobot.indicators.series import Tape
from aristobot.indicators.spec import Spec, Value

#: Whole series of an indicator from the candles, a way to get their prices, and every parameter.
Compute = Callable[[Floats, Callable[[str], Floats], Mapping[str, Any]], tuple[Floats, ...]]


def indicator(spec: Spec, compute: Compute) -> Callable[..., Any]:
    """The function that strategies call.

    On the candles that a tape shows it reads what was computed over the whole run; on any other array it computes.
    """
    name, signature = spec.name, spec.signature
    shape = _tuple_of(spec)

    def plainly(candles: Floats, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        bound = _bound(signature, spec, (candles, *given), named)
        columns = np.asarray(candles, dtype=np.float64)
        arrays = compute(columns, lambda source: price(columns, source), bound)
        return _shown(arrays, shape) if bound["sequential"] else _last(arrays, shape)

    def reader(tape: Tape, given: tuple[Any, ...], named: dict[str, Any]) -> Callable[[int], Any]:
        bound = _bound(signature, spec, (tape.candles, *given), named)
        sequential = bound["sequential"]
        key = (name, *(value for other, value in bound.items() if other not in ("candles", "sequential")))
        arrays = tape.result(key, lambda: compute(tape.candles, tape.price, bound))
        return _series_reader(arrays, shape) if sequential else _value_reader(arrays, shape)

    def call(candles: Any, *given: Any, **named: Any) -> Any:
        try:
            tape = candles.tape
        except AttributeError:
            return plainly(candles, given, named)
        key = (name, given, *named.items())
        read = tape.readers.get(key)
        if read is None:
            read = tape.readers[key] = reader(tape, given, named)
        return read(candles.last)

    if "periods" in spec.inputs:  # an array among the parameters cannot be remembered by
        return _signed(lambda candles, *given, **named: plainly(candles, given, named), spec)
    return _signed(call, spec)


def _signed(call: Callable[..., Any], spec: Spec) -> Callable[..., Any]:
    """The function with what an editor shows of it."""
    call.__name__ = call.__qualname__ = spec.name
    call.__doc__ = spec.about
    call.__signature__ = spec.signature  # type: ignore[attr-defined] # what inspect and an editor read
    return call


def _tuple_of(spec: Spec) -> Callable[[Any], Any] | None:
    kind: Any = namedtuple(spec.name, spec.fields) if spec.fields else None
    return kind._make if kind else None


def of_library(spec: Spec) -> Compute:
    """How a row of TA-Lib's table is computed."""
    function = getattr(library(), spec.name.upper())
    choices = {"source": "source_type", "other": "other_source_type"}

    def compute(candles: Floats, column: Callable[[str], Floats], given: Mapping[str, Any]) -> tuple[Floats, ...]:
        inputs = [
            np.asarray(given["periods"], dtype=np.float64) if one == "periods" else column(given.get(choices.get(one, ""), one))
            for one in spec.inputs
        ]
        found = function(*inputs, *(given[parameter] for parameter, _ in spec.parameters))
        return found if isinstance(found, tuple) else (found,)

    return compute


def _bound(signature: inspect.Signature, spec: Spec, given: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    bound = signature.bind(*given, **named)
    bound.apply_defaults()
    defaults = spec.defaults
    return {name: _like(defaults[name], value, name) if name in defaults else value for name, value in bound.arguments.items()}


def _like(default: Value, value: Any, name: str) -> Value:
    """A parameter in its default's kind: a slider's 20.0 is the period 20."""
    if isinstance(default, str):
        return str(value)
    if isinstance(default, float):
        return float(value)
    if int(value) != value:
        raise ValueError(f"{name} is a whole number, not {value}")
    return int(value)


def _last(arrays: tuple[Floats, ...], shape: Callable[[Any], Any] | None) -> Any:
    values = [array[-1].item() if len(array) else float("nan") for array in arrays]
    return shape(values) if shape else values[0]


def _shown(arrays: tuple[Floats, ...], shape: Callable[[Any], Any] | None) -> Any:
    return shape(arrays) if shape else arrays[0]


def _value_reader(arrays: tuple[Floats, ...], shape: Callable[[Any], Any] | None) -> Callable[[int], Any]:
    cells = [memoryview(array) for array in arrays]  # type: ignore[arg-type] # an array is a buffer; reads a float in 20 ns
    if shape is None:
        return cells[0].__getitem__
    return lambda at: shape([cell[at] for cell in cells])


def _series_reader(arrays: tuple[Floats, ...], shape: Callable[[Any], Any] | None) -> Callable[[int], Any]:
    if shape is None:
        whole = arrays[0]
        return lambda at: whole[: at + 1]
    return lambda at: shape([array[: at + 1] for array in arrays])
