"""Every indicator: it is all there, it is TA-Lib's, and none of them sees what comes."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from aristobot.indicators import ta
from aristobot.indicators.catalog import catalog, helpers
from aristobot.indicators.columns import COLUMNS, Floats
from aristobot.indicators.library import library
from aristobot.indicators.series import Tape
from aristobot.indicators.spec import Spec, table
from tests.aristobot.test_indicator_tape import walk
from tests.house import ROOT

#: TA-Lib's functions that we give in Jesse's shape.
RESHAPED = {"ao", "cvi", "rvi", "supertrend", "vwap"}
PERIODS = np.full(150, 7.0)


def with_quiet_hours(candles: Floats) -> Floats:
    """The same candles with a stretch where nothing was traded."""
    quiet = candles.copy()
    quiet[60:75, 1:5] = quiet[59, 2]
    quiet[60:75, 5] = 0
    return quiet


def abstract(name: str) -> Any:
    """TA-Lib's own description of a function, which can also be called."""
    library()  # first, so that it comes without data frames
    return import_module("talib.abstract").Function(name)


def outputs(found: Any) -> tuple[Floats, ...]:
    return found if isinstance(found, tuple) else (found,)


def called(name: str, candles: Floats, sequential: bool) -> tuple[Floats, ...]:
    given = (PERIODS[: len(candles)],) if name == "mavp" else ()
    return outputs(getattr(ta, name)(candles, *given, sequential=sequential))


@pytest.mark.parametrize("name", table())
def test_no_indicator_sees_what_comes(name: str) -> None:
    """The value at a candle is the same whether the candles after it are known or not: to the last bit."""
    for candles in (walk(150), with_quiet_hours(walk(150, seed=3))):
        whole = called(name, candles, sequential=True)
        tape = Tape(candles)
        for cursor in (*range(0, 150, 13), 61, 74, 75, 149):
            tape.cursor = cursor
            alone = called(name, candles[: cursor + 1], sequential=False)
            shown = called(name, tape.view(), sequential=False)
            np.testing.assert_array_equal([series[cursor] for series in whole], alone)
            np.testing.assert_array_equal(alone, shown)


@pytest.mark.parametrize("anchor", ["", "D", "W", "M", "4h"])
@pytest.mark.parametrize("mode", range(5))
def test_no_session_sees_what_comes(anchor: str, mode: int) -> None:
    candles = walk(150)
    for call in (
        lambda seen, sequential: ta.pivot(seen, mode, anchor, sequential),
        lambda seen, sequential: (ta.vwap(seen, anchor=anchor, sequential=sequential),),
    ):
        whole = call(candles, True)
        for cursor in range(0, 150, 11):
            np.testing.assert_array_equal([series[cursor] for series in whole], call(candles[: cursor + 1], False))


def of_the_library() -> list[Spec]:
    return [spec for spec in table().values() if not spec.room]


def test_every_function_of_the_library_is_there() -> None:
    library()
    functions = {name.lower() for name in import_module("talib").get_functions()}
    assert len(functions) == 201
    assert {spec.function for spec in of_the_library()} | RESHAPED == functions
    assert functions <= set(table())


@pytest.mark.parametrize("spec", of_the_library(), ids=lambda spec: spec.name)
def test_a_row_of_the_table_is_what_the_library_says(spec: Spec) -> None:
    function, candles = abstract(spec.function), walk(150)
    columns = {name: np.ascontiguousarray(candles[:, at]) for name, at in COLUMNS.items()} | {"periods": PERIODS}
    parameters = dict(zip(function.parameters, (value for _, value in spec.parameters), strict=True))
    assert {name: type(value) for name, value in parameters.items()} == {
        name: type(value) for name, value in function.parameters.items()
    }
    expected = function(columns, **parameters)
    found = called(spec.name, candles, sequential=True)
    assert len(found) == len(function.output_names) == max(1, len(spec.fields))
    for ours, theirs in zip(found, expected if isinstance(expected, list) else [expected], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_catalogue_names_everything_and_loads_nothing() -> None:
    ask = "import sys; from aristobot.indicators.catalog import catalog, helpers; print(len(catalog()), len(helpers()), 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [str(len(table())), str(len(helpers())), "False"]
    assert ("rsi", "(candles, period=14, source_type='close', sequential=False) -> float", "Relative Strength Index") in catalog()
    assert [name for name, *_ in catalog()] == dir(ta)


def test_the_catalogue_of_helpers_says_what_the_helpers_say() -> None:
    utils = import_module("aristobot.indicators.utils")
    for name, signature, about in helpers():
        function = getattr(utils, name)
        assert signature == str(inspect.signature(function)).replace("'", "").replace('"', "")
        assert about in (function.__doc__ or "")
    assert {"risk_to_qty", "crossed", "trail_atr", "kelly_criterion"} <= {name for name, *_ in helpers()}


def test_no_data_frame_library_comes_along() -> None:
    ask = "import sys; from aristobot.indicators.library import library; library(); print({'pandas', 'polars', 'talib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "{'talib'}"
