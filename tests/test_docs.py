"""What the pages under docs/ tell people to type does what they say."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli import main
from services.commands.options import COMMANDS
from tests.house import ROOT

PAGES = sorted((ROOT / "docs").glob("*.md"))


def typed(page: Path) -> Iterator[list[str]]:
    """The lines of its shell examples, in words."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        yield from (shlex.split(line) for line in block.splitlines() if line.strip())


def test_a_backup_comes_back_on_a_new_machine_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("backups", "keys"):
        (tmp_path / folder).mkdir()

    def type_in(words: list[str], machine: str) -> int:
        data = tmp_path / machine
        line = [re.sub(r"^data/", f"{data}/", word.replace("/media/", f"{tmp_path}/")) for word in words]
        if line[0] == "cp":
            Path(line[2]).parent.mkdir(exist_ok=True)
            shutil.copyfile(line[1], line[2])
            return 0
        if line[0] == "chmod":
            Path(line[2]).chmod(int(line[1], 8))
            return 0
        assert line[0] == "aristobot"
        return main([*line[1:], "--data-dir", str(data), "--language", "en"], lambda _: 0)

    assert type_in(["aristobot", "init", "--admin", "Ann"], "old") == 0
    machine = "old"
    said = list(typed(ROOT / "docs" / "backups.md"))
    for words in said:
        if words[:2] == ["cp", "/media/keys/secret.key"]:
            machine = "new"
            shutil.rmtree(tmp_path / "old")
        assert type_in(words, machine) == 0, words
    assert machine == "new"
    assert ["aristobot", "resume"] in said


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_there(page: Path) -> None:
    named = {found for found in re.findall(r"`aristobot ([a-z-]+)", page.read_text("utf-8")) if not found.startswith("-")}
    assert not named - set(COMMANDS)


def test_every_page_that_the_pages_lead_to_is_there() -> None:
    for page in (ROOT / "README.md", *PAGES):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), (page.name, link)
