"""How much a strategy's process may take, set by itself before it runs anything of the user's (POSIX)."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys

if sys.platform != "win32":
    import resource

_MB = 1 << 20
_NOBODY = 65534
_PARENT_DEATH_SIGNAL, _DUMPABLE, _NO_NEW_PRIVILEGES = 1, 4, 38


def die_with_the_house(house: int) -> bool:
    """Have the kernel end this process when its parent ends (Linux); True when it will."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    done = bool(libc.prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0) == 0)
    if os.getppid() != house:  # it ended a moment ago
        os._exit(0)
    return done


def become_nobody() -> bool:
    """Give up being root, and with it every right over files and processes; True when this process is nobody special."""
    if sys.platform == "win32":
        return False
    if os.geteuid() != 0:
        return True
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except (OSError, AttributeError):  # a container in which there is nobody else; macOS has no setresuid
        return False
    return True


def keep_others_out() -> None:
    """No new rights by any means, no core dump, no look into this memory (Linux)."""
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        libc.prctl(_DUMPABLE, 0, 0, 0, 0)


def limit_memory(megabytes: int) -> bool:
    """Bound what may be allocated; True where the kernel counts it (macOS takes the limit and does not)."""
    if sys.platform == "win32":
        return False
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    wanted = megabytes * _MB
    if not sys.platform.startswith("linux"):
        return False
    with open("/proc/self/statm", "rb") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, wanted))
    resource.setrlimit(resource.RLIMIT_AS, (mapped + wanted, mapped + wanted))  # what is shared is not data
    return True


def no_new_things() -> bool:
    """No file, socket or process can be opened or made from here on; what is open stays open. True when that holds."""
    if sys.platform == "win32":
        return False
    for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(kind, (0, 0))
    try:
        os.close(os.dup(1))
    except OSError:
        return True
    return False


def tell_where_it_fell() -> None:
    """On a crash, and at the end of its processor time, write to standard error which line was running."""
    faulthandler.enable(file=2, all_threads=False)
    if sys.platform != "win32":
        faulthandler.register(signal.SIGPROF, file=2, all_threads=False, chain=True)


def watch_processor(seconds: float) -> None:
    """End this process when it computes for so long from now on (0: stop watching). The kernel counts, nothing can be caught."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)
