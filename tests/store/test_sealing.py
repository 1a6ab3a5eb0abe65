"""A sealed file opens for whoever has the key, whole and unchanged, or not at all."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aristobot.errors import ConfigurationError, StoreDamaged, StoreError
from aristobot.store.safekeeping import opened_backup
from aristobot.store.sealing import CHUNK, MAGIC, is_sealed, key_id, seal, unseal
from tests.builders import a_shelf

KEY, OTHER = b"k" * 32, b"o" * 32
KEY_FILE = Path("somewhere/secret.key")
MOMENT = datetime(2026, 3, 1, 12, 30, 0, 123_000, tzinfo=UTC)
HEADER, TAG = 70, 16
STORED = CHUNK + TAG


def sealed_file(folder: Path, content: bytes, key: bytes = KEY, name: str = "one") -> Path:
    """A sealed file with this content."""
    plain, sealed = folder / f"{name}.plain", folder / f"{name}.backup"
    for old in (plain, sealed):
        old.unlink(missing_ok=True)
    plain.write_bytes(content)
    seal(plain, sealed, key, MOMENT)
    return sealed


def opened(sealed: Path, *keys: bytes) -> bytes:
    """What comes out of it."""
    out = sealed.with_suffix(".out")
    out.unlink(missing_ok=True)
    unseal(sealed, out, keys or (KEY,), KEY_FILE)
    return out.read_bytes()


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17])
def test_what_was_sealed_comes_out_again_whatever_its_length(tmp_path: Path, size: int) -> None:
    sealed = sealed_file(tmp_path, content_of(size))
    assert opened(sealed, OTHER, KEY) == content_of(size)
    assert sealed.stat().st_size == HEADER + size + TAG * -(-size // CHUNK)
    for one in (sealed, sealed.with_suffix(".out")):
        assert one.stat().st_mode & 0o777 == 0o600


def test_a_sealed_file_says_when_and_with_which_key_it_was_made_and_nothing_else(tmp_path: Path) -> None:
    content = b"the exchange keys of Ann" * 100
    sealed = sealed_file(tmp_path, content)
    header = unseal(sealed, sealed.with_suffix(".out"), [KEY], KEY_FILE)
    assert (is_sealed(sealed), header.created, header.key_id) == (True, MOMENT, key_id(KEY))
    assert not is_sealed(sealed.with_suffix(".plain"))
    assert b"Ann" not in sealed.read_bytes()
    assert KEY not in sealed.read_bytes()
    assert key_id(KEY) != key_id(OTHER)


def test_the_same_content_is_never_sealed_alike(tmp_path: Path) -> None:
    first, second = (sealed_file(tmp_path, bytes(100), name=name).read_bytes() for name in ("one", "two"))
    assert first[HEADER:] != second[HEADER:]


def test_another_key_opens_nothing_and_the_key_file_is_named(tmp_path: Path) -> None:
    sealed = sealed_file(tmp_path, b"content")
    for keys in ((OTHER,), (OTHER, b"p" * 32)):
        with pytest.raises(ConfigurationError) as caught:
            opened(sealed, *keys)
        assert caught.value.code == "backup_key_unknown"
        assert (caught.value.facts["path"], caught.value.facts["key"]) == (str(KEY_FILE), key_id(KEY))


def _swapped(content: bytes) -> bytes:
    first, second = content[HEADER : HEADER + STORED], content[HEADER + STORED : HEADER + 2 * STORED]
    return content[:HEADER] + second + first + content[HEADER + 2 * STORED :]


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "the last byte is missing": lambda content: content[:-1],
    "the last chunk is missing": lambda content: content[: HEADER + 2 * STORED],
    "all but the first chunk is missing": lambda content: content[: HEADER + STORED],
    "every chunk is missing": lambda content: content[:HEADER],
    "the header is cut": lambda content: content[: HEADER - 1],
    "the first chunk is missing": lambda content: content[:HEADER] + content[HEADER + STORED :],
    "two chunks are swapped": _swapped,
    "a chunk is doubled": lambda content: content[: HEADER + STORED] + content[HEADER:],
    "a byte is added": lambda content: content + b"\0",
    "the moment is another": lambda content: _flipped(content, 37),
    "the salt is another": lambda content: _flipped(content, HEADER - 1),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_file_that_was_cut_reordered_or_lied_about_is_found_out(tmp_path: Path, what: str) -> None:
    sealed = sealed_file(tmp_path, content_of(2 * CHUNK + 100))
    sealed.write_bytes(FORGERIES[what](sealed.read_bytes()))
    with pytest.raises(StoreDamaged) as caught:
        opened(sealed)
    assert caught.value.code == "backup_damaged"


def test_the_chunks_of_one_backup_do_not_fit_another_of_the_same_key(tmp_path: Path) -> None:
    first, second = (sealed_file(tmp_path, content_of(100), name=name) for name in ("one", "two"))
    first.write_bytes(first.read_bytes()[:HEADER] + second.read_bytes()[HEADER:])
    with pytest.raises(StoreDamaged):
        opened(first)


@given(place=st.integers(0, HEADER + 999 + TAG), bit=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_no_bit_can_be_changed_unnoticed(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int) -> None:
    sealed = sealed_file(tmp_path_factory.getbasetemp(), content_of(1000))
    content = bytearray(sealed.read_bytes())
    content[place] ^= 1 << bit
    sealed.write_bytes(content)
    with pytest.raises((StoreError, ConfigurationError)):
        opened(sealed)


def test_a_file_of_a_newer_format_is_said_to_be_newer(tmp_path: Path) -> None:
    sealed = sealed_file(tmp_path, b"content")
    content = bytearray(sealed.read_bytes())
    content[len(MAGIC) + 1] = 2
    sealed.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        opened(sealed)
    assert (caught.value.code, caught.value.facts["version"]) == ("backup_of_newer_version", 2)


def test_nothing_that_exists_is_written_over(tmp_path: Path) -> None:
    sealed = sealed_file(tmp_path, b"content")
    with pytest.raises(FileExistsError):
        seal(sealed.with_suffix(".plain"), sealed, KEY, MOMENT + timedelta(1))
    assert opened(sealed) == b"content"


@pytest.mark.parametrize(("content", "code"), [(b"holiday photos", "backup_damaged"), (None, "backup_missing")])
def test_a_file_that_is_no_backup_is_not_taken_for_the_database(tmp_path: Path, content: bytes | None, code: str) -> None:
    file = tmp_path / "one.backup"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StoreError) as caught, opened_backup(file, a_shelf(tmp_path)):
        pass
    assert (caught.value.code, caught.value.facts["path"]) == (code, str(file))
