"""Indicators read off a tape: computed once, the same as on the candles seen so far, and blind to what comes."""

from __future__ import annotations

import inspect
import weakref

import numpy as np
import pytest

from aristobot.indicators import ta
from aristobot.indicators.columns import Floats
from aristobot.indicators.series import RevealedCandles, Tape


def walk(rows: int, seed: int = 7) -> Floats:
    """A random walk of hourly candles."""
    dice = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(dice.normal(0, 0.01, rows)))
    opens = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(opens, close) * (1 + dice.random(rows) * 0.005)
    low = np.minimum(opens, close) * (1 - dice.random(rows) * 0.005)
    times = 1_700_000_000_000 + 3_600_000.0 * np.arange(rows)
    return np.column_stack((times, opens, close, high, low, dice.random(rows) * 10 + 1))


def at(candles: Floats, cursor: int) -> RevealedCandles:
    tape = Tape(candles)
    tape.cursor = cursor
    return tape.view()


def test_the_tape_gives_what_the_candles_seen_so_far_give() -> None:
    candles = walk(300)
    for cursor in (60, 150, 299):
        seen, plain = at(candles, cursor), candles[: cursor + 1]
        assert ta.rsi(seen, 14) == ta.rsi(plain, 14)
        assert ta.macd(seen).hist == pytest.approx(ta.macd(plain).hist)
        np.testing.assert_array_equal(ta.sma(seen, 20, sequential=True), ta.sma(plain, 20, sequential=True))


def test_an_indicator_is_computed_once_a_run() -> None:
    tape = Tape(walk(200))
    for cursor in range(50, 200):
        tape.cursor = cursor
        for _ in range(2):
            ta.ema(tape.view(), 20)
            ta.ema(tape.view(), period=20, sequential=True)
    assert list(tape.whole.results) == [("ema", 20, "close")]


def test_a_view_kept_from_before_still_speaks_of_its_own_time() -> None:
    tape = Tape(walk(200))
    tape.cursor = 80
    old = tape.view()
    tape.cursor = 150
    assert ta.ema(old, 10) == ta.ema(np.array(old), 10)


def test_a_slice_knows_of_no_run() -> None:
    candles = walk(200)
    seen = at(candles, 150)
    assert not hasattr(seen[:-1], "whole")
    assert ta.ema(seen[:-1], 10) == ta.ema(candles[:150], 10)
    assert seen.base is None


def test_the_candles_shown_are_one_array_until_the_cursor_moves() -> None:
    tape = Tape(walk(200))
    for tape.cursor in (0, 7, 8):
        assert tape.view() is tape.view()
        assert len(tape.view()) == tape.cursor + 1


def test_a_tape_that_nobody_needs_any_more_is_gone_at_once() -> None:
    tape = Tape(walk(200))
    ta.ema(tape.view(), 20, sequential=True)
    whole = weakref.ref(tape.candles)
    del tape
    assert whole() is None


def test_results_that_take_too_much_room_are_forgotten_and_computed_again() -> None:
    tape = Tape(walk(100), most=5 * 100 * 8)
    tape.cursor = 99
    first = ta.ema(tape.view(), 2)
    for period in range(3, 50):
        ta.ema(tape.view(), period)
        assert len(tape.whole.results) == len(tape.whole.readers) <= 5
    assert ("ema", 2, "close") not in tape.whole.results
    assert ta.ema(tape.view(), 2) == first


def test_what_a_strategy_is_shown_cannot_be_written() -> None:
    seen = at(walk(200), 150)
    with pytest.raises(ValueError, match="read-only"):
        seen[-1, 2] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        ta.ema(seen, 10, sequential=True)[-1] = 1.0


def test_an_unknown_name_or_a_wrong_parameter_is_refused_in_words() -> None:
    seen = at(walk(100), 90)
    with pytest.raises(AttributeError, match="there is no indicator 'emma'"):
        ta.emma(seen)
    with pytest.raises(TypeError, match="unexpected keyword argument 'length'"):
        ta.ema(seen, length=9)
    with pytest.raises(ValueError, match="period is a whole number"):
        ta.ema(seen, 9.5)
    with pytest.raises(ValueError, match=r"TA-Lib refuses ema\(period=0, source_type=close\): .*Bad Parameter"):
        ta.ema(seen, 0)
    with pytest.raises(ValueError, match="source_type 'median' is none of"):
        ta.ema(seen, 9, source_type="median")


def test_an_editor_reads_the_real_signature() -> None:
    assert str(inspect.signature(ta.adosc)) == "(candles, fast_period=3, slow_period=10, sequential=False)"
    assert {"ema", "macd", "cdldoji"} <= set(dir(ta))
