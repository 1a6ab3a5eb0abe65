"""Keeps other programs of the same user out of this process: no core dumps, no reading of its memory (reliability, 3.10)."""

from __future__ import annotations

import ctypes
import sys

from loguru import logger

_PR_SET_DUMPABLE = 4


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
