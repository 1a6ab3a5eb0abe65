"""The connection test names what is wrong: each exchange's own refusals, as it words them, become a sentence with its cure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aristobot.clock import Clock, SystemClock, to_milliseconds
from aristobot.exchange import Credentials, Endpoints
from aristobot.language import explain
from services.broker_connection import Step, StepState, try_connection
from services.exchanges.binance import BinanceClient
from services.exchanges.bitget import BitgetClient
from services.exchanges.kraken import KrakenClient
from tests.exchanges import bitget_house, house, kraken_house
from tests.exchanges.small_server import Answer, Asked, Reset, Say, small_server

Client = BinanceClient | KrakenClient | BitgetClient
Made = Callable[[Clock, Endpoints], Client]
CLIENTS: dict[str, tuple[Made, Credentials]] = {
    "binance": (lambda clock, where: BinanceClient(clock, where, house.QUICK), house.HMAC),
    "kraken": (lambda clock, where: KrakenClient(clock, where, house.QUICK), kraken_house.ONE),
    "bitget": (lambda clock, where: BitgetClient(clock, where, bitget_house.QUICK), bitget_house.CLASSIC),
}


def _binance(code: int, text: str, status: int = 400) -> Say:
    return Say({"code": code, "msg": text}, status)


def _kraken(text: str) -> Say:
    return Say({"error": [text]})


def _bitget(code: str, text: str, status: int = 400) -> Say:
    return Say({"code": code, "msg": text, "requestTime": 0, "data": None}, status)


#: What each exchange answers to a signed question, word for word, and the code of our sentence.
REFUSALS: list[tuple[str, str, Answer, str]] = [
    ("binance", "wrong key", _binance(-2014, "API-key format invalid.", 401), "bad_key"),
    ("binance", "wrong secret", _binance(-1022, "Signature for this request is not valid."), "bad_signature"),
    ("binance", "address", _binance(-2015, "Invalid API-key, IP, or permissions for action.", 401), "key_ip_or_right"),
    ("binance", "clock", _binance(-1021, "Timestamp for this request is outside of the recvWindow."), "clock_skewed"),
    ("binance", "right", _binance(-1002, "You are not authorized to execute this request.", 401), "missing_right"),
    ("binance", "maintenance", Say({}, 503), "exchange_offline"),
    ("binance", "blocked", Say(b"<html>403 Forbidden</html>", 403), "request_blocked"),
    ("kraken", "wrong key", _kraken("EAPI:Invalid key"), "bad_key"),
    ("kraken", "wrong secret", _kraken("EAPI:Invalid signature"), "bad_signature"),
    ("kraken", "clock", _kraken("EAPI:Invalid nonce"), "nonce_refused"),
    ("kraken", "account", _kraken("EAuth:Account temporary disabled"), "account_disabled"),
    ("kraken", "maintenance", _kraken("EService:Unavailable"), "exchange_offline"),
    ("kraken", "blocked", Say(b"<html>403 Forbidden</html>", 403), "request_blocked"),
    ("bitget", "wrong key", _bitget("40006", "Invalid ACCESS_KEY"), "bad_key"),
    ("bitget", "wrong secret", _bitget("40009", "sign signature error"), "bad_signature"),
    ("bitget", "passphrase", _bitget("40012", "apikey/password is incorrect"), "bad_passphrase"),
    ("bitget", "clock", _bitget("40008", "Request timestamp expired"), "clock_skewed"),
    ("bitget", "address", _bitget("40018", "Invalid IP"), "key_ip"),
    ("bitget", "right", _bitget("40014", "Incorrect permissions"), "missing_right"),
    ("bitget", "maintenance", _bitget("40200", "Server upgrade, please try again later"), "exchange_offline"),
    ("bitget", "blocked", Say(b"<html>403 Forbidden</html>", 403), "request_blocked"),
]


def _time_of(exchange: str, clock: Clock) -> dict[str, Any]:
    now = to_milliseconds(clock.now())
    told: dict[str, dict[str, Any]] = {
        "binance": {"serverTime": now},
        "kraken": {"error": [], "result": {"unixtime": now // 1000, "rfc1123": ""}},
        "bitget": {"code": "00000", "msg": "success", "requestTime": now, "data": {"serverTime": str(now)}},
    }
    return told[exchange]


async def _first_failure(exchange: str, answer: Answer | None, offline: bool = False) -> Step:
    clock = SystemClock()
    make, keys = CLIENTS[exchange]
    async with small_server() as server:

        def rest(asked: Asked) -> Answer:
            about_time = asked.path.casefold().endswith("/time")
            return Say(_time_of(exchange, clock)) if about_time else answer or Say({}, 404)

        server.rest = (lambda _: Reset()) if offline else rest
        client = make(clock, server.endpoints)
        try:
            result = await try_connection(client, keys, clock)
        finally:
            await client.close()
    failed = [step for step in result.steps if step.state is StepState.FAILED]
    assert len(failed) == 1
    after = result.steps[result.steps.index(failed[0]) + 1 :]
    assert {step.state for step in after} == {StepState.SKIPPED}
    return failed[0]


@pytest.mark.parametrize(
    ("exchange", "kind", "answer", "code"), REFUSALS, ids=[f"{exchange}-{kind}" for exchange, kind, *_ in REFUSALS]
)
async def test_a_refusal_becomes_a_sentence_with_its_cure(exchange: str, kind: str, answer: Answer, code: str) -> None:
    failed = await _first_failure(exchange, answer)
    assert (failed.name, failed.reason) == ("key", f"error.{code}"), kind
    for language in ("fr", "en"):
        sentence = explain(failed.reason, failed.facts, language)
        assert sentence[0].isupper()
        assert sentence.rstrip().endswith((".", "»", "”"))
        assert "{" not in sentence
        assert code not in sentence


async def test_kraken_does_not_say_what_a_key_may_do_and_is_tried_out() -> None:
    clock = SystemClock()
    make, keys = CLIENTS["kraken"]
    async with small_server() as server:
        time = _time_of("kraken", clock)
        server.rest = lambda asked: Say(time) if asked.path.endswith("/Time") else _kraken("EGeneral:Permission denied")
        client = make(clock, server.endpoints)
        result = await try_connection(client, keys, clock)
        await client.close()
    reasons = {step.name: step.reason for step in result.steps if step.state is StepState.FAILED}
    assert reasons["read"] == "reason.key_cannot_read"
    assert reasons["trade"] == "reason.key_cannot_trade"
    assert "withdraw" not in reasons


async def test_whoever_asks_binance_from_a_country_that_it_does_not_serve_is_told_to_look_at_that() -> None:
    make, keys = CLIENTS["binance"]
    async with small_server() as server:
        server.rest = lambda _: _binance(0, "Service unavailable from a restricted location.", 451)
        client = make(SystemClock(), server.endpoints)
        result = await try_connection(client, keys, SystemClock())
        await client.close()
    assert (result.steps[0].name, result.steps[0].reason) == ("reachable", "error.request_blocked")
    assert len(server.asked) == 1


@pytest.mark.parametrize("exchange", CLIENTS)
def test_each_kind_of_failure_has_a_sentence_of_its_own(exchange: str) -> None:
    told = {explain(f"error.{code}", {}, "en") for name, _, _, code in REFUSALS if name == exchange}
    assert len(told) == len([one for one in REFUSALS if one[0] == exchange])


@pytest.mark.parametrize("exchange", CLIENTS)
async def test_an_exchange_that_cannot_be_reached_is_said_before_any_key_travels(exchange: str) -> None:
    failed = await _first_failure(exchange, None, offline=True)
    assert failed.name == "reachable"
    assert "{" not in explain(failed.reason, failed.facts, "en")
    assert explain(failed.reason, failed.facts, "en") != failed.reason
