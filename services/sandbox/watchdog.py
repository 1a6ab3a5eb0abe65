"""Somebody who looks at a process from outside, and ends it: where the kernel does not count its memory (macOS), and where it
computes although nobody has asked it anything.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aristobot.clock import Clock

_EVERY = 1.0
_PATIENCE = 5.0
#: Of the time between two looks, how much a process may compute that has nothing to do.
_MOST_AT_REST = 0.1


async def watch_memory(pid: int, most_mb: int, clock: Clock) -> bool:
    """Look once a second, as long as the process lives; True when it was ended because it held more than `most_mb`."""
    while (held := await resident_mb(pid)) is not None:
        if held > most_mb:
            _end(pid)
            return True
        await clock.sleep(_EVERY)
    return False


async def resident_mb(pid: int) -> float | None:
    """How much of a process lies in memory, as `ps` tells; None when there is no such process, or no `ps`."""
    told = await _told_by_ps("rss=", pid)
    return int(told) / 1024 if told.isdigit() else None


async def watch_rest(pid: int, turns: Callable[[], int], every: float, clock: Clock) -> bool:
    """Look every so many seconds, as long as the process lives; True when it was ended because it computed between questions.

    `turns` is odd while it is asked something, even at rest, and never the same again.
    """
    turn, before = -1, 0.0
    while (used := await computed_seconds(pid)) is not None:
        if turn == turns() and turn % 2 == 0 and used - before > every * _MOST_AT_REST:
            _end(pid)
            return True
        turn, before = turns(), used
        await clock.sleep(every)
    return False


async def computed_seconds(pid: int) -> float | None:
    """Seconds of processor that a process has had; None when there is no such process, or nobody who tells."""
    if sys.platform.startswith("linux"):
        return _told_by_the_kernel(pid)
    told = await _told_by_ps("time=", pid)
    if not told:
        return None
    days, _, hours = told.rpartition("-")  # 1-02:03:04.56
    parts = [float(part) for part in hours.replace(",", ".").split(":")]
    return int(days or 0) * 86_400 + sum(part * 60**place for place, part in enumerate(reversed(parts)))


def _told_by_the_kernel(pid: int) -> float | None:
    try:
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return None
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


async def _told_by_ps(what: str, pid: int) -> str:
    """Empty when there is no such process, or no `ps`."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        asked = await asyncio.create_subprocess_exec("ps", "-o", what, "-p", str(pid), stdout=pipe, stderr=nothing)
    except OSError:
        return ""
    try:
        told, _ = await asyncio.wait_for(asked.communicate(), _PATIENCE)
    except TimeoutError:
        asked.kill()
        return ""
    return told.decode("ascii", "replace").strip()
