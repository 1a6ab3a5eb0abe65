"""Sizes: what is typed in French or English, and what a quantity, an amount, a share and a risk make of each other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.errors import InvalidInput
from aristobot.market import Instrument
from aristobot.money import plain, typed_amount
from aristobot.orders import Side
from aristobot.sizing import Basis, Size, SizeBy, loss_per_unit, sized

D = Decimal
AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=8).filter(lambda value: value >= 0)
PRICES = st.decimals(min_value="0.01", max_value=100_000, places=2)


def a_basis(**differences: Any) -> Basis:
    """Ten thousand of quote, at sixty thousand, where a market buy may cost three per cent more."""
    instrument = Instrument(exchange="any", symbol="BTC/USDT", base="BTC", quote="USDT", tick=D("0.01"), lot=D("0.00001"))
    facts: dict[str, Any] = {
        "instrument": instrument, "side": Side.BUY, "price": D(60000), "worst": D(61800), "free": D(10000), "equity": D(20000),
    }  # fmt: skip
    return Basis(**(facts | differences))


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("", ",", "0"),
        ("0,5", ",", "0.5"),
        ("0.5", ",", "0.5"),
        (",5", ",", "0.5"),
        ("5.", ".", "5"),
        ("1 234,56", ",", "1234.56"),
        ("1\u202f234,56", ",", "1234.56"),
        ("1\u00a0234", ",", "1234"),
        ("1,234.56", ".", "1234.56"),
        ("1,234.56", ",", "1234.56"),
        ("1.234,56", ".", "1234.56"),
        ("1.234.567", ",", "1234567"),
        ("1,234,567", ".", "1234567"),
        ("1,234", ",", "1.234"),
        ("1.234", ".", "1.234"),
        ("0.123", ",", "0.123"),
        ("1.2345", ",", "1.2345"),
        ("60000.12", ",", "60000.12"),
        ("1'234.5", ".", "1234.5"),
    ],
)
def test_an_amount_is_read_in_french_and_in_english(text: str, mark: str, value: str) -> None:
    assert typed_amount(text, mark, "price") == D(value)


@pytest.mark.parametrize(("text", "mark"), [("1.234", ","), ("60.000", ","), ("1,234", "."), ("12,000", ".")])
def test_what_could_be_thousands_or_decimals_is_asked_again(text: str, mark: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        typed_amount(text, mark, "price")
    assert (refused.value.code, refused.value.field) == ("ambiguous_amount", "price")


@pytest.mark.parametrize("text", ["-1", "1e5", "abc", "NaN", "1,23,4", "1.23.45", ",", ".", "1 000 x", "٣", "1_000", "9" * 90])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        typed_amount(text, ",", "price")


@given(AMOUNTS, st.sampled_from(",."))
def test_what_the_form_writes_it_reads_again(value: Decimal, mark: str) -> None:
    assert typed_amount(plain(value).replace(".", mark), mark, "quantity") == value


@given(st.text(max_size=30), st.sampled_from(",."))
def test_no_text_makes_a_negative_amount_or_another_error(text: str, mark: str) -> None:
    try:
        value = typed_amount(text, mark, "x")
    except InvalidInput:
        return
    assert value >= 0


def test_the_four_figures_of_one_size_by_hand() -> None:
    # 0.1 BTC at 60 000 is 6 000: 60 % of 10 000. Stop at 59 000: 1 000 a coin and 0.1 % of both prices, 119: 111.9 in all.
    expected = Size(D("0.1"), D(6000), D(60), D("111.9"), D("0.5595"))
    assert sized(SizeBy.QUANTITY, D("0.1"), a_basis(), D(59000)) == expected
    assert sized(SizeBy.AMOUNT, D(6000), a_basis(), D(59000)) == expected
    assert sized(SizeBy.PERCENT, D(60), a_basis(), D(59000)) == expected
    assert sized(SizeBy.RISK, D("0.5595"), a_basis(), D(59000)) == expected


def test_everything_that_is_free_fits_at_the_worst_price() -> None:
    whole = sized(SizeBy.PERCENT, D(100), a_basis())
    assert whole.quantity == D("0.16181")
    assert whole.quantity * D(61800) <= 10000


def test_an_amount_that_is_not_there_is_not_quietly_cut() -> None:
    assert sized(SizeBy.AMOUNT, D(20000), a_basis()).quantity == D("0.33333")


def test_a_sale_is_counted_from_the_coins() -> None:
    basis = a_basis(side=Side.SELL, free=D("0.5"))
    assert sized(SizeBy.PERCENT, D(50), basis) == Size(D("0.25"), D(15000), D(50))
    assert sized(SizeBy.AMOUNT, D(6000), basis).quantity == D("0.1")


def test_a_fee_in_quote_on_top_is_left_room_for() -> None:
    basis = a_basis(fee_on_top=D("0.0025"), worst=D(60000))
    whole = sized(SizeBy.PERCENT, D(100), basis)
    assert whole.quantity * D(60000) * D("1.0025") <= 10000
    assert whole.percent > 99


@pytest.mark.parametrize(
    ("by", "value", "differences", "stop", "field"),
    [
        (SizeBy.RISK, 1, {}, 0, "risk_stop"),
        (SizeBy.RISK, 1, {}, 60000, "risk_stop"),
        (SizeBy.RISK, 101, {}, 59000, "risk"),
        (SizeBy.RISK, 1, {"side": Side.SELL}, 59000, "risk"),
        (SizeBy.PERCENT, 101, {}, 0, "percent"),
        (SizeBy.AMOUNT, 1, {"price": D(0)}, 0, "price"),
    ],
)
def test_a_size_that_cannot_be_names_its_field(
    by: SizeBy, value: int, differences: dict[str, Any], stop: int, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        sized(by, D(value), a_basis(**differences), D(stop))
    assert refused.value.field == field


@given(
    st.sampled_from([SizeBy.AMOUNT, SizeBy.PERCENT, SizeBy.RISK]),
    st.decimals(min_value="0.01", max_value=100, places=2),
    PRICES,
    st.integers(min_value=1, max_value=99),
)
def test_no_way_of_asking_spends_or_risks_more_than_was_said(by: SizeBy, value: Decimal, price: Decimal, share: int) -> None:
    basis = a_basis(price=price, worst=price * D("1.03"))
    stop = price * share / 100
    size = sized(by, value, basis, stop)
    assert size.quantity % basis.instrument.lot == 0
    if by is SizeBy.AMOUNT:
        assert size.amount <= value
    if by is SizeBy.PERCENT:
        assert size.amount <= basis.free * value / 100
        assert size.quantity * basis.worst <= basis.free
    if by is SizeBy.RISK:
        assert size.quantity * loss_per_unit(price, stop, basis.instrument.taker_fee) <= basis.equity * value / 100


@given(AMOUNTS.filter(lambda value: value > 0), PRICES)
def test_a_quantity_and_the_risk_it_makes_lead_back_to_each_other(quantity: Decimal, price: Decimal) -> None:
    basis = a_basis(price=price, equity=D(10**15))
    stop = price / 2
    size = sized(SizeBy.QUANTITY, quantity, basis, stop)
    unit = loss_per_unit(price, stop, basis.instrument.taker_fee)
    assert size.risk_amount is not None
    assert abs(size.risk_amount - size.quantity * unit) < D("1e-9")
