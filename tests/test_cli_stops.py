"""The kill switch from the command line: at every level, in every scope, and beside a house that does not answer."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli_house import House, a_house


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> House:
    """A house with one administrator."""
    furnished = a_house(tmp_path, capsys, monkeypatch)
    furnished("init", "--admin", "Alice")
    return furnished


def a_strategy(house: House) -> str:
    """The id of a strategy that Alice wrote."""
    strategy, now = uuid.uuid4(), "2026-01-01 00:00:00.000000"
    with sqlite3.connect(house.folder / "aristobot.db") as database:
        (owner,) = database.execute("SELECT id FROM users").fetchone()
        values = (strategy.hex, owner, "Cross", "cross", 0, now, now)
        columns = "id, user_id, name, name_key, draft_of, created_at, updated_at"
        database.execute(f"INSERT INTO strategies ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608 # our own words
    database.close()
    return str(strategy)


def test_every_scope_and_level_can_be_stopped_by_command(house: House) -> None:
    strategy = a_strategy(house)
    house("halt", "--level", "flatten")
    house("halt", "--scope", "user", "alice", "--level", "reduce")
    house("halt", "--scope", "strategy", strategy, "--level", "halt")
    with sqlite3.connect(house.folder / "aristobot.db") as database:
        rows = database.execute("SELECT scope, level, set_by FROM halts WHERE released_at IS NULL ORDER BY set_at").fetchall()
    database.close()
    assert rows == [
        (scope, level, "command line") for scope, level in (("all", "flatten"), ("user", "reduce"), ("strategy", "halt"))
    ]
    house("resume", "--scope", "strategy", strategy)
    house("resume")
    with sqlite3.connect(house.folder / "aristobot.db") as database:
        assert database.execute("SELECT count(*) FROM halts WHERE released_at IS NULL").fetchone() == (0,)
    database.close()


def test_resume_tells_how_many_halts_it_released_and_a_halt_file_is_none_of_its_own(house: House) -> None:
    house("resume", language="fr")
    assert house.err.strip() == "Le trading n’était pas arrêté."
    house("halt")
    house("resume", language="fr")
    assert house.err.strip() == "Un arrêt est levé."
    house("halt")
    house("halt", "--scope", "user", "alice")
    house("resume", language="fr")
    assert house.err.strip() == "2 arrêts sont levés."
    (house.folder / "HALT").touch()
    house("resume")
    assert house.err.strip() == "One halt is released."
    assert not (house.folder / "HALT").exists()


def test_halt_and_resume_reach_a_house_that_hangs(house: House) -> None:
    house("halt", "--level", "reduce", "--reason", "storm")
    assert (house.folder / "HALT").exists()
    house("halt", "--scope", "user", "alice")
    house("halt", "--scope", "broker", str(uuid.uuid4()), code=2)
    house("halt", "--scope", "broker", "x", code=2)
    house("halt", "--scope", "strategy", str(uuid.uuid4()), code=2)
    house("resume", "--scope", "user", "Alice")
    assert (house.folder / "HALT").exists()
    house("resume")
    assert not (house.folder / "HALT").exists()
    house("verify")


def test_verify_says_that_the_key_file_is_another_ones(house: House) -> None:
    with closing(sqlite3.connect(house.folder / "aristobot.db", isolation_level=None)) as memory:
        memory.execute("UPDATE users SET ai_key_sealed = 'sealed elsewhere'")
    (seals,) = (one for one in json.loads(house("verify", code=7))["checks"] if one["name"] == "seals")
    assert "secret.key" in seals["problems"][0]
