"""The AI provider: where it may stand, what is wrong with it in one sentence, its answers piece by piece, its key for it alone."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.clock import ManualClock
from aristobot.errors import InvalidInput
from aristobot.language import explain
from aristobot.store.database import Database
from services.accounts import Accounts
from services.ai_address import checked_address, refusal
from services.ai_client import AiClient
from services.ai_fault import AiFault
from services.event_stream import events
from services.household import NewUser
from tests.services.entrance import HAND, accounts_of
from tests.services.oracle import KEY, MODELS, Oracle, an_oracle
from tests.services.test_reachability import certificate

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ALICE = NewUser("Alice", "")
HELLO = [{"role": "user", "content": "Bonjour ?"}]


@pytest.fixture
async def oracle() -> AsyncIterator[Oracle]:
    """A provider on this machine."""
    async with an_oracle() as running:
        yield running


async def the_answer(client: AiClient, model: str = "tiny", **options: Any) -> list[str]:
    """Every piece of an answer."""
    return [piece async for piece in client.chat(HELLO, model=model, **options)]


@pytest.mark.parametrize(
    "address",
    ["https://openrouter.ai/api/v1", "http://127.0.0.1:11434/v1/", "http://localhost:11434/v1", "http://192.168.1.7/v1",
     "http://nas.local:8080/v1", "http://ollama:11434/v1", "http://[::1]:11434/v1", "http://[fd12::7]/v1",
     "http://100.101.102.103:11434/v1", "https://8.8.8.8/v1"],
)  # fmt: skip
def test_a_provider_may_stand_anywhere_with_encryption_and_at_home_without(address: str) -> None:
    assert checked_address(address) == address.rstrip("/")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://openrouter.ai/api/v1", "ai_not_encrypted"),
        ("http://8.8.8.8/v1", "ai_not_encrypted"),
        ("http://[2001:4860:4860::8888]/v1", "ai_not_encrypted"),
        ("http://169.254.169.254/latest/meta-data", "ai_forbidden"),
        ("https://169.254.169.254/v1", "ai_forbidden"),
        ("http://[::ffff:169.254.169.254]/v1", "ai_forbidden"),
        ("http://[64:ff9b::a9fe:a9fe]/v1", "ai_forbidden"),
        ("http://[fe80::1]/v1", "ai_forbidden"),
        ("http://[fd00:ec2::254]/v1", "ai_forbidden"),
        ("http://metadata.google.internal/v1", "ai_forbidden"),
        ("http://0.0.0.0/v1", "ai_forbidden"),
        ("https://224.0.0.1/v1", "ai_forbidden"),
        ("https://user:word@example.org/v1", "not_an_address"),
        ("https://example.org/v1?key=1", "not_an_address"),
        ("ftp://example.org", "not_an_address"),
        ("file:///etc/passwd", "not_an_address"),
        ("https://", "not_an_address"),
        ("example.org/v1", "not_an_address"),
        ("https://example.org/" + "a" * 300, "not_an_address"),
    ],
)
def test_an_address_that_is_not_asked_says_why(address: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_address(address)
    assert (refused.value.code, refused.value.field) == (code, "ai_url")


@pytest.mark.parametrize(
    ("scheme", "found", "code"),
    [
        ("https", ["104.18.2.1"], ""),
        ("http", ["192.168.1.7", "fd12::7"], ""),
        ("http", ["192.168.1.7", "104.18.2.1"], "ai_not_encrypted"),
        ("https", ["104.18.2.1", "169.254.169.254"], "ai_forbidden"),
        ("https", ["fe80::1%eth0"], "ai_forbidden"),
    ],
)
def test_a_name_is_judged_by_where_it_leads(scheme: str, found: list[str], code: str) -> None:
    assert refusal(scheme, found) == code


async def test_an_answer_comes_piece_by_piece(oracle: Oracle) -> None:
    assert await the_answer(AiClient(oracle.url, KEY)) == ["Bon", "jour", " — ", "ça va ?"]
    [(method, path, headers, asked)] = oracle.asked
    assert (method, path, headers["authorization"]) == ("POST", "/v1/chat/completions", f"Bearer {KEY}")
    assert asked == {"model": "tiny", "messages": HELLO, "stream": True}


async def test_whoever_has_heard_enough_may_leave(oracle: Oracle) -> None:
    oracle.words = ["mot "] * 1000
    async with asyncio.timeout(5), aclosing(AiClient(oracle.url, KEY).chat(HELLO, model="tiny")) as pieces:
        async for piece in pieces:
            assert piece == "mot "
            break


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        (b'data: {"error": {"message": "Provider disconnected", "code": 502}}\n\n', "ai_refused"),
        (b'data: {"choices"', "ai_cut_short"),
        (b"data: what?\n\n", "ai_not_an_api"),
        (b"data: []\n\n", "ai_not_an_api"),
        (b"data: " + b"a" * 1_100_000, "ai_not_an_api"),
    ],
)
async def test_an_answer_that_goes_wrong_in_the_middle_keeps_what_was_said(oracle: Oracle, inside: bytes, code: str) -> None:
    oracle.inside = inside
    heard: list[str] = []

    async def listen() -> None:
        async for piece in AiClient(oracle.url, KEY).chat(HELLO, model="tiny"):
            heard.append(piece)

    with pytest.raises(AiFault) as fault:
        await listen()
    assert heard == list(oracle.words)
    assert fault.value.code == code


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1), max_size=8), st.data())
def test_events_are_the_same_however_the_stream_is_cut(words: list[str], data: st.DataObject) -> None:
    whole = "".join(f": hush\r\nevent: x\ndata: {word}\r\n\r\n" for word in words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    async def chunks() -> AsyncIterator[str]:
        for piece in pieces:
            yield piece

    async def heard() -> list[str]:
        return [event async for event in events(chunks())]

    assert asyncio.run(heard()) == words


@pytest.mark.parametrize(
    ("mood", "code"),
    [
        (401, "ai_key_refused"), (403, "ai_key_refused"), (402, "ai_no_credit"), (404, "ai_not_an_api"), (429, "ai_busy"),
        (500, "ai_down"), (503, "ai_down"), (418, "ai_refused"), ("moved", "ai_moved"), ("html", "ai_not_an_api"),
        ("cut", "ai_cut_short"), ("silent", "ai_slow"),
    ],
)  # fmt: skip
async def test_every_misfortune_has_a_sentence_of_its_own(oracle: Oracle, mood: int | str, code: str) -> None:
    oracle.mood = mood
    with pytest.raises(AiFault) as fault:
        await AiClient(oracle.url, KEY).models(patience=0.3 if mood == "silent" else 15)
    assert fault.value.code == code
    for language in ("fr", "en"):
        sentence = explain(fault.value, language=language)
        assert "{" not in sentence
        assert KEY not in sentence
    assert len(oracle.asked) <= 1  # no redirect was followed


async def test_where_nobody_answers_or_the_certificate_is_home_made_that_is_said(oracle: Oracle, tmp_path: Path) -> None:
    with pytest.raises(AiFault, match="ai_unreachable"):
        await AiClient("http://127.0.0.1:9/v1").models()
    with pytest.raises(AiFault, match="ai_no_tls"):
        await AiClient(oracle.url.replace("http:", "https:")).models()
    with pytest.raises(AiFault, match="ai_unknown_host"):
        await AiClient("https://no..name/v1").models()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate(tmp_path, "localhost", lasts=timedelta(days=30)))
    async with an_oracle(context) as behind_tls:
        with pytest.raises(AiFault, match="ai_certificate"):
            await AiClient(f"https://localhost:{behind_tls.port}/v1").models()


async def test_a_name_that_leads_to_a_machines_own_secrets_is_not_asked(oracle: Oracle) -> None:
    with pytest.raises(AiFault, match="ai_forbidden"):
        await AiClient("http://169.254.169.254/v1").models()
    assert await AiClient(oracle.url.replace("127.0.0.1", "localhost"), KEY).models() == list(MODELS)


def _form(oracle: Oracle, **differences: Any) -> dict[str, Any]:
    return {"ai_provider": "compatible", "ai_url": oracle.url, "ai_model": "tiny", "ai_key": KEY} | differences


@pytest.fixture
def accounts(db: Database, clock: ManualClock, tmp_path: Path) -> Accounts:
    """The entrance hall."""
    return accounts_of(db, clock, tmp_path)


@ON_SQLITE
@pytest.mark.parametrize(
    ("differences", "reason"),
    [
        ({}, ""),
        ({"ai_model": ""}, ""),
        ({"ai_model": "llama3"}, ""),
        ({"ai_model": "gpt-9"}, "error.ai_model_unknown"),
        ({"ai_key": "sk-wrong"}, "error.ai_key_refused"),
        ({"ai_key": ""}, "error.ai_key_missing"),
        ({"ai_provider": "openrouter", "ai_key": ""}, "error.ai_key_missing"),
        ({"ai_provider": "openrouter", "ai_key": "sk-wrong", "ai_model": ""}, "error.ai_key_refused"),
        ({"ai_provider": "openrouter", "ai_model": ""}, ""),
    ],
)
async def test_a_trial_finds_what_is_wrong(accounts: Accounts, oracle: Oracle, differences: dict[str, Any], reason: str) -> None:
    alice = await accounts.household.add_without_password(ALICE, HAND)
    trial = await accounts.profiles.ai.try_out(alice.id, _form(oracle, **differences))
    assert (trial.ok, trial.reason) == (not reason, reason)
    assert trial.models == MODELS or reason == "error.ai_key_missing"


@ON_SQLITE
async def test_a_model_that_no_list_names_is_asked_all_the_same(accounts: Accounts, oracle: Oracle) -> None:
    alice = await accounts.household.add_without_password(ALICE, HAND)
    oracle.mood = "unlisted"
    assert (await accounts.profiles.ai.try_out(alice.id, _form(oracle))).ok
    unknown = await accounts.profiles.ai.try_out(alice.id, _form(oracle, ai_model="gpt-9"))
    assert (unknown.reason, unknown.facts) == ("error.ai_model_unknown", {"model": "gpt-9"})


@ON_SQLITE
async def test_a_stored_key_goes_to_its_own_place_alone(accounts: Accounts, oracle: Oracle) -> None:
    alice = await accounts.household.add_without_password(ALICE, HAND)
    await accounts.profiles.update(alice.id, _form(oracle), HAND)
    assert (await accounts.profiles.ai.try_out(alice.id)).ok
    async with an_oracle() as elsewhere:
        lured = await accounts.profiles.ai.try_out(alice.id, {"ai_url": elsewhere.url})
        assert lured.reason == "error.ai_key_missing"
        assert all("authorization" not in headers for _, _, headers, _ in elsewhere.asked)
        moved = await accounts.profiles.update(alice.id, {"ai_url": elsewhere.url}, HAND)
        assert moved.ai_key_sealed is None
    back = await accounts.profiles.update(alice.id, _form(oracle) | {"ai_url": oracle.url + "/"}, HAND)
    assert back.ai_key_sealed
    kept = await accounts.profiles.update(alice.id, {"ai_model": "llama3"}, HAND)
    assert kept.ai_key_sealed
    client, model = await accounts.profiles.ai.client(alice.id)
    assert (await the_answer(client, model), model) == (list(oracle.words), "llama3")


@ON_SQLITE
async def test_without_a_provider_there_is_no_client(accounts: Accounts) -> None:
    alice = await accounts.household.add_without_password(ALICE, HAND)
    for form, field in (({}, "ai_provider"), ({"ai_provider": "ollama"}, "ai_model")):
        await accounts.profiles.update(alice.id, form, HAND)
        with pytest.raises(InvalidInput) as missing:
            await accounts.profiles.ai.client(alice.id)
        assert missing.value.field == field
    with pytest.raises(InvalidInput):
        await accounts.profiles.ai.try_out(alice.id, {"ai_provider": "compatible"})
