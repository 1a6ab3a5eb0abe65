"""Which passwords are good enough, and that they are hashed as they should be."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.clock import ManualClock
from aristobot.errors import AccessDenied, InvalidInput
from services import passwords as passwords_module
from services.passwords import Passwords, check_strength


@pytest.fixture
def in_earnest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here hashes cost what they cost in the house."""
    monkeypatch.setattr(passwords_module, "_cost", passwords_module.FULL)


@pytest.mark.parametrize("password", ["short", "elevenchars", "é" * 11])
def test_a_password_under_twelve_characters_is_too_short(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_strength(password)
    assert (refused.value.code, refused.value.facts["minimum"]) == ("password_too_short", 12)


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P4ssw0rd!!!!2026",
        "motdepasse2026!",
        "azertyuiop123",
        "administrateur",
        "bitcoinbitcoin",
        "123456789012",
        "abcdefghijkl",
        "zyxwvutsrqponm",
        "aaaaaaaaaaaaaaa",
        "abababababab",
        "2026!!!!!!!!",
    ],
)
def test_what_everybody_would_try_first_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_strength(password)
    assert refused.value.code == "password_too_common"


def test_ones_own_name_is_no_password() -> None:
    with pytest.raises(InvalidInput):
        check_strength("Maximilienne-2026", name="Maximilienne")


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "un chat vert sur le toit", "x8#kQ2!pLm9z", "Zürich im Regen 7"]
)
def test_long_or_random_ones_are_welcome(password: str) -> None:
    check_strength(password, name="Alice")


@given(st.text(max_size=1100))
def test_any_text_is_judged_without_a_fall(password: str) -> None:
    if len(password) < 12:
        with pytest.raises(InvalidInput):
            check_strength(password, name=password[:20])
    else:
        with suppress(InvalidInput):
            check_strength(password, name=password[:20])


@pytest.mark.usefixtures("in_earnest")
async def test_a_hash_fits_its_password_alone_and_is_argon2id_with_64_mib() -> None:
    passwords = Passwords(ManualClock())
    stored = await passwords.hash("un chat vert sur le toit")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert await passwords.check(stored, "un chat vert sur le toit") == (True, None)
    assert await passwords.check(stored, "un chat bleu sur le toit") == (False, None)


@pytest.mark.usefixtures("in_earnest")
async def test_nobody_has_no_password() -> None:
    passwords = Passwords(ManualClock())
    for stored in (None, "", "not a hash"):
        assert await passwords.check(stored, "") == (False, None)


@pytest.mark.usefixtures("in_earnest")
async def test_a_hash_with_older_parameters_is_made_anew_at_the_next_login() -> None:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    weak = Argon2id(salt=b"0" * 16, length=32, iterations=1, lanes=1, memory_cost=1024).derive_phc_encoded(b"old password here")
    fits, anew = await Passwords(ManualClock()).check(weak, "old password here")
    assert fits
    assert anew is not None
    assert anew.startswith("$argon2id$v=19$m=65536,t=3,p=1$")


@pytest.mark.usefixtures("in_earnest")
async def test_several_hashes_at_once_do_not_wait_for_each_other_for_ever() -> None:
    passwords = Passwords(ManualClock())
    async with asyncio.timeout(20):
        stored = await asyncio.gather(*(passwords.hash("un chat vert sur le toit") for _ in range(4)))
    assert len(set(stored)) == 4


async def test_when_too_many_wait_the_next_is_turned_away() -> None:
    passwords = Passwords(ManualClock())
    checks = [passwords.check(None, "un chat vert sur le toit") for _ in range(20)]
    results = await asyncio.gather(*checks, return_exceptions=True)
    assert sum(isinstance(one, AccessDenied) for one in results) == 4


async def test_accents_typed_on_another_system_are_the_same_password() -> None:
    passwords = Passwords(ManualClock())
    stored = await passwords.hash("café au lait de Noël")
    assert (await passwords.check(stored, "cafe\u0301 au lait de Noe\u0308l"))[0]
