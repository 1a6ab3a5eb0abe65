"""From a wish to an order that can be sent: sizes, collars, rounding, and what is asked back from the user."""

from __future__ import annotations

import uuid
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.errors import InvalidInput
from aristobot.kinds import OrderRole
from aristobot.market import Instrument
from aristobot.orders import OrderType, Side, TimeInForce
from services.exit_plan import ExitPlan, slices
from services.order_draft import PlaceOrder, draft, stop_form

D = Decimal
BTC = Instrument("binance", "BTC/USDT", "BTC", "USDT", D("0.01"), D("0.00001"), min_quantity=D("0.00001"), min_notional=D(5))
COLLAR = D(3)
amounts = st.decimals("0.0001", "1000000", places=4)
prices = st.decimals("0.01", "200000", places=2)


def a_wish(**changes: object) -> PlaceOrder:
    values: dict[str, object] = {"broker_id": uuid.uuid4(), "symbol": "BTC/USDT", "side": Side.BUY, "type": OrderType.MARKET}
    return PlaceOrder(**(values | changes))  # type: ignore[arg-type]  # the test names only what matters to it


def test_half_the_free_quote_buys_what_it_buys_at_the_market_price() -> None:
    made = draft(a_wish(quote_quantity=D(5000)), BTC, D(60000), D(10000), COLLAR)
    assert made.request.quantity == D("0.08333")
    assert (made.request.type, made.request.time_in_force) == (OrderType.LIMIT, TimeInForce.IOC)
    assert made.request.price == D("61800.00")


def test_all_of_the_free_quote_still_fits_at_the_collars_price() -> None:
    made = draft(a_wish(quote_quantity=D(10000)), BTC, D(60000), D(10000), COLLAR)
    assert made.reserve <= D(10000)
    assert made.request.quantity == D("0.16181")


@given(spend=amounts, free=amounts, reference=prices)
def test_a_market_buy_never_needs_more_than_is_free(spend: Decimal, free: Decimal, reference: Decimal) -> None:
    made = draft(a_wish(quote_quantity=min(spend, free)), BTC, reference, free, COLLAR)
    assert made.reserve <= free
    assert made.request.quantity * reference <= min(spend, free)


@given(spend=amounts, free=amounts, reference=prices, fee=st.decimals("0", "0.01", places=4))
def test_where_the_fee_comes_on_top_it_is_kept_free_as_well(
    spend: Decimal, free: Decimal, reference: Decimal, fee: Decimal
) -> None:
    made = draft(a_wish(quote_quantity=min(spend, free)), BTC, reference, free, COLLAR, fee)
    assert made.reserve <= free
    assert made.request.quantity * made.request.price * (1 + fee) <= free
    assert made.request.quantity * reference * (1 + fee) <= min(spend, free)


def test_a_limit_buy_of_an_amount_leaves_room_for_a_fee_on_top() -> None:
    wish = a_wish(type=OrderType.LIMIT, quote_quantity=D(1000), price=D(50000))
    made = draft(wish, BTC, D(60000), D(1000), COLLAR, D("0.004"))
    assert (made.request.quantity, made.reserve <= D(1000)) == (D("0.01992"), True)


def test_the_collar_stays_inside_the_band_that_the_exchange_takes() -> None:
    narrow = msgspec.structs.replace(BTC, price_band=D("0.02"))
    buy = draft(a_wish(quote_quantity=D(1000)), narrow, D(60000), D(1000), COLLAR)
    sell = draft(a_wish(side=Side.SELL, quantity=D(1)), narrow, D(60000), D(10), COLLAR)
    assert (buy.request.price, sell.request.price) == (D("60900.00"), D("59100.00"))


@given(quantity=st.decimals("0.00000001", "10", places=8))
def test_an_exit_is_rounded_down_and_stays_a_market_order(quantity: Decimal) -> None:
    wish = a_wish(side=Side.SELL, quantity=quantity, role=OrderRole.EXIT)
    made = draft(wish, BTC, D(60000), D(10), COLLAR)
    assert made.request.type is OrderType.MARKET
    assert quantity - BTC.lot < made.request.quantity <= quantity


def test_a_limit_buy_never_pays_more_and_a_limit_sell_never_asks_less_than_was_said() -> None:
    buy = draft(a_wish(type=OrderType.LIMIT, quantity=D(1), price=D("59999.999")), BTC, D(60000), D(10), COLLAR)
    sell = draft(a_wish(type=OrderType.LIMIT, side=Side.SELL, quantity=D(1), price=D("60000.001")), BTC, D(60000), D(10), COLLAR)
    assert (buy.request.price, sell.request.price) == (D("59999.99"), D("60000.01"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "quantity"),
        ({"quantity": D(-1)}, "quantity"),
        ({"quantity": D(1), "quote_quantity": D(1)}, "quote_quantity"),
        ({"side": Side.SELL, "quote_quantity": D(1)}, "quantity"),
        ({"type": OrderType.LIMIT, "quantity": D(1)}, "price"),
        ({"type": OrderType.STOP_LOSS, "quantity": D(1)}, "stop_price"),
    ],
)
def test_a_wish_that_cannot_be_an_order_names_the_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        draft(a_wish(**changes), BTC, D(60000), D(10000), COLLAR)
    assert refused.value.field == field


def test_a_stop_rests_as_a_stop_limit_where_the_market_has_no_plain_stop() -> None:
    only_limits = Instrument("binance", "A/B", "A", "B", D("0.01"), D("0.1"), order_types=frozenset({"limit", "stop_loss_limit"}))
    assert stop_form(BTC, D(100)) == (OrderType.STOP_LOSS, D(0))
    assert stop_form(only_limits, D(100)) == (OrderType.STOP_LOSS_LIMIT, D("97.00"))


@given(
    quantity=st.decimals("0.0002", "5", places=5),
    shares=st.lists(st.integers(1, 100), min_size=0, max_size=5).filter(lambda one: sum(one) <= 100),
    with_stop=st.booleans(),
)
def test_protective_slices_never_sell_more_than_is_held(quantity: Decimal, shares: list[int], with_stop: bool) -> None:
    targets = tuple((D(share), D(61000 + 100 * i)) for i, share in enumerate(shares))
    plan = ExitPlan(D(59000) if with_stop else D(0), targets)
    cut = slices(plan, BTC.quantity(quantity), BTC, frozenset())
    assert sum((one.quantity for one in cut), D(0)) <= quantity
    if with_stop:
        assert sum((one.quantity for one in cut if one.stop), D(0)) == BTC.quantity(quantity)
    assert all(one.quantity >= BTC.min_quantity for one in cut)


def test_two_half_targets_share_the_position_and_the_reached_one_is_not_placed_again() -> None:
    plan = ExitPlan(D(59000), ((D(50), D(61000)), (D(50), D(62000))))
    first = slices(plan, D("0.1"), BTC, frozenset())
    assert [(one.leg, one.quantity, one.target) for one in first] == [("t0", D("0.05"), D(61000)), ("t1", D("0.05"), D(62000))]
    later = slices(plan, D("0.05"), BTC, frozenset({"t0"}))
    assert [(one.leg, one.quantity, one.target) for one in later] == [("t1", D("0.05"), D(62000))]


def test_parts_too_small_to_be_sold_alone_join_the_next_once() -> None:
    plan = ExitPlan(D(0), ((D(1), D(61000)), (D(1), D(61100)), (D(48), D(61200)), (D(50), D(61300))))
    cut = slices(plan, D("0.004"), BTC, frozenset())
    assert [(one.leg, one.quantity) for one in cut] == [("t2", D("0.00200")), ("t3", D("0.00200"))]
