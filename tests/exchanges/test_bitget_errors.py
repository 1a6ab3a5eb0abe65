"""What Bitget's refusals mean for an order and for a question: by code, and doubt for whatever is not listed."""

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
    TryAgain,
    UnknownOrder,
    UnknownSymbol,
)
from aristobot.language import explain
from services.exchanges.bitget_errors import OtherAccountMode, accepts, judge

DOUBT = OutcomeUnknown

#: Codes → class for an order, class for a question, the code under which the screen explains it to who ordered.
MATRIX: list[tuple[str, type[ExchangeError], type[ExchangeError], str]] = [
    ("40001 40002 40003 40006 40011 40037 30004 30011 30013 30014 30015", BadKey, BadKey, "bad_key"),
    ("40009 30005", BadKey, BadKey, "bad_signature"),
    ("40012 40036 30012", BadKey, BadKey, "bad_passphrase"),
    ("40014 40022 40023 40024 40025 40026", MissingRight, MissingRight, "missing_right"),
    ("40018 40038", MissingRight, MissingRight, "key_ip"),
    ("40084 40085", OtherAccountMode, OtherAccountMode, "account_mode"),
    ("43012 40754 40762 25202", InsufficientFunds, InsufficientFunds, "insufficient_funds"),
    ("40034 40102 40309 25100", UnknownSymbol, UnknownSymbol, "unknown_symbol"),
    ("40808 43006 43007 43008 43009 43010 43027 43028 43037 43038", InvalidOrder, InvalidOrder, "order_filter"),
    ("45110 45111 45112 45113 45114 45115 25205 25206 25207 25208 25244 01002", InvalidOrder, InvalidOrder, "order_filter"),
    ("43013 43014 43015 43016 43034 43035", InvalidOrder, InvalidOrder, "would_trigger"),
    ("429 25004 30006 30007", RateLimited, RateLimited, "rate_limited"),
    ("43115 25101 25102 25103 25106", ExchangeOffline, ExchangeOffline, "trading_paused"),
    ("40200", DOUBT, ExchangeOffline, "outcome_unknown"),
    ("25003", DOUBT, ExchangeOffline, "outcome_unknown"),
    ("40005 40008 40078 40079", ClockSkewed, ClockSkewed, "clock_skewed"),
    ("43001 43004 43025 40109 40768 31007 25204 22001", UnknownOrder, UnknownOrder, "unknown_order"),
    ("43118 45034 50060 25212", DuplicateOrder, DuplicateOrder, "duplicate_order"),
    ("43005 40723 25211", InvalidOrder, InvalidOrder, "limit_reached"),
    ("40017 40019 40020 40305 400172 30001 30002 30003 30016", InvalidOrder, InvalidOrder, "bad_parameter"),
    ("40010 40015 40725 45001 25000 25001", DOUBT, TryAgain, "outcome_unknown"),
    ("12345 99999", DOUBT, TryAgain, "outcome_unknown"),
]
CASES = [(code, order, question, word) for codes, order, question, word in MATRIX for code in codes.split()]


def said(code: str, text: str = "Parameter verification failed") -> bytes:
    """A refusal."""
    return msgspec.json.encode({"code": code, "msg": text, "requestTime": 1, "data": None})


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(("code", "order", "question", "word"), CASES)
def test_a_refusal_means_what_its_code_says_whatever_the_status(
    status: int, code: str, order: type[ExchangeError], question: type[ExchangeError], word: str
) -> None:
    placed, asked = judge(status, said(code), order=True), judge(status, said(code), order=False)
    assert (type(placed), type(asked), placed.code) == (order, question, word)
    assert (placed.facts["exchange"], placed.facts["native_code"]) == ("bitget", code)
    assert not accepts(said(code))


@pytest.mark.parametrize(("code", "word"), [("43012", "outcome_unknown"), ("40010", "outcome_unknown")])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_fails_leaves_an_order_in_doubt_whatever_it_says(status: int, code: str, word: str) -> None:
    assert judge(status, said(code), order=True).code == word
    assert type(judge(status, said(code), order=False)) is ExchangeOffline


def test_a_precision_is_a_definite_no_and_a_release_is_not() -> None:
    assert type(judge(400, said("40808", "Parameter verification exception size checkScale error"), order=True)) is InvalidOrder
    assert type(judge(400, said("40808", "System upgrade"), order=True)) is OutcomeUnknown


def test_too_many_requests_are_known_by_status_alone() -> None:
    assert type(judge(429, b"<html>", order=True)) is RateLimited
    assert type(judge(429, said("429"), order=False)) is RateLimited


@pytest.mark.parametrize("status", [200, 400, 403, 408, 500, 502])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Just a moment...</html>", b'{"code":', b"[]", b"null", b'{"msg":"no code"}', b"\xff\xfe", b'{"code":{}}'],
)
def test_an_answer_that_is_no_complaint_leaves_an_order_in_doubt_and_a_question_to_be_asked_again(
    status: int, body: bytes
) -> None:
    assert type(judge(status, body, order=True)) is OutcomeUnknown
    assert isinstance(judge(status, body, order=False), TryAgain | MissingRight)
    assert not accepts(body)


@pytest.mark.parametrize("body", [b'{"code":"00000"}', b'{ "msg":"success", "code": "00000", "data": null}'])
def test_a_yes_is_known_wherever_its_code_stands(body: bytes) -> None:
    assert accepts(body)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_refusal_is_explained_in_the_users_language(language: str) -> None:
    for code, *_ in CASES:
        for order in (True, False):
            error = judge(400, said(code), order=order)
            words = explain(error.code, {**error.facts, "symbol": "BTC/USDT"}, language)
            assert not words.startswith(error.code), error.code
            assert "{" not in words
