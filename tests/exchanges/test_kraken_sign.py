"""Kraken's signature, against values that others computed, and the numbers that must grow."""

from __future__ import annotations

from typing import Any

import pytest

from aristobot.clock import ManualClock, to_milliseconds
from aristobot.errors import BadKey
from aristobot.exchange import Credentials
from services.exchanges.clocks import ExchangeClock
from services.exchanges.kraken_sign import Nonces, Signer
from tests.exchanges.kraken_house import vectors

SECRET = vectors()["secret"]


@pytest.mark.parametrize("case", vectors()["cases"], ids=lambda case: f"{case['path']} {case['note']}")
def test_every_known_signature_is_reproduced(case: dict[str, Any]) -> None:
    signer = Signer(Credentials("key", SECRET))
    assert signer.sign(case["path"], int(case["nonce"]), case["postdata"].encode()) == case["API-Sign"]


@pytest.mark.parametrize("case", [one for one in vectors()["cases"] if not one["postdata"].startswith("{")])
def test_a_call_is_signed_as_it_leaves(case: dict[str, Any]) -> None:
    form = dict(pair.split("=") for pair in case["postdata"].split("&"))
    del form["nonce"]
    request = Signer(Credentials("key", SECRET)).request(case["path"], form, int(case["nonce"]))
    assert request.body.decode() == case["postdata"]
    assert request.headers["API-Sign"] == case["API-Sign"]
    assert (request.method, request.target, request.headers["API-Key"]) == ("POST", case["path"], "key")


def test_what_is_no_plain_letter_is_encoded_before_it_is_signed() -> None:
    request = Signer(Credentials("key", SECRET)).request(
        "/0/private/AddOrder", {"deadline": "2026-01-01T00:00:05.000Z", "a": "b c&d"}, 1
    )
    assert request.body == b"nonce=1&deadline=2026-01-01T00%3A00%3A05.000Z&a=b+c%26d"


@pytest.mark.parametrize("secret", ["", "not base64!", "äöü", "abc"])
def test_a_secret_that_cannot_be_one_says_so_without_showing_it(secret: str) -> None:
    signer = Signer(Credentials("key", secret))
    if not secret:
        assert signer.sign("/0/private/Balance", 1, b"")  # an empty one is one, and will be refused
        return
    with pytest.raises(BadKey) as refused:
        signer.sign("/0/private/Balance", 1, b"nonce=1")
    assert secret not in f"{refused.value!r}{refused.value}"
    assert refused.value.__cause__ is None


def test_two_keys_are_told_apart_by_either_half_and_the_name_reveals_neither() -> None:
    names = {Signer(Credentials(key, secret)).identity for key in ("a" * 20, "b" * 20) for secret in ("c" * 20, "d" * 20)}
    assert len(names) == 4
    assert all(b"aaaa" not in name and b"cccc" not in name for name in names)


async def test_nonces_only_grow_whatever_the_clock_does(clock: ManualClock) -> None:
    exchange = ExchangeClock(clock)
    nonces = Nonces(exchange)
    first = nonces.next()
    assert first == to_milliseconds(clock.now()) * 10**6
    assert [nonces.next() - first for _ in range(3)] == [1, 2, 3]
    await clock.advance(1)
    assert nonces.next() == first + 10**9

    async def earlier() -> int:
        return to_milliseconds(clock.now()) - 90_000

    await exchange.measure(earlier)
    assert nonces.next() == first + 10**9 + 1


async def test_after_a_refusal_the_next_nonce_is_far_ahead_and_the_clock_catches_up(clock: ManualClock) -> None:
    nonces = Nonces(ExchangeClock(clock))
    first = nonces.next()
    nonces.leap()
    ahead = nonces.next()
    assert ahead - first > 10**10
    await clock.advance(60)
    assert nonces.next() == first + 60 * 10**9 > ahead
