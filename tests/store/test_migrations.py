"""Upgrades: the scripts make what the models say, all or nothing, with a copy before, and never over a newer database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from aristobot.errors import StoreDamaged, StoreError
from aristobot.store import schema
from aristobot.store.carrying import address
from aristobot.store.database import make_engine
from aristobot.store.migrate import head, migrations_dir, revision_of, upgrade_at_start
from aristobot.store.safekeeping import opened_backup
from aristobot.store.tables import WebhookToken
from aristobot.store.tenancy import SYSTEM, GuardedSession
from tests.builders import MIDNIGHT, a_broker, a_shelf, a_user

NEXT = """
import os
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{after}"
branch_labels = None
depends_on = None


def upgrade() -> None:
{body}


def downgrade() -> None:
    pass
"""
REBUILD = """
    with op.batch_alter_table("brokers") as batch:
        batch.alter_column("name", type_=sa.String(128))  # SQLite cannot, and rebuilds the table
        batch.add_column(sa.Column("colour", sa.String(16), nullable=True))
"""
FALL = """
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
    op.bulk_insert(sa.table("later", sa.column("id")), [{"id": 1}])
    raise LookupError("the script fell")
"""
DIE = FALL.replace('raise LookupError("the script fell")', "os._exit(9)")
FURNISHED = ("users", "brokers", "webhook_tokens")
ORPHAN = """
    op.execute("DELETE FROM users")
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Callable[[str], Path]:
    """A function that makes a folder of scripts: the real ones and one more with this body."""

    def folder(body: str) -> Path:
        copy = tmp_path / "scripts"
        shutil.copytree(migrations_dir(), copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        text = NEXT.format(revision="next", after=head(), body=body)
        (copy / "versions" / "next_one_more.py").write_text(text, encoding="utf-8")
        return copy

    return folder


@contextmanager
def opened(url: str) -> Iterator[sa.Connection]:
    engine = make_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def revision(url: str) -> str | None:
    with opened(url) as connection:
        return revision_of(connection)


def furnish(url: str) -> None:
    """A user, a broker and its webhook token: what a careless rebuild would delete."""
    user = a_user()
    broker = a_broker(user, is_default=True)
    token = WebhookToken(user_id=user.id, broker_id=broker.id, token_hash="hash", last_four="abcd", created_at=MIDNIGHT)
    with opened(url) as connection, GuardedSession(connection, scope=SYSTEM) as session, session.begin():
        session.add_all([user, broker, token])


def counts(url: str) -> list[int]:
    with opened(url) as connection:
        return [connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0 for name in FURNISHED]


def test_the_scripts_make_exactly_what_the_models_say(database_url: str) -> None:
    with opened(database_url) as connection:
        found, wanted = schema.snapshot(connection), schema.expected(connection)
    assert schema.differences(found, wanted) == []
    assert found == wanted
    assert len(found) == len(SQLModel.metadata.tables)


def test_alembic_too_finds_nothing_to_add(database_url: str) -> None:
    with opened(database_url) as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


TAMPERING: dict[str, Callable[[sa.Connection], Any]] = {
    "an index without its condition": lambda c: (
        c.exec_driver_sql("DROP INDEX uq_brokers_one_default"),
        c.exec_driver_sql("CREATE UNIQUE INDEX uq_brokers_one_default ON brokers (user_id)"),
    ),
    "a missing index": lambda c: c.exec_driver_sql("DROP INDEX ix_orders_recent"),
    "a column more": lambda c: c.exec_driver_sql("ALTER TABLE users ADD COLUMN colour VARCHAR(3)"),
    "a missing table": lambda c: c.exec_driver_sql("DROP TABLE fills"),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_a_schema_that_was_tampered_with_is_noticed(database_url: str, what: str) -> None:
    with opened(database_url) as connection:
        TAMPERING[what](connection)
        assert schema.differences(schema.snapshot(connection), schema.expected(connection))
        connection.rollback()


def test_the_comparison_leaves_nothing_behind(database_url: str) -> None:
    with opened(database_url) as connection:
        before = sa.inspect(connection).get_schema_names()
        schema.expected(connection)
        connection.commit()
        assert sa.inspect(connection).get_schema_names() == before


def test_an_upgrade_of_a_current_database_changes_nothing(database_url: str, tmp_path: Path) -> None:
    upgraded = upgrade_at_start(database_url, a_shelf(tmp_path), MIDNIGHT)
    assert (upgraded.before, upgraded.after, upgraded.backup) == (head(), head(), None)
    assert not (tmp_path / "backups").exists()


def test_a_rebuilt_table_keeps_its_rows_and_those_that_refer_to_it(
    database_url: str, tmp_path: Path, scripts: Callable[[str], Path]
) -> None:
    furnish(database_url)
    assert upgrade_at_start(database_url, a_shelf(tmp_path), MIDNIGHT, scripts=scripts(REBUILD)).after == "next"
    assert counts(database_url) == [1, 1, 1]
    with opened(database_url) as connection:
        lines = schema.differences(schema.snapshot(connection), schema.expected(connection))
    assert [line.split(":")[0] for line in lines] == ["brokers.columns"]


def test_a_script_that_falls_leaves_the_previous_revision(
    database_url: str, tmp_path: Path, scripts: Callable[[str], Path]
) -> None:
    furnish(database_url)
    with pytest.raises(LookupError):
        upgrade_at_start(database_url, a_shelf(tmp_path), MIDNIGHT, scripts=scripts(REBUILD + FALL))
    assert (revision(database_url), counts(database_url)) == (head(), [1, 1, 1])
    with opened(database_url) as connection:
        assert schema.differences(schema.snapshot(connection), schema.expected(connection)) == []


def test_a_process_killed_in_the_middle_leaves_the_previous_revision(
    database_url: str, tmp_path: Path, scripts: Callable[[str], Path]
) -> None:
    furnish(database_url)
    program = (
        "import sys; from pathlib import Path; from aristobot.store.migrate import upgrade_at_start;"
        "upgrade_at_start(sys.argv[1], None, scripts=Path(sys.argv[2]))"
    )
    arguments = [sys.executable, "-c", program, database_url, str(scripts(REBUILD + DIE))]
    assert subprocess.run(arguments, check=False, timeout=60, capture_output=True).returncode == 9
    assert (revision(database_url), counts(database_url)) == (head(), [1, 1, 1])
    assert upgrade_at_start(database_url, a_shelf(tmp_path), MIDNIGHT, scripts=scripts(REBUILD)).after == "next"
    assert counts(database_url) == [1, 1, 1]


def test_an_upgrade_that_would_break_references_is_undone(
    tmp_path: Path, sqlite_template: Path, scripts: Callable[[str], Path]
) -> None:
    url = f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'aristobot.db')}"
    furnish(url)
    with pytest.raises(StoreDamaged) as caught:
        upgrade_at_start(url, a_shelf(tmp_path), MIDNIGHT, scripts=scripts(ORPHAN))
    assert caught.value.code == "store_broken_references"
    assert (revision(url), counts(url)) == (head(), [1, 1, 1])


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database_url: str, tmp_path: Path) -> None:
    with opened(database_url) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'from the future'")
        connection.commit()
    with pytest.raises(StoreDamaged) as caught:
        upgrade_at_start(database_url, a_shelf(tmp_path), MIDNIGHT)
    assert (caught.value.code, caught.value.facts["revision"]) == ("store_newer", "from the future")
    assert revision(database_url) == "from the future"


