"""Limits: what each refuses, by how much, and that exits pass where entries do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aristobot.errors import InvalidInput
from aristobot.kinds import BrokerAccess, HaltLevel
from aristobot.market import Instrument, InstrumentState
from aristobot.orders import OrderStatus, Side
from aristobot.risk import Activity, Limits, Proposal, Situation, check

D = Decimal
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BTC = Instrument("binance", "BTC/USDT", "BTC", "USDT", D("0.01"), D("0.00001"), min_quantity=D("0.00001"), min_notional=D(5))


def an_entry(**changes: object) -> Proposal:
    values: dict[str, object] = {
        "instrument": BTC, "side": Side.BUY, "reducing": False, "quantity": D("0.01"), "notional": D(600),
        "price": D(60000), "reference": D(60000), "at": NOON,
    }  # fmt: skip
    return Proposal(**(values | changes))  # type: ignore[arg-type]  # the test names only what matters to it


def a_calm_broker(**changes: object) -> Situation:
    values: dict[str, object] = {
        "access": BrokerAccess.TRADE, "halt": None, "reconciled": True, "clock_certain": True, "equity": D(10000),
        "position_notional": D(0), "total_notional": D(0), "open_positions": 0, "realised_today": D(0),
        "unknown_on_symbol": False,
    }  # fmt: skip
    return Situation(**(values | changes))  # type: ignore[arg-type]  # as above


def code_of(proposal: Proposal, situation: Situation, limits: Limits | None = None, activity: Activity | None = None) -> str:
    refusal = check(proposal, situation, limits or Limits(), activity or Activity())
    return refusal.code if refusal else ""


def test_an_ordinary_entry_passes() -> None:
    assert code_of(an_entry(), a_calm_broker()) == ""


@pytest.mark.parametrize(
    ("situation", "code"),
    [
        (a_calm_broker(access=BrokerAccess.READ_ONLY), "broker_read_only"),
        (a_calm_broker(access=BrokerAccess.REDUCE_ONLY), "broker_reduce_only"),
        (a_calm_broker(halt=HaltLevel.HALT), "halted"),
        (a_calm_broker(reconciled=False), "not_reconciled"),
        (a_calm_broker(clock_certain=False), "clock_doubt"),
        (a_calm_broker(unknown_on_symbol=True), "order_in_doubt"),
        (a_calm_broker(realised_today=D(-500)), "daily_loss"),
    ],
)
def test_a_troubled_broker_takes_no_entry_and_says_why(situation: Situation, code: str) -> None:
    assert code_of(an_entry(), situation) == code


@pytest.mark.parametrize(
    "situation",
    [
        a_calm_broker(access=BrokerAccess.REDUCE_ONLY),
        a_calm_broker(halt=HaltLevel.FLATTEN),
        a_calm_broker(reconciled=False),
        a_calm_broker(clock_certain=False),
        a_calm_broker(unknown_on_symbol=True),
        a_calm_broker(realised_today=D(-9999)),
    ],
)
def test_an_exit_leaves_whatever_blocks_entries(situation: Situation) -> None:
    sale = an_entry(side=Side.SELL, reducing=True, price=D(30000))
    strict = Limits(max_order_notional=D(1), max_open_positions=0, allowed_symbols=(), entries_per_minute=0)
    assert code_of(sale, situation, strict) == ""


def test_a_read_only_broker_sends_no_exit_either() -> None:
    assert code_of(an_entry(side=Side.SELL, reducing=True), a_calm_broker(access=BrokerAccess.READ_ONLY)) == "broker_read_only"


@pytest.mark.parametrize(
    ("limits", "allowed", "refused", "code"),
    [
        (Limits(max_order_notional=D(600)), D(600), D("600.01"), "max_order_notional"),
        (Limits(max_order_percent=D(6)), D(600), D("600.01"), "max_order_percent"),
        (Limits(max_position_notional=D(600)), D(600), D("600.01"), "max_position_notional"),
        (Limits(max_total_notional=D(600)), D(600), D("600.01"), "max_total_notional"),
    ],
)
def test_a_size_limit_lets_the_last_allowed_step_pass_and_not_the_next(
    limits: Limits, allowed: Decimal, refused: Decimal, code: str
) -> None:
    assert code_of(an_entry(notional=allowed), a_calm_broker(), limits) == ""
    assert code_of(an_entry(notional=refused), a_calm_broker(), limits) == code


@pytest.mark.parametrize(
    ("situation", "limits", "code"),
    [
        (a_calm_broker(untold_results=("BTC",)), Limits(), "no_conversion"),
        (a_calm_broker(untold_results=("BTC",)), Limits(daily_loss_percent=None), ""),
        (a_calm_broker(untold_held=("BTC",)), Limits(), ""),
        (a_calm_broker(untold_held=("BTC",)), Limits(max_total_notional=D(10000)), "no_conversion"),
        (a_calm_broker(untold_held=("BTC",)), Limits(max_total_notional=D(500)), "max_total_notional"),
        (a_calm_broker(untold_held=("BTC",)), Limits(max_order_percent=D(6)), ""),
        (a_calm_broker(untold_held=("BTC",)), Limits(max_order_percent=D(5)), "no_conversion"),
        (a_calm_broker(untold_held=("BTC",), realised_today=D(-500)), Limits(), "no_conversion"),
        (a_calm_broker(untold_held=("BTC",), realised_today=D("-499.99")), Limits(), ""),
        (a_calm_broker(free_elsewhere=D(10000), realised_today=D("-999.99")), Limits(), ""),
        (a_calm_broker(free_elsewhere=D(10000), realised_today=D(-1000)), Limits(), "daily_loss"),
    ],
)
def test_a_sum_that_cannot_be_told_refuses_where_a_limit_hangs_on_it_and_is_no_breach(
    situation: Situation, limits: Limits, code: str
) -> None:
    assert code_of(an_entry(), situation, limits) == code
    assert code_of(an_entry(side=Side.SELL, reducing=True), situation, limits) == ""


def test_a_buy_far_above_the_market_is_refused_and_one_below_it_may_wait() -> None:
    assert code_of(an_entry(price=D("61800.01")), a_calm_broker()) == ""
    assert code_of(an_entry(price=D("61800.02")), a_calm_broker()) == "outside_collar"
    assert code_of(an_entry(price=D(30000)), a_calm_broker()) == ""


def test_the_exchanges_own_minimums_are_known_before_it_is_asked() -> None:
    assert code_of(an_entry(notional=D("4.99")), a_calm_broker()) == "below_min_notional"
    assert code_of(an_entry(quantity=D("0.000001")), a_calm_broker()) == "below_min_quantity"
    halted = an_entry(instrument=replace(BTC, state=InstrumentState.HALTED))
    assert code_of(halted, a_calm_broker()) == "market_closed"
    exit_ = an_entry(instrument=replace(BTC, state=InstrumentState.HALTED), side=Side.SELL, reducing=True)
    assert code_of(exit_, a_calm_broker()) == ""


def test_only_pairs_of_the_list_are_bought_when_there_is_a_list() -> None:
    assert code_of(an_entry(), a_calm_broker(), Limits(allowed_symbols=("ETH/USDT",))) == "symbol_not_allowed"


def test_the_same_entry_twice_within_two_seconds_is_one_too_many() -> None:
    activity = Activity()
    activity.entered(NOON - timedelta(seconds=1), "BTC/USDT", Side.BUY, D("0.01"))
    assert code_of(an_entry(), a_calm_broker(), activity=activity) == "twin_order"
    assert code_of(an_entry(quantity=D("0.02")), a_calm_broker(), activity=activity) == ""
    assert code_of(an_entry(at=NOON + timedelta(seconds=2)), a_calm_broker(), activity=activity) == ""


def test_an_order_in_the_place_of_another_is_no_new_entry() -> None:
    activity = Activity()
    activity.entered(NOON, "BTC/USDT", Side.BUY, D("0.01"))
    assert code_of(an_entry(replacing=True), a_calm_broker(), activity=activity) == ""


def test_the_sixth_entry_on_a_symbol_within_ten_minutes_is_refused() -> None:
    activity = Activity()
    for minute in range(5):
        activity.entered(NOON - timedelta(minutes=9 - minute), "BTC/USDT", Side.BUY, D(minute + 1))
    assert code_of(an_entry(), a_calm_broker(), activity=activity) == "repeated_entries"
    assert code_of(an_entry(at=NOON + timedelta(minutes=2)), a_calm_broker(), activity=activity) == ""


def test_five_refusals_in_a_row_stop_entries_until_something_is_accepted() -> None:
    activity = Activity()
    for _ in range(5):
        activity.ended(OrderStatus.REJECTED)
    assert code_of(an_entry(), a_calm_broker(), activity=activity) == "too_many_refusals"
    activity.ended(OrderStatus.FILLED)
    assert code_of(an_entry(), a_calm_broker(), activity=activity) == ""


@given(count=st.integers(0, 60))
def test_no_more_entries_pass_in_a_minute_than_allowed(count: int) -> None:
    activity, passed = Activity(), 0
    for number in range(count):
        proposal = an_entry(instrument=replace(BTC, symbol=f"C{number}/USDT"), at=NOON + timedelta(milliseconds=number))
        if check(proposal, a_calm_broker(), Limits(), activity) is None:
            activity.entered(proposal.at, proposal.instrument.symbol, proposal.side, proposal.quantity)
            passed += 1
    assert passed == min(count, Limits().entries_per_minute)


def test_limits_are_read_from_text_and_a_wrong_one_names_its_field() -> None:
    limits = Limits.read({"max_order_notional": "250.5", "allowed_symbols": ["btc/usdt"], "max_open_positions": None})
    assert (limits.max_order_notional, limits.allowed_symbols, limits.max_open_positions) == (D("250.5"), ("BTC/USDT",), None)
    for stored, field in (({"max_order": "1"}, "max_order"), ({"entries_per_minute": None}, "entries_per_minute")):
        with pytest.raises(InvalidInput) as refused:
            Limits.read(stored)
        assert refused.value.field == field


def test_orders_that_are_refused_as_one_list_count_as_one_refusal() -> None:
    activity = Activity()
    for of_list in ("one", "one", "one", "two", "two", "", ""):
        activity.ended(OrderStatus.REJECTED, of_list)
    assert activity.refusals_in_a_row == 4
