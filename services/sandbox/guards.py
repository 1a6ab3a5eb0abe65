"""Guard rails inside Python: a readable refusal, with its line, before the kernel's. They are no wall: Python has no sandbox."""

from __future__ import annotations

import sys

#: Beginnings of audit events (docs.python.org, "Audit events table") of what no computation does.
_REFUSED = (
    "open", "socket.", "subprocess.", "os.", "shutil.", "ctypes.", "gc.", "sqlite3.", "pty.", "signal.", "tempfile.",
    "urllib.", "http.", "ftplib.", "smtplib.", "mmap.", "pickle.", "marshal.", "code.__new__", "sys.settrace",
    "sys.setprofile", "sys.addaudithook", "syslog.", "fcntl.", "resource.", "winreg.", "msvcrt.", "webbrowser.",
    "_thread.", "glob.", "poplib.", "imaplib.", "telnetlib.", "nntplib.", "faulthandler.", "_winapi.", "ensurepip.",
)  # fmt: skip


class Forbidden(BaseException):
    """The code did what no strategy may; not an Exception, so that `except Exception` does not swallow it."""


def guard() -> None:
    """Refuse, for good, in this process, whatever touches the world outside."""
    refused, kind = _REFUSED, Forbidden  # bound here: a strategy that finds this module can change nothing

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(refused):
            raise kind(event)

    sys.addaudithook(hook)
