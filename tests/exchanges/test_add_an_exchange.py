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
#: The one kind of account that it has, which none of ours is called.
KIND = "deep"


def drop_in(room: str, folder: Path) -> None:
    """The files of the known exchange in a room, under the new name, in a folder of their own."""
    (folder / room).mkdir()
    for source in (ROOT / "services" / room).glob(f"{KNOWN}*.py"):
        text = source.read_text("utf-8").replace(KNOWN, NEW).replace(KNOWN.title(), NEW.title())
        text = text.replace('modes = ("classic",)', f'modes = ("{KIND}",)')
        (folder / room / source.name.replace(KNOWN, NEW)).write_text(text, "utf-8")


def looked_at(folder: Path) -> subprocess.CompletedProcess[str]:
    """What a process of the house makes of it."""
    command = [sys.executable, "-m", "tests.exchanges.new_exchange", str(folder), NEW, KIND]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_an_exchange_whose_files_are_there_is_listed_and_can_be_traded_on(tmp_path: Path) -> None:
    for room in ("exchanges", "simulator"):
        drop_in(room, tmp_path)
    done = looked_at(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [" ".join(sorted([*discover(), NEW])), "6"]


def test_an_exchange_that_is_not_whole_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    for room in ("exchanges", "simulator"):
        drop_in(room, tmp_path)
    client = tmp_path / "exchanges" / f"{NEW}.py"
    client.write_text(client.read_text("utf-8").replace("async def find_orders(", "async def find_all_orders("), "utf-8")
    done = looked_at(tmp_path)
    assert done.returncode != 0
    assert f"file=services/exchanges/{NEW}.py, client={NEW.title()}Client" in done.stderr
    assert "missing=async find_orders(keys, wanted, since, until) (finds_many)" in done.stderr
