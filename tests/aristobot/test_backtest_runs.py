"""Whole runs: every way of walking gives the same, peeking is found, portfolios share their money, results can be kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from aristobot.backtest.history import History
from aristobot.backtest.quick import quick_record
from aristobot.backtest.runner import backtest, closed_trades
from aristobot.backtest.session import Session
from aristobot.backtest.settings import Costs, Entrant, Setup
from aristobot.errors import DataError, StrategyError
from aristobot.figures.table import figures_of
from aristobot.indicators import ta, utils
from aristobot.market import Timeframe
from aristobot.strategy import Strategy
from tests.aristobot.test_backtest_money import walk
from tests.backtesting import FREE, a_history, an_instrument, buyer, played, real_history


class Cross(Strategy):
    """Simple questions on series: they can be answered for all candles at once."""

    def indicators(self) -> dict[str, Any]:
        return {"fast": ta.sma(self.candles, 5, sequential=True), "slow": ta.sma(self.candles, 20, sequential=True)}

    def should_long(self) -> bool:
        return bool(utils.crossed(self.fast, self.slow, "above")) and self.price > self.open * 0.5

    def should_exit(self) -> bool | str:
        if self.fast[-1] < self.slow[-1] or max(self.fast[-1], self.fast[-2]) < self.low * 0.9:
            return "below"
        return False

    def stop_loss_price(self) -> float | None:
        return self.price * 0.97


class Plain(Cross):
    """The same without a stop."""

    def stop_loss_price(self) -> None:
        return None


class Counting(Plain):
    """The same, but each question leaves a trace of its own: it must be asked at every candle."""

    def should_long(self) -> bool:
        self.asked = getattr(self, "asked", 0) + 1
        return super().should_long()


class EachCandle(Cross):
    """The same with a hook that runs at every candle."""

    def before(self) -> None:
        self.seen = self.index


class Arrays(Plain):
    """The same in whole arrays."""

    def signals(self) -> tuple[Any, Any]:
        fast, slow = (ta.sma(self.candles, length, sequential=True) for length in (5, 20))
        entries = utils.crossed(fast, slow, "above", sequential=True)
        return entries, fast < slow


def rounds(kind: type[Strategy], history: History, traced: bool) -> list[Any]:
    session = Session(Setup((Entrant(kind, history, an_instrument(history.symbol)),), warmup=20))
    session.play(traced=traced)
    assert session.players[0].lane.run.memory.stopped == ""
    return [*session.players[0].lane.fills, *session.players[0].lane.closed]


LONG = walk(11, 5_000)


def was_traced(kind: type[Strategy]) -> bool:
    session = Session(Setup((Entrant(kind, LONG, an_instrument()),), warmup=20))
    session.players[0].show(len(LONG), traced_too=True)
    return session.players[0].trace is not None


@pytest.mark.parametrize("kind", [Cross, Plain, Arrays])
def test_questions_answered_beforehand_give_the_same_rounds_as_asking_each_candle(kind: type[Strategy]) -> None:
    assert was_traced(kind)
    assert rounds(kind, LONG, traced=True) == rounds(kind, LONG, traced=False)
    assert rounds(kind, LONG, traced=True)


def test_the_tight_loop_and_the_long_way_give_the_same_rounds() -> None:
    assert rounds(EachCandle, LONG, traced=True) == rounds(Cross, LONG, traced=False)
    assert rounds(Counting, LONG, traced=True) == rounds(Plain, LONG, traced=False)


def test_whole_arrays_say_what_the_questions_say() -> None:
    same = [row[:11] if len(row) == 10 else row for row in rounds(Arrays, LONG, traced=False)]
    tagged = [tuple("below" if cell == "signal" else cell for cell in row) for row in same]
    assert tagged == rounds(Plain, LONG, traced=False)


class Random(Cross):
    def should_long(self) -> bool:
        return bool(np.random.default_rng(int(self.price * 100)).random() < 0.1)


class Remembering(Cross):
    seen: list[float] = []  # noqa: RUF012 # what must not be traced

    def should_long(self) -> bool:
        self.seen.append(self.price)
        return len(self.seen) % 7 == 0


class InPosition(Cross):
    def should_exit(self) -> bool | str:
        return self.position.pnl_percentage > 1


@pytest.mark.parametrize("kind", [Counting, EachCandle, Random, Remembering, InPosition])
def test_a_question_that_does_more_than_compare_series_is_asked_at_every_candle(kind: type[Strategy]) -> None:
    assert not was_traced(kind)


# ---------------------------------------------------------------------- look-ahead


class Peeker(Strategy):
    """Looks at the close of the next candle by way of a series over the whole run."""

    def indicators(self) -> dict[str, Any]:
        return {"tomorrow": np.append(self.closes[1:], self.closes[-1])}

    def should_long(self) -> bool:
        return bool(self.tomorrow[-1] > self.price * 1.005)

    def should_exit(self) -> bool | str:
        return bool(self.tomorrow[-1] < self.price)


class Normaliser(Strategy):
    """Compares with the mean of the whole run: a subtler way to know the future."""

    def indicators(self) -> dict[str, Any]:
        return {"score": (self.closes - self.closes.mean()) / self.closes.std()}

    def should_long(self) -> bool:
        return bool(self.score[-1] < -0.5)

    def should_exit(self) -> bool | str:
        return bool(self.score[-1] > 0.5)


@pytest.mark.parametrize("kind", [Peeker, Normaliser])
def test_a_strategy_that_peeks_is_found(kind: type[Strategy]) -> None:
    verdict = played(kind, walk(5, 400), checks=12).lookahead
    assert not verdict.clean
    assert verdict.candle >= 0
    assert verdict.symbol == "BTC/USDT"


@pytest.mark.parametrize("kind", [Cross, Plain, Counting, EachCandle])
def test_a_strategy_that_does_not_peek_is_called_clean(kind: type[Strategy]) -> None:
    verdict = played(kind, walk(5, 400), warmup=None, checks=12).lookahead
    assert (verdict.clean, verdict.checked) == (True, 12)


def test_candles_of_other_timeframes_show_only_what_is_closed() -> None:
    class Watcher(Strategy):
        def should_long(self) -> bool:
            hours = self.get_candles("binance", "BTC/USDT", "1h")
            self.vars.setdefault("seen", []).append((self.time, int(hours[-1, 0]) + 3_600_000, len(hours)))
            return False

    session = Session(Setup((Entrant(Watcher, walk(3, 300), an_instrument()),), warmup=60))
    session.play()
    seen = session.players[0].lane.run.memory.vars["seen"]
    assert seen
    assert all(0 <= now - closed < 3_600_000 for now, closed, _ in seen)
    assert [count for now, _, count in seen if now % 3_600_000 == 0] == [2, 3, 4, 5]


@pytest.mark.parametrize(("symbol", "timeframe"), [("ETH/USDT", "1h"), ("BTC/USDT", "1m")])
def test_candles_that_are_no_larger_ones_of_its_own_stop_new_entries_and_it_says_so(symbol: str, timeframe: str) -> None:
    class Lost(Strategy):
        def should_long(self) -> bool:
            return len(self.get_candles("binance", symbol, timeframe)) > 0

    history = walk(3, 300).resampled(Timeframe.M5)
    result = played(Lost, history, detail=walk(3, 300))
    assert "candles_not_offered" in result.stopped
    assert result.fills == ()


# ---------------------------------------------------------------------- portfolios


def test_two_strategies_share_one_balance_and_keep_their_own_coins() -> None:
    rising = a_history([(100.0 + at, 101.0 + at, 99.0 + at, 100.0 + at) for at in range(6)])
    other = a_history([(10.0, 10.0, 10.0, 10.0)] * 6, symbol="ETH/USDT")
    first, second = buyer(order=(60.0, None), leave_at=3), buyer(order=(900.0, None))
    entrants = (Entrant(first, rising, an_instrument()), Entrant(second, other, an_instrument("ETH/USDT")))
    result = backtest(Setup(entrants, costs=FREE, warmup=0, checks=0))
    bought = [(one.symbol, one.quantity, one.price) for one in result.fills if one.side == "buy"]
    assert bought == [("BTC/USDT", 60.0, 101.0), ("ETH/USDT", 394.0, 10.0)]  # 10,000 - 6,060 was left
    assert [(one.symbol, one.profit) for one in result.closed] == [("BTC/USDT", 180.0)]
    assert result.equity[-1] == 10_180.0
    assert "All strategies share one balance." in result.rules


def test_a_strategy_spends_no_more_than_it_was_allotted() -> None:
    history = a_history([(100.0, 100.0, 100.0, 100.0)] * 3)
    result = played(buyer(order=(50.0, None)), history, allotted=1_000.0)
    assert [one.quantity for one in result.fills] == [10.0]


def test_timeframes_may_differ_within_a_portfolio() -> None:
    minutes, hours = walk(1, 300), walk(1, 300).resampled(Timeframe.H1)
    entrants = (Entrant(Plain, minutes, an_instrument()), Entrant(buyer(at=1, leave_at=3), hours, an_instrument()))
    result = backtest(Setup(entrants, warmup=0, checks=4))
    assert len(result.times) == 300
    assert result.lookahead.clean
    assert {one.tag for one in result.fills} >= {"entry", "below", "time"}


# ---------------------------------------------------------------------- results


def test_a_result_tells_all_that_is_needed_to_find_it_again() -> None:
    history = real_history("SOLUSDT")
    first, again = (played(Cross, history, Costs(), warmup=None, checks=6, variants=17, seed=3) for _ in range(2))
    assert json.dumps(first.as_json()) == json.dumps(again.as_json())
    assert (first.seed, first.variants) == (3, 17)
    assert len(first.code_hash) == len(first.data_hash) == 64
    changed = history.candles.copy(order="F")
    changed[0, 5] += 1
    assert played(Cross, History.of("SOL/USDT", Timeframe.H4, changed), checks=0).data_hash != first.data_hash
    assert played(Plain, history, checks=0).code_hash != first.code_hash


def test_the_figures_come_out_of_the_record() -> None:
    result = played(Cross, real_history("SOLUSDT"), Costs(), warmup=None)
    assert result.record is not None
    figures = figures_of(result.record)
    assert figures["count"] == len(result.closed)
    assert figures["net_profit"] == pytest.approx(sum(one.profit for one in result.closed))
    assert figures["roi"] == pytest.approx(result.profit / 10_000)


def test_worst_and_best_moves_are_counted_from_the_entry_up_to_the_exit() -> None:
    rows = [(100.0, 100.0, 100.0, 100.0), (100.0, 104.0, 97.0, 101.0), (101.0, 110.0, 99.0, 105.0), (105.0, 200.0, 1.0, 100.0)]
    closed = played(buyer(leave_at=2, stop=50.0), a_history(rows)).closed[0]
    assert [closed.worst, closed.best] == pytest.approx([-0.03, 0.10])
    assert (closed.entry_bar, closed.exit_bar, closed.reason) == (1, 3, "time")
    assert closed.risk == pytest.approx(50.0)


def test_holding_is_compared_from_the_first_candle_that_could_be_bought() -> None:
    rows = [(100.0, 100.0, 100.0, 100.0), (100.0, 110.0, 100.0, 110.0), (110.0, 121.0, 110.0, 121.0)]
    result = played(buyer(at=99), a_history(rows))
    assert result.hold.tolist() == pytest.approx([10_000, 11_000, 12_100])


def test_what_is_still_held_is_told_and_can_be_closed_at_the_end() -> None:
    rows = [(100.0, 100.0, 100.0, 100.0), (100.0, 110.0, 100.0, 110.0)]
    held = played(buyer(), a_history(rows))
    assert [(one.quantity, one.entry_price, one.value) for one in held.open_positions] == [(1.0, 100.0, 110.0)]
    assert held.closed == ()
    closed = played(buyer(), a_history(rows), close_at_end=True)
    assert [(one.reason, one.profit) for one in closed.closed] == [("end_of_test", 10.0)]
    assert closed.profit == held.profit == 10.0


def test_who_buys_and_never_sells_was_in_the_market_and_paid_a_fee() -> None:
    rows = [(100.0, 100.0, 100.0, 100.0)] * 4
    result = played(buyer(), a_history(rows), Costs(taker=Decimal("0.001")))
    assert result.record is not None
    found = figures_of(result.record)
    assert found["exposure"] == pytest.approx(3 / 4)
    assert found["fees"] == pytest.approx(0.1)
    setup = Setup((Entrant(buyer(), a_history(rows), an_instrument()),), costs=Costs(taker=Decimal("0.001")), warmup=0)
    quick = quick_record(setup, 0, 2**50)
    assert quick is not None
    assert figures_of(quick)["exposure"] == found["exposure"]


def test_what_vars_would_lose_at_work_is_told_of_a_backtest() -> None:
    class Forgetful(Plain):
        def after(self) -> None:
            self.vars["lowest"] = np.float64(self.low)  # a number is a number
            self.vars.setdefault("seen", set()).add(self.index)

    assert played(Forgetful, walk(1, 60)).unkept == "'seen', set"
    assert played(Plain, walk(1, 60)).unkept == ""


def test_progress_is_told_and_grows() -> None:
    told: list[float] = []
    backtest(Setup((Entrant(Counting, walk(2, 12_000), an_instrument()),), checks=0), told.append)
    assert told == sorted(told)
    assert len(told) >= 2
    assert told[-1] == 1.0


def test_nothing_comes_of_no_candles() -> None:
    result = played(Cross, a_history([]))
    assert (len(result.times), result.profit, result.closed) == (0, 0.0, ())
    assert result.as_json()["equity"] == []


def test_the_warm_up_is_found_out_and_may_be_raised() -> None:
    assert played(Plain, walk(1, 100), warmup=None).warmup == 20

    class Patient(Plain):
        warmup_candles = 70

    assert played(Patient, walk(1, 100), warmup=None).warmup == 70


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda candles: candles.__setitem__((3, 3), 0.5), "impossible_row"),
        (lambda candles: candles.__setitem__((3, 2), np.nan), "impossible_row"),
        (lambda candles: candles.__setitem__((3, 0), candles[2, 0]), "candles_out_of_order"),
    ],
    ids=["a high below the low", "no number", "twice the same time"],
)
def test_candles_that_cannot_be_are_refused(spoil: Callable[[Any], None], error: str) -> None:
    candles = walk(1, 10).candles.copy(order="F")
    spoil(candles)
    with pytest.raises(DataError) as found:
        History.of("BTC/USDT", Timeframe.M1, candles)
    assert found.value.code == error


def test_parameters_are_checked_before_anything_runs() -> None:
    class Asking(Strategy):
        def hyperparameters(self) -> list[dict[str, Any]]:
            return [{"name": "length", "type": int, "min": 2, "max": 9, "default": 5}]

    for given, code in (({"length": 10}, "bad_strategy_parameter"), ({"width": 3}, "unknown_parameter")):
        with pytest.raises(StrategyError) as found:
            played(Asking, walk(1, 10), parameters=given)
        assert found.value.code == code
    assert played(Asking, walk(1, 10), parameters={"length": "7"}).parameters == ({"length": 7},)


def test_the_exact_profits_of_the_rounds_are_the_change_of_the_balance() -> None:
    session = Session(Setup((Entrant(Plain, LONG, an_instrument(), {}),), cash=Decimal("12345.678"), warmup=20))
    session.play()
    session.finish(close=True)
    lane = session.players[0].lane
    gained = sum(row[9] for row in lane.closed) * lane.account.factor
    assert session.purse.cash - gained == int(Decimal("12345.678") * session.purse.scale)
    assert len(closed_trades(session.players[0])) == len(lane.closed)
