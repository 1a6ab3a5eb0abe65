"""Dust that joins another position, or is written off: no coin and no cent may come or go by it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.kinds import CostMethod
from aristobot.money import ZERO
from aristobot.orders import Fill, Side
from aristobot.performance import position_of
from aristobot.portfolio import Movement, Position, Transfer
from tests.builders import MIDNIGHT, a_fill, an_instrument

D = Decimal
BOTH = pytest.mark.parametrize("method", list(CostMethod))


def at(second: int) -> dict[str, object]:
    """A moment, and a number that fits it."""
    return {"trade_id": str(second), "at": MIDNIGHT + timedelta(seconds=second)}


def bought(second: int, quantity: str, price: str, fee: str = "0", asset: str = "USDT") -> Fill:
    """A purchase."""
    return a_fill(side=Side.BUY, quantity=D(quantity), price=D(price), fee=D(fee), fee_asset=asset, **at(second))


def sold(second: int, quantity: str, price: str) -> Fill:
    """A sale without a fee."""
    return a_fill(side=Side.SELL, quantity=D(quantity), price=D(price), fee=ZERO, fee_asset="USDT", **at(second))


def moved(second: int, quantity: str, worth: str, *, arrives: bool = False) -> Transfer:
    """Dust that joins or leaves."""
    return Transfer(f"dust:{second}", MIDNIGHT + timedelta(seconds=second), D(quantity), D(worth), arrives=arrives)


def told(movements: list[Movement], method: CostMethod) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity, cost and realised gain."""
    position = position_of(movements, "BTC", "USDT", method)
    return position.quantity, position.cost, position.realised


@BOTH
def test_what_is_written_off_is_a_loss_of_what_it_had_cost(method: CostMethod) -> None:
    begun: list[Movement] = [bought(1, "1", "100", "0.01", "BTC"), sold(2, "0.9", "110")]
    assert told(begun, method)[0] == D("0.09")
    quantity, cost, realised = told([*begun, moved(3, "0.09", "0")], method)
    assert (quantity, cost) == (ZERO, ZERO)
    assert realised == D(99) - D(100)  # what came in by the sale, less all that was paid


@BOTH
def test_dust_that_joins_takes_its_cost_along_and_moves_no_gain(method: CostMethod) -> None:
    crumbs: list[Movement] = [bought(1, "1", "100"), sold(2, "0.9", "110")]
    quantity, cost, realised = told(crumbs, method)
    assert (quantity, cost, realised) == (D("0.1"), D(10), D(9))
    assert told([*crumbs, moved(3, "0.1", "10")], method) == (ZERO, ZERO, D(9))
    joined: list[Movement] = [bought(4, "0.9", "200"), moved(5, "0.1", "10", arrives=True)]
    assert told(joined, method) == (D(1), D(190), ZERO)
    assert told([*joined, sold(6, "1", "200")], method) == (ZERO, ZERO, D(10))


def test_by_age_dust_is_sold_when_its_turn_comes() -> None:
    movements: list[Movement] = [bought(1, "1", "100"), moved(2, "0.5", "10", arrives=True), sold(3, "1.2", "100")]
    assert told(movements, CostMethod.FIFO) == (D("0.3"), D(6), D(16))


@BOTH
def test_a_fee_that_finds_its_worth_after_the_dust_has_gone_is_not_lost(method: CostMethod) -> None:
    dear = a_fill(side=Side.BUY, quantity=D(1), price=D(100), fee=D(1), fee_asset="BNB", fee_value=D(5), **at(1))
    quantity, cost, realised = told([dear, moved(2, "1", "100")], method)
    assert (quantity, cost, realised) == (ZERO, ZERO, D(-5))


STEPS = st.lists(
    st.tuples(st.sampled_from(["buy", "sell", "join", "forget"]), st.integers(0, 2), st.integers(1, 10**6), st.integers(1, 999)),
    max_size=30,
)


@given(STEPS, st.sampled_from(list(CostMethod)))
def test_no_coin_and_no_cent_comes_or_goes_however_dust_is_swept(
    steps: list[tuple[str, int, int, int]], method: CostMethod
) -> None:
    books: list[list[Movement]] = [[], [], []]
    spent = held = forgotten = ZERO

    def now(book: int) -> Position:
        return position_of(books[book], "BTC", "USDT", method)

    for second, (what, book, size, price) in enumerate(steps):
        quantity, there = D(size) / 10**4, now(book)
        if what == "buy":
            books[book].append(bought(second, str(quantity), str(price), str(quantity / 1000), "BTC"))
            spent, held = spent + quantity * price, held + quantity - quantity / 1000
        elif what == "sell" and there.quantity >= quantity:
            books[book].append(sold(second, str(quantity), str(price)))
            spent, held = spent - quantity * price, held - quantity
        elif what == "join" and there.quantity:
            books[book].append(moved(second, str(there.quantity), str(there.cost)))
            books[(book + 1) % 3].append(moved(second, str(there.quantity), str(there.cost), arrives=True))
        elif what == "forget" and there.quantity:
            books[book].append(moved(second, str(there.quantity), "0"))
            held, forgotten = held - there.quantity, forgotten + there.quantity
    ended = [now(book) for book in range(3)]
    assert sum(one.quantity for one in ended) == held
    assert sum(one.cost - one.realised for one in ended) == spent
    assert not any(one.oversold for one in ended)


@pytest.mark.parametrize(
    ("quantity", "reason"), [("0.00000668", "reason.dust_lot"), ("0.00001", "reason.dust_value"), ("0.00009", "")]
)
def test_dust_says_which_rule_of_the_exchange_it_fails(quantity: str, reason: str) -> None:
    btc = an_instrument(lot=D("0.00001"), min_quantity=D("0.00001"), min_notional=D(5))
    assert btc.is_dust(D(quantity), D(60000)) is bool(reason)
    if reason:
        assert btc.why_dust(D(quantity))[0] == reason
