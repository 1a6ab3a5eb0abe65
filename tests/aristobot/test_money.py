"""Money: exact, rounded on purpose, never more than was asked for."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.errors import DataError
from aristobot.money import amount, divided, percent_of, plain, round_down, round_nearest, round_up, times

AMOUNTS = st.decimals(min_value=Decimal("-1e20"), max_value=Decimal("1e20"), places=18, allow_nan=False, allow_infinity=False)
POSITIVE = st.decimals(min_value=Decimal("1e-18"), max_value=Decimal("1e20"), places=18, allow_nan=False, allow_infinity=False)
STEPS = st.sampled_from(
    [Decimal(text) for text in ("0.00000001", "0.0001", "0.01", "0.05", "0.25", "1", "5", "10", "0.000000000000000003")]
)


@given(value=AMOUNTS, step=STEPS)
def test_rounding_down_never_exceeds_what_was_asked(value: Decimal, step: Decimal) -> None:
    rounded = round_down(value, step)
    with localcontext(prec=200):
        assert abs(rounded) <= abs(value) < abs(rounded) + step
    assert rounded.is_zero() or (rounded > 0) == (value > 0)


@given(value=AMOUNTS, step=STEPS)
def test_rounding_up_never_falls_short(value: Decimal, step: Decimal) -> None:
    rounded = round_up(value, step)
    with localcontext(prec=200):
        assert abs(value) <= abs(rounded) < abs(value) + step


@given(value=AMOUNTS, step=STEPS)
def test_the_nearest_multiple_is_at_most_half_a_step_away(value: Decimal, step: Decimal) -> None:
    rounded = round_nearest(value, step)
    with localcontext(prec=200):
        assert abs(rounded - value) * 2 <= step


@given(value=AMOUNTS, step=STEPS)
def test_what_was_rounded_is_an_exact_multiple_and_stays_when_rounded_again(value: Decimal, step: Decimal) -> None:
    for rounding in (round_down, round_up, round_nearest):
        rounded = rounding(value, step)
        with localcontext(prec=200):
            assert rounded % step == 0
        assert all(again(rounded, step) == rounded for again in (round_down, round_up, round_nearest))


@given(value=AMOUNTS)
def test_a_step_of_zero_means_no_rule(value: Decimal) -> None:
    assert round_down(value, Decimal(0)) == round_up(value, Decimal(0)) == round_nearest(value, Decimal(0)) == value


@given(value=AMOUNTS)
def test_what_is_written_plainly_is_read_back_exactly(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert text == "0" or not (text.endswith(".") or ("." in text and text.endswith("0")))


@pytest.mark.parametrize(
    ("value", "text"), [("1E-7", "0.0000001"), ("1E+3", "1000"), ("-0.00", "0"), ("1.500", "1.5"), ("100", "100")]
)
def test_exponents_and_empty_digits_never_leave_the_house(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@given(first=AMOUNTS, second=AMOUNTS)
def test_products_are_exact(first: Decimal, second: Decimal) -> None:
    with localcontext(prec=200):
        assert times(first, second) == first * second


@given(dividend=AMOUNTS, divisor=POSITIVE)
def test_a_quotient_is_rounded_towards_zero_to_what_the_store_can_keep(dividend: Decimal, divisor: Decimal) -> None:
    quotient = divided(dividend, divisor)
    with localcontext(prec=200):
        rest = abs(dividend) - abs(quotient) * divisor
        assert 0 <= rest < divisor * Decimal("1e-18")
    exponent = quotient.as_tuple().exponent
    assert isinstance(exponent, int)
    assert exponent >= -18


def test_nothing_is_divided_by_zero() -> None:
    with pytest.raises(DataError, match="division_by_zero"):
        divided(Decimal(1), Decimal(0))


@given(value=AMOUNTS, percent=st.decimals(min_value=0, max_value=100, places=4))
def test_a_part_is_never_more_than_the_whole(value: Decimal, percent: Decimal) -> None:
    part = percent_of(value, percent)
    with localcontext(prec=200):
        assert abs(part) <= abs(value)


@given(value=AMOUNTS)
def test_every_spelling_of_an_amount_is_read_as_it_stands(value: Decimal) -> None:
    assert amount(str(value)) == amount(value) == value


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "abc",
        "NaN",
        "Infinity",
        "-inf",
        "sNaN",
        1.5,
        True,
        None,
        [],
        "1,5",
        "0x10",
        "1 000",
        "١٢",
        "1_000",
        "1E+999999999",
        "0E-99999",
        "9" * 81,
        Decimal("1E+5000"),
    ],
)
def test_what_is_no_finite_number_is_refused(wrong: object) -> None:
    with pytest.raises(DataError) as caught:
        amount(wrong, "price")  # type: ignore[arg-type] # strangers send anything
    assert (caught.value.code, caught.value.facts["field"]) == ("not_a_number", "price")
