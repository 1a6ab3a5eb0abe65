"""Lines that a strategy draws into its report: at the candles that are shown, and without a trace in what it decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aristobot.backtest.later import BARS, shown_candles
from aristobot.backtest.report import report_of
from aristobot.backtest.runner import backtest
from aristobot.backtest.settings import Entrant, Setup
from aristobot.indicators import ta
from aristobot.strategy import Strategy
from aristobot.strategy_chart import MOST_LINES
from services.backtest_drawings import candles, own_chart
from tests.backtesting import a_history, an_instrument, real_history


class Cross(Strategy):
    def before(self) -> None:
        self.fast, self.slow = ta.sma(self.candles, 5), ta.sma(self.candles, 20)

    def should_long(self) -> bool:
        return bool(self.fast > self.slow)

    def should_exit(self) -> bool:
        return bool(self.fast < self.slow)


class Drawn(Cross):
    def update_chart(self) -> None:
        self.add_line_to_candle_chart("fast", self.fast, "orange")
        self.add_line_to_candle_chart("slow", self.slow)
        self.add_horizontal_line_to_candle_chart("level", 45_000, "#12abEF", 2, "dashed")
        self.add_extra_line_chart("gap", "gap", self.fast - self.slow, color="url(x)")
        self.add_horizontal_line_to_extra_chart("gap", "zero", 0)
        self.log("drawn")


class Greedy(Cross):
    """Orders in the wrong place, and draws without end."""

    def update_chart(self) -> None:
        self.buy = 100.0, self.price
        self.liquidate()
        for number in range(100):
            self.add_line_to_candle_chart(f"line {number}", float("nan") if number else self.price)


class Falls(Cross):
    def update_chart(self) -> None:
        self.add_line_to_candle_chart("so far", 1)
        raise ZeroDivisionError("a gap")


def found(kind: type[Strategy], history: Any = None) -> Any:
    """Its report."""
    setup = Setup((Entrant(kind, history or real_history("BTCUSDT"), an_instrument()),), checks=6)
    return report_of(setup, backtest(setup))


def test_lines_are_drawn_at_the_candles_of_the_chart() -> None:
    history = real_history("BTCUSDT")
    report = found(Drawn, history)
    assert [(one.chart, one.title, one.colour) for one in report.lines] == [
        ("", "fast", "#FFB020"),
        ("", "slow", ""),
        ("", "level", "#12abEF"),
        ("gap", "gap", ""),
        ("gap", "zero", ""),
    ]
    assert {len(one.values) for one in report.lines} == {len(report.bars)}
    closes = [bar.close for bar in report.bars]
    places = shown_candles(len(history))
    assert [history.candles[at, 2] for at in places] == closes
    fast = np.convolve(history.candles[:, 2], np.ones(5) / 5, "valid")
    known = [(at, value) for at, value in zip(places, report.lines[0].values, strict=True) if value is not None]
    assert known[-1][0] == len(history) - 1
    assert all(value == pytest.approx(fast[at - 4]) for at, value in known)
    assert [value is None for value in report.lines[0].values] == [at < report.warmup for at in places]


@pytest.mark.parametrize("kind", [Drawn, Greedy, Falls])
def test_what_is_drawn_changes_nothing_of_what_is_traded(kind: type[Strategy]) -> None:
    plain, drawn = found(Cross), found(kind)
    assert drawn.fills == plain.fills
    assert drawn.figures == plain.figures
    assert (drawn.lookahead.clean, drawn.stopped) == (True, "")


def test_there_is_an_end_to_lines_and_what_is_no_number_is_a_gap() -> None:
    lines = found(Greedy).lines
    assert len(lines) == MOST_LINES
    assert {value for value in lines[1].values} == {None}


def test_a_drawing_that_falls_is_told_and_the_run_goes_on() -> None:
    report = found(Falls)
    assert [one.text for one in report.messages] == ["update_chart: ZeroDivisionError: a gap"]
    assert sum(value is not None for value in report.lines[0].values) == 1


def test_a_run_without_drawings_has_no_lines_and_few_candles_are_shown_one_by_one() -> None:
    assert found(Cross).lines == []
    assert shown_candles(0) == []
    assert shown_candles(3) == [0, 1, 2]
    assert len(shown_candles(100 * BARS + 1)) <= BARS


def test_the_reports_file_draws_the_lines_and_cuts_them_where_nothing_is_known() -> None:
    report = found(Drawn)
    drawing = candles(report.bars, report.fills, [one for one in report.lines if not one.chart], "name")
    assert drawing.count("<polyline") == 3
    assert 'style="fill:#FFB020">fast<' in drawing
    assert own_chart(report.bars, [one for one in report.lines if one.chart], "gap").count("<polyline") == 2
    gaps = report.lines[0].values
    gaps[100] = gaps[200] = None
    assert candles(report.bars, (), [report.lines[0]], "name").count("<polyline") == 3
    assert own_chart(a_report_bars(), [], "empty").startswith("<svg")


def a_report_bars() -> Any:
    """Two bars."""
    return found(Cross, a_history([(1, 2, 1, 2)] * 40)).bars
