"""Several strategies over one balance, told leg by leg; and every run beside who holds bitcoin, where that can be known."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.backtest.bitcoin import Beside
from aristobot.backtest.history import History
from aristobot.backtest.report import Report, packed, report_of, unpacked
from aristobot.backtest.runner import backtest
from aristobot.backtest.settings import Costs, Entrant, Setup
from aristobot.errors import StrategyError
from aristobot.market import Timeframe
from tests.backtesting import FREE, START, a_history, an_instrument, buyer, closes_at, real_history

MINUTE = 60_000
TENTH = Costs(maker=Decimal("0.1"), taker=Decimal("0.1"))


def a_report(setup: Setup, *names: str) -> Report:
    """What is kept of a run, once it has been packed and read again."""
    return unpacked(packed(report_of(setup, backtest(setup), names)))


def flat(symbol: str, price: float, count: int = 6) -> History:
    """Candles that do not move."""
    return a_history([(price, price, price, price)] * count, symbol=symbol)


def test_every_leg_has_a_line_of_its_own_and_together_they_are_the_whole() -> None:
    rising = a_history([(100.0 + at, 101.0 + at, 99.0 + at, 100.0 + at) for at in range(6)])
    first, second = buyer(order=(60.0, None), leave_at=3), buyer(order=(900.0, None))
    setup = Setup(
        (
            Entrant(first, rising, an_instrument()),
            Entrant(second, flat("ETH/USDT", 10), an_instrument("ETH/USDT"), allotted=500.0),
        ),
        costs=FREE,
        warmup=0,
        checks=0,
    )
    report = a_report(setup, "Up", "Still")
    told = [(leg.strategy, leg.symbol, leg.closed, leg.won, leg.profit, leg.share, leg.allotted) for leg in report.legs]
    assert told == [("Up", "BTC/USDT", 1, 1, 180.0, 0.018, None), ("Still", "ETH/USDT", 0, 0, 0.0, 0.0, 500.0)]
    assert report.profit == sum(leg.profit for leg in report.legs)
    assert [(one.leg, one.symbol, one.side) for one in report.fills] == [
        (0, "BTC/USDT", "buy"),
        (1, "ETH/USDT", "buy"),
        (0, "BTC/USDT", "sell"),
    ]
    assert [one.leg for one in report.closed] == [0]
    assert next(one.quantity for one in report.fills if one.leg == 1) == 50.0
    assert [len(leg.bars) for leg in report.legs] == [6, 6]


def test_two_legs_on_one_pair_are_told_apart() -> None:
    history = a_history([(100.0 + at, 101.0 + at, 99.0 + at, 100.0 + at) for at in range(6)])
    kinds = (buyer(order=(10.0, None), leave_at=2), buyer(at=1, order=(20.0, None), leave_at=4))
    setup = Setup(tuple(Entrant(kind, history, an_instrument()) for kind in kinds), costs=FREE, warmup=0, checks=0)
    report = a_report(setup)
    assert [(leg.closed, leg.profit) for leg in report.legs] == [(1, 20.0), (1, 60.0)]
    assert [one.leg for one in report.closed] == [0, 1]


@given(
    moves=st.lists(st.integers(-15, 15), min_size=40, max_size=60),
    quantities=st.lists(st.integers(1, 400), min_size=2, max_size=4),
    leave=st.integers(3, 50),
    allotted=st.none() | st.integers(100, 5_000),
)
def test_the_profits_of_the_legs_are_the_profit_of_the_run(
    moves: list[int], quantities: list[int], leave: int, allotted: int | None
) -> None:
    closes = np.maximum(20.0, 100.0 + np.cumsum(moves)).tolist()
    entrants = tuple(
        Entrant(
            buyer(at=at, order=(float(quantity), None), leave_at=leave + at),
            closes_at(*closes),
            an_instrument(lot="0.5"),
            allotted=None if allotted is None else float(allotted),
        )
        for at, quantity in enumerate(quantities)
    )
    setup = Setup(entrants, warmup=0, checks=0)
    report = a_report(setup)
    assert sum(leg.profit for leg in report.legs) == pytest.approx(report.profit)
    assert sum(leg.share for leg in report.legs) == pytest.approx(report.profit / report.cash)
    assert sum(leg.fees for leg in report.legs) == pytest.approx(sum(one.fee for one in report.fills))
    assert sum(leg.closed for leg in report.legs) == len(report.closed)


def test_a_run_of_one_strategy_has_no_lines_beside_its_own_figures() -> None:
    report = a_report(Setup((Entrant(buyer(), closes_at(1, 2, 3), an_instrument()),), warmup=0, checks=0))
    assert (report.legs, [one.leg for one in report.fills]) == ([], [0])


def test_which_leg_cannot_have_its_parameters_is_said() -> None:
    entrants = (
        Entrant(buyer(), closes_at(1, 2, 3), an_instrument()),
        Entrant(buyer(), flat("ETH/USDT", 3, 3), an_instrument("ETH/USDT"), {"nonsense": 1}),
    )
    with pytest.raises(StrategyError) as refused:
        backtest(Setup(entrants))
    assert refused.value.facts["among"] == "2. ETH/USDT"
    with pytest.raises(StrategyError) as alone:
        backtest(Setup(entrants[1:]))
    assert "among" not in alone.value.facts


def test_a_leg_that_falls_is_named_and_the_others_go_on() -> None:
    class Falls(buyer()):  # type: ignore[misc]  # a class made by a function
        def should_long(self) -> bool:
            raise ZeroDivisionError

    history = closes_at(10, 10, 10, 10)
    setup = Setup((Entrant(buyer(), history, an_instrument()), Entrant(Falls, history, an_instrument())), warmup=0, checks=0)
    result = backtest(setup)
    assert result.stopped.startswith("2. BTC/USDT: ")
    assert len(result.fills) == 1


# ---------------------------------------------------------------------- beside bitcoin


def test_who_holds_bitcoin_buys_it_at_the_first_chance_with_everything() -> None:
    bitcoin = a_history([(200, 200, 200, 200), (220, 240, 220, 240), (240, 264, 240, 264), (264, 264, 132, 132)])
    history = a_history([(10, 10, 10, 10), (10, 12, 10, 12), (12, 12, 12, 12), (12, 12, 9, 9)], symbol="ETH/USDT")
    setup = Setup((Entrant(buyer(at=9), history, an_instrument("ETH/USDT")),), costs=TENTH, warmup=0, checks=0, bitcoin=bitcoin)
    report = a_report(setup)
    # 10,000 / (220 * 1.1) coins from the open of the second candle on; holding the pair: 10,000 / (10 * 1.1)
    coins = 10_000 / 242
    assert [one.bitcoin for one in report.points] == pytest.approx([10_000, coins * 240, coins * 264, coins * 132])
    assert [one.hold for one in report.points] == pytest.approx([10_000, 12_000 / 1.1, 12_000 / 1.1, 9_000 / 1.1])
    assert report.figures["hold_bitcoin_roi"] == pytest.approx(132 / 242 - 1)
    assert report.figures["above_bitcoin"] == pytest.approx(1 - 132 / 242)
    assert report.figures["bitcoin_drawdown_share"] == pytest.approx(0.5)
    assert report.figures["hold_roi"] == pytest.approx(0.9 / 1.1 - 1)
    assert report.bitcoin is not None
    assert (report.bitcoin.beside, report.bitcoin.wanted, report.bitcoin.missing) == (Beside.HELD, 4, 0)


@pytest.mark.parametrize(
    ("kept", "missing"),
    [
        ([], 5),
        ([0, 1, 2], 2),  # the last two closes
        ([0, 1, 3, 4], 1),  # a hole
        ([0, 2, 3, 4], 2),  # the candle at whose open it is bought, and its close
    ],
)
def test_without_every_candle_of_bitcoin_there_is_no_figure(kept: list[int], missing: int) -> None:
    whole = closes_at(200, 210, 220, 230, 240)
    known = History(whole.symbol, whole.timeframe, whole.candles[kept]) if kept else None
    setup = Setup((Entrant(buyer(), flat("ETH/USDT", 10, 5), an_instrument("ETH/USDT")),), warmup=0, checks=0, bitcoin=known)
    report = a_report(setup)
    assert report.bitcoin is not None
    assert (report.bitcoin.beside, report.bitcoin.wanted, report.bitcoin.missing) == (Beside.MISSING, 5, missing)
    assert report.figures["hold_bitcoin_roi"] is None
    assert {one.bitcoin for one in report.points} == {None}
    assert report.figures["hold_roi"] is not None


def test_what_trades_nothing_but_bitcoin_is_beside_it_already() -> None:
    setup = Setup((Entrant(buyer(), real_history("BTCUSDT"), an_instrument()),), checks=0)
    report = a_report(setup)
    assert report.bitcoin is not None
    assert report.bitcoin.beside is Beside.TRADED
    assert report.figures["hold_bitcoin_roi"] == report.figures["hold_roi"]


def test_a_balance_in_bitcoin_is_held_by_leaving_it_alone() -> None:
    setup = Setup((Entrant(buyer(), flat("ETH/BTC", 0.05), an_instrument("ETH/BTC")),), warmup=0, checks=0)
    report = a_report(setup)
    assert report.bitcoin is not None
    assert report.bitcoin.beside is Beside.QUOTE
    assert report.figures["hold_bitcoin_roi"] == 0.0


def test_a_leg_on_bitcoin_serves_the_others_for_the_comparison() -> None:
    small, large = closes_at(*range(100, 160)), flat("ETH/USDT", 10, 60).resampled(Timeframe.M15)
    setup = Setup(
        (Entrant(buyer(at=99), large, an_instrument("ETH/USDT")), Entrant(buyer(at=99), small, an_instrument())),
        costs=FREE,
        warmup=0,
        checks=0,
    )
    result = backtest(setup)
    worth, gap = result.bitcoin
    assert (gap.beside, gap.missing) == (Beside.HELD, 0)
    assert worth is not None
    assert worth[-1] == pytest.approx(10_000 / 101 * 159)  # from the open of the second minute, when the first leg could buy
    assert result.times[-1] == START + 60 * MINUTE
