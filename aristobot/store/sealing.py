"""A file sealed for keeping: nobody reads it without the key, and nothing of it can be changed, cut off or moved unnoticed.

Format 1: a header of 70 bytes (magic, version, chunk size, key id, moment of creation in ms, salt), then chunks of AES-256-GCM,
each with its tag of 16 bytes. As in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption
and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015), the nonce counts the chunks, and every chunk authenticates its number and
whether it is the last one. The key of a file is derived (HKDF-SHA256) from the backup key, the file's salt and its whole header:
no two files share one, and a changed header opens nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aristobot.errors import ConfigurationError, StoreDamaged, StoreError

MAGIC: Final = b"Aristobot backup"
_VERSION = 1
#: Bytes sealed at once: under a millisecond, for that long no other thread runs.
CHUNK: Final = 1 << 20
_TAG = 16
_HEADER = struct.Struct(">16sHI8sQ32s")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class SealedHeader:
    """What a sealed file says of itself to anybody. `key_id` is in hexadecimal digits."""

    key_id: str
    created: datetime
    raw: bytes

    @property
    def salt(self) -> bytes:
        """What makes this file's key its own."""
        return self.raw[-32:]


def key_id(key: bytes) -> str:
    """The public name of a key: 16 hexadecimal digits that tell nothing of it."""
    return hashlib.sha256(b"aristobot backup key id" + key).hexdigest()[:16]


def is_sealed(file: Path) -> bool:
    """Whether the file begins as sealed ones do. OSError when it cannot be read."""
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def seal(plain: Path, sealed: Path, key: bytes, created: datetime) -> None:
    """Write `plain` sealed to the new file `sealed`, readable by its owner alone and on the disk when this returns."""
    moment = (created - _NEVER) // _MILLISECOND
    raw = _HEADER.pack(MAGIC, _VERSION, CHUNK, bytes.fromhex(key_id(key)), moment, secrets.token_bytes(32))
    cipher = AESGCM(_file_key(key, SealedHeader(key_id(key), created, raw)))
    with plain.open("rb") as source, _new(sealed) as target:
        target.write(raw)
        for number, chunk, last in _numbered(iter(lambda: source.read(CHUNK), b"")):
            target.write(cipher.encrypt(_nonce(number), chunk, _place(number, last=last)))
        target.flush()
        os.fsync(target.fileno())


def unseal(sealed: Path, plain: Path, keys: Iterable[bytes], key_file: Path) -> SealedHeader:
    """Write what is sealed to the new file `plain`, readable by its owner alone; delete that when this raises.

    ConfigurationError, which names `key_file`, when none of the keys sealed it; StoreDamaged when anything of it was changed,
    cut off, added or moved.
    """
    with sealed.open("rb") as source, _new(plain) as target:
        header = _read_header(source, sealed)
        cipher = AESGCM(_file_key(_fitting(header, keys, key_file), header))
        for number, chunk, last in _numbered(iter(lambda: source.read(CHUNK + _TAG), b"")):
            try:
                target.write(cipher.decrypt(_nonce(number), chunk, _place(number, last=last)))
            except InvalidTag:
                raise _damaged(sealed, f"chunk {number}") from None
        if source.tell() == len(header.raw):
            raise _damaged(sealed, "no content")
    return header


def _fitting(header: SealedHeader, keys: Iterable[bytes], key_file: Path) -> bytes:
    for key in keys:
        if key_id(key) == header.key_id:
            return key
    facts = {"key": header.key_id, "created": f"{header.created:%Y-%m-%d %H:%M}", "path": str(key_file)}
    raise ConfigurationError("backup_key_unknown", field="master_key_file", **facts)


def _read_header(opened: IO[bytes], file: Path) -> SealedHeader:
    raw = opened.read(_HEADER.size)
    if len(raw) < _HEADER.size or not raw.startswith(MAGIC):
        raise _damaged(file, "header")
    _magic, version, chunk, name, moment, _salt = _HEADER.unpack(raw)
    if version != _VERSION:
        raise StoreError("backup_of_newer_version", path=str(file), version=version)
    if chunk != CHUNK:
        raise _damaged(file, "header")
    try:
        return SealedHeader(name.hex(), _NEVER + moment * _MILLISECOND, raw)
    except OverflowError:
        raise _damaged(file, "header") from None


def _file_key(key: bytes, header: SealedHeader) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=header.salt, info=header.raw).derive(key)


def _numbered(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """Each chunk with its number, and whether it is the last one."""
    number, waiting = 0, next(chunks, None)
    while waiting is not None:
        following = next(chunks, None)
        yield number, waiting, following is None
        number, waiting = number + 1, following


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _place(number: int, *, last: bool) -> bytes:
    return struct.pack(">Q?", number, last)


def _new(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb")


def _damaged(file: Path, detail: str) -> StoreDamaged:
    return StoreDamaged("backup_damaged", path=str(file), detail=detail)
