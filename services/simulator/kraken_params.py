"""Parameters of a request: a form or JSON body, or what came over a socket, all read as texts by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from aristobot.clock import to_milliseconds
from services.simulator.kraken_errors import DEADLINE_ELAPSED, KrakenError, invalid
from services.simulator.times import ExchangeClock

_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{0,20})?")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)
_SHORT = re.compile(r"[\x21-\x7e]{1,18}")
#: The furthest that a deadline may lie ahead.
LONGEST_DEADLINE_MS = 60_000
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def as_text(value: object) -> str:
    """A JSON value as it stands in a form; lists are written with commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return ",".join(as_text(one) for one in value)
    return str(value)


def flat(given: Mapping[str, Any]) -> dict[str, str]:
    """An object as a form: what is inside another is named `outer[inner]`."""
    texts: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, dict):
            texts |= {f"{name}[{inner}]": text for inner, text in flat(value).items()}
        elif value is not None:
            texts[name] = as_text(value)
    return texts


def read_body(body: bytes, media_type: bytes) -> dict[str, str]:
    """The parameters of a body; raise KrakenError for one that cannot be read."""
    if b"json" not in media_type:
        return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
    try:
        return flat(_DECODER.decode(body))
    except (msgspec.DecodeError, ArithmeticError):
        raise KrakenError("EGeneral:Invalid arguments") from None


class Params:
    """The parameters of one request."""

    __slots__ = ("given",)

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given

    def has(self, name: str) -> bool:
        """Whether it was sent, with something in it."""
        return bool(self.given.get(name))

    def text(self, name: str) -> str:
        """A text; empty when not sent."""
        return self.given.get(name, "")

    def need(self, name: str) -> str:
        """A text that must be there."""
        value = self.given.get(name)
        if not value:
            raise invalid(name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """An exact amount, if sent."""
        value = self.given.get(name)
        if not value:
            return None
        if not _DECIMAL.fullmatch(value):
            raise invalid(name)
        return Decimal(value)

    def need_decimal(self, name: str) -> Decimal:
        """An exact amount above zero that must be there."""
        value = self.decimal(name)
        if not value:
            raise invalid(name)
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, if sent."""
        value = self.given.get(name)
        if not value:
            return None
        if not _INTEGER.fullmatch(value):
            raise invalid(name)
        return int(value)

    def flag(self, name: str) -> bool:
        """True or false; false when not sent."""
        return self.given.get(name, "").lower() in ("true", "1")

    def client_id(self) -> str:
        """`cl_ord_id`: a UUID with or without hyphens, or at most 18 characters; empty when not sent."""
        value = self.given.get("cl_ord_id", "")
        if value and not (_UUID.fullmatch(value) or _SHORT.fullmatch(value)):
            raise invalid("cl_ord_id")
        if value and self.has("userref"):
            raise invalid("userref and cl_ord_id exclude each other")
        return value

    def check_deadline(self, clock: ExchangeClock) -> None:
        """Refuse a request whose `deadline` (RFC 3339) is over, or lies more than a minute ahead."""
        text = self.given.get("deadline")
        if not text:
            return
        try:
            deadline = datetime.fromisoformat(text)
        except ValueError:
            raise invalid("deadline") from None
        if deadline.tzinfo is None:
            raise invalid("deadline")
        left = to_milliseconds(deadline) - clock.ms()
        if left <= 0:
            raise KrakenError(DEADLINE_ELAPSED)
        if left > LONGEST_DEADLINE_MS:
            raise invalid("deadline")
