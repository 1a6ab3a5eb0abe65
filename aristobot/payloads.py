"""From the bytes of an alert to named fields: lenient about form, strict about meaning.

Objects are read as tuples of pairs, so that a key given twice is seen; every number stays text until somebody asks for it.
What cannot be read raises DataError with a `reason.…` code that names the field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from aristobot.clock import from_milliseconds
from aristobot.errors import DataError
from aristobot.market import Timeframe
from aristobot.money import ZERO

LARGEST_BODY = 65_536
#: Characters: a word that calls itself a token and is shorter opens nothing of ours.
_LEAST_SECRET = 16
MOST_COMMANDS = 20
MOST_FIELDS = 200
DEEPEST = 6
#: French and English keys without case, blanks, dashes and underscores → the field's name.
NAMES = {
    "symbol": "symbol",
    "symbole": "symbol",
    "exchange": "exchange",
    "interval": "interval",
    "action": "action",
    "prix": "price",
    "price": "price",
    "prixsl": "stop_loss",
    "stoploss": "stop_loss",
    "prixtp": "take_profit",
    "takeprofit": "take_profit",
    "pourcent": "percent",
    "percent": "percent",
    "userid": "user_id",
    "userexchangeid": "broker_id",
    "brokerid": "broker_id",
    "bartime": "bar_time",
    "time": "sent_at",
    "sentat": "sent_at",
    "id": "id",
    "marketposition": "market_position",
    "prevmarketposition": "prev_market_position",
    "token": "token",
} | {name: name for name in ("stop_loss", "take_profit", "user_id", "broker_id", "bar_time", "sent_at", "market_position")}
#: What TradingView leaves as literal text in alerts of indicators; an alert is not refused for these.
_MAY_KEEP_PLACEHOLDER = frozenset({"id", "market_position", "prev_market_position"})
_DOUBLE_QUOTES = dict.fromkeys(map(ord, "“”„‟«»″"), '"')
_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_float=str, parse_int=str, parse_constant=str, strict=False)
_REPAIR = re.compile(r'"(?:[^"\\]|\\.)*+\\?"?|(:\s*-?[0-9]++),([0-9]++)(?=\s*+[,}])|,(?=\s*+[}\]])', re.DOTALL)
_NO_LETTER = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_INTERVAL = re.compile(r"([0-9]{0,5})(S|[Dd]|[Ww]|M|[mhH])?")
_INTERVAL_UNITS = {"S": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000}
_NOT_A_NUMBER = frozenset({"nan", "na", "infinity", "inf"})


def clean(text: str) -> str:
    """The text without what cannot be printed or stored: controls, lone surrogates, direction marks; blanks trimmed."""
    return text.strip() if text.isprintable() else "".join(one for one in text if one.isprintable()).strip()


def excerpt(value: object) -> str:
    """At most 60 printable characters of a value, to show in a reason."""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:60]


@dataclass(slots=True)
class Fields:
    """The known fields of one command as they were written, and the names nobody knows."""

    values: dict[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def raw(self, name: str) -> Any:
        """The value as read: text, list, or None when it is missing, empty or null."""
        value = self.values.get(name)
        return None if value is None or value == "" else value

    def text(self, name: str) -> str:
        """One line of text, empty when missing. Raises DataError for lists, objects and unreplaced placeholders."""
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise DataError("reason.not_text", field=name, value=excerpt(value))
        cleaned = value.strip() if value.isprintable() else clean(value)
        if "{{" in cleaned:
            if name in _MAY_KEEP_PLACEHOLDER:
                return ""
            raise DataError("reason.placeholder", field=name, value=excerpt(cleaned))
        return cleaned

    def number(self, name: str) -> Decimal | None:
        """The number, None when missing. Raises DataError when it is none, is NaN, or does not fit 20 digits and 18 decimals."""
        text = self.text(name)
        return number_of(text, name) if text else None

    def moment(self, name: str) -> datetime | None:
        """The UTC moment (ISO 8601, or seconds or milliseconds since 1970), None when missing. Raises DataError."""
        text = self.text(name)
        return moment_of(text, name) if text else None

    def shown(self, name: str, limit: int) -> str:
        """What was written, cut to `limit` characters for a column; never raises."""
        value = self.values.get(name)
        if value is None or value == "":
            return ""
        return (clean(value) if isinstance(value, str) else excerpt(value))[:limit]


def read(raw: bytes) -> list[Fields]:
    """The commands of an alert in their order, at least one. Raises DataError with the reason when nothing can be read."""
    if len(raw) > LARGEST_BODY:
        raise DataError("reason.too_large", limit=LARGEST_BODY)
    text = decoded(raw).strip().strip("\x00\ufeff").strip()
    if not text:
        raise DataError("reason.empty")
    if text[0] not in "{[":
        return [_named(_pairs_of(text))]
    found = _json(text)
    if text.count("[") + text.count("{") > DEEPEST:  # with fewer brackets nothing can be deeper
        _refuse_deep(found, DEEPEST)
    listed = found if type(found) is list else [found]
    if not listed:
        raise DataError("reason.empty")
    if len(listed) > MOST_COMMANDS:
        raise DataError("reason.too_many_commands", limit=MOST_COMMANDS, count=len(listed))
    return [_named(_object(one)) for one in listed]


def decoded(raw: bytes) -> str:
    """The text of a body: UTF-8, or UTF-16 with its mark; what is neither becomes replacement characters."""
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return raw.decode(encoding, errors="replace").removeprefix("\ufeff")  # the codec that drops it itself is none in C


def laid_out(body: bytes) -> str:
    """A body for people to read: JSON in lines, no figure rounded and no name left out; the rest as it is."""
    text = decoded(body)
    with suppress(msgspec.DecodeError, RecursionError):
        text = msgspec.json.format(text, indent=2)
    return text


def masked(body: bytes, token: str, *, read_from_it: bool) -> bytes:
    """The body with a token of ours masked wherever it stands.

    One that was `read_from_it` is found in any spelling: with characters escaped as JSON may, or in UTF-16.
    """
    if len(token) < _LEAST_SECRET:
        return body
    if (plain := token.encode("utf-8", "replace")) in body:
        return body.replace(plain, b"***")
    if not read_from_it:
        return body
    spelled = "".join(rf"(?:{re.escape(one)}|\\u(?i:{ord(one):04x}))" for one in token)
    text, found = re.subn(spelled, "***", decoded(body))
    return text.encode("utf-8", "replace") if found else body


def _json(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise DataError("reason.too_deep") from None
    except ValueError:
        pass
    try:
        return _DECODER.decode(_REPAIR.sub(_repaired, text.translate(_DOUBLE_QUOTES)))
    except RecursionError:
        raise DataError("reason.too_deep") from None
    except json.JSONDecodeError as error:
        raise DataError("reason.bad_json", line=error.lineno, column=error.colno, value=excerpt(text)) from None


def _refuse_deep(value: Any, levels: int) -> None:
    if not levels:
        raise DataError("reason.too_deep")
    for one in value:
        if type(one) in (list, tuple):
            _refuse_deep(one, levels - 1)


def _repaired(found: re.Match[str]) -> str:
    if found[1]:
        return f"{found[1]}.{found[2]}"
    return found[0] if found[0][0] == '"' else ""


def _object(value: Any) -> Sequence[tuple[str, Any]]:
    if not isinstance(value, tuple):
        raise DataError("reason.not_a_command", value=excerpt(value))
    return value


def _pairs_of(text: str) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for line in re.split(r"[;\r\n]+", text):
        if not line.strip():
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise DataError("reason.bad_line" if pairs else "reason.not_understood", value=excerpt(line))
        pairs.append((key, value.translate(_DOUBLE_QUOTES).strip().strip('"')))
    if not pairs:
        raise DataError("reason.not_understood", value=excerpt(text))
    return pairs


def _named(pairs: Sequence[tuple[str, Any]]) -> Fields:
    if len(pairs) > MOST_FIELDS:
        raise DataError("reason.too_many_fields", limit=MOST_FIELDS, count=len(pairs))
    fields = Fields()
    for key, value in pairs:
        name = NAMES.get(key) or NAMES.get(_NO_LETTER.sub("", key.lower()))
        if name is None:
            fields.ignored += (excerpt(key),)
        elif fields.values.setdefault(name, value) != value:
            raise DataError("reason.given_twice", field=name, value=excerpt(value))
    return fields


def number_of(text: str, name: str) -> Decimal:
    """The finite number that `text` spells, with a point or a comma; raise DataError naming the field otherwise."""
    squeezed = text.replace(" ", "")
    if squeezed.isascii() and squeezed.isdecimal() and len(squeezed) <= 18:
        return Decimal(squeezed) or ZERO
    if len(squeezed) > 60 or not _NUMBER.fullmatch(squeezed):
        code = "reason.nan" if squeezed.lstrip("+-").lower() in _NOT_A_NUMBER else "reason.not_a_number"
        raise DataError(code, field=name, value=excerpt(text))
    value = Decimal(squeezed.replace(",", "."))
    if not value:
        return ZERO
    if len(squeezed) > 18 or "e" in squeezed or "E" in squeezed:  # what is shorter always fits
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int) or value.adjusted() >= 20 or (exponent < -18 and any(digits[exponent + 18 :])):
            raise DataError("reason.out_of_range", field=name, value=excerpt(text))
    return value


def percent_of_text(text: str, name: str) -> Decimal:
    """A share in per cent, with or without the sign: above 0, at most 100. Raises DataError otherwise."""
    value = number_of(text.removesuffix("%").rstrip(), name)
    if not 0 < value <= 100:
        raise DataError("reason.bad_percent", field=name, value=excerpt(text))
    return value


def moment_of(text: str, name: str) -> datetime:
    """A UTC moment from ISO 8601 (without a zone: UTC, as TradingView writes) or from seconds or milliseconds since 1970."""
    try:
        if text.isascii() and text.isdigit() and len(text) in (10, 13):
            return from_milliseconds(int(text) * (1000 if len(text) == 10 else 1))
        moment = datetime.fromisoformat(text)
        if 2000 <= moment.year < 2200:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except ValueError:
        pass
    raise DataError("reason.bad_time", field=name, value=excerpt(text))


def interval_seconds(text: str, name: str) -> int:
    """Length of TradingView's `1`, `240`, `30S`, `D`, `1W`, `M` and of `1m`, `4h`, in seconds. Raises DataError."""
    found = _INTERVAL.fullmatch(text)
    count = int(found[1] or 1) if found and text else 0
    if not found or not count:
        raise DataError("reason.bad_interval", field=name, value=excerpt(text))
    unit = found[2] or "m"
    return count * _INTERVAL_UNITS[unit if unit in "SM" else unit.lower()]


def timeframe_lasting(seconds: int) -> Timeframe | None:
    """The timeframe of that length, None when we keep none."""
    return next((one for one in Timeframe if one.seconds == seconds), None)
