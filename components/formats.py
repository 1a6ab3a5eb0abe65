"""Numbers, money and moments, written as the viewer reads them: `1 234,56 €` or `€1,234.56`, in their own time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal

from aristobot.language import current_language
from components.viewer import zone

NOTHING = "–"
#: Written with their own sign; every other quote asset follows the number as a word.
SIGNED = {"EUR", "USD", "GBP", "CHF", "JPY"}
#: Coins that others are priced in: a hundredth of one is a lot of money.
COINS = {"BTC", "ETH", "BNB", "SOL", "XRP", "TRX", "DOGE", "DOT", "BGB"}
MINUS = "\u2212"
_NO_BREAK = "\u00a0"


@lru_cache(maxsize=8)
def _locale_of(language: str) -> Locale:
    return Locale.parse("en_GB" if language == "en" else language)


def _locale() -> Locale:
    return _locale_of(current_language())


def number(value: Decimal | int | None, least: int = 0, most: int = 8) -> str:
    """A grouped number with between `least` and `most` decimals, rounded half up."""
    if value is None:
        return NOTHING
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-most), rounding=ROUND_HALF_UP)
    pattern = "#,##0." + "0" * least + "#" * (most - least) if most else "#,##0"
    return _true_minus(format_decimal(rounded, format=pattern, locale=_locale()))


def signed(value: int) -> str:
    """A whole number with its sign; zero has none."""
    return ("+" if value > 0 else "") + number(value)


def price(value: Decimal | None) -> str:
    """A price per unit: two decimals from 1 000 up, four from 1 up, five significant digits below; nothing for zero."""
    if not value:
        return NOTHING
    size = abs(value)
    if size >= 1000:
        return number(value, 2, 2)
    if size >= 1:
        return number(value, 2, 4)
    return number(value, 2, 4 - size.adjusted()) if size >= Decimal("0.0001") else _tiny(value)


def _tiny(value: Decimal) -> str:
    """A price with many zeros, the way exchanges write it: 0.0000098123 becomes `0,0₅9812`."""
    zeros = -value.adjusted() - 1
    digits = number(abs(value).scaleb(zeros), 1, 4).partition(decimal_point())[2]
    below = "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(zeros))
    return f"{MINUS if value < 0 else ''}0{decimal_point()}0{below}{digits}"


def decimal_point() -> str:
    """What stands before the decimals of a number, and of a second."""
    return "," if current_language() == "fr" else "."


def quantity(value: Decimal | None) -> str:
    """Units of a base asset: the more there are, the fewer decimals are written, eight at most."""
    if value is None:
        return NOTHING
    size = abs(value)
    return number(value, 0, 2 if size >= 1000 else 4 if size >= 1 else min(8, 4 - value.adjusted()))


def money(value: Decimal | None, currency: str = "USDT", *, signed: bool = False) -> str:
    """An amount of quote, with two decimals: `1 234,56 €`, `1 234,56 USDT`; of a coin with up to eight: `0,0012 BTC`.

    `signed` writes the plus.
    """
    if value is None:
        return NOTHING
    rounded = in_cents(value, currency) + 0
    if currency in SIGNED:
        text = _true_minus(format_currency(rounded, currency, locale=_locale()))
    else:
        text = number(rounded, 2, _decimals(currency)) + _NO_BREAK + currency
    return "+" + text if signed and rounded > 0 else text


def gain(value: Decimal | None, currency: str) -> str:
    """As `money` with its sign, for a column that says elsewhere what it counts: `+1 234,56`."""
    if value is None:
        return NOTHING
    rounded = in_cents(value, currency) + 0
    return ("+" if rounded > 0 else "") + number(rounded, 2, _decimals(currency))


def in_cents(value: Decimal, currency: str) -> Decimal:
    """An amount rounded half up to the smallest part of the currency that is written."""
    return value.quantize(Decimal(1).scaleb(-_decimals(currency)), rounding=ROUND_HALF_UP)


def _decimals(currency: str) -> int:
    return 8 if currency in COINS else 2


def percent(value: Decimal | None, decimals: int = 1, *, signed: bool = False) -> str:
    """Per cent, with at most so many decimals: 66.7 becomes `66,7 %`, 50 becomes `50 %`."""
    if value is None:
        return NOTHING
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP) + 0
    text = number(rounded, 0, decimals)
    space = _NO_BREAK if current_language() == "fr" else ""
    return ("+" if signed and rounded > 0 else "") + text + space + "%"


def seconds(value: float) -> str:
    """A short while: `35 ms` below a second, then `1,4 s`."""
    if abs(value) < 1:
        return number(round(value * 1000)) + _NO_BREAK + "ms"
    return number(Decimal(str(round(value, 1))), 1, 1) + _NO_BREAK + "s"


def tone(value: Decimal | None) -> str:
    """The class that colours a gain or a loss: `gain`, `loss` or `flat`."""
    if not value:
        return "flat"
    return "gain" if value > 0 else "loss"


def moment(value: datetime | None) -> str:
    """A moment to the second, short, without the year: `21 nov. 09:31:05`."""
    return _written(value, "d MMM HH:mm:ss")


def day_short(value: datetime | None) -> str:
    """Day, month, hour and minute: `21 nov. 09:31`."""
    return _written(value, "d MMM HH:mm")


def day_and_hour(value: datetime | None) -> str:
    """A moment to the minute, with its year: `21 nov. 2026, 09:31`."""
    return _written(value, "d MMM y, HH:mm")


def whole_moment(value: datetime | None) -> str:
    """A moment to the millisecond with its zone, for details: `21 nov. 2026, 09:31:05,123 CET`."""
    if value is None:
        return NOTHING
    local = value.astimezone(zone())
    return f"{_written(value, 'd MMM y, HH:mm:ss')},{local.microsecond // 1000:03d}{_NO_BREAK}{local.tzname() or ''}"


def how_long_ago(value: datetime | None, now: datetime) -> str:
    """How long before `now` something was: `il y a 3 minutes`."""
    if value is None:
        return NOTHING
    return format_timedelta(min(value - now, timedelta(0)), add_direction=True, locale=_locale())


def lasting(value: timedelta) -> str:
    """How long something took or takes: `3 minutes`."""
    return format_timedelta(value, locale=_locale())


def _written(value: datetime | None, pattern: str) -> str:
    return NOTHING if value is None else format_datetime(value, pattern, tzinfo=zone(), locale=_locale())


def _true_minus(text: str) -> str:
    return text.replace("-", MINUS, 1) if text.startswith("-") else text
