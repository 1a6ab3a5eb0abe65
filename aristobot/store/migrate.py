"""Bring the database to the version of this code before anything else starts: backed up first, all steps or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from loguru import logger

import aristobot
from aristobot.clock import SystemClock
from aristobot.errors import StoreDamaged
from aristobot.store import planner
from aristobot.store.backups import numbered_copy
from aristobot.store.database import is_sqlite, make_engine
from aristobot.store.failures import in_our_words
from aristobot.store.shelf import Shelf
from aristobot.store.whole import METADATA

#: "ARISTO": the advisory lock under which a PostgreSQL database is upgraded, one process at a time.
_UPGRADE_LOCK = 0x4152495354_4F
_KEPT_BEFORE_UPGRADES = 5


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From which revision to which; `before` is None for a database that was empty. `backup` is the copy taken first."""

    before: str | None
    after: str
    backup: Path | None = None


def migrations_dir() -> Path:
    """Where the scripts are: inside the package of a wheel, beside it in a checkout or an editable install."""
    package = Path(aristobot.__file__).parent
    shipped = package / "_migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def head(folder: Path | None = None) -> str:
    """The revision that this code needs: the scripts are named in the order in which they follow each other."""
    known = _revisions(folder or migrations_dir())
    if not known:
        raise StoreDamaged("store_without_scripts", folder=str(folder or migrations_dir()))
    return known[-1]


def revision_of(connection: sa.Connection) -> str | None:
    """The revision of a database; None when it was never upgraded."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def upgrade_at_start(url: str, shelf: Shelf | None, now: datetime | None = None, *, scripts: Path | None = None) -> Upgrade:
    """Upgrade to the newest revision, and do nothing when it is there already.

    An SQLite database with content is first copied, sealed, to the shelf, where five such copies are kept; without a shelf,
    for a database that is itself a copy, it is not. `now` stamps it, `scripts` is for tests of the upgrade itself.
    StoreDamaged when the database comes from a newer version, is not ours, or is damaged; StoreError when it cannot be
    reached. A script that fails, or a process that is killed, leaves the previous revision whole.
    """
    engine = make_engine(url, foreign_keys=False)
    try:
        with in_our_words():
            return _upgrade(engine, shelf, now or SystemClock().now(), scripts)
    finally:
        engine.dispose()


def _upgrade(engine: sa.Engine, shelf: Shelf | None, now: datetime, scripts: Path | None) -> Upgrade:
    newest = head(scripts)
    with engine.connect() as connection:
        before = revision_of(connection)
        _refuse_strangers(connection, before, scripts)
    if before == newest:
        _inform_planner(engine)
        return Upgrade(before, newest)
    copy = None
    if before is not None and shelf is not None and is_sqlite(engine.url):
        copy = numbered_copy(engine.url, shelf, "before-upgrade", now, keep=_KEPT_BEFORE_UPGRADES)
        logger.info("Database copied to {} before its upgrade", copy)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        _run_scripts(scripts or migrations_dir(), connection)
        _refuse_broken_references(connection)
    _inform_planner(engine)
    logger.info("Database upgraded from {} to {}", before or "nothing", newest)
    return Upgrade(before, newest, copy)


def _inform_planner(engine: sa.Engine) -> None:
    if is_sqlite(engine.url):
        with engine.begin() as connection:
            planner.inform(connection)


def _refuse_strangers(connection: sa.Connection, revision: str | None, scripts: Path | None) -> None:
    if revision is None:
        taken = set(sa.inspect(connection).get_table_names()) & set(METADATA.tables)
        if taken:
            raise StoreDamaged("store_not_ours", tables=", ".join(sorted(taken)[:5]))
    elif revision not in _revisions(scripts or migrations_dir()):
        raise StoreDamaged("store_newer", revision=revision)


def _refuse_broken_references(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise StoreDamaged("store_broken_references", tables=", ".join(sorted({str(row[0]) for row in broken})))


def _revisions(folder: Path) -> list[str]:
    """The scripts' revisions, oldest first, as their file names say."""
    return sorted(script.stem.partition("_")[0] for script in (folder / "versions").glob("[!_]*.py"))


def _run_scripts(folder: Path, connection: sa.Connection) -> None:
    # a start or a command that finds nothing to upgrade, nearly every one, does without what these import
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
