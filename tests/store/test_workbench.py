"""What lies in the clear goes away: with the work, or with the next one after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aristobot.errors import StoreError
from aristobot.store.restoring import sweep_leftovers
from aristobot.store.safekeeping import backup, opened_backup
from aristobot.store.workbench import sweep, workbench
from tests.builders import MIDNIGHT, a_shelf

BEGIN_AND_WAIT = """
import sys
from pathlib import Path
from aristobot.store.workbench import workbench
with workbench(Path(sys.argv[1])) as bench:
    (bench / "copy.db").write_text("in the clear")
    print(bench, flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_bench_is_for_its_owner_alone_and_goes_with_all_it_holds(tmp_path: Path) -> None:
    with workbench(tmp_path / "new") as bench:
        (bench / "copy.db").write_text("in the clear")
        assert bench.parent == tmp_path / "new"
        if os.name == "posix":
            assert bench.stat().st_mode & 0o777 == 0o700
    assert names(tmp_path / "new") == []


def test_a_bench_goes_when_the_work_fails_too(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), workbench(tmp_path) as bench:
        (bench / "copy.db").rename(bench / "missing" / "copy.db")
    assert names(tmp_path) == []


def test_the_bench_of_who_works_is_left_alone_and_that_of_the_dead_is_swept(tmp_path: Path) -> None:
    (tmp_path / "one.backup").write_text("sealed")
    command = [sys.executable, "-c", BEGIN_AND_WAIT, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other, workbench(tmp_path) as own:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        for _ in range(2):
            sweep(tmp_path)
            with workbench(tmp_path):
                assert (theirs / "copy.db").read_text() == "in the clear"
                assert own.is_dir()
        other.kill()
        other.wait(10)
        assert theirs.is_dir()
        sweep(tmp_path)
        assert not theirs.exists()
        assert own.is_dir()
    assert names(tmp_path) == ["one.backup"]


def test_no_copy_in_the_clear_stays_beside_a_backup_wherever_it_goes(tmp_path: Path, sqlite_template: Path) -> None:
    shelf, elsewhere = a_shelf(tmp_path), tmp_path / "stick"
    for target in (shelf.folder / "one.backup", elsewhere / "two.backup"):
        backup(f"sqlite:///{sqlite_template}", target, shelf, MIDNIGHT)
        with opened_backup(target, shelf) as opened:
            assert opened.file.parent.parent == shelf.folder
    assert names(shelf.folder) == ["one.backup"]
    assert names(elsewhere) == ["two.backup"]


def test_a_start_takes_away_what_a_killed_restore_left_beside_the_database(tmp_path: Path) -> None:
    shelf, database = a_shelf(tmp_path), tmp_path / "aristobot.db"
    for path in (database, tmp_path / "aristobot.db.restored", tmp_path / "aristobot.db.restored-wal"):
        path.write_text("in the clear")
    sweep_leftovers(f"sqlite:///{database}", shelf)
    sweep_leftovers("postgresql+psycopg://nobody@127.0.0.1/nothing", shelf)
    assert names(tmp_path) == ["aristobot.db"]


def test_a_place_where_nothing_can_be_written_is_said(tmp_path: Path, sqlite_template: Path) -> None:
    shelf = a_shelf(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as caught:
        backup(f"sqlite:///{sqlite_template}", tmp_path / "file" / "one.backup", shelf, MIDNIGHT)
    assert caught.value.code == "backup_out_of_reach"
    assert names(shelf.folder) == []
