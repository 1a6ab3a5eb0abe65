"""What Kraken's refusals mean: the text before its second colon decides, and for an order whatever is not listed leaves doubt.

Texts: Kraken API, "Error messages". A refusal comes with status 200 and a list; entries that begin with W are warnings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from aristobot.errors import (
    BadKey,
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

NAME = "kraken"
NONCE_REFUSED = "nonce_refused"
LOCKED_OUT = "locked_out"
CALLS_SPENT = "rate_limited"
ORDERS_SPENT = "too_many_orders"
#: Seconds to leave an exchange alone that says so without saying for how long.
_PAUSES = {LOCKED_OUT: 900.0, CALLS_SPENT: 10.0, ORDERS_SPENT: 5.0}
#: How an answer without an error begins, as a rule.
_CLEAN = b'{"error":[]'


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error class, the code under which the screen explains it, and whether it is a definite no to an order as well."""

    error: type[ExchangeError]
    code: str
    definite: bool = True


_FILTER = Meaning(InvalidOrder, "order_filter")
_LIMIT = Meaning(InvalidOrder, "limit_reached")
_RIGHT = Meaning(MissingRight, "missing_right")
_SYMBOL = Meaning(UnknownSymbol, "unknown_symbol")
_GONE = Meaning(UnknownOrder, "unknown_order")
_DISABLED = Meaning(MissingRight, "account_disabled")

_BY_TEXT: dict[str, Meaning] = {
    "EAPI:Invalid key": Meaning(BadKey, "bad_key"),
    "EAPI:Invalid signature": Meaning(BadKey, "bad_signature"),
    "EAPI:Invalid nonce": Meaning(TryAgain, NONCE_REFUSED),
    "EAPI:Rate limit exceeded": Meaning(RateLimited, CALLS_SPENT),
    "EAPI:Feature disabled": _RIGHT,
    "EAuth:Account temporary disabled": _DISABLED,
    "EAuth:Account unconfirmed": _DISABLED,
    "EAuth:Rate limit exceeded": Meaning(RateLimited, CALLS_SPENT),
    "EAuth:Too many requests": Meaning(RateLimited, CALLS_SPENT),
    "EGeneral:Permission denied": _RIGHT,
    "EGeneral:Invalid arguments": Meaning(InvalidOrder, "bad_parameter"),
    "EGeneral:Unknown method": Meaning(InvalidOrder, "bad_parameter"),
    "EGeneral:Too many requests": Meaning(RateLimited, CALLS_SPENT),
    "EGeneral:Temporary lockout": Meaning(RateLimited, LOCKED_OUT),
    "EGeneral:Internal error": Meaning(ExchangeOffline, "exchange_offline", definite=False),
    "EQuery:Unknown asset pair": _SYMBOL,
    "EQuery:Unknown asset": _SYMBOL,
    "ESession:Invalid session": Meaning(TryAgain, "socket_session_ended"),
    "ETrade:User Locked": _DISABLED,
    "EOrder:Insufficient funds": Meaning(InsufficientFunds, "insufficient_funds"),
    "EOrder:Order minimum not met": _FILTER,
    "EOrder:Cost minimum not met": _FILTER,
    "EOrder:Tick size check failed": _FILTER,
    "EOrder:Invalid price": _FILTER,
    "EOrder:Post only order": Meaning(InvalidOrder, "would_match"),
    "EOrder:Rate limit exceeded": Meaning(RateLimited, ORDERS_SPENT),
    "EOrder:Domain rate limit exceeded": Meaning(RateLimited, ORDERS_SPENT),
    "EOrder:Orders limit exceeded": _LIMIT,
    "EOrder:Positions limit exceeded": _LIMIT,
    "EOrder:Unknown order": _GONE,
    "EOrder:Invalid order": _GONE,
    "EOrder:Trading agreement required": _DISABLED,
    "EService:Unavailable": Meaning(ExchangeOffline, "exchange_offline", definite=False),
    "EService:Busy": Meaning(ExchangeOffline, "exchange_overloaded", definite=False),
    "EService:Throttled": Meaning(RateLimited, CALLS_SPENT, definite=False),
    "EService:Market in cancel_only mode": Meaning(ExchangeOffline, "trading_paused", definite=False),
    "EService:Market in post_only mode": Meaning(ExchangeOffline, "trading_paused", definite=False),
}

