"""Parameters of a request, read and refused as Binance does it: one after the other, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from urllib.parse import unquote_plus

from services.simulator.binance_errors import BinanceError, illegal, missing

_DECIMAL = re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?")
_INTEGER = re.compile(r"[0-9]{1,20}")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9-_]{1,36}")
#: Sent with signed requests, whatever they ask.
ALWAYS = frozenset({"timestamp", "recvWindow", "signature", "apiKey", "returnRateLimits"})


def parse_query(text: bytes, into: dict[str, str]) -> dict[str, str]:
    """Read `k=v&k=v`; what is there already counts first. Raise BinanceError when a name comes twice."""
    seen: set[str] = set()
    for pair in text.split(b"&"):
        if not pair:
            continue
        name, _, value = pair.partition(b"=")
        key = unquote_plus(name.decode("latin-1"))
        if key in seen:
            raise BinanceError(-1101, f"Duplicate values for parameter '{key}' detected.")
        seen.add(key)
        into.setdefault(key, unquote_plus(value.decode("latin-1")))
    return into


def as_text(value: object) -> str:
    """A JSON value as it stands in the text that is signed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Params:
    """The parameters of one request."""

    __slots__ = ("given",)

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given

    def only(self, allowed: Iterable[str]) -> None:
        """Refuse parameters that nobody reads."""
        unread = self.given.keys() - allowed - ALWAYS
        if unread:
            sent = len(self.given)
            words = f"Not all sent parameters were read; read '{sent - len(unread)}' parameter(s) but was sent '{sent}'."
            raise BinanceError(-1104, words)

    def has(self, name: str) -> bool:
        """Whether it was sent."""
        return name in self.given

    def text(self, name: str) -> str | None:
        """A text, if sent."""
        value = self.given.get(name)
        if value == "":
            raise BinanceError(-1105, f"Parameter '{name}' was empty.")
        return value

    def need(self, name: str) -> str:
        """A text that must be there."""
        value = self.given.get(name)
        if not value:
            raise missing(name)
        return value

    def without(self, *names: str) -> None:
        """Refuse parameters that make no sense here."""
        for name in names:
            if name in self.given:
                raise BinanceError(-1106, f"Parameter '{name}' sent when not required.")

    def decimal(self, name: str) -> Decimal | None:
        """An exact amount, if sent; at most eight decimals."""
        value = self.text(name)
        if value is None:
            return None
        if not _DECIMAL.fullmatch(value):
            raise illegal(name, r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
        amount = Decimal(value)
        if len(value.partition(".")[2].rstrip("0")) > 8:
            raise BinanceError(-1111, f"Parameter '{name}' has too much precision.")
        return amount

    def need_decimal(self, name: str) -> Decimal:
        """An exact amount that must be there."""
        value = self.decimal(name)
        if value is None:
            raise missing(name)
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, if sent."""
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value):
            raise illegal(name, "^[0-9]{1,20}$")
        return int(value)

    def client_id(self, name: str) -> str | None:
        """A client order id, if sent."""
        value = self.text(name)
        if value is not None and not _CLIENT_ID.fullmatch(value):
            raise illegal(name, "^[a-zA-Z0-9-_]{1,36}$")
        return value

    def flag(self, name: str) -> bool:
        """True or false; false when not sent."""
        value = self.text(name)
        if value not in (None, "true", "false", "TRUE", "FALSE"):
            raise illegal(name, "^(true|false|TRUE|FALSE)$")
        return value in ("true", "TRUE")

    def limit(self, default: int, most: int) -> int:
        """How many rows."""
        value = self.integer("limit")
        if value is None:
            return default
        if value < 1:
            raise BinanceError(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(value, most)
