"""Exact amounts: Decimal from text, rounded on purpose, written without an exponent."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Context, Decimal, InvalidOperation

from aristobot.errors import DataError, InvalidInput

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)
#: Wide enough for 20 digits before the point times 18 after, twice: products stay exact before they are rounded.
WIDE = Context(prec=76)
_FINEST = Decimal("1E-18")
#: Digits of the longest text that may be an amount, and its largest exponent.
LONGEST = 80


def amount(text: str | int | Decimal, field: str = "amount") -> Decimal:
    """Return the finite Decimal that `text` spells; raise DataError for NaN, infinities, floats and everything else."""
    if isinstance(text, bool) or not isinstance(text, str | int | Decimal):
        raise DataError("not_a_number", field=field, value=repr(text)[:60])
    if isinstance(text, str) and (len(text) > LONGEST or not text.isascii() or "_" in text):  # Python reads 1_000 and ١٢ as well
        raise DataError("not_a_number", field=field, value=text[:60])
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise DataError("not_a_number", field=field, value=str(text)[:60]) from None
    if value.is_finite():
        short = isinstance(text, str) and "e" not in text and "E" not in text  # then every digit of it was written
        if short or abs(int(value.as_tuple().exponent)) <= LONGEST:
            return value
    raise DataError("not_a_number", field=field, value=str(value)[:60])  # or it would fill the memory when written


def typed_amount(text: str, mark: str, field: str) -> Decimal:
    """What a person typed, in French or English notation; empty is zero. `mark` is the decimal mark of their language.

    Blanks group; comma and point both may be the decimal mark. Of two the last one is. What could be thousands or decimals
    (`1.234` where the comma is the mark) is refused rather than guessed: raise InvalidInput, also for what is no number.
    """
    compact = re.sub(r"[\s']", "", text)
    if not compact:
        return ZERO
    last = max(compact.rfind(","), compact.rfind("."))
    whole, used, decimals = (compact[:last], compact[last], compact[last + 1 :]) if last >= 0 else (compact, mark, "")
    other = "." if used == "," else ","
    if used in whole:  # it stands there twice: it groups, and there are no decimals
        whole, used, other, decimals = compact, other, used, ""
    elif used != mark and other not in whole and len(decimals) == 3 and re.fullmatch(r"[1-9]\d{0,2}", whole):
        raise InvalidInput(
            "ambiguous_amount", field=field, value=text[:40], one=f"{whole}{decimals}", other=f"{whole}{mark}{decimals}"
        )
    grouped = rf"\d{{1,3}}(\{other}\d{{3}})+"
    if not (re.fullmatch(r"\d*", whole) or re.fullmatch(grouped, whole)) or not re.fullmatch(r"\d*", decimals):
        raise InvalidInput("not_an_amount", field=field, value=text[:40])
    digits = whole.replace(other, "")
    if not (digits or decimals) or len(compact) > LONGEST or not compact.isascii():
        raise InvalidInput("not_an_amount", field=field, value=text[:40])
    return Decimal(f"{digits or '0'}.{decimals or '0'}")


def round_down(value: Decimal, step: Decimal) -> Decimal:
    """Round towards zero to a multiple of `step`; a step of zero means that there is no rule."""
    return _to_multiple(value, step, ROUND_DOWN)


def round_up(value: Decimal, step: Decimal) -> Decimal:
    """Round away from zero to a multiple of `step`; a step of zero means that there is no rule."""
    return _to_multiple(value, step, ROUND_UP)


def round_nearest(value: Decimal, step: Decimal) -> Decimal:
    """Round to the nearest multiple of `step`, ties to even; a step of zero means that there is no rule."""
    return _to_multiple(value, step, ROUND_HALF_EVEN)


def _to_multiple(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if not step:
        return value
    steps = WIDE.divide(value, step).to_integral_value(rounding=rounding)
    return WIDE.multiply(steps, step)


def times(first: Decimal, second: Decimal) -> Decimal:
    """Multiply without the default context's 28 digits cutting the product."""
    return WIDE.multiply(first, second)


def divided(dividend: Decimal, divisor: Decimal, places: int = 18) -> Decimal:
    """Divide and round down to `places` decimals, the precision of the store. Raise DataError on a zero divisor."""
    if not divisor:
        raise DataError("division_by_zero", dividend=str(dividend))
    finest = _FINEST if places == 18 else Decimal(1).scaleb(-places)
    return WIDE.divide(dividend, divisor).quantize(finest, rounding=ROUND_DOWN, context=WIDE)


def kept(value: Decimal) -> Decimal:
    """The value at the precision of the store, 18 decimals: a price of 12 decimals times a quantity of 8 has more."""
    return value.quantize(_FINEST, rounding=ROUND_HALF_EVEN, context=WIDE)


def percent_of(value: Decimal, percent: Decimal) -> Decimal:
    """`percent` per cent of `value`, exactly."""
    return WIDE.divide(WIDE.multiply(value, percent), HUNDRED)


def plain(value: Decimal) -> str:
    """Text without exponent and without trailing zeros: `1E-7` is refused by every exchange."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
