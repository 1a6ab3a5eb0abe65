"""What Binance's refusals mean: code AND text decide, and for an order whatever is not listed leaves doubt.

Codes: Binance Spot API, "Error codes". Answer classes of order calls: a definite no is listed here, all else is doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from aristobot.errors import (
    BadKey,
    ClockSkewed,
    DuplicateOrder,
    ExchangeError,
    ExchangeOffline,
    InsufficientFunds,
    InvalidOrder,
    MissingRight,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TryAgain,
    UnknownOrder,
    UnknownSymbol,
)

NAME = "binance"
CANCEL_REPLACE_HALF_DONE = -2021
CANCEL_REPLACE_NOT_DONE = -2022
NO_SUCH_ORDER = -2013
SUBSCRIBED_ALREADY = -2035
DEFAULT_SILENCE = 60.0
#: Who is turned away before the exchange has looked at anything: by its firewall, and for the country that he asks from.
_TURNED_AWAY = frozenset({403, 451})


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error class, the code under which the screen explains it, and whether it is a definite no to an order as well."""

    error: type[ExchangeError]
    code: str
    definite: bool = True


_BAD_REQUEST = Meaning(InvalidOrder, "bad_parameter")
_FILTER = Meaning(InvalidOrder, "order_filter")

_BY_CODE: dict[int, Meaning] = {
    -1002: Meaning(MissingRight, "missing_right"),
    -1003: Meaning(RateLimited, "rate_limited"),
    -1008: Meaning(ExchangeOffline, "exchange_overloaded", definite=False),
    -1013: _FILTER,
    -1014: _BAD_REQUEST,
    -1015: Meaning(RateLimited, "too_many_orders"),
    -1016: Meaning(ExchangeOffline, "exchange_offline", definite=False),
    -1020: _BAD_REQUEST,
    -1021: Meaning(ClockSkewed, "clock_skewed"),
    -1022: Meaning(BadKey, "bad_signature"),
    -1034: Meaning(RateLimited, "too_many_connections"),
    -1111: _FILTER,
    -1121: Meaning(UnknownSymbol, "unknown_symbol"),
    -1220: Meaning(UnknownSymbol, "unknown_symbol"),
    -2008: Meaning(BadKey, "bad_key"),
    -2013: Meaning(UnknownOrder, "unknown_order"),
    -2014: Meaning(BadKey, "bad_key"),
    -2015: Meaning(BadKey, "key_ip_or_right"),
    -2026: Meaning(UnknownOrder, "order_archived"),
}

#: Answers of the matching engine: -1010, -2010 and -2011 carry any of these.
_BY_TEXT: tuple[tuple[str, Meaning], ...] = (
    ("insufficient balance", Meaning(InsufficientFunds, "insufficient_funds")),
    ("duplicate order sent", Meaning(DuplicateOrder, "duplicate_order")),
    ("unknown order sent", Meaning(UnknownOrder, "unknown_order")),
    ("order does not exist", Meaning(UnknownOrder, "unknown_order")),
    ("order was not canceled due to cancel restrictions", Meaning(InvalidOrder, "cancel_restricted")),
    ("would immediately match", Meaning(InvalidOrder, "would_match")),
    ("would trigger immediately", Meaning(InvalidOrder, "would_trigger")),
    ("relationship of the prices", Meaning(InvalidOrder, "price_relation")),
    ("market is closed", Meaning(ExchangeOffline, "trading_paused")),
    ("action is disabled on this account", Meaning(MissingRight, "account_disabled")),
    ("may not place or cancel", Meaning(MissingRight, "account_disabled")),
    ("rest api trading is not enabled", Meaning(MissingRight, "account_disabled")),
    ("websocket api trading is not enabled", Meaning(MissingRight, "account_disabled")),
    ("symbol is not permitted for this account", Meaning(MissingRight, "symbol_not_permitted")),
    ("not supported for this symbol", Meaning(InvalidOrder, "order_not_supported")),
    ("max_num_", Meaning(InvalidOrder, "limit_reached")),
    ("filter failure", _FILTER),
    ("quantity is less than or equal to zero", _BAD_REQUEST),
    ("price is less than or equal to zero", _BAD_REQUEST),
    ("iceberg", _BAD_REQUEST),
    ("order type not supported", Meaning(InvalidOrder, "order_not_supported")),
    ("amend", Meaning(InvalidOrder, "amend_refused")),
    ("quoteorderqty", Meaning(InvalidOrder, "order_not_supported")),
)

