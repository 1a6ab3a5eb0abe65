"""Room on the disk, and closed shutters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.errors import StoreError
from aristobot.kinds import HaltLevel
from aristobot.store.database import Database
from services import disk_guard
from services.disk_guard import DiskGuard, Room
from services.kill_switch import KillSwitch

_CLOSE_AND_LOOK = """
import ctypes, resource
from services.process_guard import close_the_shutters
print(close_the_shutters(), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0])
"""


async def test_a_nearly_full_disk_stops_entries_and_says_so_once(
    db: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = KillSwitch(db, Bus(), clock, tmp_path)
    guard = DiskGuard(tmp_path, clock, switch)
    monkeypatch.setattr(disk_guard, "STOP_BELOW", 1 << 60)
    await guard.look()
    await guard.look()
    assert guard.room is Room.TOO_LITTLE
    assert [halt.level for halt in switch.active()] == [HaltLevel.REDUCE]


async def test_entries_that_could_not_be_stopped_for_want_of_room_are_stopped_at_the_next_look(
    db: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = Database(db.url)
    await closed.close()
    monkeypatch.setattr(disk_guard, "STOP_BELOW", 1 << 60)
    guard = DiskGuard(tmp_path, clock, KillSwitch(closed, Bus(), clock, tmp_path))
    for _look in range(2):
        with pytest.raises(StoreError):
            await guard.look()


async def test_a_roomy_disk_keeps_a_ballast_that_can_be_thrown_off(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    guard = DiskGuard(tmp_path, clock, KillSwitch(db, Bus(), clock, tmp_path))
    await guard.look()
    assert guard.room is Room.PLENTY
    ballast = tmp_path / "ballast"
    assert ballast.stat().st_blocks * 512 >= disk_guard.BALLAST


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux closes a process to its own user")
def test_a_closed_process_is_not_dumpable_and_leaves_no_core() -> None:
    done = subprocess.run([sys.executable, "-c", _CLOSE_AND_LOOK], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0", "0"]
