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

_ALLOWED = (
    "read write readv writev close lseek mmap mprotect munmap brk mremap madvise rt_sigaction rt_sigprocmask rt_sigreturn "
    "sigaltstack sched_yield sched_getaffinity nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday setitimer "
    "getpid gettid geteuid exit exit_group uname getrusage sysinfo times futex restart_syscall set_robust_list getrandom "
    "membarrier rseq getcpu ppoll"
).split()
_X86_64 = (
    "0 1 19 20 3 8 9 10 11 12 25 28 13 14 15 "
    "131 24 204 35 230 228 229 96 38 "
    "39 186 107 60 231 63 98 99 100 202 219 273 318 "
    "324 334 309 271"
).split()
_AARCH64 = (
    "63 64 65 66 57 62 222 226 215 214 216 233 134 135 139 "
    "132 124 123 101 115 113 114 169 103 "
    "172 178 175 93 94 160 165 179 153 98 128 99 278 "
    "283 293 168 73"
).split()
#: Per machine: audit architecture, allowed numbers, and those of tgkill, prlimit64, clone3 and seccomp itself.
_MACHINES = MappingProxyType(
    {
        "x86_64": (0xC000003E, [*_X86_64, "7", "201"], 234, 302, 435, 317),  # poll and time have no number elsewhere
        "aarch64": (0xC00000B7, _AARCH64, 131, 261, 435, 277),
    }
)
_LOAD, _EQUALS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _THIRD_ARGUMENT = 0, 4, 16, 32
_X32 = 0x40000000
_SET_FILTER, _EVERY_THREAD = 1, 1


def close_the_kernel() -> bool:
    """Refuse this process, for good, every system call that a computation does not need; False where that is not to be had.

    Processes, sockets, files, signals to others, and ptrace are answered with "not permitted"; clone3 with "unknown", so
    that the C library falls back to clone. Needs PR_SET_NO_NEW_PRIVS.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None or len(_ALLOWED) != len(_X86_64) or len(_ALLOWED) != len(_AARCH64):
        return False
    program = _program(*machine[:5])
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.syscall(machine[5], _SET_FILTER, _EVERY_THREAD, ctypes.create_string_buffer(head, len(head))) == 0)


def _program(architecture: int, allowed: list[str], tgkill: int, prlimit: int, clone3: int) -> bytes:
    """The filter in BPF: eight bytes an instruction."""
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
        steps += [_step(_EQUALS, int(number), 0, 1), _step(_RETURN, _ALLOW)]
    steps += [_step(_EQUALS, clone3, 0, 1), _step(_RETURN, _REFUSE | errno.ENOSYS)]
    steps += _only_if(tgkill, _FIRST_ARGUMENT, os.getpid())  # abort() signals itself
    steps += _only_if(prlimit, _THIRD_ARGUMENT, 0)  # reading a limit, not setting one
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
