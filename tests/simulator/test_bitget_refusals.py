"""What the simulated Bitget refuses, by which code: keys, signatures, times, modes, rights, sizes, prices, haste."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from aristobot.clock import ManualClock
from services.simulator.bitget import BitgetDialect
from services.simulator.bitget_keys import LOGIN, checker, signed_texts
from services.simulator.server import SimulatorServer
from tests.simulator.bitget_speaker import V2, V3, BitgetSpeaker

PLACE = f"{V2}/place-order"
BUY = {"symbol": "BTCUSDT", "side": "buy", "orderType": "market", "size": "100"}
LIMIT = {"symbol": "BTCUSDT", "side": "sell", "orderType": "limit", "force": "gtc", "price": "65000", "size": "0.1"}
VECTORS = json.loads((Path(__file__).parent.parent / "exchanges/payloads/signing-vectors.json").read_text("utf-8"))["bitget"]


def test_the_vectors_of_signing_hold_here_too() -> None:
    check = checker(VECTORS["secret"])
    for case in VECTORS["cases"]:
        if case["api"] == "rest":
            parts = (case["timestamp"], case["method"], case["path"], case["query"].encode(), case["body"].encode())
            assert signed_texts(*parts) == [case["prehash"].encode()]
            assert check(case["prehash"].encode(), case["ACCESS-SIGN"])
        else:
            assert check((case["timestamp"] + LOGIN).encode(), case["sign"])
    assert len(VECTORS["cases"]) >= 5


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("ACCESS-KEY", "", "40001"),
        ("ACCESS-SIGN", "", "40003"),
        ("ACCESS-PASSPHRASE", "", "40011"),
        ("ACCESS-TIMESTAMP", "now", "40005"),
        ("ACCESS-TIMESTAMP", "1500000000000", "40008"),
        ("ACCESS-KEY", "nobody", "40037"),
        ("ACCESS-SIGN", "bm9uc2Vuc2U=", "40009"),
        ("ACCESS-PASSPHRASE", "wrong", "40012"),
    ],
)
async def test_who_cannot_prove_himself_is_refused(classic: BitgetSpeaker, header: str, value: str, code: str) -> None:
    path = "/api/v2/spot/account/assets"
    answer = await classic.http.get(path, headers=classic.headers("GET", path) | {header: value})
    assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (400, code, None)


async def test_the_body_that_is_signed_is_the_body_that_counts(classic: BitgetSpeaker) -> None:
    headers = classic.headers("POST", PLACE, json.dumps(BUY))
    answer = await classic.http.post(PLACE, content=json.dumps(BUY | {"size": "1000"}), headers=headers)
    assert answer.json()["code"] == "40009"


async def test_a_query_may_be_signed_as_it_is_sent_or_as_it_reads(classic: BitgetSpeaker) -> None:
    sent, read = f"{V2}/orderInfo?clientOid=a%2Bb", f"{V2}/orderInfo?clientOid=a+b"
    for signed in (sent, read):
        answer = await classic.http.get(sent, headers=classic.headers("GET", signed))
        assert (answer.status_code, answer.json()["data"]) == (200, [])
    assert signed_texts("1", "GET", "/p", b"", b"body") == [b"1GET/pbody"]


async def test_a_key_may_be_of_rsa(classic: BitgetSpeaker, simulator: SimulatorServer) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    signature = base64.b64encode(key.sign(f"1{LOGIN}".encode(), PKCS1v15(), SHA256())).decode()
    for secret in (pem, public):
        assert checker(secret)(f"1{LOGIN}".encode(), signature)
        assert not checker(secret)(b"another text", signature)
        assert not checker(secret)(b"another text", "no base64!")
    with pytest.raises(ValueError):
        simulator.dialects["bitget"].check_secret("-----BEGIN PUBLIC KEY-----\nnonsense")


@pytest.mark.parametrize(
    ("window", "code"),
    [
        ({"requestTime": "-3000", "receiveWindow": "5000"}, "00000"),
        ({"requestTime": "-6000", "receiveWindow": "5000"}, "40078"),
        ({"requestTime": "2000", "receiveWindow": "5000"}, "40078"),
        ({"requestTime": "0", "receiveWindow": "60001"}, "40079"),
    ],
)
async def test_an_order_is_refused_once_its_window_is_over(classic: BitgetSpeaker, window: dict[str, str], code: str) -> None:
    body = BUY | window | {"requestTime": str(classic.now() + int(window["requestTime"]))}
    assert (await classic.post(PLACE, **body)).json()["code"] == code


async def test_a_request_that_waits_longer_than_its_window_is_not_taken(classic: BitgetSpeaker, clock: ManualClock) -> None:
    await classic.script({"on": "order.place", "do": "wrong_clock", "offset_ms": 6000})
    body = BUY | {"requestTime": str(classic.now()), "receiveWindow": "5000"}
    assert await classic.refused(PLACE, **body) == "40078"
    await classic.script({"on": "order.place", "do": "wrong_clock", "offset_ms": -31_000})
    assert await classic.refused(PLACE, **BUY) == "40008"


async def test_each_account_is_refused_by_the_other_interface(classic: BitgetSpeaker, simulator: SimulatorServer) -> None:
    assert (await classic.get("/api/v3/account/settings")).json()["code"] == "40084"
    assert await classic.refused(f"{V3}/place-order", category="SPOT", **BUY) == "40084"
    body = {"exchange": "bitget", "key": "key-one", "secret": "secret-one", "passphrase": "pass-one", "account_mode": "unified"}
    (await classic.control.post("/accounts", json=body | {"balances": {"USDT": "1000"}})).raise_for_status()
    assert (await classic.get("/api/v2/spot/account/info")).json()["code"] == "40085"
    assert await classic.refused(PLACE, **BUY) == "40085"
    assert (await classic.read("/api/v3/account/settings"))["accountMode"] == "unified"


async def test_a_key_does_only_what_it_may(classic: BitgetSpeaker) -> None:
    account = {"exchange": "bitget", "key": "key-one", "secret": "secret-one", "passphrase": "pass-one", "balances": {}}
    await classic.control.post("/accounts", json=account | {"permissions": ["read"], "ip_restricted": True})
    info = await classic.read("/api/v2/spot/account/info")
    assert (info["authorities"], info["ips"]) == (["stor"], "127.0.0.1")
    assert await classic.refused(PLACE, **BUY) == "40014"
    await classic.control.post("/accounts", json=account | {"permissions": ["read", "trade", "withdraw"]})
    assert (await classic.read("/api/v2/spot/account/info"))["authorities"] == ["stor", "stow", "wwow"]


CLASSIC: list[tuple[dict[str, Any], str]] = [
    ({"symbol": "NOPEUSDT"}, "40034"),
    ({"symbol": None}, "40019"),
    ({"side": "up"}, "40020"),
    ({"orderType": "stop"}, "40020"),
    ({"force": "never"}, "40020"),
    ({"price": "65000.123"}, "40808"),
    ({"size": "0.1234567"}, "40808"),
    ({"size": "1E-7"}, "40020"),
    ({"size": "0"}, "40020"),
    ({"price": None}, "40019"),
    ({"size": "0.00001"}, "45110"),
    ({"size": "2000", "price": "70000"}, "45113"),
    ({"price": "58000"}, "43008"),
    ({"side": "buy", "price": "62000"}, "43009"),
    ({"size": "1.5"}, "43012"),
    ({"clientOid": "x" * 50}, "40305"),
    ({"clientOid": "é"}, "40305"),
    ({"tpslType": "tpsl", "triggerPrice": "55000"}, "40020"),
    ({"presetStopLossPrice": "55000"}, "40020"),
]


@pytest.mark.parametrize(("change", "code"), CLASSIC, ids=[str(row[0])[:40] for row in CLASSIC])
async def test_a_classic_order_against_the_rules_is_refused(classic: BitgetSpeaker, change: dict[str, Any], code: str) -> None:
    assert await classic.refused(PLACE, **LIMIT | change) == code
    assert (await classic.ledger())["orders"] == []
    assert (await classic.requests())[-1]["outcome"] == f"400 {code}"


UNIFIED: list[tuple[dict[str, Any], str]] = [
    ({"symbol": "NOPEUSDT"}, "25100"),
    ({"category": "USDT-FUTURES"}, "40020"),
    ({"category": None}, "40019"),
    ({"qty": "0.1234567"}, "40808"),
    ({"qty": "0.00001"}, "25206"),
    ({"price": "58000"}, "25208"),
    ({"qty": "1.5"}, "25202"),
    ({"clientOid": "x" * 33}, "400172"),
    ({"clientOid": "a#b"}, "400172"),
    ({"stopLoss": "55000"}, "40020"),
]


@pytest.mark.parametrize(("change", "code"), UNIFIED, ids=[str(row[0])[:40] for row in UNIFIED])
async def test_a_unified_order_against_the_rules_is_refused(unified: BitgetSpeaker, change: dict[str, Any], code: str) -> None:
    order = {"category": "SPOT", "symbol": "BTCUSDT", "side": "sell", "orderType": "limit", "price": "65000", "qty": "0.1"}
    assert await unified.refused(f"{V3}/place-order", **order | change) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stopLoss": "60000"}, "43015"),
        ({"takeProfit": "60000"}, "43013"),
        ({"side": "buy", "stopLoss": "59000"}, "43016"),
        ({"side": "buy", "takeProfit": "61000"}, "43014"),
        ({}, "40019"),
        ({"stopLoss": "55000", "slOrderType": "limit"}, "40019"),
    ],
)
async def test_a_stop_behind_the_price_and_a_target_before_it_or_neither(
    unified: BitgetSpeaker, change: dict[str, str], code: str
) -> None:
    body = {"category": "SPOT", "symbol": "BTCUSDT", "type": "tpsl", "side": "sell", "qty": "0.1"} | change
    assert await unified.refused(f"{V3}/place-strategy-order", **body) == code


async def test_small_orders_are_measured_in_base_too(classic: BitgetSpeaker) -> None:
    order = {"symbol": "ETHUSDT", "side": "sell", "orderType": "limit", "price": "30000", "size": "0.0004"}
    assert await classic.refused(PLACE, **order) == "43006"


async def test_a_market_that_is_closed_takes_no_orders(classic: BitgetSpeaker) -> None:
    closed = {"exchange": "bitget", "symbol": "BTC/USDT", "status": "halt"}
    (await classic.control.post("/status", json=closed)).raise_for_status()
    assert await classic.refused(PLACE, **BUY) == "43115"
    (symbol,) = (await classic.public("/api/v2/spot/public/symbols", symbol="BTCUSDT")).json()["data"]
    (told,) = (await classic.public("/api/v3/market/instruments", category="SPOT", symbol="BTCUSDT")).json()["data"]
    assert (symbol["status"], told["status"]) == ("halt", "restrictedAPI")
    refused = await classic.control.post("/status", json=closed | {"status": "TRADING"})
    assert refused.status_code == 400


async def test_two_hundred_orders_of_a_symbol_may_rest(classic: BitgetSpeaker) -> None:
    order = LIMIT | {"size": "0.001"}
    for _ in range(40):
        await classic.do(f"{V2}/batch-orders", symbol="BTCUSDT", orderList=[order] * 5)
    assert await classic.refused(PLACE, **order) == "43005"


async def test_haste_is_refused_and_told_beforehand(
    classic: BitgetSpeaker, simulator: SimulatorServer, clock: ManualClock
) -> None:
    dialect = simulator.dialects["bitget"]
    assert isinstance(dialect, BitgetDialect)
    dialect.limits.counting = True
    left = []
    for _ in range(10):
        answer = await classic.post(PLACE, **LIMIT | {"size": "0.01"})
        left.append(int(answer.headers["x-mbx-used-remain-limit"]))
    assert left == list(range(9, -1, -1))
    answer = await classic.post(PLACE, **LIMIT)
    assert (answer.status_code, answer.json()["code"]) == (429, "429")
    assert (await classic.get(f"{V2}/unfilled-orders")).status_code == 200
    await clock.advance(1)
    assert (await classic.post(PLACE, **LIMIT)).status_code == 200
    dialect.limits.per_minute = 0
    assert (await classic.public("/api/v2/public/time")).status_code == 429


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/api/v2/spot/market/tickers", {"symbol": "NOPE"}, "40309"),
        ("/api/v3/market/tickers", {"category": "SPOT", "symbol": "NOPE"}, "25100"),
        ("/api/v3/market/tickers", {}, "40019"),
        ("/api/v2/spot/market/candles", {"symbol": "BTCUSDT", "granularity": "1H"}, "40020"),
        ("/api/v2/spot/market/candles", {"symbol": "BTCUSDT", "granularity": "1h", "limit": "1001"}, "40020"),
        ("/api/v2/spot/market/history-candles", {"symbol": "BTCUSDT", "granularity": "1h"}, "40019"),
        ("/api/v2/spot/market/history-candles", {"symbol": "BTCUSDT", "granularity": "1h", "endTime": "x"}, "40020"),
        ("/api/v3/market/candles", {"category": "SPOT", "symbol": "BTCUSDT", "interval": "1h"}, "40020"),
    ],
)
async def test_a_public_question_that_makes_no_sense_is_refused(
    classic: BitgetSpeaker, path: str, params: dict[str, str], code: str
) -> None:
    answer = await classic.public(path, **params)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_an_address_that_does_not_exist_and_a_body_that_is_none(classic: BitgetSpeaker) -> None:
    assert (await classic.public("/api/v2/spot/nothing")).json()["code"] == "40404"
    for body in ("[]", "{", '"text"', '{"a":{"b":1}}'):
        answer = await classic.http.post(PLACE, content=body, headers=classic.headers("POST", PLACE, body))
        assert answer.json()["code"] in ("40017", "40020")
