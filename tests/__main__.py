"""`python -m tests [pytest's arguments]`: prepares what the tests need, then runs lint, types, floors and tests as one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from aristobot.bootstrap import ROOT, prepare

#: Bytes that the folders of a whole run may need at once.
_ROOM = 4 << 30


def main() -> int:
    """Pytest's exit code. Lint, types and import contracts are tests too: tests/test_architecture.py."""
    prepare("tests", sys.argv[1:], extra="dev")
    os.chdir(ROOT)
    _put_folders_into_memory(Path("/dev/shm"))
    # Hundreds of processes are started: what one of them has compiled the next need not compile again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not sys.argv[1:]:
        _compile_once()
    import pytest  # only now is it there

    return pytest.main([*_side_by_side(sys.argv[1:]), *sys.argv[1:]])


def _compile_once() -> None:
    """In a fresh clone every process would compile the same two thousand files at the same time."""
    if not (ROOT / "tests" / "store" / "__pycache__").exists():
        subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-qq"], stdout=subprocess.DEVNULL, check=False)


def _put_folders_into_memory(memory: Path) -> None:
    """Databases of tests need not survive a power cut: where there is room they do not wait for a disk."""
    if "TMPDIR" not in os.environ and memory.is_dir() and shutil.disk_usage(memory).free > _ROOM:
        os.environ["TMPDIR"] = str(memory)


def _side_by_side(arguments: list[str]) -> list[str]:
    """All tests at once go over two processes per core, since a third of their time is waiting; four at most.

    Journeys and kills bring processes of their own.
    """
    workers = min(2 * (os.cpu_count() or 1), 4)
    return [] if arguments else ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]


if __name__ == "__main__":
    sys.exit(main())
