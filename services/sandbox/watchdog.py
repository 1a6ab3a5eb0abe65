"""Where the kernel does not count a process's memory (macOS): somebody who looks, and ends it when it takes too much."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress

from aristobot.clock import Clock

_EVERY = 1.0
_PATIENCE = 5.0


async def watch_memory(pid: int, most_mb: int, clock: Clock) -> bool:
    """Look once a second, as long as the process lives; True when it was ended because it held more than `most_mb`."""
    while (held := await resident_mb(pid)) is not None:
        if held > most_mb:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            return True
        await clock.sleep(_EVERY)
    return False


async def resident_mb(pid: int) -> float | None:
    """How much of a process lies in memory, as `ps` tells; None when there is no such process, or no `ps`."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        asked = await asyncio.create_subprocess_exec("ps", "-o", "rss=", "-p", str(pid), stdout=pipe, stderr=nothing)
    except OSError:
        return None
    try:
        told, _ = await asyncio.wait_for(asked.communicate(), _PATIENCE)
    except TimeoutError:
        asked.kill()
        return None
    return int(told) / 1024 if told.strip().isdigit() else None
