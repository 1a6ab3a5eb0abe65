"""How this process behaves: closed to other programs of the same user (reliability, 3.10), its threads in quick turns."""

from __future__ import annotations

import ctypes
import gc
import sys

from loguru import logger

_PR_SET_DUMPABLE = 4
#: Seconds after which a thread that computes gives way; Python's own 5 ms would be added to an alert at each hand-over.
_TURN = 0.0005
#: New objects after which Python looks for rings among them; its own 700 are made by every third alert.
_NEW_OBJECTS = 10_000


def close_the_shutters() -> bool:
    """Forbid core dumps and, on Linux, reading of memory and environment by others; False where that is not to be had."""
    if sys.platform == "win32":
        return False
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if not sys.platform.startswith("linux"):
        return False
    refused = ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if refused:
        logger.warning("The process could not be closed to other programs of the same user (error {})", ctypes.get_errno())
    return not refused


def take_short_turns() -> None:
    """Let the loop go on half a millisecond after it asks, however long a thread of the memory reads and computes."""
    sys.setswitchinterval(_TURN)


def collect_seldom() -> None:
    """Look for rings of objects less often: with twenty alerts at once it would be done six times before their orders left."""
    gc.set_threshold(_NEW_OBJECTS)
