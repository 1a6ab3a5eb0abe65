"""Every signing rule of Bitget, against known signatures."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from aristobot.errors import BadKey
from aristobot.exchange import Credentials
from services.exchanges.bitget_sign import Signer, target_of
from tests.exchanges import messages
from tests.exchanges.bitget_messages import vectors

VECTORS = vectors()
KEYS = Credentials(VECTORS["apiKey"], VECTORS["secret"], VECTORS["passphrase"])
REST = [case for case in VECTORS["cases"] if case["api"] == "rest"]
ED25519 = messages.vectors()["ed25519_private_pem"]
RSA = messages.vectors()["rsa_private_pem"]


@pytest.mark.parametrize("case", REST, ids=lambda case: f"{case['method']} {case['path']}")
def test_every_known_signature_of_a_request_is_reproduced(case: dict[str, Any]) -> None:
    target = f"{case['path']}?{case['query']}" if case["query"] else case["path"]
    headers = Signer(KEYS).headers(int(case["timestamp"]), case["method"], target, case["body"].encode())
    assert headers["ACCESS-SIGN"] == case["ACCESS-SIGN"]
    assert (headers["ACCESS-KEY"], headers["ACCESS-PASSPHRASE"]) == (VECTORS["apiKey"], VECTORS["passphrase"])
    assert headers["ACCESS-TIMESTAMP"] == case["timestamp"]
    assert Signer(KEYS).sign(case["prehash"]) == case["ACCESS-SIGN"]


def test_every_known_signature_of_a_log_on_is_reproduced_in_seconds() -> None:
    (case,) = [one for one in VECTORS["cases"] if one["api"] == "ws login"]
    frame = msgspec.json.decode(Signer(KEYS).log_on(int(case["timestamp"]) * 1000 + 729))
    (said,) = frame["args"]
    assert (frame["op"], said["timestamp"], said["sign"]) == ("login", case["timestamp"], case["sign"])
    assert (said["apiKey"], said["passphrase"]) == (KEYS.api_key, KEYS.passphrase)


@pytest.mark.parametrize("text", VECTORS["published_prehash_strings"])
def test_the_published_texts_to_sign_are_put_together_alike(text: str) -> None:
    timestamp, rest = text[:14], text[14:]
    method = "GET" if rest.startswith("GET") else "POST"
    target, brace, body = rest.removeprefix(method).partition("{")
    headers = Signer(KEYS).headers(int(timestamp), method, target, (brace + body).encode())
    assert headers["ACCESS-SIGN"] == Signer(KEYS).sign(text)


def test_a_query_is_sorted_and_percent_encoded() -> None:
    assert target_of("/p", {"b": "2&3", "a": "1"}) == "/p?a=1&b=2%263"
    assert target_of("/p", {}) == "/p"


def test_an_rsa_key_signs_too() -> None:
    signature = b64decode(Signer(Credentials("key", RSA, "p")).sign("text"))
    key = load_pem_private_key(RSA.encode(), None).public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(signature, b"text", PKCS1v15(), SHA256())


@pytest.mark.parametrize(
    ("secret", "code"), [(ED25519, "unsupported_private_key"), ("-----BEGIN NONSENSE", "unreadable_private_key")]
)
def test_a_private_key_of_another_kind_is_refused(secret: str, code: str) -> None:
    with pytest.raises(BadKey) as refused:
        Signer(Credentials("key", secret, "p")).sign("text")
    assert refused.value.code == code


def test_keys_that_differ_in_anything_are_told_apart() -> None:
    known = [
        Credentials(*parts) for parts in (("a", "b", "c"), ("a", "b", "d"), ("a", "bc", ""), ("ab", "c", ""), ("a", "", "bc"))
    ]
    assert len({Signer(one).identity for one in known}) == len(known)
    assert Signer(known[0]).identity == Signer(known[0]).identity
