"""Bitget's codes and words (API documentation, "Error codes"); the code decides, the words are for people."""

from __future__ import annotations

from typing import Any

from services.simulator.records import Reason

Json = dict[str, Any]
SUCCESS = "00000"


class BitgetError(Exception):
    """An answer with a code and a text. Almost all of them come with status 400."""

    def __init__(self, code: str, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status


def envelope(now: int, data: object, code: str = SUCCESS, text: str = "success") -> Json:
    """The body of every answer; `now` in milliseconds of the exchange's clock."""
    return {"code": code, "msg": text, "requestTime": now, "data": data}


def missing(name: str) -> BitgetError:
    """A parameter is not there."""
    return BitgetError("40019", f"Parameter {name} cannot be empty")


def wrong(name: str) -> BitgetError:
    """A parameter makes no sense."""
    return BitgetError("40020", f"Parameter {name} error")


def too_precise(name: str, value: str, digits: int) -> BitgetError:
    """More decimals than the symbol allows."""
    return BitgetError("40808", f"Parameter verification exception {name} checkBDScale error value={value} checkScale={digits}")


def too_many_requests() -> BitgetError:
    """The limit of an endpoint, or of the address, is reached."""
    return BitgetError("429", "Too Many Requests", status=429)


_MODE = "You are in {} Account mode, and the {} Account API is not supported at this time"
#: A classic account on a unified call, and the reverse.
IN_CLASSIC_MODE = ("40084", _MODE.format("Classic", "Unified"))
IN_UNIFIED_MODE = ("40085", _MODE.format("Unified", "Classic"))

#: The venue's no, in the words of the classic and of the unified interface.
CLASSIC_REFUSALS = {
    Reason.UNKNOWN_ORDER: ("43001", "The order does not exist"),
    Reason.DUPLICATE_ID: ("43118", "clientOrderId duplicate"),
    Reason.MARKET_CLOSED: ("43115", "The current trading pair is opening soon, please refer to the official announcement"),
    Reason.INSUFFICIENT_FUNDS: ("43012", "Insufficient balance"),
    Reason.WOULD_TRIGGER: ("43035", "The trigger price has been reached already"),
    Reason.NO_LIQUIDITY: ("45111", "less than the minimum order quantity"),
}
UNIFIED_REFUSALS = {
    Reason.UNKNOWN_ORDER: ("25204", "Order does not exist"),
    Reason.DUPLICATE_ID: ("25212", "Duplicate clientOid"),
    Reason.MARKET_CLOSED: ("25101", "The trading pair is not open for trading"),
    Reason.INSUFFICIENT_FUNDS: ("25202", "Insufficient balance"),
    Reason.WOULD_TRIGGER: ("43035", "The trigger price has been reached already"),
    Reason.NO_LIQUIDITY: ("25205", "Less than the minimum order quantity"),
}
#: Answers that the request did not cause, by the number of the misfortune: not known whether done, not done.
CLASSIC_TROUBLE = {
    -1006: ("40725", "service return an error"),
    -1007: ("40010", "Request timed out"),
    -1008: ("40200", "Server upgrade, please try again later"),
}
UNIFIED_TROUBLE = {
    -1006: ("25000", "System error"),
    -1007: ("25001", "Request timed out"),
    -1008: ("25003", "System busy, please try again later"),
}
