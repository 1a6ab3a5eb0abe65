"""Column types that mean the same on SQLite and on PostgreSQL: exact amounts, moments in UTC, closed lists of words, JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import functions, operators
from sqlalchemy.types import TypeDecorator, TypeEngine

from aristobot.errors import DataError

WHOLE_DIGITS: Final = 20
DECIMALS: Final = 18
#: Characters of an amount on SQLite: a sign, the digits and the point.
TEXT_WIDTH: Final = 1 + WHOLE_DIGITS + 1 + DECIMALS

_UNIT = Decimal(1).scaleb(-DECIMALS)
_LIMIT = Decimal(10) ** WHOLE_DIGITS
_EXACTLY = Context(prec=WHOLE_DIGITS + DECIMALS, traps=[Inexact, InvalidOperation])
_ANY_SIZE = Context(prec=200, traps=[Inexact, InvalidOperation])
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def storable(value: object) -> Decimal:
    """The amount with all its 18 decimals; DataError when the store could not give back exactly the same number.

    Refused: floats, booleans and text, NaN and infinities, 10^20 and beyond, a nineteenth decimal that is not zero.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise DataError("amount_not_exact", value=repr(value)[:60], kind=type(value).__name__)
    number = Decimal(value)
    if not number.is_finite():
        raise DataError("amount_not_finite", value=str(number)[:60])
    if not -_LIMIT < number < _LIMIT:
        raise DataError("amount_too_large", value=str(number)[:60], digits=WHOLE_DIGITS)
    try:
        exact = number.quantize(_UNIT, context=_EXACTLY)
    except Inexact:
        raise DataError("amount_too_fine", value=str(number)[:60], decimals=DECIMALS) from None
    return exact if exact else exact.copy_abs()


def encode_amount(number: Decimal) -> str:
    """Text whose byte order is the order of the numbers.

    A positive amount is padded with zeros (`12.5` → `00000000000000000012.500000000000000000`). A negative one starts
    with `-`, which sorts before every digit, and carries the nine's complement of its digits, so that -2 sorts before -1.
    """
    digits = format(number.copy_abs(), "f").zfill(TEXT_WIDTH - 1)
    return "-" + digits.translate(_COMPLEMENT) if number.is_signed() else digits


def amount_text(value: object) -> str:
    """An amount as `Amount` keeps it on SQLite, for prepared statements: through the type it takes twice as long."""
    if type(value) is Decimal and value.is_finite() and not value.is_signed() and value < _LIMIT:
        try:
            return f"{value.quantize(_UNIT, context=_EXACTLY):f}".zfill(TEXT_WIDTH - 1)
        except Inexact:
            pass
    return encode_amount(storable(value))


def decode_amount(text: str) -> Decimal:
    """The number that `encode_amount` wrote."""
    return Decimal("-" + text[1:].translate(_COMPLEMENT)) if text.startswith("-") else Decimal(text)


class ExactSum:
    """SQLite aggregate and window function over encoded amounts: integers inside; NULL over no rows, as SUM."""

    def __init__(self) -> None:
        self._units = 0
        self._rows = 0

    def step(self, text: str | None) -> None:
        """Take one row in."""
        self._move(text, 1)

    def inverse(self, text: str | None) -> None:
        """Take out a row that left the window."""
        self._move(text, -1)

    def value(self) -> str | None:
        """The sum of the rows inside the window."""
        return encode_amount(Decimal(self._units).scaleb(-DECIMALS, _ANY_SIZE)) if self._rows else None

    def finalize(self) -> str | None:
        """The sum of all rows."""
        return self.value()

    def _move(self, text: str | None, direction: int) -> None:
        if text is None:
            return
        self._rows += direction
        negative = text.startswith("-")
        units = int((text[1:].translate(_COMPLEMENT) if negative else text).replace(".", "", 1))
        self._units += -direction * units if negative else direction * units


