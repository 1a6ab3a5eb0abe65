"""Locks on files that the system itself frees when their holder dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO


def lock_file(path: Path) -> IO[bytes]:
    """Open the file, made if need be, and hold it alone until it is closed.

    BlockingIOError when somebody else holds it, another OSError when there can be no such file.
    """
    opened = path.open("a+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            opened.seek(0)
            msvcrt.locking(opened.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        opened.close()
        raise BlockingIOError(error.errno, error.strerror) from None  # on Windows a held lock is a PermissionError
    os.set_inheritable(opened.fileno(), False)
    return opened
