"""Who lives in the house, as the command line tells people and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_house import House, a_house


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> House:
    """A house without anybody."""
    return a_house(tmp_path, capsys, monkeypatch)


def test_a_role_is_told_in_the_readers_language_and_to_a_program_by_its_code(house: House) -> None:
    house("init", "--admin", "Alice", language="fr")
    assert "(administrateur)" in house.err
    house("user", "add", "Bob", language="fr")
    assert "(trader)" in house.err
    house("user", "add", "Mamie", "--viewer", language="fr")
    assert "(observateur)" in house.err
    listed = house("user", "list", language="fr").splitlines()
    assert [line.split("  ")[2] for line in listed] == ["administrateur", "trader", "observateur"]
    for_programs = json.loads(house("user", "list", "--json", language="fr"))
    assert [one["role"] for one in for_programs] == ["administrator", "trader", "viewer"]
