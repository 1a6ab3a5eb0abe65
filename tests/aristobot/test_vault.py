"""The vault: one key per installation, a seal for one place, a rotation that loses nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot import logs
from aristobot.errors import ConfigurationError
from aristobot.vault import SealBroken, Vault, add_master_key, retire_old_master_keys

MEMORY = Vault([b"k" * 32])


@given(value=st.text(), context=st.lists(st.text(), max_size=4))
def test_what_was_sealed_for_a_place_opens_there(value: str, context: list[str]) -> None:
    assert MEMORY.unseal(MEMORY.seal(value, *context), *context) == value


def test_a_seal_shows_nothing_and_never_looks_the_same_twice() -> None:
    first, second = MEMORY.seal("exchange-secret", "broker"), MEMORY.seal("exchange-secret", "broker")
    assert first != second
    assert "exchange-secret" not in first


@pytest.mark.parametrize("elsewhere", [(), ("broker", "2"), ("broker", "1", "key"), ("broker1",), ("1", "broker")])
def test_a_seal_moved_to_another_row_is_refused(elsewhere: tuple[str, ...]) -> None:
    token = MEMORY.seal("secret", "broker", "1")
    with pytest.raises(SealBroken, match="seal_misplaced"):
        MEMORY.unseal(token, *elsewhere)


@pytest.mark.parametrize("token", ["", "nonsense", "gAAAAAB" + "A" * 80])
def test_a_damaged_seal_is_refused(token: str) -> None:
    with pytest.raises(SealBroken, match="seal_broken"):
        MEMORY.unseal(token, "broker")


def test_another_installation_cannot_open_it() -> None:
    with pytest.raises(SealBroken, match="seal_broken"):
        Vault([b"o" * 32]).unseal(MEMORY.seal("secret"))


def test_what_was_opened_is_masked_in_the_logs() -> None:
    MEMORY.unseal(MEMORY.seal("opened-and-never-logged", "broker"), "broker")
    assert logs.masked("we got opened-and-never-logged back") == "we got *** back"


def test_the_key_file_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret.key"
    token = Vault.open_or_create(path).seal("secret", "x")
    assert Vault.open_or_create(path).unseal(token, "x") == "secret"


@pytest.mark.skipif(os.name != "posix", reason="Windows protects the profile's folder by its ACL")
def test_the_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    Vault.open_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="master_key_readable"):
        Vault.open_or_create(path)


@pytest.mark.parametrize("content", ["", "\n", "dG9vIHNob3J0\n", "not base64 at all!\n", "é" * 44])
def test_a_damaged_key_file_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret.key"
    path.touch(mode=0o600)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="master_key_damaged"):
        Vault.open_or_create(path)
    assert path.read_text(encoding="utf-8") == content


def test_a_key_file_in_an_impossible_place_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="master_key_unusable"):
        Vault.open_or_create(tmp_path / "file" / "secret.key")


def test_derived_keys_differ_by_purpose_and_last(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    vault = Vault.open_or_create(path)
    assert len({vault.derive("session"), vault.derive("audit"), vault.derive("webhook")}) == 3
    assert Vault.open_or_create(path).derive("session") == vault.derive("session")
    assert len(vault.derive("session")) == 32


def test_a_rotation_can_stop_at_any_step_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    token = Vault.open_or_create(path).seal("secret", "broker", "1")
    between = add_master_key(path)
    assert between.unseal(token, "broker", "1") == "secret"
    resealed = between.reseal(token)
    assert between.unseal(resealed, "broker", "1") == "secret"
    after = retire_old_master_keys(path)
    assert after.unseal(resealed, "broker", "1") == "secret"
    with pytest.raises(SealBroken):
        after.unseal(token, "broker", "1")
    assert not after.opens(token)
    assert after.with_retired().unseal(token, "broker", "1") == "secret"
    assert path.stat().st_mode & 0o077 == 0 or os.name != "posix"


def test_what_retired_keys_derived_is_still_known_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    derived = [Vault.open_or_create(path).derive("backup")]
    for _ in range(2):
        add_master_key(path)
        derived.insert(0, retire_old_master_keys(path).derive("backup"))
    vault = Vault.open_or_create(path)
    assert vault.derive_ever("backup") == derived
    assert vault.derive_each("backup") == derived[:1]
    assert Vault.open(path).derive_ever("backup") == derived


def test_a_key_file_that_must_be_there_and_is_not_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="master_key_missing"):
        Vault.open(tmp_path / "secret.key")
    assert list(tmp_path.iterdir()) == []


def test_what_another_key_sealed_cannot_be_resealed() -> None:
    with pytest.raises(SealBroken):
        MEMORY.reseal(Vault([b"o" * 32]).seal("secret"))
