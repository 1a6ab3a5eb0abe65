"""Every signing rule of Binance, against values that others computed."""

from __future__ import annotations

from typing import Any

import pytest

from aristobot.errors import BadKey
from aristobot.exchange import Credentials
from services.exchanges.binance_sign import Signer, encoded
from tests.exchanges.messages import vectors

VECTORS = vectors()
SECRETS = {
    "HMAC-SHA256 hex": VECTORS["secret"],
    "Ed25519 base64": VECTORS["ed25519_private_pem"],
    "RSA PKCS#1 v1.5 SHA-256 base64": VECTORS["rsa_private_pem"],
}


def signer(algorithm: str) -> Signer:
    """A signer with the vectors' test key of that kind."""
    return Signer(Credentials(VECTORS["apiKey"], SECRETS[algorithm]))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['api']}, {case['algorithm']}, {case.get('note', '')}")
def test_every_known_signature_is_reproduced(case: dict[str, Any]) -> None:
    assert signer(case["algorithm"]).sign(case["payload"]) == case["signature"]


@pytest.mark.parametrize(
    "case", [case for case in VECTORS["cases"] if "params" in case], ids=lambda case: case.get("note", "order")
)
def test_socket_parameters_are_sorted_signed_and_sent_as_they_are(case: dict[str, Any]) -> None:
    params = {name: value for name, value in case["params"].items() if name not in ("apiKey", "timestamp")}
    sent = signer(case["algorithm"]).params(params, case["params"]["timestamp"])
    assert sent == {**case["params"], "signature": case["signature"]}


@pytest.mark.parametrize(
    "case", [case for case in VECTORS["cases"] if case["payload"].endswith("timestamp=1499827319559") and "query" not in case]
)
def test_a_rest_query_is_encoded_first_and_signed_as_it_leaves(case: dict[str, Any]) -> None:
    symbol = "１２３４５６" if "note" in case else "LTCBTC"
    params: dict[str, str | int | bool] = {
        "symbol": symbol,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "0.1",
        "recvWindow": 5000,
    }
    sent = signer(case["algorithm"]).query(params, 1499827319559)
    assert sent == f"{case['payload']}&signature={case.get('signature_in_url', case['signature'])}"


def test_words_and_switches_are_spelled_as_the_exchange_wants_them() -> None:
    assert encoded({"symbols": '["A","B"]', "omitZeroBalances": True}) == "symbols=%5B%22A%22%2C%22B%22%5D&omitZeroBalances=true"


def test_only_an_ed25519_key_logs_on() -> None:
    assert [signer(algorithm).may_log_on for algorithm in SECRETS] == [False, True, False]


def test_two_keys_are_told_apart_by_either_half_and_the_name_reveals_neither() -> None:
    names = {Signer(Credentials(key, secret)).identity for key in ("a" * 20, "b" * 20) for secret in ("c" * 20, "d" * 20)}
    assert len(names) == 4
    assert all(b"aaaa" not in name and b"cccc" not in name for name in names)


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----", "unreadable_private_key"),
        (VECTORS["ed25519_public_pem"], "unreadable_private_key"),
    ],
)
def test_a_private_key_that_cannot_be_read_says_so_without_showing_it(secret: str, code: str) -> None:
    with pytest.raises(BadKey) as refused:
        Signer(Credentials("key", secret)).sign("anything")
    assert refused.value.code == code
    assert "nonsense" not in f"{refused.value!r}{refused.value}"
    assert refused.value.__cause__ is None
