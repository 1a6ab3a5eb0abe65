"""A filter in the kernel (Linux, seccomp): computing, reading the clock and the pipes is allowed, and nothing else.

The list says what may be called, not what may not: what a future kernel invents is refused as well. Numbers are those of
the kernel's own tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from types import MappingProxyType

#: What a computation needs, with its number on x86_64 and on aarch64.
_ALLOWED = (
    ("read", 0, 63), ("write", 1, 64), ("readv", 19, 65), ("writev", 20, 66), ("close", 3, 57), ("lseek", 8, 62),
    ("mmap", 9, 222), ("mprotect", 10, 226), ("munmap", 11, 215), ("brk", 12, 214), ("mremap", 25, 216), ("madvise", 28, 233),
    ("rt_sigaction", 13, 134), ("rt_sigprocmask", 14, 135), ("rt_sigreturn", 15, 139), ("sigaltstack", 131, 132),
    ("sched_yield", 24, 124), ("sched_getaffinity", 204, 123), ("nanosleep", 35, 101), ("clock_nanosleep", 230, 115),
    ("clock_gettime", 228, 113), ("clock_getres", 229, 114), ("gettimeofday", 96, 169),
    ("getpid", 39, 172), ("gettid", 186, 178), ("geteuid", 107, 175), ("exit", 60, 93), ("exit_group", 231, 94),
    ("uname", 63, 160), ("getrusage", 98, 165), ("sysinfo", 99, 179), ("times", 100, 153), ("futex", 202, 98),
    ("restart_syscall", 219, 128), ("set_robust_list", 273, 99), ("getrandom", 318, 278), ("membarrier", 324, 283),
    ("rseq", 334, 293), ("getcpu", 309, 168), ("ppoll", 271, 73),
)  # fmt: skip
#: Per machine: audit architecture, allowed numbers, and those of tgkill, prlimit64, setitimer, clone3 and seccomp itself.
_MACHINES = MappingProxyType(
    {
        "x86_64": (0xC000003E, tuple(one[1] for one in _ALLOWED), (234, 302, 38), 435, 317),
        "aarch64": (0xC00000B7, tuple(one[2] for one in _ALLOWED), (131, 261, 103), 435, 277),
    }
)
_LOAD, _EQUALS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _THIRD_ARGUMENT = 0, 4, 16, 32
_X32 = 0x40000000
_SET_FILTER, _EVERY_THREAD = 1, 1
#: ITIMER_PROF: the timer that runs while the process computes.
_PROCESSOR_TIME = 2


def close_the_kernel() -> bool:
    """Refuse this process, for good, every system call that a computation does not need; False where that is not to be had.

    Processes, sockets, files, signals to others, and ptrace are answered with "not permitted"; clone3 with "unknown", so
    that the C library falls back to clone. Needs PR_SET_NO_NEW_PRIVS.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    program = _program(*machine[:4])
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.syscall(machine[4], _SET_FILTER, _EVERY_THREAD, ctypes.create_string_buffer(head, len(head))) == 0)


def _program(architecture: int, allowed: tuple[int, ...], partly: tuple[int, int, int], clone3: int) -> bytes:
    """The filter in BPF: eight bytes an instruction."""
    tgkill, prlimit, setitimer = partly
    refuse = _step(_RETURN, _REFUSE | errno.EPERM)
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUALS, architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, 0, 1),
        refuse,
    ]
    for number in allowed:
        steps += [_step(_EQUALS, number, 0, 1), _step(_RETURN, _ALLOW)]
    steps += [_step(_EQUALS, clone3, 0, 1), _step(_RETURN, _REFUSE | errno.ENOSYS)]
    steps += _only_if(tgkill, _FIRST_ARGUMENT, os.getpid())  # abort() signals itself
    steps += _only_if(prlimit, _THIRD_ARGUMENT, 0)  # reading a limit, not setting one
    steps += _only_if(setitimer, _FIRST_ARGUMENT, _PROCESSOR_TIME)  # no alarm clock that wakes it between two questions
    return b"".join([*steps, refuse])


def _only_if(number: int, argument: int, value: int) -> list[bytes]:
    """Allow one call when the lower and upper half of an argument are these."""
    return [
        _step(_EQUALS, number, 0, 6),
        _step(_LOAD, argument),
        _step(_EQUALS, value, 0, 3),
        _step(_LOAD, argument + 4),
        _step(_EQUALS, 0, 0, 1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _REFUSE | errno.EPERM),
    ]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
