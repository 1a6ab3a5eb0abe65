"""What Bitget's refusals mean: the code decides, and for an order whatever is not listed leaves doubt.

Codes: Bitget API, "Error codes" of REST and of the sockets, classic and unified. Answers come with status 200 or 400 alike.
"""

from __future__ import annotations

from typing import NamedTuple

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
    TryAgain,
    UnknownOrder,
    UnknownSymbol,
)

NAME = "bitget"
ACCEPTED = "00000"
_ACCEPTED_START = b'{"code":"00000"'
#: The words by which code 40808 tells a wrong number from a service that is being renewed.
_ABOUT_NUMBERS = ("scale", "precision", "verification", "parameter")


class OtherAccountMode(MissingRight):
    """The account speaks the other protocol: classic (40084) or unified (40085). Nothing was done."""

    default_code = "account_mode"


class Meaning(NamedTuple):
    """An error class, the code under which the screen explains it, and whether it is a definite no to an order as well."""

    error: type[ExchangeError]
    code: str
    definite: bool = True


_TABLE: tuple[tuple[Meaning, str], ...] = (
    (Meaning(BadKey, "bad_key"), "40001 40002 40003 40006 40011 40037 30004 30011 30013 30014 30015"),
    (Meaning(BadKey, "bad_signature"), "40009 30005"),
    (Meaning(BadKey, "bad_passphrase"), "40012 40036 30012"),
    (Meaning(MissingRight, "missing_right"), "40014 40022 40023 40024 40025 40026"),
    (Meaning(MissingRight, "key_ip"), "40018 40038"),
    (Meaning(OtherAccountMode, "account_mode"), "40084 40085"),
    (Meaning(InsufficientFunds, "insufficient_funds"), "43012 40754 40762 25202"),
    (Meaning(UnknownSymbol, "unknown_symbol"), "40034 40102 40309 25100"),
    (
        Meaning(InvalidOrder, "order_filter"),
        "40808 43006 43007 43008 43009 43010 43027 43028 43037 43038"
        " 45110 45111 45112 45113 45114 45115 25205 25206 25207 25208 25244 01002",
    ),
    (Meaning(InvalidOrder, "would_trigger"), "43013 43014 43015 43016 43034 43035"),
    (Meaning(RateLimited, "rate_limited"), "429 25004 30006 30007"),
    (Meaning(ExchangeOffline, "trading_paused"), "43115 25101 25102 25103 25106"),
    (Meaning(ExchangeOffline, "exchange_offline", definite=False), "40200"),
    (Meaning(ExchangeOffline, "exchange_overloaded", definite=False), "25003"),
    (Meaning(ClockSkewed, "clock_skewed"), "40005 40008 40078 40079"),
    (Meaning(UnknownOrder, "unknown_order"), "43001 43004 43025 40109 40768 31007 25204 22001"),
    (Meaning(DuplicateOrder, "duplicate_order"), "43118 45034 50060 25212"),
    (Meaning(InvalidOrder, "limit_reached"), "43005 40723 25211"),
    (Meaning(InvalidOrder, "bad_parameter"), "40017 40019 40020 40305 400172 30001 30002 30003 30016"),
    (Meaning(TryAgain, "no_clear_answer", definite=False), "40010 40015 40725 45001 25000 25001"),
)
_BY_CODE = {code: meaning for meaning, codes in _TABLE for code in codes.split()}
_UNKNOWN = Meaning(OutcomeUnknown, "outcome_unknown", definite=False)
_SILENCE = 1.0


class Complaint(msgspec.Struct):
    """The head of any answer: its code and text."""

    code: str | int = ""
    msg: str | None = ""
    message: str | None = ""

    @property
    def text(self) -> str:
        """What it says, under either of the two names."""
        return (self.msg or self.message or "")[:200]


_complaints = msgspec.json.Decoder(Complaint)


def accepts(body: bytes) -> bool:
    """Whether an answer says that all went well; its status alone does not."""
    if body.startswith(_ACCEPTED_START):
        return True
    complaint = complaint_of(body)
    return complaint is not None and complaint.code == ACCEPTED


def complaint_of(body: bytes | msgspec.Raw) -> Complaint | None:
    """The head of an answer; None when there is none (HTML, a cut-off answer, another shape)."""
    try:
        complaint = _complaints.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return complaint if complaint.code != "" else None


def judge(status: int, body: bytes, *, order: bool) -> ExchangeError:
    """The error an answer stands for; `order` tells a call that changes an order from a question."""
    return verdict(status, complaint_of(body), order=order)


def verdict(status: int, complaint: Complaint | None, *, order: bool) -> ExchangeError:
    """As `judge`, of a complaint already read."""
    code, text = (str(complaint.code), complaint.text) if complaint else ("", "")
    meaning = _meaning(code, text)
    native = code or status
    if status in (429, 418) or (meaning is not None and meaning.error is RateLimited and status < 500):
        return RateLimited(retry_after=_SILENCE, exchange=NAME, native_code=native, detail=text)
    if status >= 500 or code == ACCEPTED:
        meaning = None
    elif not code and status == 403 and not order:
        meaning = Meaning(MissingRight, "request_blocked")
    if meaning is None or (order and not meaning.definite):
        meaning = _UNKNOWN if order else _unanswered(status)
    return meaning.error(meaning.code, exchange=NAME, native_code=native, detail=text)


def _meaning(code: str, text: str) -> Meaning | None:
    if code == "40808" and text and not any(word in text.lower() for word in _ABOUT_NUMBERS):
        return Meaning(ExchangeOffline, "exchange_overloaded", definite=False)
    return _BY_CODE.get(code)


def _unanswered(status: int) -> Meaning:
    """A question without a clear answer did no harm."""
    return Meaning(ExchangeOffline, "exchange_offline") if status >= 500 else Meaning(TryAgain, "no_clear_answer")
