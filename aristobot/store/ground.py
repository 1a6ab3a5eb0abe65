"""What the memory stands on: which database library, on what kind of disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aristobot.errors import ConfigurationError
from aristobot.store.backups import sqlite_file
from aristobot.store.database import is_sqlite
from aristobot.store.filesystems import Nature, filesystem_of, nature_of

#: From here on two connections that write or checkpoint at the same moment cannot leave a part of the write-ahead log out of the
#: database ("WAL-reset bug": 3.7.0 to 3.51.2, sqlite.org/wal.html).
_RACE_MENDED = (3, 51, 3)


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something under the memory that is not as sound as it could be: a code for the language room with its facts."""

    code: str
    facts: Mapping[str, object]


def refuse_network_share(url: str, folder: Path, filesystem: Callable[[Path], str] = filesystem_of) -> None:
    """Raise ConfigurationError when SQLite would keep its file, or the house its lock, on another machine's disk.

    PostgreSQL keeps its files itself: with it the data folder may lie anywhere.
    """
    if not is_sqlite(url):
        return
    for place in (folder, sqlite_file(url).absolute().parent):
        kind = filesystem(place)
        if nature_of(kind) is Nature.REMOTE:
            raise ConfigurationError("network_share", field="data_dir", folder=str(place), kind=kind)


def weaknesses(
    url: str, filesystem: Callable[[Path], str] = filesystem_of, version: tuple[int, ...] = sqlite3.sqlite_version_info
) -> list[Weakness]:
    """What somebody ought to know, and can better, of the ground under this database; looks at the disk."""
    if not is_sqlite(url):
        return []
    found = []
    if version < _RACE_MENDED:
        found.append(Weakness("reason.sqlite_wal_reset", {"version": ".".join(map(str, version))}))
    place = sqlite_file(url).absolute().parent
    kind = filesystem(place)
    if nature_of(kind) is not Nature.LOCAL:
        found.append(Weakness("reason.doubtful_filesystem", {"folder": str(place), "kind": kind}))
    return found