#: By the category alone, where the text is not listed: what an account or an order was refused for is a definite no.
_BY_CATEGORY: dict[str, Meaning] = {
    "EAPI": Meaning(Refused, "refused"),
    "EAccount": _DISABLED,
    "EBM": Meaning(Refused, "refused"),
    "EOrder": Meaning(Refused, "refused"),
    "EService": Meaning(ExchangeOffline, "exchange_offline", definite=False),
    "ESession": Meaning(TryAgain, "socket_session_ended"),
}
#: Words by which a refusal says that an id is taken (the documentation prints no text for it; `EGeneral:Invalid arguments:
#: cl_ord_id not unique` is what users were told), or that a minimum is not met.
_DUPLICATE = ("duplicate", "already exists", "already in use", "not unique")
_ABOUT_ORDERS = ("EOrder", "EGeneral")
_MINIMUM = ("minimum not met", "tick size", "precision", "invalid price")
_UNKNOWN = Meaning(OutcomeUnknown, "outcome_unknown", definite=False)
_SILENT = Meaning(TryAgain, "no_clear_answer", definite=False)


class Complaint(msgspec.Struct):
    """The list of errors that every answer begins with."""

    error: list[str]


_complaints = msgspec.json.Decoder(Complaint)


def accepted(body: bytes) -> bool:
    """Whether an answer with status 200 is a yes."""
    return body.startswith(_CLEAN) or complaints_of(body) == ()


def complaints_of(body: bytes) -> tuple[str, ...] | None:
    """The errors in an answer, warnings left out; None when it is no answer of Kraken's (HTML, a cut-off one)."""
    try:
        said = _complaints.decode(body).error
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    return tuple(one for one in said if not one.startswith("W"))


def meaning_of(text: str) -> Meaning | None:
    """What one error means; None when neither it nor its category is listed."""
    category, _, rest = text.partition(":")
    spoken = text.lower()
    if category in _ABOUT_ORDERS and any(word in spoken for word in _DUPLICATE):
        return Meaning(DuplicateOrder, "duplicate_order")
    found = _BY_TEXT.get(f"{category}:{rest.partition(':')[0].strip()}") or _BY_CATEGORY.get(category)
    if category == "EGeneral" and found is not None and found.error is InvalidOrder:
        return _FILTER if any(word in spoken for word in _MINIMUM) else found
    return found


def judge(status: int, body: bytes, *, order: bool) -> ExchangeError:
    """The error a REST answer stands for; `order` tells a call that changes an order from a question."""
    said = complaints_of(body)
    if status == 429:
        return _error(Meaning(RateLimited, CALLS_SPENT), status, said or ())
    if status >= 500 or not said:
        return _error(_unclear(status, order=order), status, said or ())
    return verdict(said, order=order)


def verdict(said: Sequence[str], *, order: bool) -> ExchangeError:
    """The error a list of complaints stands for: the first that is known, but for an order any doubt comes first."""
    meanings = [meaning_of(one) for one in said]
    if order and any(one is None or not one.definite for one in meanings):
        return _error(_UNKNOWN, said[0], said)
    return _error(next((one for one in meanings if one is not None), _SILENT), said[0], said)


def _unclear(status: int, *, order: bool) -> Meaning:
    """A question without a clear answer did no harm: it may be asked again."""
    if order:
        return _UNKNOWN
    if status >= 500:
        return Meaning(ExchangeOffline, "exchange_offline")
    return Meaning(MissingRight, "request_blocked") if status == 403 else _SILENT


def _error(meaning: Meaning, native: int | str, said: Sequence[str]) -> ExchangeError:
    facts: dict[str, object] = {"exchange": NAME, "native_code": str(native)[:80], "detail": "; ".join(said)[:200]}
    if meaning.error is RateLimited:
        return RateLimited(meaning.code, retry_after=_PAUSES[meaning.code], **facts)
    return meaning.error(meaning.code, **facts)
