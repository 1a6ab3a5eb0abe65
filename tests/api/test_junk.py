"""Whatever is thrown at the API: an answer in its shape, never a 5xx of our own making, nothing that hangs."""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aristobot.language import explain
from aristobot.risk import Limits
from services.api import account, brokers, heartbeat, house, market, orders, people, positions, webhooks
from tests.street import Person, Street

_ROUTERS = (account, brokers, heartbeat, house, market, orders, people, positions, webhooks)
_ROUTES = [route for one in _ROUTERS for route in one.router.routes if isinstance(route, APIRoute)]
_OPERATIONS = [(method, route.path) for route in _ROUTES for method in sorted(route.methods or ())]
_FIELDS = [
    "broker_id",
    "symbol",
    "side",
    "type",
    "quantity",
    "quote_quantity",
    "price",
    "stop_price",
    "time_in_force",
    "exchange",
    "name",
    "api_key",
    "api_secret",
    "passphrase",
    "mode",
    "access",
    "is_default",
    "quote",
    "limits",
    "endpoints",
    "language",
    "timezone",
    "default_broker",
    "ai_url",
    "ai_key",
    "role",
    "password",
    "is_active",
    "scope",
    "expires_days",
    "user_id",
    "stop_loss",
    "take_profit",
    "percent",
    "overlap_hours",
    "level",
    "reason",
    "id",
    "code",
    "message",
    "context",
    "max_order_notional",
    "rest",
]
_QUERY = ["limit", "cursor", "since", "broker_id", "symbol", "status", "exchange", "quote", "search", "period", "timeframe"]

_JSON = {"Content-Type": "application/json"}
_AWKWARD = ["", "\x00", "\ud800", "NaN", "1e999999999", "-1", "0", "1e-400", "9" * 400, "::", "../..", str(uuid.UUID(int=0))]
_AWKWARD += ["2026-01-01", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59", "1h", "7d"]
_AWKWARD += [
    "fr",
    "Europe/Paris",
    "https://x",
    "http://127.0.0.1:1/",
    "TRADE",
    "WEBHOOKS",
    "halt",
    "user",
    "buy",
    "BTC/USDT",
    "binance",
]
_texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(_AWKWARD),
)
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_FIELDS) | _texts, inner, max_size=4)),
    max_leaves=6,
)
_forms = st.dictionaries(st.sampled_from(_FIELDS), _values, max_size=6).map(lambda form: json.dumps(form).encode())