def test_a_database_of_somebody_else_is_refused(database_url: str, tmp_path: Path) -> None:
    with opened(database_url) as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
        connection.commit()
    with pytest.raises(StoreDamaged) as caught:
        upgrade_at_start(database_url, a_shelf(tmp_path), MIDNIGHT)
    assert caught.value.code == "store_not_ours"


def test_a_copy_is_taken_before_an_upgrade_and_five_are_kept(
    tmp_path: Path, sqlite_template: Path, scripts: Callable[[str], Path]
) -> None:
    path, shelf = tmp_path / "aristobot.db", a_shelf(tmp_path)
    folder = scripts(REBUILD)
    for day in range(7):
        shutil.copyfile(sqlite_template, path)
        copy = upgrade_at_start(f"sqlite:///{path}", shelf, MIDNIGHT + timedelta(days=day), scripts=folder).backup
        assert copy is not None
        with opened_backup(copy, shelf) as opened:
            assert revision(address(opened.file)) == head()
        assert copy.stat().st_mode & 0o777 == 0o600
    assert [one.name[10:18] for one in sorted(shelf.folder.iterdir())] == [f"2026010{day}" for day in range(3, 8)]


def test_two_processes_that_upgrade_at_once_do_not_meet(
    database_url: str, tmp_path: Path, scripts: Callable[[str], Path]
) -> None:
    folder = scripts(REBUILD)
    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(upgrade_at_start, database_url, a_shelf(tmp_path), MIDNIGHT, scripts=folder) for _ in range(2)]
    assert {run.result().after for run in runs} == {"next"}
    assert revision(database_url) == "next"


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "aristobot.db").write_bytes(b"not a database " * 500)
    with pytest.raises(StoreDamaged):
        upgrade_at_start(f"sqlite:///{tmp_path / 'aristobot.db'}", a_shelf(tmp_path), MIDNIGHT)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        upgrade_at_start(f"sqlite:///{tmp_path / 'missing' / 'aristobot.db'}", a_shelf(tmp_path), MIDNIGHT)
    assert caught.value.code == "store_unreachable"


