"""What a start on Windows or macOS would stumble over, as far as another system can tell."""

from __future__ import annotations

import ast
import io
import sys
from pathlib import Path, PureWindowsPath

import pytest

from aristobot.settings_values import sqlite_address
from aristobot.store.backups import sqlite_file
from services.cli import main
from tests.house import sources

#: Modules that are not there on every system.
_OF_ONE_SYSTEM = {
    "_winapi", "crypt", "fcntl", "grp", "msvcrt", "nis", "ossaudiodev", "posix", "pty", "pwd", "resource", "spwd", "syslog",
    "termios", "tty", "uvloop", "winreg", "winsound",
}  # fmt: skip


def _imported(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Import):
        return {one.name.partition(".")[0] for one in statement.names}
    return {(statement.module or "").partition(".")[0]} if isinstance(statement, ast.ImportFrom) else set()


def test_what_only_one_system_has_is_not_asked_for_when_a_file_is_imported() -> None:
    """In a function, or under a question about the system, it may be."""
    asked = {source.path: {name for one in ast.parse(source.text).body for name in _imported(one)} for source in sources()}
    assert not {path: names & _OF_ONE_SYSTEM for path, names in asked.items() if names & _OF_ONE_SYSTEM}


def test_a_database_in_a_windows_folder_is_found_again() -> None:
    folder = PureWindowsPath("C:\\Users\\Zoë Müller\\100 % mine")
    assert sqlite_file(sqlite_address(Path((folder / "aristobot.db").as_posix()))) == Path((folder / "aristobot.db").as_posix())


def test_an_output_that_knows_few_characters_stops_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows writes into files and pipes in the code page of the country."""
    folder = ["--data-dir", str(tmp_path)]
    assert main(["user", "add", "Zoë ☃", *folder], lambda _: 0) == 0
    written = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", written)
    assert main(["user", "list", *folder], lambda _: 0) == 0
    written.flush()
    assert "Zoë \\u2603".encode("cp1252") in written.buffer.getvalue()
