"""What Binance's refusals mean for an order and for a question: by code and by text, and doubt for whatever is not listed."""

from __future__ import annotations

import msgspec
import pytest

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
from aristobot.language import explain
from services.exchanges.binance_errors import judge, silence_of
from services.exchanges.binance_orders import judge_replacement

DOUBT = OutcomeUnknown

#: HTTP status, code, text → class for an order, class for a question, the code under which the screen explains it.
MATRIX: list[tuple[int, int, str, type[ExchangeError], type[ExchangeError], str]] = [
    (400, -2010, "Account has insufficient balance for requested action.", InsufficientFunds, InsufficientFunds, "insufficient_funds"),
    (400, -2010, "Duplicate order sent.", DuplicateOrder, DuplicateOrder, "duplicate_order"),
    (400, -2010, "Order would immediately match and take.", InvalidOrder, InvalidOrder, "would_match"),
    (400, -2010, "Order would trigger immediately.", InvalidOrder, InvalidOrder, "would_trigger"),
    (400, -2010, "Stop price would trigger immediately.", InvalidOrder, InvalidOrder, "would_trigger"),
    (400, -2010, "The relationship of the prices for the orders is not correct.", InvalidOrder, InvalidOrder, "price_relation"),
    (400, -2010, "This action is disabled on this account.", MissingRight, MissingRight, "account_disabled"),
    (400, -2010, "This account may not place or cancel orders.", MissingRight, MissingRight, "account_disabled"),
    (400, -2010, "This symbol is not permitted for this account.", MissingRight, MissingRight, "symbol_not_permitted"),
    (400, -2010, "Market is closed.", ExchangeOffline, ExchangeOffline, "trading_paused"),
    (400, -2010, "Market orders are not supported for this symbol.", InvalidOrder, InvalidOrder, "order_not_supported"),
    (400, -2010, "Something never heard of.", Refused, Refused, "refused"),
    (400, -1010, "Market is closed.", ExchangeOffline, ExchangeOffline, "trading_paused"),
    (400, -1010, "Something never heard of.", DOUBT, TryAgain, "outcome_unknown"),
    (400, -2011, "Unknown order sent.", UnknownOrder, UnknownOrder, "unknown_order"),
    (400, -2011, "Order was not canceled due to cancel restrictions.", InvalidOrder, InvalidOrder, "cancel_restricted"),
    (400, -2013, "Order does not exist.", UnknownOrder, UnknownOrder, "unknown_order"),
    (400, -2026, "Order was canceled or expired with no executed qty over 90 days ago.", UnknownOrder, UnknownOrder, "order_archived"),
    (400, -1013, "Filter failure: LOT_SIZE", InvalidOrder, InvalidOrder, "order_filter"),
    (400, -1013, "Filter failure: MAX_NUM_ORDERS", InvalidOrder, InvalidOrder, "limit_reached"),
    (400, -1013, "Invalid quantity.", InvalidOrder, InvalidOrder, "order_filter"),
    (400, -1111, "Precision is over the maximum defined for this asset.", InvalidOrder, InvalidOrder, "order_filter"),
    (400, -1121, "Invalid symbol.", UnknownSymbol, UnknownSymbol, "unknown_symbol"),
    (400, -1220, "The symbol is not the order's.", UnknownSymbol, UnknownSymbol, "unknown_symbol"),
    (400, -1100, "Illegal characters found in parameter 'x'.", InvalidOrder, InvalidOrder, "bad_parameter"),
    (400, -1102, "Mandatory parameter 'x' was not sent.", InvalidOrder, InvalidOrder, "bad_parameter"),
    (400, -1106, "Parameter 'x' sent when not required.", InvalidOrder, InvalidOrder, "bad_parameter"),
    (400, -1116, "Invalid orderType.", InvalidOrder, InvalidOrder, "bad_parameter"),
    (400, -1130, "Invalid data sent for a parameter.", InvalidOrder, InvalidOrder, "bad_parameter"),
    (400, -1021, "Timestamp for this request is outside of the recvWindow.", ClockSkewed, ClockSkewed, "clock_skewed"),
    (400, -1022, "Signature for this request is not valid.", BadKey, BadKey, "bad_signature"),
    (400, -2008, "Invalid Api-Key ID.", BadKey, BadKey, "bad_key"),
    (401, -2014, "API-key format invalid.", BadKey, BadKey, "bad_key"),
    (401, -2015, "Invalid API-key, IP, or permissions for action.", BadKey, BadKey, "key_ip_or_right"),
    (401, -1002, "You are not authorized to execute this request.", MissingRight, MissingRight, "missing_right"),
    (429, -1003, "Too many requests; current limit is 6000 request weight per minute.", RateLimited, RateLimited, "rate_limited"),
    (418, -1003, "Way too many requests; IP banned until 1.", RateLimited, RateLimited, "rate_limited"),
    (400, -1003, "Too many requests.", RateLimited, RateLimited, "rate_limited"),
    (429, -1015, "Too many new orders.", RateLimited, RateLimited, "too_many_orders"),
    (429, 0, "", RateLimited, RateLimited, "rate_limited"),
    (400, -1000, "An unknown error occurred while processing the request.", DOUBT, TryAgain, "outcome_unknown"),
    (400, -1001, "Internal error; unable to process your request.", DOUBT, TryAgain, "outcome_unknown"),
    (400, -1006, "An unexpected response was received from the message bus.", DOUBT, TryAgain, "outcome_unknown"),
    (400, -1007, "Timeout waiting for response from backend server.", DOUBT, TryAgain, "outcome_unknown"),
    (400, -1008, "Server is currently overloaded with other requests.", DOUBT, ExchangeOffline, "outcome_unknown"),
    (400, -1016, "This service is no longer available.", DOUBT, ExchangeOffline, "outcome_unknown"),
    (400, -3044, "A code nobody has listed.", DOUBT, TryAgain, "outcome_unknown"),
    (500, -2010, "Account has insufficient balance for requested action.", DOUBT, ExchangeOffline, "outcome_unknown"),
    (503, 0, "", DOUBT, ExchangeOffline, "outcome_unknown"),
    (504, -1007, "Timeout.", DOUBT, ExchangeOffline, "outcome_unknown"),
    (403, 0, "", DOUBT, MissingRight, "outcome_unknown"),
    (451, 0, "Service unavailable from a restricted location.", DOUBT, MissingRight, "outcome_unknown"),
    (404, 0, "", DOUBT, TryAgain, "outcome_unknown"),
    (302, 0, "", DOUBT, TryAgain, "outcome_unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "text", "order", "question", "word"), MATRIX)
def test_a_refusal_means_what_its_code_and_text_say(
    status: int, code: int, text: str, order: type[ExchangeError], question: type[ExchangeError], word: str
) -> None:
    body = msgspec.json.encode({"code": code, "msg": text})
    placed, asked = judge(status, body, order=True), judge(status, body, order=False)
    assert type(placed) is order
    assert type(asked) is question
    assert placed.code == word
    assert placed.facts["exchange"] == "binance"
    assert placed.facts["native_code"] == (code or status)


@pytest.mark.parametrize("status", [200, 400, 403, 408, 409, 500, 502, 503])
@pytest.mark.parametrize(
    "body", [b"", b"<html>Just a moment...</html>", b'{"code":', b"[]", b"null", b'{"msg":"no code"}', b"\xff\xfe"]
)
def test_an_answer_that_is_no_complaint_leaves_an_order_in_doubt_and_a_question_to_be_asked_again(
    status: int, body: bytes
) -> None:
    assert type(judge(status, body, order=True)) is OutcomeUnknown
    assert isinstance(judge(status, body, order=False), TryAgain | MissingRight)


def half(cancel: str, new: str, **answers: object) -> bytes:
    """The complaint of a cancel-and-replace."""
    data = {"cancelResult": cancel, "newOrderResult": new, "cancelResponse": None, "newOrderResponse": None, **answers}
    return msgspec.json.encode(
        {"code": -2021 if cancel == "SUCCESS" else -2022, "msg": "Order cancel-replace failed.", "data": data}
    )


def complaint(code: int, text: str) -> dict[str, object]:
    """One half's own complaint."""
    return {"code": code, "msg": text}


POOR = complaint(-2010, "Account has insufficient balance for requested action.")
GONE = complaint(-2011, "Unknown order sent.")
LOST = complaint(-1007, "Timeout waiting for response from backend server.")


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (409, half("SUCCESS", "FAILURE", newOrderResponse=POOR), Refused, "cancelled_not_replaced"),
        (409, half("SUCCESS", "FAILURE", newOrderResponse=LOST), OutcomeUnknown, "outcome_unknown"),
        (409, half("SUCCESS", "FAILURE"), OutcomeUnknown, "outcome_unknown"),
        (400, half("FAILURE", "NOT_ATTEMPTED", cancelResponse=GONE), UnknownOrder, "unknown_order"),
        (400, half("FAILURE", "NOT_ATTEMPTED", cancelResponse=LOST), OutcomeUnknown, "outcome_unknown"),
        (400, msgspec.json.encode(complaint(-2021, "no halves")), OutcomeUnknown, "outcome_unknown"),
        (400, msgspec.json.encode(POOR), InsufficientFunds, "insufficient_funds"),
        (500, half("SUCCESS", "FAILURE", newOrderResponse=POOR), OutcomeUnknown, "outcome_unknown"),
    ],
)
def test_a_replacement_that_failed_says_which_half_did(status: int, body: bytes, error: type[ExchangeError], code: str) -> None:
    judged = judge_replacement(status, body, order=True)
    assert (type(judged), judged.code) == (error, code)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b'{"code":-1003,"data":{"serverTime":1000,"retryAfter":31000}}', 30.0),
        (b'{"code":-1003,"data":{"retryAfter":500}}', 1.0),
        (b'{"code":-1003}', 60.0),
        (b"<html>", 60.0),
    ],
)
def test_a_socket_says_until_when_to_be_silent(body: bytes, seconds: float) -> None:
    assert silence_of(body, 1000) == seconds


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_refusal_is_explained_with_a_cure_in_the_users_language(language: str) -> None:
    for status, code, text, *_ in MATRIX:
        for order in (True, False):
            error = judge(status, msgspec.json.encode({"code": code, "msg": text}), order=order)
            words = explain(error.code, {**error.facts, "symbol": "BTC/USDT"}, language)
            assert not words.startswith(error.code), error.code
            assert "{" not in words
