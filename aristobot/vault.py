"""The one secret of the installation, and everything that is sealed with it or derived from it.

The key file holds one master key per line, the newest first; more than one only while they are being exchanged. A key that
was replaced stays as a line `retired:…`: it seals and opens nothing any more but the backups of its time and what they hold.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aristobot.errors import AristobotError, ConfigurationError
from aristobot.logs import hide

_KEY_BYTES = 32
_RETIRED = "retired:"


class SealBroken(AristobotError):
    """A sealed value cannot be opened here: another master key sealed it, or it belongs to another row."""

    default_code = "seal_broken"


class Vault:
    """Seals values with the newest master key and opens what any of the known ones sealed."""

    def __init__(self, masters: Sequence[bytes], retired: Sequence[bytes] = ()) -> None:
        self._masters = tuple(masters)
        self._retired = tuple(retired)
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(key, "seal/v1"))) for key in self._masters])

    @classmethod
    def open_or_create(cls, path: Path) -> Self:
        """Open the master key file, made with mode 0600 when there is none.

        Raise ConfigurationError when others may read it, or when it holds no usable key.
        """
        try:
            with suppress(FileExistsError):
                _write_new(path, _new_line())
            return cls(*_read(path))
        except OSError as error:
            raise _unusable(path, error) from None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the master key file that must be there: raise ConfigurationError where it is not, or as `open_or_create` does."""
        try:
            return cls(*_read(path))
        except FileNotFoundError:
            raise ConfigurationError("master_key_missing", field="master_key_file", path=str(path)) from None
        except OSError as error:
            raise _unusable(path, error) from None

    def seal(self, value: str, *context: str) -> str:
        """Seal `value` for one place, named by `context` (table, row id, column): it opens nowhere else."""
        return self._fernet.encrypt(json.dumps([value, *context]).encode()).decode()

    def unseal(self, token: str, *context: str) -> str:
        """Open a sealed value; it is masked in every log from now on. Raise SealBroken when it was not sealed for this place."""
        try:
            value, *sealed_for = json.loads(self._fernet.decrypt(token.encode()))
        except (InvalidToken, ValueError):
            raise SealBroken("seal_broken") from None
        if sealed_for != list(context):
            raise SealBroken("seal_misplaced")
        hide(value)
        return str(value)

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, always the same for this installation until the master key is replaced."""
        return _derive(self._masters[0], purpose)

    def derive_each(self, purpose: str) -> list[bytes]:
        """What every known master key derives for a purpose, the newest key's first: for changing over to it."""
        return [_derive(master, purpose) for master in self._masters]

    def derive_ever(self, purpose: str) -> list[bytes]:
        """As `derive_each`, then what each retired key derives: for what was kept from their time."""
        return [_derive(master, purpose) for master in (*self._masters, *self._retired)]

    def with_retired(self) -> Vault:
        """A vault that opens what any key ever sealed, and seals with the newest: for a memory that comes out of a backup."""
        return Vault((*self._masters, *self._retired))

    def opens(self, token: str) -> bool:
        """Whether one of its keys sealed this."""
        try:
            self._fernet.decrypt(token.encode())
        except InvalidToken:
            return False
        return True

    def reseal(self, token: str) -> str:
        """The same value and place, sealed with the newest key: the second step of a rotation."""
        try:
            return self._fernet.rotate(token.encode()).decode()
        except InvalidToken:
            raise SealBroken("seal_broken") from None


def add_master_key(path: Path) -> Vault:
    """First step of a rotation: put a new key before the old ones. Seals from now on use it, old ones still open."""
    _read(path)
    _replace(path, _new_line() + path.read_text("ascii"))
    return Vault(*_read(path))


def retire_old_master_keys(path: Path) -> Vault:
    """Last step of a rotation, once every row was resealed: the newest key alone is in use, the others open old backups."""
    _read(path)
    words = path.read_text("ascii").split()
    lines = words[:1] + [word if word.startswith(_RETIRED) else _RETIRED + word for word in words[1:]]
    _replace(path, "\n".join(lines) + "\n")
    return Vault(*_read(path))


def _derive(master: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=b"aristobot", info=purpose.encode()).derive(master)


def _new_line() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode() + "\n"


def _read(path: Path) -> tuple[list[bytes], list[bytes]]:
    """The master keys in use, newest first, and the retired ones."""
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ConfigurationError("master_key_readable", field="master_key_file", path=str(path))
    try:
        words = path.read_text("ascii").split()
        retired = [_key(word.removeprefix(_RETIRED)) for word in words if word.startswith(_RETIRED)]
        keys = [_key(word) for word in words if not word.startswith(_RETIRED)]
    except ValueError:
        keys = []
    if not keys:
        raise ConfigurationError("master_key_damaged", field="master_key_file", path=str(path))
    return keys, retired


def _key(word: str) -> bytes:
    key = base64.urlsafe_b64decode(word)
    if len(key) != _KEY_BYTES:
        raise ValueError(len(key))
    return key


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    detail = error.strerror or type(error).__name__
    return ConfigurationError("master_key_unusable", field="master_key_file", path=str(path), detail=detail)


def _write_new(path: Path, text: str) -> None:
    """Create the file, whole and on the disk, readable by its owner alone; FileExistsError when it is there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    _write_new(beside, text)
    beside.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