_COMPARISONS = frozenset(
    {
        operators.eq,
        operators.ne,
        operators.lt,
        operators.le,
        operators.gt,
        operators.ge,
        operators.between_op,
        operators.not_between_op,
        operators.in_op,
        operators.not_in_op,
        operators.is_,
        operators.is_not,
        operators.is_distinct_from,
        operators.is_not_distinct_from,
        operators.asc_op,
        operators.desc_op,
        operators.nulls_first_op,
        operators.nulls_last_op,
    }
)


class Amount(TypeDecorator[Decimal]):
    """An exact number of 20 digits before the point and 18 after: NUMERIC(38,18), and padded text on SQLite.

    SQL compares, orders, sums and finds the smallest and the largest; every other calculation belongs to Python's Decimal.
    """

    impl = sa.Numeric(WHOLE_DIGITS + DECIMALS, DECIMALS)
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[Decimal]):
        """Comparisons only, so that both databases give the same answer."""

        def operate(self, op: operators.OperatorType, *other: Any, **kwargs: Any) -> sa.ColumnElement[Any]:
            """Compare; raise TypeError for arithmetic."""
            if op not in _COMPARISONS:
                raise TypeError(f"no SQL {getattr(op, '__name__', op)} on amounts: calculate with Decimal")
            return super().operate(op, *other, **kwargs)

        def reverse_operate(self, op: operators.OperatorType, other: Any, **kwargs: Any) -> sa.ColumnElement[Any]:
            """Only arithmetic comes this way round."""
            raise TypeError(f"no SQL {getattr(op, '__name__', op)} on amounts: calculate with Decimal")

    comparator_factory = Comparator

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Text on SQLite, whose numbers are binary floats; NUMERIC elsewhere."""
        plain = sa.String(TEXT_WIDTH) if dialect.name == "sqlite" else sa.Numeric(WHOLE_DIGITS + DECIMALS, DECIMALS)
        return dialect.type_descriptor(plain)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        """Check on the way in, alike on both databases."""
        if value is None:
            return None
        number = storable(value)
        return encode_amount(number) if dialect.name == "sqlite" else number

    def process_literal_param(self, value: Any, dialect: sa.Dialect) -> str:
        """Inside DDL (a CHECK) the same text, or the same digits."""
        return str(self.process_bind_param(value, dialect))

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        """Back to Decimal; a float means that the database calculated, which it must not."""
        if value is None or isinstance(value, Decimal):
            return value
        if not isinstance(value, str):
            raise DataError("amount_not_exact", value=repr(value)[:60], kind=type(value).__name__)
        return decode_amount(value)


@compiles(functions.Function)
def _compile_function(element: functions.Function[Any], compiler: Any, **options: Any) -> str:
    """Sum amounts exactly on SQLite, and refuse functions (AVG, ABS, ROUND…) that would make floats of them."""
    if any(isinstance(argument.type, Amount) for argument in element.clauses):
        if isinstance(element, functions.sum) and compiler.dialect.name == "sqlite":
            return f"exact_sum({compiler.process(element.clauses, **options)})"
        if not isinstance(element, functions.GenericFunction):
            raise TypeError(f"no SQL {element.name}() on amounts: calculate with Decimal")
    return str(compiler.visit_function(element, **options))


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept and given back in UTC: timestamptz, and text of a fixed width (which sorts) on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Refuse a moment that does not say its zone."""
        if value is None:
            return None
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise DataError("moment_without_zone", value=repr(value)[:60])
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@lru_cache(maxsize=64)
def moment_text(value: datetime) -> str:
    """A moment as `UtcDateTime` keeps it on SQLite, for prepared statements: the driver's own way takes four times as long.

    The last ones are remembered: an order's row names one moment three times.
    """
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise DataError("moment_without_zone", value=repr(value)[:60])
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat(" ", "microseconds")[:-6]


def enum_type(kind: type[StrEnum]) -> sa.Enum:
    """VARCHAR with a named CHECK on both databases; stores the value, not the member's name."""
    return sa.Enum(
        kind,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        length=24,
    )


#: TEXT on SQLite, JSONB on PostgreSQL; None is SQL's NULL, never the JSON word null.
Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