def test_an_installed_package_brings_its_own_scripts(tmp_path: Path) -> None:
    package = Path(schema.__file__).parent.parent
    shutil.copytree(package, tmp_path / "aristobot", ignore=shutil.ignore_patterns("__pycache__", "locale"))
    shutil.copytree(migrations_dir(), tmp_path / "aristobot" / "_migrations", ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "from aristobot.store.migrate import migrations_dir, upgrade_at_start;"
        "print(migrations_dir(), upgrade_at_start('sqlite:///a.db', None).after)"
    )
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    arguments = [sys.executable, "-c", program]
    done = subprocess.run(arguments, check=True, timeout=60, capture_output=True, text=True, cwd=tmp_path, env=environ)
    assert done.stdout.split() == [str(tmp_path / "aristobot" / "_migrations"), head()]


def test_scripts_are_named_in_the_order_in_which_they_follow_each_other() -> None:
    chain = [script.revision for script in ScriptDirectory(str(migrations_dir())).walk_revisions()]
    named = sorted(path.stem.partition("_")[0] for path in (migrations_dir() / "versions").glob("[!_]*.py"))
    assert chain[::-1] == named
    assert chain[0] == head()


def test_a_start_that_has_nothing_to_upgrade_does_without_the_tools_for_it(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "aristobot.db")
    program = (
        "import sys; from pathlib import Path; from aristobot.store.migrate import upgrade_at_start;"
        "upgrade_at_start('sqlite:///aristobot.db', None); print('alembic' in sys.modules)"
    )
    environ = {**os.environ, "PYTHONPATH": str(migrations_dir().parent)}
    arguments = [sys.executable, "-c", program]
    done = subprocess.run(arguments, check=True, timeout=60, capture_output=True, text=True, cwd=tmp_path, env=environ)
    assert done.stdout.split() == ["False"]


def test_the_alembic_command_reaches_the_same_schema(tmp_path: Path) -> None:
    target = tmp_path / "by-command.db"
    arguments = [sys.executable, "-m", "alembic", "-x", f"url=sqlite:///{target}", "upgrade", "head"]
    subprocess.run(arguments, check=True, timeout=60, capture_output=True, cwd=migrations_dir().parent)
    assert revision(f"sqlite:///{target}") == head()


def test_numbers_of_the_audit_are_never_used_twice(tmp_path: Path, sqlite_template: Path) -> None:
    path = shutil.copyfile(sqlite_template, tmp_path / "aristobot.db")
    insert = (
        "INSERT INTO audit (at, actor, via, action, subject, trace_id, previous_seal, seal)"
        " VALUES ('2026-01-01 00:00:00.000000', '', '', 'act', '', '', '', '')"
    )
    with closing(sqlite3.connect(path)) as connection:
        first = connection.execute(insert).lastrowid
        connection.execute("DELETE FROM audit")
        assert connection.execute(insert).lastrowid == (first or 0) + 1
