"""What Kraken's refusals mean for an order and for a question: by their text, and doubt for whatever is not listed."""

from __future__ import annotations

import json

import pytest

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
from aristobot.language import explain
from services.exchanges.kraken_errors import accepted, judge, verdict

DOUBT = OutcomeUnknown
OFF = ExchangeOffline

#: Text → class for an order, class for a question, the code under which the screen explains the order's.
MATRIX: list[tuple[str, type[ExchangeError], type[ExchangeError], str]] = [
    ("EOrder:Insufficient funds", InsufficientFunds, InsufficientFunds, "insufficient_funds"),
    ("EOrder:Order minimum not met", InvalidOrder, InvalidOrder, "order_filter"),
    ("EOrder:Cost minimum not met", InvalidOrder, InvalidOrder, "order_filter"),
    ("EOrder:Tick size check failed", InvalidOrder, InvalidOrder, "order_filter"),
    ("EOrder:Invalid price", InvalidOrder, InvalidOrder, "order_filter"),
    ("EOrder:Invalid price:BTC/USD price can only be specified up to 1 decimals.", InvalidOrder, InvalidOrder, "order_filter"),
    ("EOrder:Post only order", InvalidOrder, InvalidOrder, "would_match"),
    ("EOrder:Rate limit exceeded", RateLimited, RateLimited, "too_many_orders"),
    ("EOrder:Orders limit exceeded", InvalidOrder, InvalidOrder, "limit_reached"),
    ("EOrder:Positions limit exceeded", InvalidOrder, InvalidOrder, "limit_reached"),
    ("EOrder:Unknown order", UnknownOrder, UnknownOrder, "unknown_order"),
    ("EOrder:Invalid order", UnknownOrder, UnknownOrder, "unknown_order"),
    ("EOrder:Duplicate cl_ord_id", DuplicateOrder, DuplicateOrder, "duplicate_order"),
    ("EOrder:An open order with this cl_ord_id already exists", DuplicateOrder, DuplicateOrder, "duplicate_order"),
    ("EGeneral:Invalid arguments:cl_ord_id not unique", DuplicateOrder, DuplicateOrder, "duplicate_order"),
    ("EOrder:Domain rate limit exceeded", RateLimited, RateLimited, "too_many_orders"),
    ("EBM:limit exceeded:CAL", Refused, Refused, "refused"),
    ("EAuth:Account temporary disabled", MissingRight, MissingRight, "account_disabled"),
    ("EAuth:Account unconfirmed", MissingRight, MissingRight, "account_disabled"),
    ("EAuth:Rate limit exceeded", RateLimited, RateLimited, "rate_limited"),
    ("EAuth:Too many requests", RateLimited, RateLimited, "rate_limited"),
    ("EOrder:Something never heard of", Refused, Refused, "refused"),
    ("EGeneral:Invalid arguments", InvalidOrder, InvalidOrder, "bad_parameter"),
    ("EGeneral:Invalid arguments:ordertype", InvalidOrder, InvalidOrder, "bad_parameter"),
    ("EGeneral:Invalid arguments:volume minimum not met", InvalidOrder, InvalidOrder, "order_filter"),
    ("EGeneral:Unknown method", InvalidOrder, InvalidOrder, "bad_parameter"),
    ("EGeneral:Permission denied", MissingRight, MissingRight, "missing_right"),
    ("EGeneral:Too many requests", RateLimited, RateLimited, "rate_limited"),
    ("EGeneral:Temporary lockout", RateLimited, RateLimited, "locked_out"),
    ("EGeneral:Internal error", DOUBT, OFF, "outcome_unknown"),
    ("EGeneral:Something never heard of", DOUBT, TryAgain, "outcome_unknown"),
    ("EAPI:Invalid key", BadKey, BadKey, "bad_key"),
    ("EAPI:Invalid signature", BadKey, BadKey, "bad_signature"),
    ("EAPI:Invalid nonce", TryAgain, TryAgain, "nonce_refused"),
    ("EAPI:Rate limit exceeded", RateLimited, RateLimited, "rate_limited"),
    ("EAPI:Feature disabled", MissingRight, MissingRight, "missing_right"),
    ("EAPI:Something never heard of", Refused, Refused, "refused"),
    ("EQuery:Unknown asset pair", UnknownSymbol, UnknownSymbol, "unknown_symbol"),
    ("EQuery:Unknown asset", UnknownSymbol, UnknownSymbol, "unknown_symbol"),
    ("ESession:Invalid session", TryAgain, TryAgain, "socket_session_ended"),
    ("EAccount:Invalid permissions", MissingRight, MissingRight, "account_disabled"),
    ("ETrade:User Locked", MissingRight, MissingRight, "account_disabled"),
    ("EService:Unavailable", DOUBT, OFF, "outcome_unknown"),
    ("EService:Busy", DOUBT, OFF, "outcome_unknown"),
    ("EService:Throttled: 1790359840", DOUBT, RateLimited, "outcome_unknown"),
    ("EService:Deadline elapsed", DOUBT, OFF, "outcome_unknown"),
    ("EService:Timeout", DOUBT, OFF, "outcome_unknown"),
    ("EService:Market in cancel_only mode", DOUBT, OFF, "outcome_unknown"),
    ("EService:Market in post_only mode", DOUBT, OFF, "outcome_unknown"),
    ("ENobody:Knows", DOUBT, TryAgain, "outcome_unknown"),
    ("Currency pair not supported XBT/USD", DOUBT, TryAgain, "outcome_unknown"),
    ("", DOUBT, TryAgain, "outcome_unknown"),
]


