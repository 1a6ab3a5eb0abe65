"""Windows: a job object around a strategy's process. Written from the documentation of the Win32 interface; never run here.

It bounds memory, allows no second process, and ends the process with the house: the system closes the handle, and with it the
job. Files and network stay within its reach; Python's guard rails alone stand before them.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any, ClassVar

_EXTENDED_LIMITS = 9
_ACTIVE_PROCESSES, _PROCESS_MEMORY, _DIE_ON_EXCEPTION, _KILL_ON_CLOSE = 0x0008, 0x0100, 0x0400, 0x2000
_SET_QUOTA, _TERMINATE = 0x0100, 0x0001


class _Basic(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_: ClassVar = [
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("least_working_set", ctypes.c_size_t),
        ("most_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    ]


class _Extended(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_: ClassVar = [
        ("basic", _Basic),
        ("io", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    ]


def confine(pid: int, memory_mb: int) -> object | None:
    """Put a process into a job of its own, before it runs anything of the user's. Keep what is answered: when it is closed,
    by whatever way the house ends, the system ends the process. None when Windows refused.
    """
    if sys.platform != "win32":
        return None
    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)
    for name in ("CreateJobObjectW", "OpenProcess"):
        getattr(kernel, name).restype = ctypes.c_void_p
    job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
    process = ctypes.c_void_p(kernel.OpenProcess(_SET_QUOTA | _TERMINATE, False, pid))
    limits = _Extended()
    limits.basic.flags = _ACTIVE_PROCESSES | _PROCESS_MEMORY | _DIE_ON_EXCEPTION | _KILL_ON_CLOSE
    limits.basic.active_processes = 1
    limits.process_memory = memory_mb << 20
    done = kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits))
    done = done and kernel.AssignProcessToJobObject(job, process)
    kernel.CloseHandle(process)
    if not done:
        kernel.CloseHandle(job)
        return None
    return _Job(kernel, job)


class _Job:
    """An open job; closing it ends the process inside."""

    def __init__(self, kernel: Any, handle: ctypes.c_void_p) -> None:
        self._kernel, self._handle = kernel, handle

    def __del__(self) -> None:
        self._kernel.CloseHandle(self._handle)
