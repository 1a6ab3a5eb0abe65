"""What a user fills in for a broker, checked field by field."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from aristobot.errors import InvalidInput
from aristobot.exchange import Capabilities
from aristobot.kinds import BrokerAccess, BrokerMode
from aristobot.money import plain
from aristobot.risk import Limits
from aristobot.settings_values import is_loopback, web_address

Form = Mapping[str, Any]

KEY_FIELDS = ("api_key", "api_secret", "passphrase")
_LONGEST = {"name": 64, "quote": 16, "api_key": 512, "api_secret": 4096, "passphrase": 256}
_ENDPOINTS = {"rest": ("https", "http"), "stream": ("wss", "ws"), "trading": ("wss", "ws")}


def needed_fields(capabilities: Capabilities) -> tuple[str, ...]:
    """The key fields that the exchange asks for."""
    return tuple(field.name for field in capabilities.credential_fields)


def checked(form: Form, exchanges: Collection[str], *, partial: bool = False) -> dict[str, Any]:
    """The form's values in their types; InvalidInput names the first field that cannot be. Unknown fields are refused."""
    values: dict[str, Any] = {}
    for name, value in form.items():
        if name not in _CHECKS:
            raise InvalidInput("unknown_field", field=name)
        values[name] = _CHECKS[name](name, value)
    if values.get("exchange") not in exchanges:
        raise InvalidInput("unknown_choice", field="exchange", choices=", ".join(sorted(exchanges)))
    if not values.get("name") and ("name" in values or not partial):
        raise InvalidInput("missing", field="name")
    if ("api_key" in values) != ("api_secret" in values):
        raise InvalidInput("missing", field="api_secret" if "api_key" in values else "api_key")
    return values


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput("not_text", field=name)
    stripped = value.strip()
    if len(stripped) > _LONGEST.get(name, 64):
        raise InvalidInput("too_long", field=name, maximum=_LONGEST.get(name, 64))
    # A private key in PEM has line breaks; nothing else may hold control characters.
    if not stripped.replace("\n", "").replace("\r", "").isprintable() or ("\n" in stripped and name != "api_secret"):
        raise InvalidInput("unprintable", field=name)
    return stripped


def _lower(name: str, value: Any) -> str:
    return _text(name, value).lower()


def _upper(name: str, value: Any) -> str:
    return _text(name, value).upper()


def _choice(kind: type[StrEnum]) -> Callable[[str, Any], StrEnum]:
    def check(name: str, value: Any) -> StrEnum:
        try:
            return kind(str(value).upper())
        except ValueError:
            raise InvalidInput("unknown_choice", field=name, choices=", ".join(kind)) from None

    return check


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput("not_a_flag", field=name)
    return value


def _limits(name: str, value: Any) -> dict[str, Any] | None:
    if value is not None and not isinstance(value, Mapping):
        raise InvalidInput("not_an_object", field=name)
    read = Limits.read(value)
    return {limit: _storable(getattr(read, limit)) for limit in value} if value else None


def _storable(value: Any) -> Any:
    """As the row keeps it: amounts as text, lists as lists."""
    if isinstance(value, Decimal):
        return plain(value)
    return list(value) if isinstance(value, tuple) else value


def _endpoints(name: str, value: Any) -> dict[str, str] | None:
    """Other addresses of the exchange: encrypted, unless they lead to this machine."""
    if value is not None and not isinstance(value, Mapping):
        raise InvalidInput("not_an_object", field=name)
    for part, address in (value or {}).items():
        if part not in _ENDPOINTS:
            raise InvalidInput("unknown_field", field=f"{name}.{part}")
        try:
            web_address(str(address), _ENDPOINTS[part])
        except ValueError:
            raise InvalidInput("not_an_address", field=f"{name}.{part}") from None
        if str(address).startswith(("http:", "ws:")) and not is_loopback(urlsplit(str(address)).hostname or ""):
            raise InvalidInput("not_encrypted", field=f"{name}.{part}")
    return {part: str(address).strip() for part, address in value.items()} if value else None


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = MappingProxyType(
    {
        "exchange": _lower,
        "name": _text,
        "api_key": _text,
        "api_secret": _text,
        "passphrase": _text,
        "quote": _upper,
        "mode": _choice(BrokerMode),
        "access": _choice(BrokerAccess),
        "is_default": _flag,
        "allow_withdraw": _flag,
        "limits": _limits,
        "endpoints": _endpoints,
    }
)
