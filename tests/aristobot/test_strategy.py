"""The class that users write: which hook is asked when, what assignments mean, and what a strategy can read."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.backtest.session import Session
from aristobot.backtest.settings import Costs, Entrant, FeeAsset, Setup
from aristobot.backtest.units import Units
from aristobot.errors import StrategyError
from aristobot.indicators import ta
from aristobot.orders import OrderType, Side
from aristobot.strategy import Strategy, cached
from aristobot.strategy_orders import Intent, Level, exact, intents, order_request, shares
from aristobot.strategy_parameters import parameters_of
from aristobot.strategy_run import PlacedOrder
from tests.backtesting import FREE, a_history, an_instrument, buyer, played

FLAT = (100.0, 100.0, 100.0, 100.0)


def candles(*closes: float) -> Any:
    """Candles that open and close at the same price."""
    return a_history([(close, close, close, close) for close in closes])


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
    lane = lane_of(Diary, candles(100, 100, 100, 100, 104, 103, 106))
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
    result = played(Diary, candles(100, 100, 100, 100, 104, 103, 106))
    assert result.vetoes == {"not_the_first": 1}


def test_an_entry_that_is_pending_asks_whether_to_take_it_back_and_may_enter_anew() -> None:
    class Patient(Strategy):
        def should_long(self) -> bool:
            return self.index in (0, 2)

        def go_long(self) -> None:
            self.buy = 1.0, self.price - 5

        def should_cancel_entry(self) -> bool:
            return self.index == 2

    result = played(Patient, candles(100, 100, 98, 92))
    assert [(one.reason, one.price) for one in result.refused] == [("not_reached", 95.0)]
    assert [(one.candle, one.price) for one in result.fills] == [(3, 92.0)]  # the new limit at 93, under which candle 3 opens


def test_by_default_an_entry_waits_for_as_many_candles_as_the_class_says() -> None:
    slow = type("Slow", (buyer(order=(1.0, 95.0)),), {"entry_timeout_candles": 3})
    assert played(slow, candles(100, 100, 100, 100, 94)).fills == ()
    assert len(played(slow, candles(100, 100, 100, 94)).fills) == 1


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
    result = played(Falling, candles(100, 100, 100, 100, 80, 100, 100))
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

    assert played(Futures, candles(*[100] * 5)).closed == ()
    exiting = type("Exiting", (Futures,), {"short_signal": "exit"})
    assert [one.reason for one in played(exiting, candles(*[100] * 5)).closed] == ["short_signal"]


# ---------------------------------------------------------------------- what assignments mean


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [
        (Side.BUY, 100.0, OrderType.MARKET),
        (Side.BUY, 100.01, OrderType.MARKET),
        (Side.BUY, 99.9, OrderType.LIMIT),
        (Side.BUY, 100.1, OrderType.STOP_LOSS),
        (Side.SELL, 100.1, OrderType.LIMIT),
        (Side.SELL, 99.9, OrderType.STOP_LOSS),
        (Side.SELL, 99.99, OrderType.MARKET),
    ],
)
def test_the_price_says_which_order_is_meant(side: Side, price: float, expected: OrderType) -> None:
    assert intents((1.0, price), side, 100.0, "x")[0].type is expected


def test_several_orders_are_a_list_of_them() -> None:
    found = intents([(1, 99), (2.0, 98.0)], Side.BUY, 100.0, "entry")
    assert [(one.quantity, one.price) for one in found] == [(1.0, 99.0), (2.0, 98.0)]


@pytest.mark.parametrize(
    "wanted", [(1.0,), "soon", 3, (1.0, -5.0), (math.nan, 5.0), (1.0, math.inf), [(1.0, 2.0, 3.0)], (-1.0, 5.0)]
)
def test_what_is_no_quantity_and_price_is_refused(wanted: Any) -> None:
    with pytest.raises(StrategyError):
        intents(wanted, Side.BUY, 100.0, "entry")


def test_exits_are_a_price_or_shares_that_make_no_more_than_the_whole() -> None:
    assert shares(95.0) == (Level(95.0, share=1.0),)
    assert shares([(0.5, 110.0), (0.5, 120.0)]) == (Level(110.0, share=0.5), Level(120.0, share=0.5))
    assert shares(None) is None
    with pytest.raises(StrategyError) as found:
        shares([(0.6, 110.0), (0.6, 120.0)])
    assert found.value.code == "shares_over_100"


def test_targets_in_shares_sell_in_parts_and_leave_nothing_behind() -> None:
    class Parts(Strategy):
        def should_long(self) -> bool:
            return self.index == 0

        def calculate_position_size(self) -> float:
            return 1.0

        def take_profit_price(self) -> Any:
            return [(0.333, 110.0), (0.333, 120.0), (0.334, 130.0)]

        def stop_loss_price(self) -> float:
            return 95.0

    result = played(Parts, candles(100, 100, 115, 135))
    assert [(one.quantity, one.price) for one in result.fills] == [(1.0, 100.0), (0.333, 115.0), (0.333, 135.0), (0.334, 135.0)]
    assert len(result.closed) == 1
    stopped = played(Parts, candles(100, 100, 115, 90))
    assert [(one.quantity, one.tag) for one in stopped.fills[1:]] == [(0.333, "take_profit"), (0.667, "stop_loss")]


def test_exits_sell_no_more_than_the_fee_left_over() -> None:
    costs = Costs(Decimal("0.001"), Decimal("0.001"), FeeAsset.BASE)
    result = played(buyer(stop=90.0), candles(100, 100, 80), costs)
    assert [one.quantity for one in result.fills] == [1.0, 0.999]


def test_a_position_may_be_added_to_as_often_as_the_class_allows() -> None:
    class Ladder(buyer()):  # type: ignore[misc] # a class made on the spot
        max_position_adjustments = 2

        def update_position(self) -> None:
            self.buy = 1.0, self.price

    result = played(Ladder, candles(*[100] * 8))
    assert [one.quantity for one in result.fills] == [1.0, 1.0, 1.0]
    assert result.vetoes["max_position_adjustments"] == 5


def test_a_stop_may_follow_and_a_sell_may_wait() -> None:
    class Trail(buyer()):  # type: ignore[misc] # a class made on the spot
        def update_position(self) -> None:
            self.stop_loss = (
                self.position.qty,
                max(self.price - 5, 0 if math.isnan(self.average_stop_loss) else self.average_stop_loss),
            )

    trailed = played(Trail, candles(100, 100, 110, 120, 118, 112))
    assert [(one.candle, one.price, one.tag) for one in trailed.fills[1:]] == [(5, 112.0, "stop_loss")]

    class Seller(buyer()):  # type: ignore[misc] # a class made on the spot
        def update_position(self) -> None:
            self.sell = 0.4, 110.0

    sold = played(Seller, candles(100, 100, 105, 111))
    assert [(one.quantity, one.price, one.tag) for one in sold.fills[1:]] == [(0.4, 111.0, "sell")]


def test_liquidating_sells_what_this_strategy_holds_from_any_hook() -> None:
    class Panic(buyer()):  # type: ignore[misc] # a class made on the spot
        def should_exit(self) -> bool:
            if self.price < 95:
                self.liquidate()
            return False

    assert [one.reason for one in played(Panic, candles(100, 100, 90, 90)).closed] == ["liquidate"]


def test_a_lock_keeps_entries_away_for_its_minutes() -> None:
    class Locking(Strategy):
        def should_long(self) -> bool:
            return True

        def should_exit(self) -> bool:
            return True

        def on_close_position(self, order: PlacedOrder, closed_trade: Any) -> None:
            self.lock(3, "enough")

        def calculate_position_size(self) -> float:
            return 1.0

    result = played(Locking, candles(*[100] * 10))
    assert [one.candle for one in result.fills if one.side == "buy"] == [1, 5, 9]


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
    return [one.candle for one in played(kind, candles(*[round(one, 2) for one in FALLING])).fills if one.side == "buy"]


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
        played(pausing(wrong), candles(*[100] * 3))
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

    assert "has no 'prise'" in played(Typo, candles(100, 100)).stopped


def test_the_candles_end_with_the_present_one_and_cannot_be_changed() -> None:
    class Curious(Strategy):
        def should_long(self) -> bool:
            assert len(self.candles) == self.index + 1 == len(self.highs)
            assert self.candles[-1, 2] == self.price
            self.candles[0, 2] = 1.0
            return True

    result = played(Curious, candles(100, 100, 100))
    assert "read-only" in result.stopped


def test_series_of_indicators_show_the_present_value_last() -> None:
    class Series(Strategy):
        lookback = 3

        def indicators(self) -> dict[str, Any]:
            return {"mean": ta.sma(self.candles, 2, sequential=True)}

        def before(self) -> None:
            self.vars.setdefault("seen", []).append(list(self.mean))

    seen = lane_of(Series, candles(1, 3, 5, 7, 9)).run.memory.vars["seen"]
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

    assert lane_of(Counting, candles(1, 2, 3)).run.memory.vars["count"] == 3


def test_messages_carry_their_candle_and_are_not_endless() -> None:
    class Talker(Strategy):
        def after(self) -> None:
            self.log(f"candle {self.index}")
            if self.index == 1:
                for _ in range(100):
                    self.notify("look here")

    said = played(Talker, candles(1, 2, 3)).messages
    assert [one.text for one in said if not one.notify] == ["candle 0", "candle 1", "candle 2"]
    assert len([one for one in said if one.notify]) == 19


def test_vars_outlive_a_restart_and_hold_only_what_json_holds() -> None:
    lane = lane_of(Diary, candles(100, 100, 100))
    state = json.loads(json.dumps(lane.driver.state()))
    lane.driver.restore(state)
    assert lane.driver.state() == state
    lane.run.memory.vars["strange"] = object()
    with pytest.raises(StrategyError) as found:
        lane.driver.state()
    assert found.value.code == "vars_not_json"


def test_the_default_size_spends_its_share_and_the_fee() -> None:
    class Half(Strategy):
        position_fraction = 0.5

        def should_long(self) -> bool:
            return self.index == 0

    result = played(Half, candles(100, 100), Costs())
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


# ---------------------------------------------------------------------- the border


def test_at_the_border_floats_become_exact_and_are_rounded_down() -> None:
    instrument = an_instrument(tick="0.05", lot="0.01")
    request = order_request(Intent(Side.BUY, OrderType.LIMIT, 0.29, 99.99), instrument, "id")
    assert [request.quantity, request.price, request.stop_price] == [Decimal("0.29"), Decimal("99.95"), 0]
    stop = order_request(Intent(Side.SELL, OrderType.STOP_LOSS, 1.239, 90.02), instrument, "id")
    assert [stop.quantity, stop.price, stop.stop_price] == [Decimal("1.23"), 0, Decimal("90.00")]
    market = order_request(Intent(Side.BUY, OrderType.MARKET, 0.3, 100.0), instrument, "id")
    assert [market.quantity, market.price, market.stop_price] == [Decimal("0.30"), 0, 0]


@given(st.floats(1e-6, 1e6), st.sampled_from(["0.00001", "0.001", "0.01", "0.5", "1"]))
def test_a_backtest_rounds_quantities_as_the_live_border_does(quantity: float, lot: str) -> None:
    instrument = an_instrument(lot=lot)
    units = Units(instrument, Decimal("0.001"), Decimal("0.001"))
    assert units.quantity(units.lots(quantity)) == instrument.quantity(exact(quantity))
