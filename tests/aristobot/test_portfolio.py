"""A position is what its fills make it: whatever order they come in, no coin appears and none gets lost."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from aristobot.orders import Fill, Side
from aristobot.portfolio import Balance, Position, fold
from tests.builders import MIDNIGHT, a_fill

D = Decimal
quantities = st.decimals("0.001", "10", places=3)
prices = st.decimals("0.01", "1000", places=2)
shares = st.decimals("0", "0.01", places=4)


@st.composite
def fills(draw: st.DrawFn) -> list[Fill]:
    """Executions in the order in which they happened; fees in base, quote or a third asset."""
    made: list[Fill] = []
    for number in range(draw(st.integers(0, 12))):
        quantity, price, share = draw(quantities), draw(prices), draw(shares)
        fee_asset = draw(st.sampled_from(("BTC", "USDT", "BNB")))
        fee = (quantity if fee_asset == "BTC" else quantity * price) * share
        side = draw(st.sampled_from(Side))
        at = MIDNIGHT + timedelta(seconds=number // 2)
        made.append(
            a_fill(trade_id=str(100 + number), side=side, price=price, quantity=quantity, fee=fee, fee_asset=fee_asset, at=at)
        )
    return made


@given(fills(), st.randoms(use_true_random=False))
def test_fills_in_any_order_and_any_number_make_the_same_position(made: list[Fill], chance: random.Random) -> None:
    shuffled = made + chance.choices(made, k=len(made)) if made else []
    chance.shuffle(shuffled)
    assert fold(shuffled, "BTC", "USDT") == fold(made, "BTC", "USDT")


@given(fills())
def test_no_coin_appears_and_none_gets_lost(made: list[Fill]) -> None:
    position = fold(made, "BTC", "USDT")
    fees = sum((one.fee for one in made if one.fee_asset == "BTC"), D(0))
    assert position.quantity - position.oversold == position.bought - position.sold - fees
    assert position.quantity >= 0
    assert position.oversold >= 0
    assert position.bought == sum((one.quantity for one in made if one.side is Side.BUY), D(0))
    assert position.sold == sum((one.quantity for one in made if one.side is Side.SELL), D(0))


@given(fills())
def test_no_money_appears_and_none_gets_lost(made: list[Fill]) -> None:
    position = fold(made, "BTC", "USDT")
    if position.oversold:
        return  # what was sold without having been bought has no cost, and its proceeds are nobody's gain
    paid = sum((one.value for one in made if one.side is Side.BUY), D(0))
    received = sum((one.value for one in made if one.side is Side.SELL), D(0))
    fees = sum((one.fee for one in made if one.fee_asset == "USDT"), D(0))
    assert abs(position.realised - position.cost - (received - paid - fees)) < D("1E-12")


@given(fills())
def test_fees_in_a_third_asset_are_remembered_and_change_nothing_else(made: list[Fill]) -> None:
    position = fold(made, "BTC", "USDT")
    third = sum((one.fee for one in made if one.fee_asset == "BNB"), D(0))
    assert dict(position.other_fees).get("BNB", D(0)) == third


@given(quantities, prices, prices)
def test_selling_everything_realises_the_whole_difference(quantity: Decimal, paid: Decimal, got: Decimal) -> None:
    buy = a_fill(trade_id="1", price=paid, quantity=quantity, fee=D(0))
    sale = a_fill(trade_id="2", side=Side.SELL, price=got, quantity=quantity, fee=D(0), at=MIDNIGHT + timedelta(1))
    position = fold([buy, sale], "BTC", "USDT")
    assert (position.quantity, position.cost, position.realised) == (D(0), D(0), (got - paid) * quantity)
    assert position.entry == D(0)


def test_the_entry_is_the_average_cost_of_what_can_be_sold() -> None:
    first = a_fill(trade_id="1", price=D(100), quantity=D(1), fee=D("0.001"), fee_asset="BTC")
    second = a_fill(trade_id="2", price=D(200), quantity=D(1), fee=D("0.2"), fee_asset="USDT")
    position = fold([first, second], "BTC", "USDT")
    assert (position.quantity, position.cost) == (D("1.999"), D("300.2"))
    assert position.entry == D("150.175087543771885942")


def test_a_sale_leaves_the_entry_of_the_rest_as_it_was() -> None:
    buy = a_fill(trade_id="1", price=D(100), quantity=D(4), fee=D(0))
    sale = a_fill(trade_id="2", side=Side.SELL, price=D(150), quantity=D(1), fee=D(1), at=MIDNIGHT + timedelta(1))
    position = fold([buy, sale], "BTC", "USDT")
    assert (position.quantity, position.entry, position.realised) == (D(3), D(100), D(49))


def test_an_open_position_is_worth_what_the_market_would_pay_over_its_cost() -> None:
    position = fold([a_fill(price=D(100), quantity=D(2), fee=D(0))], "BTC", "USDT")
    assert position.unrealised(D(110)) == D(20)
    assert Position().unrealised(D(110)) == D(0)
    assert position.unrealised(None) is position.unrealised(D(0)) is None


def test_coins_that_were_there_before_have_no_cost_and_bring_no_gain() -> None:
    sale = a_fill(side=Side.SELL, price=D(100), quantity=D(2), fee=D(0))
    position = fold([sale], "BTC", "USDT")
    assert (position.quantity, position.oversold, position.realised) == (D(0), D(2), D(0))


@given(st.decimals("0", "1000", places=8), st.decimals("0", "1000", places=8))
def test_a_balance_is_what_is_free_and_what_is_locked(free: Decimal, locked: Decimal) -> None:
    balance = Balance.of("BTC", free, locked)
    assert (balance.free, balance.locked, balance.total) == (free, locked, free + locked)
