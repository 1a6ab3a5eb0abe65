"""Every rule of execution, each with candles and prices worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from aristobot.backtest.session import Session
from aristobot.backtest.settings import Costs, Entrant, FeeAsset, Mood, Setup
from aristobot.market import Timeframe
from tests.backtesting import FREE, START, a_history, an_instrument, buyer, played

CALM = (100.0, 101.0, 99.0, 100.0)


def fills(result: Any) -> list[tuple[int, str, float, str]]:
    return [(one.candle, one.side, one.price, one.tag) for one in result.fills]


#: The candle of the signal comes first; then open, high, low, close of those that follow; the order; what is filled.
TABLE = [
    ("a market order takes the next open", [(102.0, 103.0, 101.0, 102.0)], {}, [(1, "buy", 102.0, "entry")]),
    ("a limit that is only touched is not filled", [(100.0, 101.0, 98.0, 99.0)], {"order": (1.0, 98.0)}, []),
    ("a limit that is traded through is filled at its price", [(100.0, 101.0, 97.99, 99.0)], {"order": (1.0, 98.0)}, [(1, "buy", 98.0, "entry")]),
    ("a limit under which the candle opens is filled at the open", [(97.0, 98.0, 96.0, 97.0)], {"order": (1.0, 98.0)}, [(1, "buy", 97.0, "entry")]),
    ("an entry stop is filled at its price when it is touched", [(100.0, 103.0, 99.0, 102.0)], {"order": (1.0, 103.0)}, [(1, "buy", 103.0, "entry")]),
    ("an entry stop over which the candle opens is filled at the open", [(104.0, 105.0, 103.5, 104.0)], {"order": (1.0, 103.0)}, [(1, "buy", 104.0, "entry")]),
    ("an entry that is not reached is taken back after one candle", [CALM, (100.0, 100.0, 90.0, 95.0)], {"order": (1.0, 95.0)}, []),
    ("a stop is filled at its price when it is touched", [CALM, (100.0, 100.0, 95.0, 96.0)], {"stop": 95.0}, [(1, "buy", 100.0, "entry"), (2, "sell", 95.0, "stop_loss")]),
    ("a stop under which the candle opens is filled at the open", [CALM, (94.0, 96.0, 93.0, 95.0)], {"stop": 95.0}, [(1, "buy", 100.0, "entry"), (2, "sell", 94.0, "stop_loss")]),
    ("a target that is only touched is not filled", [CALM, (100.0, 105.0, 99.0, 104.0)], {"target": 105.0}, [(1, "buy", 100.0, "entry")]),
    ("a target that is traded through is filled at its price", [CALM, (100.0, 105.01, 99.0, 104.0)], {"target": 105.0}, [(1, "buy", 100.0, "entry"), (2, "sell", 105.0, "take_profit")]),
    ("a target over which the candle opens is filled at the open", [CALM, (107.0, 108.0, 106.0, 107.0)], {"target": 105.0}, [(1, "buy", 100.0, "entry"), (2, "sell", 107.0, "take_profit")]),
    ("of a stop and a target in one candle the stop is first", [CALM, (100.0, 106.0, 94.0, 100.0)], {"stop": 95.0, "target": 105.0}, [(1, "buy", 100.0, "entry"), (2, "sell", 95.0, "stop_loss")]),
    ("when it opens over the target, the target was first", [CALM, (106.0, 107.0, 94.0, 100.0)], {"stop": 95.0, "target": 105.0}, [(1, "buy", 100.0, "entry"), (2, "sell", 106.0, "take_profit")]),
    ("a stop acts in the candle of the entry", [(100.0, 101.0, 94.0, 96.0)], {"stop": 95.0}, [(1, "buy", 100.0, "entry"), (1, "sell", 95.0, "stop_loss")]),
    ("a target acts in the candle of an entry at the open", [(100.0, 106.0, 99.0, 104.0)], {"target": 105.0}, [(1, "buy", 100.0, "entry"), (1, "sell", 105.0, "take_profit")]),
    ("the high of a candle may lie before a limit was filled in it", [(100.0, 106.0, 97.0, 99.0)], {"order": (1.0, 98.0), "target": 105.0}, [(1, "buy", 98.0, "entry")]),
    ("a close over the target lies after the limit that was filled", [(100.0, 106.0, 97.0, 105.5)], {"order": (1.0, 98.0), "target": 105.0}, [(1, "buy", 98.0, "entry"), (1, "sell", 105.0, "take_profit")]),
    ("a fall through the limit goes on to the stop", [(100.0, 101.0, 94.0, 99.0)], {"order": (1.0, 98.0), "stop": 95.0}, [(1, "buy", 98.0, "entry"), (1, "sell", 95.0, "stop_loss")]),
    ("a stop that lies over the price of the purchase sells at once at that price", [(92.0, 96.0, 91.0, 95.0)], {"stop": 95.0}, [(1, "buy", 92.0, "entry"), (1, "sell", 92.0, "stop_loss")]),
    ("a target that lies under the price of the purchase sells at once at that price", [(107.0, 108.0, 106.0, 107.0)], {"target": 105.0}, [(1, "buy", 107.0, "entry"), (1, "sell", 107.0, "take_profit")]),
    ("an exit that is asked for takes the next open", [CALM, (99.0, 100.0, 98.0, 99.0)], {"leave_at": 1}, [(1, "buy", 100.0, "entry"), (2, "sell", 99.0, "time")]),
    ("an exit that was asked for takes the open before a stop does", [CALM, (94.0, 96.0, 93.0, 95.0)], {"leave_at": 1, "stop": 95.0}, [(1, "buy", 100.0, "entry"), (2, "sell", 94.0, "time")]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "candles", "said", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_orders_are_executed_by_the_stated_rules(rule: str, candles: Any, said: dict[str, Any], expected: Any) -> None:
    result = played(buyer(**said), a_history([CALM, *candles]))
    assert fills(result) == expected
    assert result.stopped == ""


OPTIMISTIC = [
    ("a limit that is touched is filled", [(100.0, 101.0, 98.0, 99.0)], {"order": (1.0, 98.0)}, [(1, "buy", 98.0, "entry")]),
    ("of a stop and a target in one candle the target is first", [CALM, (100.0, 106.0, 94.0, 100.0)], {"stop": 95.0, "target": 105.0}, [(1, "buy", 100.0, "entry"), (2, "sell", 105.0, "take_profit")]),
    ("a target counts in the candle of its limit entry", [(100.0, 106.0, 97.0, 99.0)], {"order": (1.0, 98.0), "target": 105.0}, [(1, "buy", 98.0, "entry"), (1, "sell", 105.0, "take_profit")]),
    ("the low may lie before an entry on the way up", [(100.0, 104.0, 94.0, 103.0)], {"order": (1.0, 103.0), "stop": 95.0}, [(1, "buy", 103.0, "entry")]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "candles", "said", "expected"), OPTIMISTIC, ids=[row[0] for row in OPTIMISTIC])
def test_the_optimistic_counter_run_reads_the_candle_the_other_way(rule: str, candles: Any, said: Any, expected: Any) -> None:
    entrant = Entrant(buyer(**said), a_history([CALM, *candles]), an_instrument())
    session = Session(Setup((entrant,), costs=FREE, warmup=0), Mood.OPTIMISTIC)
    session.play()
    assert [(one.candle, one.side, one.price, one.tag) for one in session.players[0].course().fills()] == expected


def test_a_fall_meets_the_stop_before_a_further_entry_below_it() -> None:
    class Averaging(buyer(stop=95.0)):  # type: ignore[misc] # a class made on the spot
        max_position_adjustments = 1

        def update_position(self) -> None:
            self.buy = 1.0, 92.0

    history = a_history([CALM, CALM, (100.0, 100.0, 90.0, 91.0), (91.0, 92.0, 90.0, 91.0)])
    assert fills(played(Averaging, history)) == [(1, "buy", 100.0, "entry"), (2, "sell", 95.0, "stop_loss")]


def test_the_band_reaches_from_the_pessimistic_to_the_optimistic_reading() -> None:
    history = a_history([CALM, CALM, (100.0, 106.0, 94.0, 100.0)])
    result = played(buyer(stop=95.0, target=105.0), history)
    assert (result.band.pessimistic, result.band.optimistic) == (-5.0, 5.0)
    assert result.profit == -5.0


def test_inside_a_large_candle_the_small_ones_tell_what_came_first() -> None:
    hours = a_history([CALM, CALM, (100.0, 106.0, 94.0, 100.0)], Timeframe.H1)
    minutes = [CALM] * 120 + [(100.0, 106.0, 99.0, 105.0)] + [(105.0, 105.0, 94.0, 100.0)] * 59
    result = played(buyer(stop=95.0, target=105.0), hours, detail=a_history(minutes))
    assert fills(result) == [(1, "buy", 100.0, "entry"), (2, "sell", 105.0, "take_profit")]
    assert result.fills[1].at == START + 120 * 60_000


@pytest.mark.parametrize(
    ("costs", "bought", "sold"),
    [
        (Costs(slippage_bps=10), 100.1, 98.90),
        (Costs(slippage_range=0.5), 101.0, 98.0),
        (Costs(slippage_bps=10, slippage_range=0.5), 101.1, 97.9),
    ],
    ids=["hundredths of a per cent", "share of the range", "both"],
)
def test_slippage_makes_orders_that_take_worse_and_stays_on_the_tick(costs: Costs, bought: float, sold: float) -> None:
    history = a_history([CALM, CALM, (99.0, 100.0, 98.0, 99.0)])
    result = played(buyer(leave_at=1), history, costs)
    assert [one.price for one in result.fills] == [bought, sold]


def test_an_order_that_rests_slips_nowhere() -> None:
    result = played(buyer(order=(1.0, 98.0)), a_history([CALM, (100.0, 101.0, 97.0, 98.0)]), Costs(slippage_bps=50))
    assert [one.price for one in result.fills] == [98.0]


def test_latency_takes_the_first_small_candle_that_opens_after_it() -> None:
    hours = a_history([CALM, (100.0, 130.0, 100.0, 130.0)], Timeframe.H1)
    minutes = [CALM] * 60 + [(100.0 + number / 2, 131.0, 99.0, 100.0 + number / 2) for number in range(60)]
    minutes = [(o, max(o, c), min(o, c), c) for o, _, _, c in minutes]
    result = played(buyer(), hours, Costs(latency=90.0), detail=a_history(minutes))
    assert [(one.price, one.at) for one in result.fills] == [(101.0, START + 62 * 60_000)]


def test_without_small_candles_latency_goes_its_part_of_the_way_to_the_worst_price() -> None:
    history = a_history([CALM, (100.0, 104.0, 96.0, 100.0), (100.0, 101.0, 96.0, 100.0)])
    result = played(buyer(leave_at=1), history, Costs(latency=15.0))
    assert [one.price for one in result.fills] == [101.0, 99.0]  # a quarter of a minute: a quarter of the way
    assert result.band.pessimistic == pytest.approx(-2.2)
    assert result.band.optimistic == pytest.approx(-0.2)


def test_the_fee_of_a_purchase_is_taken_from_the_coins_when_the_exchange_does_so() -> None:
    rate = Decimal("0.001")
    history = a_history([CALM, CALM, (110.0, 110.0, 110.0, 110.0)])
    in_quote = played(buyer(leave_at=1), history, Costs(rate, rate))
    in_base = played(buyer(leave_at=1), history, Costs(rate, rate, FeeAsset.BASE))
    assert in_quote.closed[0].profit == pytest.approx(110 - 100 - 0.1 - 0.11)
    # 0.999 coins came, and 0.999 can be sold: 109.89 less a fee of 0.10989
    assert [one.quantity for one in in_base.fills] == [1.0, 0.999]
    assert in_base.closed[0].profit == pytest.approx(109.89 - 0.10989 - 100)


def test_maker_and_taker_pay_their_own_fees() -> None:
    history = a_history([CALM, (100.0, 101.0, 97.0, 100.0), (100.0, 100.0, 100.0, 100.0)])
    result = played(buyer(order=(1.0, 98.0), leave_at=1), history, Costs(Decimal("0.001"), Decimal("0.002")))
    assert [(one.maker, round(one.fee, 6)) for one in result.fills] == [(True, 0.098), (False, 0.2)]


@pytest.mark.parametrize(
    ("order", "rules", "reason"),
    [
        ((0.0004, None), {}, "below_minimum"),
        ((0.05, None), {"min_notional": Decimal(10)}, "below_minimum"),
        ((0.05, None), {"min_quantity": Decimal("0.1")}, "below_minimum"),
        ((1.0, 98.0), {"min_notional": Decimal(99)}, "below_minimum"),
    ],
    ids=["less than a lot", "worth too little", "too few", "a limit worth too little"],
)
def test_an_order_that_the_exchange_would_refuse_is_listed_with_the_reason(order: Any, rules: Any, reason: str) -> None:
    result = played(buyer(order=order), a_history([CALM, CALM]), instrument=an_instrument(**rules))
    assert result.fills == ()
    assert [one.reason for one in result.refused] == [reason]


def test_an_entry_that_the_next_open_made_too_dear_is_made_smaller() -> None:
    result = played(buyer(order=(100.0, None)), a_history([CALM, (110.0, 110.0, 110.0, 110.0)]))
    assert [one.quantity for one in result.fills] == [90.909]  # 10,000 at 110, rounded down to the lot
    assert 0 <= result.equity[-1] - 90.909 * 110 < 0.11


def test_an_entry_that_was_not_reached_is_listed() -> None:
    result = played(buyer(order=(1.0, 90.0)), a_history([CALM, CALM, CALM]))
    assert [(one.reason, one.price) for one in result.refused] == [("not_reached", 90.0)]
