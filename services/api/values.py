"""How values travel: decimals as text, times in ISO 8601 with milliseconds and Z, ids as UUIDs, no control characters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from aristobot.clock import iso_milliseconds
from aristobot.errors import DataError
from aristobot.market import FIGURES, Candle
from aristobot.money import amount, plain

#: The store keeps 20 digits before the point and 18 after.
_MOST_DIGITS, _MOST_PLACES = 20, 18
_OF_A_CANDLE = ("symbol", "timeframe", "open_time", *FIGURES, "closed")


def _read_amount(value: Any) -> Decimal:
    try:
        return amount(value)
    except DataError:
        raise PydanticCustomError("not_a_number", "not a number", {"value": str(value)[:40]}) from None


def _check_fits(number: Decimal) -> None:
    places = number.as_tuple().exponent
    if number.adjusted() >= _MOST_DIGITS or (isinstance(places, int) and places < -_MOST_PLACES):
        raise PydanticCustomError("amount_out_of_range", "out of range", {"digits": _MOST_DIGITS, "places": _MOST_PLACES})


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # its zone leads out of the calendar
        raise PydanticCustomError("datetime_overflow", "out of the calendar") from None


def _check_line(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("unprintable", "control characters")
    return text.strip()


_written = PlainSerializer(plain, return_type=str, when_used="json")
_decimal_schema = WithJsonSchema({"type": "string", "format": "decimal", "examples": ["0.00150000"]})

#: A decimal, read from text or a JSON number (exactly: no float in between), written as text.
Money = Annotated[Decimal, BeforeValidator(_read_amount), _written, _decimal_schema]
#: The last price seen of something; null before the first, for which the store keeps a zero.
LastPrice = Annotated[Money | None, BeforeValidator(lambda value: value or None)]
#: A moment with its zone, read as UTC, written in UTC with milliseconds and a Z.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc), PlainSerializer(iso_milliseconds, return_type=str, when_used="json")]
#: One line of printable text.
Line = Annotated[str, AfterValidator(_check_line), Field(max_length=255)]


def plain_values(value: Any) -> Any:
    """JSON values of facts and events: decimals as text, times as ours, values of dataclasses, the rest as it is or as text."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return iso_milliseconds(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Candle):
        return {name: plain_values(getattr(value, name)) for name in _OF_A_CANDLE}
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain_values(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain_values(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_values(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


#: Facts of an error or an outcome.
Facts = Annotated[dict[str, Any], BeforeValidator(lambda value: plain_values(value or {}))]


class Out(BaseModel):
    """What we answer; read from rows and values by attribute."""

    model_config = ConfigDict(from_attributes=True)


class In(BaseModel):
    """What a request says; an unknown field is an error, not something to be passed over."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """Only what we are told must fit the store: what we answer may be a product of amounts, and longer."""
        if isinstance(value, Decimal):
            _check_fits(value)
        return value

    def given(self) -> dict[str, Any]:
        """The fields that the request named, with null for those it empties."""
        return self.model_dump(exclude_unset=True)
