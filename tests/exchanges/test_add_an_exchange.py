"""The guide's promise: an exchange is its own files. A fourth one is dropped in as files, and nothing else is told of it.

It is one of ours under another name: what its files do is tried elsewhere, here that they are enough.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from services.exchanges import discover
from tests.house import ROOT

KNOWN, NEW = "kraken", "leviathan"


def drop_in(room: str, folder: Path) -> None:
    """The files of the known exchange in a room, under the new name, in a folder of their own."""
    (folder / room).mkdir()
    for source in (ROOT / "services" / room).glob(f"{KNOWN}*.py"):
        text = source.read_text("utf-8").replace(KNOWN, NEW).replace(KNOWN.title(), NEW.title())
        (folder / room / source.name.replace(KNOWN, NEW)).write_text(text, "utf-8")


def test_an_exchange_whose_files_are_there_is_listed_and_can_be_traded_on(tmp_path: Path) -> None:
    for room in ("exchanges", "simulator"):
        drop_in(room, tmp_path)
    command = [sys.executable, "-m", "tests.exchanges.new_exchange", str(tmp_path), NEW]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [" ".join(sorted([*discover(), NEW])), "6"]
