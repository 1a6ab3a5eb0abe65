"""Parameters of a request to Bitget: a query, or the object of a JSON body. What nobody asks for is ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from aristobot.money import ZERO
from services.simulator.bitget_errors import BitgetError, missing, too_precise, wrong
from services.simulator.bitget_tongue import Tongue
from services.simulator.records import Account

_NUMBER = re.compile(r"[0-9]{1,24}(\.[0-9]{1,24})?")
_BODY = msgspec.json.Decoder(float_hook=Decimal)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@dataclass(slots=True)
class Params:
    """Named texts, and under some names lists of further parameters."""

    given: Mapping[str, str]
    lists: Mapping[str, Sequence[Params]] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """A text; None when it was not sent, or was empty."""
        return self.given.get(name) or None

    def need(self, name: str) -> str:
        """A text; raise BitgetError when there is none."""
        if not self.given.get(name):
            raise missing(name)
        return self.given[name]

    def choice(self, name: str, *allowed: str, default: str = "") -> str:
        """One of several words, in small letters; without a default it must be there."""
        value = (self.text(name) or default or self.need(name)).lower()
        if value not in allowed:
            raise wrong(name)
        return value

    def decimal(self, name: str, digits: int | None = None) -> Decimal | None:
        """An amount above zero with at most so many decimals, if sent."""
        value = self.text(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value) or not (amount := Decimal(value)):
            raise wrong(name)
        if digits is not None and len(value.partition(".")[2].rstrip("0")) > digits:
            raise too_precise(name, value, digits)
        return amount

    def need_decimal(self, name: str, digits: int | None = None) -> Decimal:
        """An amount; raise BitgetError when there is none."""
        self.need(name)
        return self.decimal(name, digits) or ZERO

    def integer(self, name: str) -> int | None:
        """A whole number, if sent."""
        value = self.text(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 24:
            raise wrong(name)
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """How many rows."""
        value = self.integer("limit")
        if value is None:
            return default
        if not 1 <= value <= most:
            raise wrong("limit")
        return value

    def client_id(self, tongue: Tongue, name: str = "clientOid") -> str | None:
        """A client order id, if sent."""
        value = self.text(name)
        if value is not None and not tongue.client_id.fullmatch(value):
            raise BitgetError(*tongue.bad_client_id)
        return value

    def each(self, name: str) -> Sequence[Params]:
        """A list of requests in one."""
        if not self.lists.get(name):
            raise missing(name)
        return self.lists[name]


def of_query(query: bytes) -> Params:
    """The parameters of a query."""
    return Params(dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))


def of_object(body: Mapping[str, Any]) -> Params:
    """The parameters of a JSON object; a list of texts is one text with commas. Raise BitgetError for the rest."""
    given: dict[str, str] = {}
    lists: dict[str, list[Params]] = {}
    for name, value in body.items():
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            lists[name] = [of_object(one) for one in value]
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            given[name] = ",".join(value)
        elif isinstance(value, dict | list):
            raise wrong(name)
        elif value is not None:
            given[name] = _text(value)
    return Params(given, lists)


def of_body(body: bytes) -> Params:
    """The parameters of a JSON body."""
    try:
        parsed = _BODY.decode(body)
    except (msgspec.DecodeError, ArithmeticError):
        parsed = None
    if not isinstance(parsed, dict):
        raise BitgetError("40017", "Parameter verification failed")
    return of_object(parsed)


@dataclass(slots=True)
class Ask:
    """One request: its parameters, and whose it is."""

    params: Params
    account: Account | None = None

    @property
    def sender(self) -> Account:
        """Who asks, on a call that only known ones may make."""
        if self.account is None:
            raise BitgetError("40006", "Invalid ACCESS_KEY")
        return self.account
