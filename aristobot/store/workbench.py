"""Folders for what must not stay: copies in the clear, which are there only while somebody works on them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from aristobot.store.locks import lock_file

_NAME = "working-"


@contextmanager
def workbench(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder`, for its owner alone; gone with all it holds when the context ends.

    What a killed process left is swept away first: its lock died with it, so that the bench of one who still works, here or
    in another process, is never taken for a leftover.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep(folder)
    bench = folder / f"{_NAME}{secrets.token_hex(8)}"
    held = lock_file(_lock_of(bench))  # before the bench is there: a bench without a holder is a leftover
    try:
        bench.mkdir(mode=0o700)
        yield bench
    finally:
        _clear(bench, held)


def sweep(folder: Path) -> None:
    """Delete the benches whose holders are dead; harmless where there are none."""
    for lock in sorted(folder.glob(f"{_NAME}*.lock")):
        with suppress(OSError):  # its holder lives
            _clear(lock.with_suffix(""), lock_file(lock))


def _lock_of(bench: Path) -> Path:
    return bench.with_name(bench.name + ".lock")


def _clear(bench: Path, held: IO[bytes]) -> None:
    shutil.rmtree(bench, ignore_errors=True)
    held.close()
    with suppress(OSError):  # another sweeper was quicker
        _lock_of(bench).unlink()