_ENGINE_CODES = frozenset({-1010, -1013, -2010, -2011, -2038, -2039})
_LISTED_ENGINE_CODES = frozenset({-1013, -2010, -2011, -2038, -2039})
_UNKNOWN = Meaning(OutcomeUnknown, "outcome_unknown", definite=False)


class Complaint(msgspec.Struct):
    """The body of a refusal; `data` holds both halves of a cancel-and-replace."""

    code: int = 0
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


_complaints = msgspec.json.Decoder(Complaint)


def complaint_of(body: bytes | msgspec.Raw) -> Complaint | None:
    """The complaint in a body, None when it holds none (HTML, a cut-off answer, another shape)."""
    try:
        complaint = _complaints.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        return None
    return complaint if complaint.code else None


def meaning_of(code: int, text: str) -> Meaning | None:
    """What a code with its text means; None when neither is listed."""
    if code in _ENGINE_CODES:
        spoken = text.lower()
        for words, meaning in _BY_TEXT:
            if words in spoken:
                return meaning
        if code not in _LISTED_ENGINE_CODES:
            return None
        return _FILTER if code == -1013 else Meaning(Refused, "refused")
    if code in _BY_CODE:
        return _BY_CODE[code]
    return _BAD_REQUEST if -1199 <= code <= -1100 else None


def judge(status: int, body: bytes | msgspec.Raw, *, order: bool) -> ExchangeError:
    """The error an answer stands for; `order` tells a call that changes an order from a question."""
    return verdict(status, complaint_of(body), order=order)


def verdict(status: int, complaint: Complaint | None, *, order: bool) -> ExchangeError:
    """As `judge`, of a complaint already read."""
    code, text = (complaint.code, complaint.msg) if complaint else (0, "")
    meaning = meaning_of(code, text)
    if status in (429, 418):
        word = meaning.code if meaning and meaning.error is RateLimited else None
        return RateLimited(word, exchange=NAME, native_code=code or status, detail=_short(text))
    if status >= 500 or (code == 0 and status not in _TURNED_AWAY):
        meaning = None
    elif code == 0 and not order:
        meaning = Meaning(MissingRight, "request_blocked")
    if meaning is None or (order and not meaning.definite):
        meaning = _UNKNOWN if order else _silent_read(status)
    return meaning.error(meaning.code, exchange=NAME, native_code=code or status, detail=_short(text))


def _silent_read(status: int) -> Meaning:
    """A question without a clear answer did no harm: it may be asked again."""
    return Meaning(ExchangeOffline if status >= 500 else TryAgain, "exchange_offline" if status >= 500 else "no_clear_answer")


def _short(text: str) -> str:
    return text[:200]


class Hint(msgspec.Struct, rename="camel"):
    """When a WebSocket API refusal says one may ask again, in milliseconds since 1970."""

    retry_after: int = 0


class Hinted(msgspec.Struct):
    """A refusal with such a hint."""

    data: Hint | None = None


_hints = msgspec.json.Decoder(Hinted)


def silence_of(body: bytes | msgspec.Raw, server_ms: int) -> float:
    """Seconds of silence that a WebSocket API refusal asks for; a minute when it does not say."""
    try:
        hint = _hints.decode(body).data
    except (msgspec.MsgspecError, ValueError):
        hint = None
    return max(1.0, (hint.retry_after - server_ms) / 1000) if hint and hint.retry_after else DEFAULT_SILENCE
