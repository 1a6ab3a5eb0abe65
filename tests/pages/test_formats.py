"""Numbers, money and moments as a French and an English reader expect them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.kinds import Role
from aristobot.language import use_language
from components import formats
from components.viewer import Viewer, viewing
from services.login_sessions import SignedIn
from tests.builders import MIDNIGHT, a_user

THIN, FIXED, MINUS = "\u202f", "\u00a0", "\u2212"
D = Decimal


def somebody(language: str = "fr", timezone: str = "Europe/Paris") -> Viewer:
    """A reader."""
    row = a_user()
    return Viewer(SignedIn(row.id, row.id, row.name, Role.TRADER, language, timezone, MIDNIGHT, MIDNIGHT))


@pytest.mark.parametrize(
    ("value", "currency", "french", "english"),
    [
        (D("1234.56"), "EUR", f"1{THIN}234,56{FIXED}€", "€1,234.56"),
        (D("-1234.565"), "USDT", f"{MINUS}1{THIN}234,57{FIXED}USDT", f"{MINUS}1,234.57{FIXED}USDT"),
        (D("-0.001"), "USDT", f"0,00{FIXED}USDT", f"0.00{FIXED}USDT"),
        (D("0.001234567891"), "BTC", f"0,00123457{FIXED}BTC", f"0.00123457{FIXED}BTC"),
        (D("-1.5"), "ETH", f"{MINUS}1,50{FIXED}ETH", f"{MINUS}1.50{FIXED}ETH"),
        (None, "EUR", "–", "–"),
    ],
)
def test_money_has_its_currency_and_two_decimals_a_coin_more(
    value: Decimal | None, currency: str, french: str, english: str
) -> None:
    with use_language("fr"):
        assert formats.money(value, currency) == french
    with use_language("en"):
        assert formats.money(value, currency) == english


@pytest.mark.parametrize(
    ("value", "currency", "french", "english"),
    [
        (D("1234.565"), "EUR", f"+1{THIN}234,57", "+1,234.57"),
        (D("-0.5"), "USDT", f"{MINUS}0,50", f"{MINUS}0.50"),
        (D("0.00012"), "BTC", "+0,00012", "+0.00012"),
        (D("0.001"), "USDT", "0,00", "0.00"),
        (None, "EUR", "–", "–"),
    ],
)
def test_a_gain_has_its_sign_in_every_currency_and_language(
    value: Decimal | None, currency: str, french: str, english: str
) -> None:
    with use_language("fr"):
        assert formats.gain(value, currency) == french
    with use_language("en"):
        assert formats.gain(value, currency) == english


@pytest.mark.parametrize(
    ("price", "written"),
    [
        (D("60123.4"), f"60{THIN}123,40"),
        (D("148.1"), "148,10"),
        (D("2.48273"), "2,4827"),
        (D("0.123456"), "0,12346"),
        (D("0.0000098123"), "0,0₅9812"),
        (D("0.00000000000123"), "0,0₁₁123"),
        (D(0), "–"),
        (None, "–"),
    ],
)
def test_a_price_shows_the_digits_that_matter(price: Decimal | None, written: str) -> None:
    with use_language("fr"):
        assert formats.price(price) == written


@pytest.mark.parametrize(
    ("amount", "written"),
    [(D("8100.4456"), f"8{THIN}100,45"), (D("1.23456"), "1,2346"), (D("0.66593334"), "0,66593"), (D(0), "0")],
)
def test_a_quantity_shows_fewer_decimals_the_more_there_is(amount: Decimal, written: str) -> None:
    with use_language("fr"):
        assert formats.quantity(amount) == written


def test_a_gain_carries_its_sign_and_its_colour() -> None:
    with use_language("fr"):
        assert formats.money(D("12.3"), "EUR", signed=True) == f"+12,30{FIXED}€"
        assert formats.percent(D("-3.14"), 1, signed=True) == f"{MINUS}3,1{FIXED}%"
        assert formats.percent(D(50)) == f"50{FIXED}%"
    assert [formats.tone(one) for one in (D(1), D(-1), D(0), None)] == ["gain", "loss", "flat", "flat"]


def test_a_moment_is_told_in_the_readers_zone_and_language() -> None:
    moment = datetime(2026, 7, 1, 22, 30, 5, 123_000, UTC)
    with viewing(somebody()):
        assert formats.moment(moment) == "2 juil. 00:30:05"
        assert formats.whole_moment(moment) == f"2 juil. 2026, 00:30:05,123{FIXED}CEST"
        assert formats.how_long_ago(moment, moment + timedelta(minutes=3)) == "il y a 3 minutes"
    with viewing(somebody("en", "America/New_York")):
        assert formats.day_and_hour(moment) == "1 Jul 2026, 18:30"
    assert formats.moment(None) == "–"


@given(st.decimals(min_value="1e-17", max_value="1e15", places=18))
def test_every_price_and_quantity_can_be_written(value: Decimal) -> None:
    for language in ("fr", "en"):
        with use_language(language):
            for text in (formats.price(value), formats.quantity(value), formats.money(value), formats.percent(value)):
                assert text
                assert "E" not in text.removesuffix("EUR")
