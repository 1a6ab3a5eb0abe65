"""Files and ports out of reach (Linux, Landlock): a rule set that handles everything and allows nothing.

Numbers and layouts are those of include/uapi/linux/landlock.h; the system calls have the same numbers on every machine.
"""

from __future__ import annotations

import ctypes
import os
import struct

_CREATE, _RESTRICT = 444, 446
_ASK_VERSION = 1
#: How many rights over files each version of the interface knows: reading and making from 1 on, REFER 2, TRUNCATE 3, IOCTL 5.
_FILE_RIGHTS = (0, 13, 14, 15, 15, 16)
_TCP_RIGHTS, _TCP_SINCE = 0b11, 4
_SCOPES, _SCOPES_SINCE = 0b11, 6


def close_the_files() -> int:
    """Take every file, and every TCP port, out of this thread's reach, for good; the version used, 0 where there is none.

    Descriptors that are open stay open. Needs PR_SET_NO_NEW_PRIVS.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = max(0, int(libc.syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION)))
    if version == 0:
        return 0
    handled = [(1 << _FILE_RIGHTS[min(version, len(_FILE_RIGHTS) - 1)]) - 1]
    handled += [_TCP_RIGHTS] if version >= _TCP_SINCE else []
    handled += [_SCOPES] if version >= _SCOPES_SINCE else []
    wanted = struct.pack(f"{len(handled)}Q", *handled)
    rules = int(libc.syscall(_CREATE, ctypes.create_string_buffer(wanted, len(wanted)), ctypes.c_size_t(len(wanted)), 0))
    if rules < 0:
        return 0
    refused = libc.syscall(_RESTRICT, rules, 0)
    os.close(rules)
    return 0 if refused else version
