"""The class that users write: which hook is asked when, what assignments mean, and what a strategy can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from aristobot.backtest.session import Session
from aristobot.backtest.settings import Costs, Entrant, Setup
from aristobot.errors import StrategyError
from aristobot.indicators import ta
from aristobot.strategy import Strategy, cached
from aristobot.strategy_driver import unkept
from aristobot.strategy_parameters import parameters_of
from aristobot.strategy_run import PlacedOrder
from tests.backtesting import FREE, a_history, an_instrument, buyer, closes_at, played

FLAT = (100.0, 100.0, 100.0, 100.0)


def lane_of(kind: type[Strategy], history: Any, costs: Costs = FREE, **options: Any) -> Any:
    """The lane after a run, with the strategy in it."""
    session = Session(Setup((Entrant(kind, history, an_instrument(), **options),), costs=costs, warmup=0))
    session.play()
    session.finish(close=False)
    return session.players[0].lane


# ---------------------------------------------------------------------- the order of the hooks


class Diary(Strategy):
    """Writes down what it is asked."""

    max_position_adjustments = 1

    def note(self, word: str) -> None:
        self.vars.setdefault("diary", []).append(word)

    def before(self) -> None:
        self.note(f"|{self.index} before")

    def should_long(self) -> bool:
        self.note("should_long")
        return self.index in (1, 2)

    def filters(self) -> list[Any]:
        self.note("filters")
        return [self.not_the_first]

    def not_the_first(self) -> bool:
        return self.index != 1

    def go_long(self) -> None:
        self.note("go_long")
        self.buy = 1.0, self.price
        self.stop_loss = 1.0, 90.0

    def confirm_entry(self, quantity: float, price: float) -> bool:
        self.note(f"confirm_entry {quantity} {price}")
        return True

    def on_open_position(self, order: PlacedOrder) -> None:
        self.note(f"opened {order.qty} at {order.price}, sees {self.index}")

    def should_exit(self) -> bool | str:
        self.note("should_exit")
        return "late" if self.index == 5 else False

    def update_position(self) -> None:
        self.note("update_position")
        if self.index == 4:
            self.buy = 1.0, self.price

    def on_increased_position(self, order: PlacedOrder) -> None:
        self.note(f"increased to {self.position.qty}")

    def on_close_position(self, order: PlacedOrder, closed_trade: Any) -> None:
        self.note(f"closed {closed_trade.reason} {closed_trade.profit}")

    def after(self) -> None:
        self.note("after")

    def before_terminate(self) -> None:
        self.note("|end before_terminate")

    def terminate(self) -> None:
        self.note("terminate")


def test_hooks_are_asked_in_their_order() -> None:
    lane = lane_of(Diary, closes_at(100, 100, 100, 100, 104, 103, 106))
    days = " ".join(lane.run.memory.vars["diary"]).split("|")[1:]
    assert [day.strip() for day in days] == [
        "0 before should_long after",
        "1 before should_long filters after",
        "2 before should_long filters go_long confirm_entry 1.0 100.0 after opened 1.0 at 100.0, sees 2",
        "3 before should_exit update_position after",
        "4 before should_exit update_position confirm_entry 1.0 104.0 after increased to 2.0",
        "5 before should_exit after closed late 9.0",
        "6 before should_long after",
        "end before_terminate terminate",
    ]
    assert lane.run.memory.stopped == ""


def test_why_an_entry_was_not_made_is_counted() -> None:
    result = played(Diary, closes_at(100, 100, 100, 100, 104, 103, 106))
    assert result.vetoes == {"not_the_first": 1}


def test_an_entry_that_is_pending_asks_whether_to_take_it_back_and_may_enter_anew() -> None:
    class Patient(Strategy):
        def should_long(self) -> bool:
            return self.index in (0, 2)

        def go_long(self) -> None:
            self.buy = 1.0, self.price - 5

        def should_cancel_entry(self) -> bool:
            return self.index == 2

    result = played(Patient, closes_at(100, 100, 98, 92))
    assert [(one.reason, one.price) for one in result.refused] == [("not_reached", 95.0)]
    assert [(one.candle, one.price) for one in result.fills] == [(3, 92.0)]  # the new limit at 93, under which candle 3 opens


def test_by_default_an_entry_waits_for_as_many_candles_as_the_class_says() -> None:
    slow = type("Slow", (buyer(order=(1.0, 95.0)),), {"entry_timeout_candles": 3})
    assert played(slow, closes_at(100, 100, 100, 100, 94)).fills == ()
    assert len(played(slow, closes_at(100, 100, 100, 94)).fills) == 1


@pytest.mark.parametrize(
    "hook", ["should_long", "go_long", "should_exit", "update_position", "before", "after", "on_open_position"]
)
def test_a_hook_that_falls_stops_new_entries_leaves_exits_in_place_and_tells_the_owner(hook: str) -> None:
    def falls(self: Strategy, *_: Any) -> bool:
        if self.index >= (0 if hook in ("go_long", "on_open_position") else 1):
            raise ZeroDivisionError("by my own doing")
        return False

    class Falling(buyer(stop=90.0)):  # type: ignore[misc] # a class made on the spot
        def should_long(self) -> bool:
            return bool(self.index != 3)

    setattr(Falling, hook, falls)
    result = played(Falling, closes_at(100, 100, 100, 100, 80, 100, 100))
    assert "ZeroDivisionError: by my own doing" in result.stopped
    assert [(one.kind, one.notify) for one in result.messages] == [("error", True)]
    if hook in ("should_exit", "update_position", "on_open_position"):
        assert [(one.candle, one.tag) for one in result.fills] == [(1, "entry"), (4, "stop_loss")]
    assert sum(one.side == "buy" for one in result.fills) <= 1


def test_a_short_signal_is_ignored_or_closes_the_position() -> None:
    class Futures(buyer()):  # type: ignore[misc] # a class made on the spot
        def should_short(self) -> bool:
            return bool(self.index >= 2)

        def go_short(self) -> None:
            self.sell = 1.0, self.price

    assert played(Futures, closes_at(*[100] * 5)).closed == ()
    exiting = type("Exiting", (Futures,), {"short_signal": "exit"})
    assert [one.reason for one in played(exiting, closes_at(*[100] * 5)).closed] == ["short_signal"]


# ---------------------------------------------------------------------- protections


def pausing(*protections: dict[str, Any]) -> type[Strategy]:
    class Pausing(Strategy):
        def should_long(self) -> bool:
            return True

        def calculate_position_size(self) -> float:
            return 10.0

        def stop_loss_price(self) -> float:
            return self.price * 0.9

    Pausing.protections = protections
    return Pausing


FALLING = [100 * 0.93**number for number in range(12)]


def entries(kind: type[Strategy]) -> list[int]:
    return [one.candle for one in played(kind, closes_at(*[round(one, 2) for one in FALLING])).fills if one.side == "buy"]


@pytest.mark.parametrize(
    ("protections", "expected"),
    [
        ((), [1, 3, 5, 7, 9, 11]),
        (({"method": "CooldownPeriod", "stop_duration_candles": 3},), [1, 5, 9]),
        (({"method": "StoplossGuard", "lookback_period_candles": 9, "trade_limit": 2, "stop_duration_candles": 4},), [1, 3, 8]),
        (({"method": "MaxDrawdown", "lookback_period_candles": 9, "trade_limit": 1, "stop_duration_candles": 50, "max_allowed_drawdown": 0.01},), [1, 3]),
    ],
    ids=["none", "cooldown", "stop-loss guard", "maximum drawdown"],
)  # fmt: skip
def test_protections_pause_entries(protections: Any, expected: list[int]) -> None:
    assert entries(pausing(*protections)) == expected


@pytest.mark.parametrize("wrong", [{"method": "Prayer", "stop_duration_candles": 1}, {"method": "CooldownPeriod"}, {"stop": 1}])
def test_a_protection_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(StrategyError) as found:
        played(pausing(wrong), closes_at(*[100] * 3))
    assert found.value.code == "bad_protection"


# ---------------------------------------------------------------------- what can be read


def test_readings_are_those_of_the_present_candle() -> None:
    class Reader(Strategy):
        def should_long(self) -> bool:
            self.vars["seen"] = [
                self.price, self.close, self.open, self.high, self.low, self.volume, len(self.candles), self.closes.tolist(),
                self.index, self.symbol, self.base_asset, self.quote_asset, self.timeframe, self.exchange, self.tick_size,
                self.leverage, self.is_short, self.is_spot_trading, self.is_backtesting, self.is_live, self.available_margin,
                self.balance, self.portfolio_value, self.is_open, self.position.type, self.fee_rate, list(self.trades),
            ]  # fmt: skip
            return False

    history = a_history([FLAT, (101.0, 104.0, 99.0, 102.0)])
    seen = lane_of(Reader, history, Costs()).run.memory.vars["seen"]
    assert seen == [
        102.0, 102.0, 101.0, 104.0, 99.0, 1.0, 2, [100.0, 102.0], 1, "BTC/USDT", "BTC", "USDT", "1m", "binance", 0.01,
        1, False, True, True, False, 10_000.0, 10_000.0, 10_000.0, False, "close", 0.001, [],
    ]  # fmt: skip


def test_a_name_that_does_not_exist_is_told_by_its_name() -> None:
    class Typo(Strategy):
        def should_long(self) -> bool:
            return bool(self.prise > 1)

    assert "has no attribute 'prise'" in played(Typo, closes_at(100, 100)).stopped


def test_the_candles_end_with_the_present_one_and_cannot_be_changed() -> None:
    class Curious(Strategy):
        def should_long(self) -> bool:
            assert len(self.candles) == self.index + 1 == len(self.highs)
            assert self.candles[-1, 2] == self.price
            self.candles[0, 2] = 1.0
            return True

    result = played(Curious, closes_at(100, 100, 100))
    assert "read-only" in result.stopped


def test_series_of_indicators_show_the_present_value_last() -> None:
    class Series(Strategy):
        lookback = 3

        def indicators(self) -> dict[str, Any]:
            return {"mean": ta.sma(self.candles, 2, sequential=True)}

        def before(self) -> None:
            self.vars.setdefault("seen", []).append(list(self.mean))

    seen = lane_of(Series, closes_at(1, 3, 5, 7, 9)).run.memory.vars["seen"]
    assert [[one for one in shown if one == one] for shown in seen] == [[], [2.0], [2.0, 4.0], [2.0, 4.0, 6.0], [4.0, 6.0, 8.0]]
    assert [len(shown) for shown in seen] == [1, 2, 3, 3, 3]


def test_what_is_cached_is_worked_out_once_a_candle() -> None:
    class Counting(Strategy):
        @cached
        def costly(self) -> float:
            self.vars["count"] = self.vars.get("count", 0) + 1
            return self.price

        def before(self) -> None:
            assert self.costly() == self.costly() == self.price

    assert lane_of(Counting, closes_at(1, 2, 3)).run.memory.vars["count"] == 3


def test_messages_carry_their_candle_and_are_not_endless() -> None:
    class Talker(Strategy):
        def after(self) -> None:
            self.log(f"candle {self.index}")
            if self.index == 1:
                for _ in range(100):
                    self.notify("look here")

    said = played(Talker, closes_at(1, 2, 3)).messages
    assert [one.text for one in said if not one.notify] == ["candle 0", "candle 1", "candle 2"]
    assert len([one for one in said if one.notify]) == 19


def test_vars_outlive_a_restart_and_hold_only_what_json_holds() -> None:
    lane = lane_of(Diary, closes_at(100, 100, 100))
    state = json.loads(json.dumps(lane.driver.state()))
    lane.driver.restore(state)
    assert lane.driver.state() == state
    lane.run.memory.vars["strange"] = object()
    with pytest.raises(StrategyError) as found:
        lane.driver.state()
    assert found.value.code == "vars_not_json"


@pytest.mark.parametrize(
    "value", [np.float64(1.5), np.int64(3), np.bool_(True), (1, "two", [3.5]), {"deep": [np.float64(2)]}, None, "", 10**30]
)
def test_what_comes_back_as_it_is_may_be_kept(value: Any) -> None:
    lane = lane_of(Diary, closes_at(100, 100))
    lane.run.memory.vars["kept"] = value
    assert json.dumps(lane.driver.state()["vars"]["kept"]) == json.dumps(value, default=lambda number: number.item())


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        {1: "one"},
        float("nan"),
        [float("inf")],
        datetime(2024, 1, 1, tzinfo=UTC),
        Decimal(1),
        b"raw",
        np.arange(3),
        {"a": {2}},
    ],
)
def test_what_would_come_back_as_something_else_is_refused_with_its_name(value: Any) -> None:
    lane = lane_of(Diary, closes_at(100, 100))
    lane.run.memory.vars["kept"] = value
    with pytest.raises(StrategyError) as found:
        lane.driver.state()
    assert found.value.code == "vars_not_json"
    assert unkept(lane.driver) == found.value.facts["detail"]


@pytest.mark.parametrize("value", [1.5, None])
def test_a_name_that_would_come_back_as_a_text_is_refused(value: Any) -> None:
    lane = lane_of(Diary, closes_at(100, 100))
    memory: dict[Any, Any] = lane.run.memory.vars
    memory[7] = value
    assert unkept(lane.driver) == f"7, {type(value).__name__}"


def test_the_default_size_spends_its_share_and_the_fee() -> None:
    class Half(Strategy):
        position_fraction = 0.5

        def should_long(self) -> bool:
            return self.index == 0

    result = played(Half, closes_at(100, 100), Costs())
    assert [one.quantity for one in result.fills] == [49.95]  # 5,000 / 100.1, rounded down


def test_parameters_become_a_form() -> None:
    class Asking(Strategy):
        def hyperparameters(self) -> list[dict[str, Any]]:
            return [
                {"name": "length", "type": int, "min": 2, "max": 9, "default": 5},
                {"name": "kind", "type": str, "options": ["sma", "ema"]},
                {"name": "eager", "type": bool, "default": True},
            ]

    length, kind, eager = parameters_of(Asking)
    assert (length.name, length.kind, length.default, length.low, length.high) == ("length", "int", 5, 2, 9)
    assert (kind.default, kind.options, eager.default) == ("sma", ("sma", "ema"), True)