@pytest.mark.parametrize(("text", "order", "question", "word"), MATRIX, ids=[row[0] or "nothing" for row in MATRIX])
def test_a_refusal_means_what_its_text_says(
    text: str, order: type[ExchangeError], question: type[ExchangeError], word: str
) -> None:
    answer = json.dumps({"error": [text], "result": None}).encode()
    placed, asked = judge(200, answer, order=True), judge(200, answer, order=False)
    assert (type(placed), type(asked)) == (order, question)
    assert placed.code == word
    assert placed.facts["exchange"] == "kraken"
    assert placed.facts["detail"] == text
    assert type(verdict([text], order=True)) is order
    assert not accepted(answer)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_refusal_can_be_explained(language: str) -> None:
    for text, *_ in MATRIX:
        for order in (True, False):
            error = judge(200, json.dumps({"error": [text]}).encode(), order=order)
            error.facts.setdefault("symbol", "BTC/USDT")
            words = explain(error, language=language)
            assert words
            assert "{" not in words
            assert error.code not in words.split()


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500, 502, 504, 520])
@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>Just a moment...</html>", b'{"error":', b"[]", b"null", b'{"result":{}}', b'{"error":"E"}', b"\xff\xfe"],
)
def test_an_answer_that_is_none_leaves_an_order_in_doubt_and_a_question_to_be_asked_again(status: int, answer: bytes) -> None:
    assert not accepted(answer)
    assert type(judge(status, answer, order=True)) is OutcomeUnknown
    assert isinstance(judge(status, answer, order=False), TryAgain | MissingRight)


def test_a_server_that_fails_leaves_an_order_in_doubt_whatever_it_says() -> None:
    assert type(judge(502, b'{"error":["EOrder:Insufficient funds"]}', order=True)) is OutcomeUnknown


def test_of_several_complaints_any_doubt_decides_for_an_order() -> None:
    assert type(verdict(["EOrder:Insufficient funds", "EService:Busy"], order=True)) is OutcomeUnknown
    assert type(verdict(["EOrder:Insufficient funds", "EService:Busy"], order=False)) is InsufficientFunds


def test_a_warning_is_no_refusal() -> None:
    assert accepted(b'{"error":["WGeneral:Deprecated"],"result":{}}')
    assert accepted(b'{ "error" : [ ], "result": {} }')
    assert type(judge(200, b'{"error":["WGeneral:Deprecated","EOrder:Insufficient funds"]}', order=True)) is InsufficientFunds


def test_too_many_requests_say_how_long_to_be_silent() -> None:
    pauses = [
        judge(200, json.dumps({"error": [text]}).encode(), order=False)
        for text in ("EAPI:Rate limit exceeded", "EGeneral:Temporary lockout")
    ]
    assert [one.retry_after for one in pauses if isinstance(one, RateLimited)] == [10.0, 900.0]
    assert type(judge(429, b"", order=True)) is RateLimited
