"""A job whose text may call the C library past Python's guard rails: what it gets then is what the kernel's walls leave it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from aristobot import strategy_loader
from tests.services.plain_job import Base
from tests.services.plain_job import Job as PlainJob

_CALLS = (
    "open", "creat", "socket", "fork", "vfork", "kill", "ptrace", "dup", "chmod", "unlink", "mkdir", "rename", "execv",
    "memfd_create", "process_vm_readv", "setrlimit", "setuid", "prctl", "syscall", "abort", "raise", "signal", "getppid",
    "inotify_init", "setitimer", "shmget", "mmap", "eventfd", "pipe", "unshare", "setsid", "link", "symlink", "truncate",
)  # fmt: skip


class Job(PlainJob):
    """Resolves the calls before the walls stand; the text finds them as `c["open"]`."""

    def __init__(self) -> None:
        super().__init__()
        libc = ctypes.CDLL(None)
        where = libc["__errno_location"]  # by name: as an attribute it would be mangled
        where.restype = ctypes.POINTER(ctypes.c_int)
        self._given = {"c": {name: getattr(libc, name) for name in _CALLS}, "errno": lambda: where()[0], "at": libc.memchr}

    def load(self, text: str) -> dict[str, Any]:
        """Run the text."""
        kind = strategy_loader.load(text, Base, {"Base": Base, **self._given})
        self.strategy = kind()
        return {"name": kind.__name__}

    def do(self, request: dict[str, Any], progress: Callable[[dict[str, Any]], None]) -> object:
        """Ask it."""
        return self.strategy.answer(request, progress)