def _in_shape(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error["code"]
        assert error["message"]
        assert error["trace_id"] == answer.headers["x-trace-id"]


_limits = st.dictionaries(st.sampled_from(sorted(Limits.__dataclass_fields__)), _values, max_size=3)
_changes = st.fixed_dictionaries({}, optional={"limits": _limits, "endpoints": _values, "name": _texts, "mode": _texts})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(change=_changes)
async def test_a_broker_changed_by_junk_is_changed_or_refused(street: Street, alice: Person, change: dict[str, Any]) -> None:
    mine = (await alice.web.get("/api/brokers/")).json()["items"]
    broker = mine[0] if mine else await alice.broker()
    body = json.dumps(change).encode()
    _in_shape(await alice.web.patch(f"/api/brokers/{broker['id']}/", content=body, headers=_JSON))


_bodies = st.one_of(
    _forms,
    st.binary(max_size=60),
    st.sampled_from([b"", b"[]", b"null", b"{", b"[" * 20_000, b'{"a":' * 5_000, b'"\\ud800"', b"\xff\xfe", b"1" * 5000, b"NaN"]),
)
_HEADERS = st.sampled_from(
    [{}, {"Idempotency-Key": "x"}, {"Idempotency-Key": ""}, {"Accept-Language": "\x7f"}, {"Content-Type": "text/plain"}]
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    operation=st.sampled_from(_OPERATIONS),
    body=_bodies,
    query=st.dictionaries(st.sampled_from(_QUERY), _texts, max_size=3),
    part=_texts,
    headers=_HEADERS,
)
async def test_junk_is_answered_in_shape(
    street: Street,
    alice: Person,
    operation: tuple[str, str],
    body: bytes,
    query: dict[str, str],
    part: str,
    headers: dict[str, str],
) -> None:
    method, path = operation
    url = re.sub(r"\{\w+\}", lambda _: _escaped(part), path) + "?" + "&".join(f"{name}={_escaped(query[name])}" for name in query)
    sent = body if method in ("POST", "PUT", "PATCH", "DELETE") else None
    kinds = {"Content-Type": "application/json"} | headers
    answer = await alice.web.request(method, url, content=sent, headers=kinds)
    _in_shape(answer)


def _escaped(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.parametrize("body", [b'{"name": "x\\u0000"}', b'{"name": "x\\ud800"}', b'{"name": ' + b'"' + b"x" * 300 + b'"}'])
async def test_text_that_no_database_takes_is_refused_with_its_field(street: Street, bob: Person, body: bytes) -> None:
    broker = await bob.broker()
    answer = await bob.web.patch(f"/api/brokers/{broker['id']}/", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "name")


async def test_a_body_over_64_kb_is_refused_whether_announced_or_not(street: Street, bob: Person) -> None:
    huge = b'{"name": "' + b"x" * 70_000 + b'"}'

    async def in_pieces() -> Any:
        for start in range(0, len(huge), 4096):
            yield huge[start : start + 4096]

    for content in (huge, in_pieces()):
        answer = await bob.web.post("/api/brokers/", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413, answer.text
        assert answer.json()["error"]["code"] == "body_too_large"


async def test_numbers_keep_their_digits(street: Street, bob: Person) -> None:
    broker = await bob.broker()
    for written in ("0.1", "12345678901234567890.123456789012345678", '"0.100000000000000001"'):
        body = f'{{"limits": {{"max_order_notional": {written}}}}}'
        headers = {"Content-Type": "application/json"}
        answer = await bob.web.patch(f"/api/brokers/{broker['id']}/", content=body.encode(), headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["limits"]["max_order_notional"] == written.strip('"')


async def test_a_validation_error_names_the_field_and_the_cure(street: Street, bob: Person) -> None:
    broker = (await bob.broker())["id"]
    order = {"broker_id": broker, "symbol": "BTC/USDT", "side": "buy", "quantity": "1", "price": "1"}
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"side": "purchase"}, "side", "unknown_choice"),
        ({"quantity": "many"}, "quantity", "not_a_number"),
        ({"quantity": "1" * 21}, "quantity", "amount_out_of_range"),
        ({"quantity": "1e999999"}, "quantity", "not_a_number"),
        ({"broker_id": "x"}, "broker_id", "not_an_id"),
        ({"colour": "red"}, "colour", "unknown_field"),
        ({"symbol": None}, "symbol", "not_text"),
        ({"price": "-1"}, "price", "negative_amount"),
    ]
    for difference, field, code in cases:
        answer = await bob.web.post("/api/orders/preview/", json=order | difference)
        error = answer.json()["error"]
        assert (answer.status_code, error["field"], error["code"]) == (422, field, code), answer.text
        assert error["message"] not in ("", error["code"])
    missing = await bob.web.post("/api/orders/", json=order)
    assert missing.json()["error"]["field"] == "Idempotency-Key"


async def test_an_order_greater_than_any_is_shown_before_it_is_refused(street: Street, bob: Person) -> None:
    keys = street.account(USDT="1000")
    broker = await bob.broker(**keys, mode="WEBHOOKS")
    await bob.web.post(f"/api/brokers/{broker['id']}/load-markets/")
    await street.recover()
    order = {"broker_id": broker["id"], "symbol": "BTC/USDT", "side": "buy", "type": "limit"}
    answer = await bob.web.post("/api/orders/preview/", json=order | {"quantity": "9" * 20, "price": "9" * 20})
    assert answer.status_code == 200, answer.text
    assert (len(answer.json()["notional"]), answer.json()["refusal"]["code"]) == (40, "insufficient_funds")


class FallenPortfolio:
    """What a mistake of ours looks like from outside: nothing foresaw it."""

    async def of_user(self, user_id: object, quote: str) -> None:
        """Fall."""
        raise ZeroDivisionError


async def test_a_mistake_of_ours_is_answered_in_the_same_shape_and_tells_nothing(
    street: Street, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(street.app, "portfolio", FallenPortfolio())
    answer = await bob.web.get("/api/portfolio/")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["trace_id"]) == (500, "internal", answer.headers["x-trace-id"])
    assert "ZeroDivision" not in answer.text
    assert error["message"] == explain("internal", language="en")


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
async def test_a_moment_whose_zone_leads_out_of_the_calendar_is_no_moment(street: Street, bob: Person, moment: str) -> None:
    place = base64.urlsafe_b64encode(f"{moment} {uuid.UUID(int=1)}".encode()).decode()
    for path in ("orders", "fills", "webhooks", "webhook-states", "heartbeat/heartbeat-history", "notifications"):
        for name, written, code in (("since", moment, "not_a_time"), ("cursor", place, "bad_cursor")):
            answer = await bob.web.get(f"/api/{path}/", params={name: written})
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, code), answer.text


async def test_choices_are_listed_alike_and_a_body_that_is_no_json_is_told_its_header(street: Street, bob: Person) -> None:
    choice = (await bob.web.get("/api/webhooks/stats/", params={"period": "3y"})).json()["error"]
    form = (await bob.web.patch("/api/account/", content=b'{"language": "fr"}')).json()["error"]
    exchange = await bob.web.get("/api/symbols/", params={"exchange": "mtgox"})

    assert (choice["code"], choice["facts"]) == ("unknown_choice", {"choices": "24h, 7d, 30d"})
    assert form["code"] == "body_not_json"
    assert "Content-Type: application/json" in form["message"].replace("\N{NO-BREAK SPACE}", "")
    assert (exchange.status_code, exchange.json()["error"]["field"]) == (422, "exchange")
