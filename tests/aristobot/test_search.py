"""Searches on paper: where they look, on which candles, what is better, and what speaks against the best."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from aristobot.backtest.quick import quick_record, with_noise
from aristobot.backtest.runner import backtest
from aristobot.backtest.settings import Entrant, Setup
from aristobot.errors import InvalidInput
from aristobot.figures.table import figures_of
from aristobot.market import Timeframe
from aristobot.search.doubts import Evidence, doubts_of, probability, steadiness
from aristobot.search.goal import ALWAYS, Goal
from aristobot.search.luck import drawn_again, reordered
from aristobot.search.outcome import Outcome, heat_map, ranked
from aristobot.search.space import Axis, Space, space_of
from aristobot.search.spans import Plan, Scheme
from aristobot.strategies.ema_cross import EmaCross
from tests.backtesting import an_instrument, real_history

FAST = {"name": "fast", "kind": "int", "default": 20, "low": 5.0, "high": 50.0, "step": None, "options": ()}
SIZE = {"name": "size", "kind": "float", "default": 1.0, "low": None, "high": None, "step": None, "options": ()}
KIND = {"name": "kind", "kind": "str", "default": "ema", "low": None, "high": None, "step": None, "options": ("ema", "sma")}


def test_what_has_bounds_or_options_varies_and_the_rest_stands_still() -> None:
    space = space_of([FAST, SIZE, KIND], {})
    assert space.names == ("fast", "kind")
    assert space.fixed == {"size": 1.0}
    assert space.size == 46 * 2


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({"fast": "10:20:5"}, (10, 15, 20)),
        ({"fast": "10:13"}, (10, 11, 12, 13)),
        ({"fast": "7,9"}, (7, 9)),
        ({"size": "0.5:1.5:0.5", "fast": "9"}, (0.5, 1.0, 1.5)),
    ],
)
def test_a_range_a_step_or_a_choice_can_be_asked_for(asked: dict[str, str], values: tuple[float, ...]) -> None:
    assert space_of([FAST, SIZE], asked).axes[0].values(100) == values


@pytest.mark.parametrize("asked", [{"slow": "3"}, {"fast": "9:7"}, {"fast": "1:2:0"}, {"fast": "many"}, {"fast": "7"}])
def test_a_space_that_cannot_be_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        space_of([FAST, SIZE], asked)


def test_a_grid_is_thinned_on_its_longest_axes_and_keeps_both_ends() -> None:
    space = Space((Axis("fast", "int", 5, 50), Axis("on", "bool", options=(False, True))), {"size": 2})
    grid = space.grid(20)
    assert len(grid) == 20
    assert {one["on"] for one in grid} == {False, True}
    assert {one["fast"] for one in grid} >= {5, 50}
    assert all(one["size"] == 2 for one in grid)


def test_neighbours_are_one_step_away_and_within_the_bounds() -> None:
    space = Space((Axis("fast", "int", 5, 50, 5), Axis("share", "float", 0, 1)), {})
    assert space.neighbours({"fast": 5, "share": 0.5}) == [
        {"fast": 10, "share": 0.5}, {"fast": 5, "share": 0.45}, {"fast": 5, "share": 0.55},
    ]  # fmt: skip


@given(
    some.integers(0, 10**12),
    some.integers(10**6, 10**11),
    some.sampled_from([Scheme.SPLIT, Scheme.WALK_FORWARD]),
    some.integers(10, 95),
    some.integers(2, 50),
)
def test_nothing_is_tried_on_what_was_learned_and_every_test_follows_the_one_before(
    since: int, length: int, scheme: Scheme, train: int, windows: int
) -> None:
    folds = Plan(scheme, train / 100, windows).folds(since, since + length)

    assert folds[0].train.since == since
    assert folds[-1].test is not None
    assert folds[-1].test.until == since + length
    for fold in folds:
        assert fold.test is not None
        assert fold.train.since < fold.train.until == fold.test.since < fold.test.until
    for before, after in pairwise(folds):
        assert before.test is not None
        assert after.test is not None
        assert before.test.until == after.test.since


def test_less_is_better_of_some_figures_and_too_few_trades_count_for_nothing() -> None:
    assert Goal("sharpe", 10).score({"sharpe": 2.0, "count": 12}) == 2.0
    assert Goal("max_drawdown_share", 10).score({"max_drawdown_share": 0.2, "count": 12}) == -0.2
    assert Goal("sharpe", 10).score({"sharpe": 2.0, "count": 9}) is None
    assert Goal("sharpe", 0).score({"sharpe": None, "count": 9}) is None


def a_trial(number: int, score: float | None, sharpe: float = 0.0, **parameters: int) -> Outcome:
    """One that was tried, with 50 trades."""
    return Outcome(0, number, dict(parameters), score, {"sharpe": sharpe, "count": 50})


def test_a_map_shows_the_best_of_each_place_and_gathers_many_values() -> None:
    few = [a_trial(0, 1.0, a=1, b=5), a_trial(1, 3.0, a=1, b=5), a_trial(2, None, a=2, b=5), a_trial(3, 2.0, a=2, b=6)]
    found = heat_map(few, "a", "b")
    assert (found.rows, found.columns, found.scores) == ((1, 2), (5, 6), ((3.0, None), (None, 2.0)))
    assert [one.number for one in ranked(few)] == [1, 3, 0]

    many = heat_map([a_trial(number, float(number), a=number, b=0) for number in range(400)], "a", "b", most=40)
    assert len(many.rows) == 40
    assert many.scores[-1][0] == 399.0


def test_the_luckiest_of_many_tries_is_doubted_and_one_good_idea_is_not() -> None:
    chance = np.random.default_rng(5)
    quiet = chance.normal(0.0, 0.01, 365)
    noise = [a_trial(number, 1.0, float(chance.normal(0, 1.2)), a=1) for number in range(200)]
    lucky = Evidence(noise, noise[0], (quiet + 0.0008).tolist(), tested=True, train=1.0, test=0.9)
    good = Evidence(noise[:2], noise[0], (quiet + 0.003).tolist(), tested=True, train=1.0, test=0.9)

    assert (probability(lucky) or 0) < 0.5
    assert [one.code for one in doubts_of(lucky)] == ["reason.doubt_luck"]
    assert (probability(good) or 0) > 0.95
    assert doubts_of(good) == []


def test_a_fall_on_unseen_candles_a_lonely_peak_and_few_trades_are_told() -> None:
    best = Outcome(0, 0, {"a": 1}, 4.0, {"sharpe": 4.0, "count": 8})
    evidence = Evidence([best], best, (), train=4.0, test=-1.0, tested=True, neighbours=(1.0, None, 2.0))
    assert steadiness(evidence) == pytest.approx(0.25)
    codes = [one.code.removeprefix("reason.doubt_") for one in doubts_of(evidence)]
    assert codes == ["luck_unknown", "falls_unseen", "lonely_peak", "few_trades"]


def test_other_orders_keep_the_profit_and_change_the_drawdown() -> None:
    profits = [300.0, -100.0] * 40
    mixed, drawn = reordered(profits, 10_000.0, rounds=400), drawn_again(profits, 10_000.0, rounds=400)
    assert mixed["profit"] == [8000.0] * 5
    assert mixed["drawdown"] == sorted(mixed["drawdown"])
    assert mixed["drawdown"][-1] > 100 / 10_300
    assert drawn["profit"][0] < 8000 < drawn["profit"][-1]
    assert drawn == drawn_again(profits, 10_000.0, rounds=400)
    assert reordered([1.0], 10_000.0) == {}


def test_a_quick_run_has_the_figures_of_a_whole_one() -> None:
    history = real_history("BTCUSDT", Timeframe.H4)
    setup = Setup((Entrant(EmaCross, history, an_instrument()),), checks=0)
    whole = backtest(setup)
    assert whole.record is not None
    quick = quick_record(setup, 0, 10**15)
    assert quick is not None
    slow = figures_of(whole.record)
    assert {name: figures_of(quick)[name] for name in ALWAYS} == {name: slow[name] for name in ALWAYS}


def test_a_test_is_warmed_up_by_the_candles_before_it_and_decides_on_none_of_them() -> None:
    history = real_history("BTCUSDT", Timeframe.H4)
    border = int(history.candles[300, 0])
    setup = Setup((Entrant(EmaCross, history, an_instrument()),), checks=0)
    record = quick_record(setup, border, 10**15)
    assert record is not None
    assert record.began == border
    assert all(one.opened_at > border for one in record.closed)
    assert quick_record(setup, int(history.candles[-2, 0]), 10**15) is not None


def test_noise_moves_candles_as_a_whole_the_same_way_with_the_same_seed() -> None:
    history = real_history("BTCUSDT", Timeframe.H4)
    once, again, other = with_noise(history, 0.1, 0.01, 1), with_noise(history, 0.1, 0.01, 1), with_noise(history, 0.1, 0.01, 2)
    assert np.array_equal(once.candles, again.candles)
    assert not np.array_equal(once.candles, other.candles)
    _, opens, closes, highs, lows, _ = once.candles.T
    assert (highs >= np.maximum(opens, closes)).all()
    assert (lows <= np.minimum(opens, closes)).all()
    usual = float(np.std(np.diff(np.log(history.candles[:, 2]))))
    moved = float(np.std(np.log(closes / history.candles[:, 2])))
    assert math.isclose(moved, 0.1 * usual, rel_tol=0.15)


@pytest.mark.parametrize(
    ("name", "score", "expected"),
    [("net_profit", 4_400.0, 2_000.0), ("roi", 0.44, 0.2), ("sharpe", 1.5, 1.5), ("net_profit", -10_000.0, -10_000.0)],
)
def test_a_profit_is_compared_with_one_over_another_length_at_the_same_pace(name: str, score: float, expected: float) -> None:
    assert Goal(name).over(score, 0.5, 10_000.0) == pytest.approx(expected)
