"""What a strategy reads of its own past: figures of its closed positions, and its worth day by day, live as in a backtest."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from aristobot.backtest.session import Session
from aristobot.backtest.settings import Costs, Entrant, Setup
from aristobot.market import Timeframe
from aristobot.strategy import Strategy, cached
from aristobot.strategy_catalog import completions
from aristobot.strategy_run import MOST_DAYS, Standing, facts_of
from aristobot.strategy_step import Seat
from tests.backtesting import FREE, a_history, an_instrument

HOUR = 3_600_000


def lane_of(kind: type[Strategy], history: Any, costs: Costs = FREE) -> Any:
    """The lane after a run, with the strategy in it."""
    session = Session(Setup((Entrant(kind, history, an_instrument()),), costs=costs, warmup=0))
    session.play()
    session.finish(close=False)
    return session.players[0].lane


class Alternating(Strategy):
    """Buys and sells in turn, and writes down what it read of its past at the last candle."""

    def should_long(self) -> bool:
        return self.index % 4 == 0

    def should_exit(self) -> bool:
        return self.index % 4 == 2

    def after(self) -> None:
        self.vars["metrics"] = self.metrics
        self.vars["closed"] = len(self.closed_positions)


def rows(closes: list[float]) -> list[tuple[float, float, float, float]]:
    return [(one, one, one, one) for one in closes]


def test_metrics_are_the_reports_figures_of_what_was_closed() -> None:
    prices = [100.0, 100.0, 110.0, 110.0, 100.0, 100.0, 90.0, 90.0, 100.0]
    lane = lane_of(Alternating, a_history(rows(prices)))
    told = lane.run.memory.vars["metrics"]
    assert lane.run.memory.vars["closed"] == 2
    assert told["count"] == 2
    assert told["win_rate"] == pytest.approx(0.5)
    assert told["best_share"] == pytest.approx(0.1)
    assert told["worst_share"] == pytest.approx(-0.1)
    assert told["net_profit"] == pytest.approx(told["gross_profit"] - told["gross_loss"])
    json.dumps(told)


def test_metrics_say_none_where_nothing_is_defined() -> None:
    lane = lane_of(Alternating, a_history(rows([100.0, 100.0])))
    told = lane.run.memory.vars["metrics"]
    assert (told["count"], told["net_profit"], told["win_rate"], told["profit_factor"]) == (0, 0, None, None)


@pytest.mark.parametrize("way", ["plain", "in a comprehension", "in a property", "cached", "in a helper"])
def test_what_was_closed_is_known_wherever_the_strategy_reads_it(way: str) -> None:
    readers: dict[str, dict[str, Any]] = {
        "plain": {"look": lambda self: self.metrics["count"]},
        "in a comprehension": {"look": lambda self: sum(self.metrics["count"] for _ in range(1))},
        "in a property": {"seen": property(lambda self: self.metrics["count"]), "look": lambda self: self.seen},
        "cached": {"seen": cached(lambda self: self.metrics["count"]), "look": lambda self: self.seen()},
        "in a helper": {"look": lambda self: helper(self)},
    }
    body = {
        "__module__": __name__,
        "should_long": lambda self: self.index in (0, 4),
        "should_exit": lambda self: self.index == 2,
        "calculate_position_size": lambda self: 1.0 + self.look(),
        **readers[way],
    }
    kind = type("Reader", (Strategy,), body)
    lane = lane_of(kind, a_history(rows([100.0] * 7)))
    assert lane.run.held == pytest.approx(2.0)  # the second entry knew of the first one


def helper(strategy: Strategy) -> float:
    """A function beside the class."""
    return strategy.metrics["count"] or 0.0


class Daily(Strategy):
    """Holds from the first candle on, and reads what it was worth day by day."""

    timeframe = "1h"

    def should_long(self) -> bool:
        return self.index == 0 and len(self.daily_balances) == 1

    def calculate_position_size(self) -> float:
        return 1.0


def test_the_worth_of_each_day_is_that_at_its_last_close() -> None:
    closes = [100.0 + hour for hour in range(60)]
    history = a_history(rows(closes), Timeframe.H1)
    lane = lane_of(Daily, history)
    started = lane.run.stand.allotted
    days = lane.run.memory.days
    opened = (history.candles[:, 0].astype(int) // 86_400_000).tolist()
    last = [closes[at] for at in range(60) if at == 59 or opened[at + 1] != opened[at]]
    bought = closes[1]
    assert days == pytest.approx([started + price - bought for price in last])


def test_live_the_days_are_those_of_the_backtest_and_outlive_each_restart() -> None:
    closes = [100.0 + hour % 7 for hour in range(80)]
    history = a_history(rows(closes), Timeframe.H1)

    class Watching(Strategy):
        def should_long(self) -> bool:
            return bool(self.daily_balances) and False

    played = lane_of(Watching, history).run.memory.days
    seat = Seat(Watching, facts_of(an_instrument(), "1h", "live"), {})
    stand, state = Standing(1000.0, 1000.0), None
    for count in range(1, 81):
        _decision, state = seat.decide(history.candles[:count], stand, state)
        state = json.loads(json.dumps(state))
    assert state is not None
    assert len(state["days"]) == len(played) > 3
    assert set(state["days"]) == {1000.0}


def test_days_on_which_the_house_was_off_repeat_the_one_before_and_old_ones_go() -> None:
    candles = np.array([[day * 24 * HOUR, 1.0, 1.0, 1.0, 1.0, 1.0] for day in (1, 4, 4 + 2 * MOST_DAYS)])
    seat = Seat(Daily, facts_of(an_instrument(), "1d", "live"), {})
    state = None
    for count, (money, days) in enumerate([(10.0, [10.0]), (20.0, [10.0, 10.0, 10.0, 20.0])], 1):
        _decision, state = seat.decide(candles[:count], Standing(money, 10.0), state)
        assert state["days"] == days
    _decision, state = seat.decide(candles, Standing(30.0, 10.0), state)
    assert (len(state["days"]), state["days"][-2:]) == (MOST_DAYS, [20.0, 30.0])


def test_a_strategy_that_does_not_ask_keeps_no_days() -> None:
    assert lane_of(Alternating, a_history(rows([100.0] * 9))).run.memory.days == []


def test_the_editor_offers_both() -> None:
    offered = {one.name: one.about for one in completions() if one.after == "self"}
    assert offered["metrics"]
    assert "UTC day" in offered["daily_balances"]
