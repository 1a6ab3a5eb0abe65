"""The figures of a run against arithmetic done by hand, and what holds of every run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from math import isfinite, pi, sqrt
from statistics import NormalDist, stdev

import numpy as np
import pytest
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from aristobot.backtest.settings import Costs
from aristobot.figures.breakdown import falls, months, reasons
from aristobot.figures.curve import record_of, underwater
from aristobot.figures.record import ClosedTrade, Drawdown, Record, StillOpen
from aristobot.figures.significance import (
    deflated_sharpe,
    incomplete_beta,
    p_value,
    probabilistic_sharpe,
    sharpe_to_beat,
    student_cdf,
)
from aristobot.figures.table import FIGURES, figures_of
from aristobot.strategies.ema_cross import EmaCross
from tests.backtesting import played, real_history
from tests.house import ROOT

HOUR, DAY = 3_600_000, 86_400_000
START = 1_706_572_800_000  # 30 January 2024, 00:00 UTC


def closed(
    profit: float, opened: float, hours: float, *, risk: float | None = None, reason: str = "stop-loss", fees: float = 0.5
) -> ClosedTrade:
    """A round trip of 2 coins at 50, so many hours after the start."""
    at = START + round(opened * HOUR)
    end = at + round(hours * HOUR)
    return ClosedTrade(
        "BTC/USDT", at, end, 50, 50 + profit / 2, 2, fees, profit, reason, risk, -0.02, 0.04, int(opened), int(opened + hours)
    )


def four_days() -> Record:
    """Four days of two candles, six trades; the equity in the comments is what the figures below are computed from."""
    trades = [
        closed(10, 0, 6, risk=5, reason="take-profit", fees=1),
        closed(-5, 6, 6, risk=5),
        closed(0, 20, 10, reason="ema_cross"),
        closed(20, 24, 12, risk=10, reason="take-profit"),
        closed(-10, 48, 2, risk=5),
        closed(-4, 60, 4, risk=8, reason="ema_cross"),
    ]
    #         day 1    day 2     day 3    day 4
    equity = [110, 105, 120, 125, 100, 115, 120, 111]
    times = START + 12 * HOUR * np.arange(8)
    hold, bitcoin = [100, 120, 90, 120, 150, 120, 100, 110], [100, 80, 60, 90, 120, 105, 90, 105]
    courses = [np.array(one, dtype=float) for one in (equity, hold, bitcoin)]
    return record_of(trades, times, courses[0], 100, courses[1], courses[2])


RETURNS = [0.05, 20 / 105, -10 / 125, -4 / 115]  # 100, 105, 125, 115, 111
MEAN = sum(RETURNS) / 4
BY_HAND = {
    "count": 6,
    "net_profit": 11,  # 10 - 5 + 0 + 20 - 10 - 4
    "gross_profit": 30,
    "gross_loss": 19,
    "fees": 3.5,  # 1 + 5 * 0.5
    "profit_before_fees": 14.5,
    "roi": 0.11,
    "cagr": 1.11 ** (365 / 4) - 1,
    "win_rate": 2 / 6,
    "profit_factor": 30 / 19,
    "payoff": 15 / (19 / 3),
    "expectancy": 11 / 6,
    "expectancy_r": (2 - 1 + 2 - 2 - 0.5) / 5,
    "average_share": 11 / 6 / 100,  # every trade cost 100
    "best_share": 0.2,
    "worst_share": -0.1,
    "most_wins": 1,
    "most_losses": 2,
    "average_holding": 40 / 6 * HOUR,  # 6 + 6 + 10 + 12 + 2 + 4
    "longest_holding": 12 * HOUR,
    "exposure": 34 / 96,  # 0 to 12, 20 to 36 (20-30 and 24-36 overlap), 48 to 50, 60 to 64
    "average_worst": -0.02,
    "average_best": 0.04,
    "max_drawdown": 25,  # 125 to 100
    "max_drawdown_share": 0.2,
    "longest_drawdown": 48 * HOUR,  # from the close of the fourth candle to the end
    "under_water": 5 / 8,  # 105; 100, 115, 120, 111
    "volatility": stdev(RETURNS) * sqrt(365),
    "sharpe": MEAN / stdev(RETURNS) * sqrt(365),
    "sortino": MEAN / sqrt((0.08**2 + (4 / 115) ** 2) / 4) * sqrt(365),
    "calmar": (1.11 ** (365 / 4) - 1) / 0.2,
    "omega": (0.05 + 20 / 105) / (0.08 + 4 / 115),
    "hold_roi": 0.1,  # 100 to 110
    "above_hold": 0.01,
    "hold_drawdown_share": 1 / 3,  # 150 to 100
    "hold_bitcoin_roi": 0.05,  # 100 to 105
    "above_bitcoin": 0.06,
    "bitcoin_drawdown_share": 0.4,  # 100 to 60
    # one trade had no stop, hence profits: mean 11/6; squares 100+25+0+400+100+16 = 641; variance (641 - 121/6) / 5
    "sqn": sqrt(6) * (11 / 6) / sqrt((641 - 121 / 6) / 5),
}


@pytest.mark.parametrize(("name", "value"), BY_HAND.items())
def test_a_figure_is_what_the_hand_computes(name: str, value: float) -> None:
    assert figures_of(four_days())[name] == pytest.approx(value)


def test_every_figure_is_computed_by_hand_somewhere() -> None:
    assert set(FIGURES) - set(BY_HAND) == {"p_value"}


def test_quality_is_told_in_r_where_every_trade_had_a_stop() -> None:
    run = replace(four_days(), closed=(closed(10, 0, 1, risk=5), closed(-5, 1, 1, risk=5), closed(20, 2, 1, risk=4)))
    assert figures_of(run)["sqn"] == pytest.approx(sqrt(3) * 2 / sqrt((0 + 9 + 9) / 2))  # 2, -1, 5


def test_what_is_open_at_the_end_is_time_in_the_market_and_has_cost_its_fees() -> None:
    run = replace(four_days(), still_open=(StillOpen(START + 62 * HOUR, 0.75), StillOpen(START + 80 * HOUR, 0.25)))
    found = figures_of(run)
    assert found["exposure"] == pytest.approx((34 - 2 + 34) / 96)  # the last trade until 62, from there to 96
    assert (found["fees"], found["net_profit"], found["profit_before_fees"]) == (4.5, 11, 14.5)


def test_the_drawdowns_are_listed_the_deepest_first() -> None:
    hour = [START + 12 * HOUR * at for at in range(9)]
    assert falls(four_days()) == [
        Drawdown(hour[4], hour[5], None, 25, 0.2),  # peak 125 at the close of the fourth candle, 100 at the fifth's
        Drawdown(hour[1], hour[2], hour[3], 5, 5 / 110),
    ]
    assert [one.lasted(hour[8]) for one in falls(four_days())] == [48 * HOUR, 24 * HOUR]
    assert len(falls(four_days(), 1)) == 1


def test_a_loss_from_the_first_candle_on_is_a_drawdown_from_the_start() -> None:
    run = record_of([], START + HOUR * np.arange(2), np.array([90.0, 95]), 100)
    assert run.drawdowns == (Drawdown(START, START + HOUR, None, 10, 0.1),)
    assert (run.longest_under, run.under_share, run.ended) == (2 * HOUR, 1.0, START + 2 * HOUR)
    np.testing.assert_allclose(underwater(np.array([100.0, 90, 120, 60])), [0, 0.1, 0, 0.5])


def test_months_are_told_by_the_calendar() -> None:
    found = [(one.year, one.month, one.share) for one in months(four_days())]
    assert found == [(2024, 1, 0.25), (2024, 2, 111 / 125 - 1)]  # 30, 31 January; 1, 2 February


def test_a_day_without_candles_keeps_its_equity() -> None:
    times = np.array([START, START + HOUR, START + 3 * DAY + HOUR])
    assert record_of([], times, np.array([1.0, 2, 3]), 1).daily == (2, 2, 2, 3)


def test_reasons_are_told_by_what_they_brought() -> None:
    found = reasons(four_days())
    assert [(one.reason, one.count, one.won, one.profit) for one in found] == [
        ("take-profit", 2, 2, 30),
        ("ema_cross", 2, 0, -4),
        ("stop-loss", 2, 0, -15),
    ]
    assert [one.share for one in found] == pytest.approx([0.15, -0.02, -0.075])


def test_a_run_without_trades_has_figures_where_they_mean_something() -> None:
    found = figures_of(record_of([], START + HOUR * np.arange(72), np.full(72, 100.0), 100))
    assert {
        name: found[name] for name in ("roi", "cagr", "volatility", "max_drawdown", "net_profit", "exposure")
    } == dict.fromkeys(("roi", "cagr", "volatility", "max_drawdown", "net_profit", "exposure"), 0)
    for name in (
        "win_rate",
        "profit_factor",
        "payoff",
        "expectancy",
        "sharpe",
        "sortino",
        "calmar",
        "omega",
        "sqn",
        "p_value",
        "hold_roi",
    ):
        assert found[name] is None, name


def test_a_run_that_loses_everything_is_told_as_such() -> None:
    found = figures_of(record_of([closed(-100, 0, 1)], START + DAY * np.arange(3), np.array([50.0, 0, 0]), 100))
    assert (found["roi"], found["cagr"], found["max_drawdown_share"], found["sharpe"]) == (-1, -1, 1, None)


def test_a_run_needs_candles() -> None:
    with pytest.raises(ValueError, match="0 times and 0 values"):
        record_of([], np.array([]), np.array([]), 100)
    with pytest.raises(ValueError, match="make no run"):
        record_of([], np.array([START]), np.array([100.0]), 100, np.array([100.0, 101]))
    with pytest.raises(ValueError, match="make no run"):
        record_of([], np.array([START]), np.array([100.0]), 100, None, np.array([]))


@pytest.mark.parametrize(
    ("t", "degrees", "probability"),
    [
        (0, 7, 0.5),
        (1, 1, 0.75),  # 1/2 + atan(t)/pi
        (-1, 1, 0.25),
        (2, 2, 0.5 + 2 / (2 * sqrt(6))),  # 1/2 + t / (2 sqrt(2 + t²))
        (sqrt(3), 3, 0.75 + 0.5 / pi),  # 1/2 + (t/sqrt(3) / (1 + t²/3) + atan(t/sqrt(3))) / pi
        (12.706, 1, 0.975),
        (2.228, 10, 0.975),
        (1.812, 10, 0.95),
        (2.576, 100_000, 0.995),
    ],
)
def test_students_distribution_is_the_one_of_the_tables(t: float, degrees: int, probability: float) -> None:
    assert student_cdf(t, degrees) == pytest.approx(probability, abs=5e-5)


@given(st.floats(-30, 30), st.integers(1, 400))
def test_students_distribution_is_symmetric_and_rises(t: float, degrees: int) -> None:
    assert student_cdf(t, degrees) + student_cdf(-t, degrees) == pytest.approx(1)
    assert 0 <= student_cdf(t, degrees) <= student_cdf(t + 0.1, degrees) + 1e-15 <= 1 + 1e-15


@given(st.floats(-8, 8))
def test_student_becomes_normal_with_many_degrees(t: float) -> None:
    assert student_cdf(t, 10_000_000) == pytest.approx(NormalDist().cdf(t), abs=1e-6)


@given(st.floats(0.001, 0.999), st.integers(1, 20))
def test_the_incomplete_beta_of_one_is_a_power(x: float, a: int) -> None:
    assert incomplete_beta(x, a, 1) == pytest.approx(x**a)
    assert incomplete_beta(1 - x, 1, a) == pytest.approx(1 - x**a)


def test_the_chance_of_luck_in_a_small_sample() -> None:
    # profits 1, 2, 3: mean 2, deviation 1, t = 2 sqrt(3); 2 degrees: P(T > t) = 1/2 - t / (2 sqrt(2 + t²))
    t = 2 * sqrt(3)
    run = replace(four_days(), closed=tuple(closed(profit, 0, 1) for profit in (1, 2, 3)))
    assert p_value(run) == pytest.approx(0.5 - t / (2 * sqrt(2 + t * t)))
    same = replace(run, closed=(closed(5, 0, 1),) * 4)
    assert p_value(same) is None, "trades that do not differ tell nothing"


def test_a_sharpe_ratio_is_deflated_as_in_the_paper() -> None:
    """The numerical example of Bailey and López de Prado (2014): 2.5 a year over 1250 days, the best of 100, variance 1/2."""
    to_beat = sharpe_to_beat(100, 0.5 / 250)
    assert to_beat == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(2.5 / sqrt(250), to_beat, 1250, -3, 10) == pytest.approx(0.9004, abs=5e-5)


def test_more_variants_make_a_ratio_less_credible() -> None:
    days = [0.01, -0.004, 0.006, -0.002, 0.008, -0.006, 0.004, 0.001] * 8
    one, few, many = (deflated_sharpe(days, [0.1 * (-1) ** at for at in range(tried)]) for tried in (1, 10, 1000))
    assert one is not None
    assert few is not None
    assert many is not None
    assert 1 > one > few > many > 0
    assert deflated_sharpe([0.01] * 9, [0.1]) is None
    assert probabilistic_sharpe(0, 0, 100, 0, 3) == 0.5
    assert sharpe_to_beat(1, 1) == 0


money = st.floats(-50, 80, allow_nan=False).map(lambda value: round(value, 2))
trips = st.lists(
    st.builds(closed, money, st.integers(0, 400), st.integers(1, 90), risk=st.none() | st.floats(1, 50)), max_size=12
)
course = st.lists(st.floats(1, 10_000), min_size=1, max_size=120)


@given(trips, course)
@settings(max_examples=150)
def test_what_holds_of_every_run(round_trips: list[ClosedTrade], equity: list[float]) -> None:
    times = START + 7 * HOUR * np.arange(len(equity))
    run = record_of(round_trips, times, np.array(equity), 1000, np.array(equity))
    found = figures_of(run)
    assert set(found) == set(FIGURES)
    assert all(value is None or isfinite(value) for value in found.values())
    for name in ("win_rate", "exposure", "max_drawdown_share", "under_water", "p_value"):
        assert found[name] is None or 0 <= (found[name] or 0) <= 1, name
    assert found["net_profit"] == pytest.approx((found["gross_profit"] or 0) - (found["gross_loss"] or 0), abs=1e-9)
    assert (found["worst_share"] is None) == (not round_trips)
    if round_trips:
        assert (found["worst_share"] or 0) <= (found["average_share"] or 0) + 1e-12 <= (found["best_share"] or 0) + 2e-12
    depths = [one.share for one in run.drawdowns]
    assert depths == sorted(depths, reverse=True)
    assert run.deepest_share == pytest.approx(depths[0] if depths else 0)
    assert run.longest_under >= max((one.lasted(run.ended) for one in run.drawdowns), default=0)
    grown = 1000.0
    for one in months(run):
        grown *= 1 + one.share
    assert grown == pytest.approx(equity[-1])


@given(course, st.floats(0.1, 50))
def test_ratios_do_not_depend_on_the_size_of_the_account(equity: list[float], scale: float) -> None:
    times = START + DAY * np.arange(len(equity))
    small, large = (figures_of(record_of([], times, np.array(equity) * by, 1000 * by)) for by in (1, scale))
    for name in ("roi", "sharpe", "sortino", "omega", "max_drawdown_share", "volatility", "under_water"):
        one, other = small[name], large[name]
        assert one == other or (one or 0) == pytest.approx(other or 0, rel=1e-6, abs=1e-9), name


def test_the_house_may_read_the_figures_without_arrays() -> None:
    ask = "import sys; from aristobot.figures import table, breakdown; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_every_figure_and_formula_is_told_in_french() -> None:
    known = set()
    for path in (ROOT / "aristobot/locale/fr").glob("*.po"):
        with path.open("rb") as file:
            known |= {str(message.id) for message in read_po(file)}
    said = {text for figure in FIGURES.values() for text in (figure.title, figure.formula)}
    assert not said - known


def test_the_candles_of_the_warm_up_are_no_part_of_a_run() -> None:
    """A strategy that waits for an average of 50 has not been idle on those days: it could not have done anything."""
    history = real_history("SOLUSDT")
    result = played(EmaCross, history, Costs(), warmup=None)
    assert result.record is not None
    assert result.warmup > 10
    assert result.record.began == history.candles[result.warmup, 0]
    assert result.record.ended == history.candles[-1, 0] + history.candle_ms
    assert result.record.held == pytest.approx(result.hold[-1] / result.cash - 1)
    assert figures_of(result.record)["roi"] == pytest.approx(result.equity[-1] / result.cash - 1)
