"""What is believed of an order: any order of any reports, however often they come, ends in the same belief."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.orders import (
    FINAL,
    RANK,
    OrderReport,
    OrderState,
    OrderStatus,
    OrderType,
    TimeInForce,
    can_rest,
    client_order_id,
    may_conclude,
    merge,
)
from tests.builders import an_order_report

D = Decimal
S = OrderStatus
SAID_BY_EXCHANGES = (S.OPEN, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED)
OURS = (S.PENDING, S.UNKNOWN, S.DENIED, S.REJECTED, S.NOT_ACCEPTED)
#: Lives that an order may have at an exchange, report after report: (status, filled).
LIVES: tuple[tuple[tuple[OrderStatus, str], ...], ...] = (
    ((S.OPEN, "0"), (S.FILLED, "1")),
    ((S.OPEN, "0"), (S.PARTIALLY_FILLED, "0.3"), (S.PARTIALLY_FILLED, "0.7"), (S.FILLED, "1")),
    ((S.OPEN, "0"), (S.CANCELED, "0")),
    ((S.OPEN, "0"), (S.PARTIALLY_FILLED, "0.4"), (S.CANCELED, "0.4")),
    ((S.OPEN, "0"), (S.PARTIALLY_FILLED, "0.4"), (S.EXPIRED, "0.4")),
    ((S.EXPIRED, "0"),),
    ((S.OPEN, "0"), (S.REJECTED, "0")),
    ((S.REJECTED, "0"),),
    ((S.FILLED, "1"),),
)

statuses = st.sampled_from(SAID_BY_EXCHANGES)
amounts = st.decimals("0", "1", places=3)
reports = st.builds(
    lambda status, filled: an_order_report(status=status, filled=filled, quote_filled=filled * 100), statuses, amounts
)
beliefs = st.sampled_from((S.PENDING, S.UNKNOWN, S.NOT_ACCEPTED, S.REJECTED)).map(OrderState)


def believed(state: OrderState, heard: Sequence[OrderReport]) -> tuple[OrderStatus, Decimal, Decimal]:
    """What is believed after hearing all of that."""
    after = reduce(merge, heard, state)
    return after.status, after.filled, after.quote_filled


@given(beliefs, st.lists(reports, max_size=8), st.randoms(use_true_random=False))
def test_reports_in_any_order_and_any_number_make_the_same_belief(
    state: OrderState, heard: list[OrderReport], chance: random.Random
) -> None:
    shuffled = heard + chance.choices(heard, k=len(heard)) if heard else []
    chance.shuffle(shuffled)
    assert believed(state, shuffled) == believed(state, heard)


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("began", [S.PENDING, S.UNKNOWN])
def test_a_life_told_in_any_order_ends_as_it_ended(life: tuple[tuple[OrderStatus, str], ...], began: OrderStatus) -> None:
    told = [an_order_report(status=status, filled=D(filled)) for status, filled in life]
    last_status, last_filled = life[-1]
    for order in itertools.permutations(told):
        assert believed(OrderState(began), order)[:2] == (last_status, D(last_filled))


@given(beliefs, st.lists(reports, min_size=1, max_size=6))
def test_belief_only_ever_grows(state: OrderState, heard: list[OrderReport]) -> None:
    for report in heard:
        after = merge(state, report)
        assert after.filled >= max(state.filled, report.filled)
        assert after.quote_filled >= state.quote_filled
        assert not (state.status is S.FILLED and after.status is not S.FILLED)
        state = after


@given(beliefs, st.lists(reports, min_size=1, max_size=6))
def test_what_is_filled_in_part_is_never_said_to_have_been_refused(state: OrderState, heard: list[OrderReport]) -> None:
    status, filled, _ = believed(state, heard)
    assert not (filled and status in (S.REJECTED, S.DENIED, S.NOT_ACCEPTED, S.OPEN, S.PENDING, S.UNKNOWN))


@pytest.mark.parametrize("verdict", [S.DENIED, S.NOT_ACCEPTED, S.UNKNOWN, S.PENDING])
def test_our_own_verdict_yields_to_whatever_the_exchange_says(verdict: OrderStatus) -> None:
    for said in SAID_BY_EXCHANGES:
        assert merge(OrderState(verdict), an_order_report(status=said)).status is said


@pytest.mark.parametrize("verdict", OURS)
def test_we_judge_an_order_only_as_long_as_the_exchange_said_nothing_of_it(verdict: OrderStatus) -> None:
    for current in S:
        allowed = current in (S.PENDING, S.UNKNOWN) and current is not verdict
        assert may_conclude(current, verdict) is allowed


def test_a_cancelled_order_may_still_turn_out_to_be_filled() -> None:
    assert merge(OrderState(S.CANCELED), an_order_report(status=S.FILLED, filled=D(1))).status is S.FILLED


def test_every_status_has_a_rank_of_its_own() -> None:
    assert sorted(RANK.values()) == list(range(len(S)))
    assert set(RANK) == set(S)


def test_the_exchanges_number_is_kept_from_the_first_report_that_has_one() -> None:
    state = merge(OrderState(S.PENDING), an_order_report(exchange_order_id=""))
    state = merge(state, an_order_report(exchange_order_id="77"))
    assert merge(state, an_order_report(exchange_order_id="")).exchange_order_id == "77"


@given(st.uuids(), st.uuids(), st.uuids(), st.text("abct0123456789.:", min_size=1, max_size=12), st.integers(1, 50))
def test_an_orders_id_is_the_same_for_the_same_cause_and_no_other(
    house: uuid.UUID, broker: uuid.UUID, cause: uuid.UUID, leg: str, attempt: int
) -> None:
    first = client_order_id(house, broker, cause, leg, attempt)
    assert client_order_id(house, broker, cause, leg, attempt) == first
    assert client_order_id(house, broker, cause, leg, attempt + 1) != first
    assert client_order_id(broker, house, cause, leg, attempt) != first or house == broker
    assert len(first.hex) == 32


@pytest.mark.parametrize("kind", OrderType)
@pytest.mark.parametrize("lives", TimeInForce)
def test_only_what_is_good_till_cancelled_can_rest(kind: OrderType, lives: TimeInForce) -> None:
    assert can_rest(kind, lives) is (kind is not OrderType.MARKET and lives is TimeInForce.GTC)


def test_a_final_status_is_one_after_which_nothing_is_expected() -> None:
    assert {status for status in S if status.is_final} == FINAL
    assert {status for status in S if status.is_working} == {S.OPEN, S.PARTIALLY_FILLED}
    assert not any(status.is_final and status.is_working for status in S)


def test_the_average_price_of_a_report_is_what_was_paid_per_unit() -> None:
    assert an_order_report(filled=D(3), quote_filled=D(100)).average_price == D("33.333333333333333333")
    assert an_order_report().average_price == D(0)
