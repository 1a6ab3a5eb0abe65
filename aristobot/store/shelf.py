"""Where backups lie, and the keys that seal them.

The backup keys are derived from the master keys with a purpose of their own (HKDF), not drawn at random and kept in a second
file. Whoever gets hold of a backup key learns nothing of the master key; there is one secret to keep apart from the backups, not
two that are worth nothing without each other; and a key file that may only be read (a container's secret) serves as well. The
key of today seals; those of replaced master keys, which stay in the key file as retired, open what was sealed in their time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from aristobot.errors import StoreError
from aristobot.store.workbench import sweep, workbench
from aristobot.vault import Vault

_PURPOSE = "backup/v1"


class Places(Protocol):
    """What a shelf must know of the settings."""

    @property
    def data_dir(self) -> Path:
        """The data folder."""

    @property
    def master_key_file(self) -> Path:
        """The file with the master keys."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder for backups, and the file with the keys from which theirs are derived; read only when one is needed."""

    folder: Path
    key_file: Path

    @classmethod
    def of(cls, places: Places) -> Self:
        """The shelf of the house."""
        return cls(places.data_dir / "backups", places.master_key_file)

    def sealing_key(self) -> bytes:
        """The key that seals today. ConfigurationError when the key file is unusable; one that is not there is made."""
        return Vault.open_or_create(self.key_file).derive(_PURPOSE)

    def opening_keys(self) -> list[bytes]:
        """Every key that ever sealed here, today's first. ConfigurationError when the key file is not there or unusable."""
        return Vault.open(self.key_file).derive_ever(_PURPOSE)

    @contextmanager
    def workbench(self) -> Iterator[Path]:
        """A folder for copies in the clear, gone when the context ends (`workbench.workbench`).

        StoreError for what the system refuses meanwhile.
        """
        try:
            with workbench(self.folder) as bench:
                yield bench
        except OSError as error:
            raise out_of_reach(self.folder, error) from None

    def sweep(self) -> None:
        """Delete what killed processes left on their workbenches."""
        sweep(self.folder)


def out_of_reach(path: Path, error: OSError) -> StoreError:
    """What the system said of a backup or its folder, in our words."""
    return StoreError("backup_out_of_reach", path=str(path), detail=error.strerror or type(error).__name__)
