"""A data folder and the command line, run in this process, for tests that look at them from outside."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from aristobot.settings import Settings
from services.cli import main


class House:
    """A data folder, and the command line run in this process against it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder / "data"
        self.served: list[Settings] = []
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: str, code: int = 0, language: str = "en") -> str:
        """Run one command, look at its exit code, return its standard output."""
        result = main([*words, "--data-dir", str(self.folder), "--language", language], self._serve)
        self.out, self.err = self._capsys.readouterr()
        assert result == code, (words, result, self.out, self.err)
        return self.out.strip()

    def _serve(self, settings: Settings) -> int:
        self.served.append(settings)
        return 0


def a_house(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, memory: Path | None = None
) -> House:
    """A house without anybody, in a folder without `.env`; with a copy of an empty `memory`, or one that it has still to make."""
    alone_in(folder, monkeypatch)
    house = House(folder, capsys)
    if memory is not None:
        house.folder.mkdir(mode=0o700)
        shutil.copy(memory, house.folder / "aristobot.db")
    return house


def alone_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this folder, with no setting from outside."""
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("ARISTOBOT_")]:
        monkeypatch.delenv(name)
