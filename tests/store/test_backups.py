"""Copies that can be trusted, thinned out with age, and a way back that stops trading until somebody has looked."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, select

from aristobot.errors import StoreDamaged, StoreError
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.settings import Settings
from aristobot.store import audit, candles, halts
from aristobot.store.backups import SCHEDULED, check_sqlite, copy_name, copy_sqlite, sealed_copy, thin_out
from aristobot.store.carrying import address
from aristobot.store.database import Database, make_engine
from aristobot.store.instance import InstanceLock, installation
from aristobot.store.restoring import restore
from aristobot.store.safekeeping import RESERVE, backup, opened_backup, scheduled_backup
from aristobot.store.sealing import unseal
from aristobot.store.shelf import Shelf
from aristobot.store.tables import AuditEntry, Broker, User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import Order, PositionRow
from aristobot.store.verification import verify
from services.disk_guard import STOP_BELOW
from tests.builders import (
    MIDNIGHT,
    a_broker,
    a_candle,
    a_fill_row,
    a_position,
    a_shelf,
    a_user,
    a_webhook,
    an_instrument,
    an_order,
    list_instruments,
)

KEY = b"k" * 32
LARGEST = Decimal("9" * 20 + "." + "9" * 18)


async def furnish(db: Database) -> User:
    """One row of nearly everything, with the values that are easiest to spoil."""
    user = a_user(name="Ann", recovery_codes=["é", "\U0001f600"])
    broker = a_broker(user, key_rights={"may": None}, limits={})
    position = a_position(broker, quantity=LARGEST, realised=LARGEST.copy_negate())
    order = an_order(broker, position_id=position.id, quantity=LARGEST, filled=Decimal("0.000000000000000001"))
    rows = [
        user,
        broker,
        position,
        order,
        a_fill_row(order, fee=Decimal("0.000000000000000001")),
        a_webhook(broker, payload=bytes(range(256))),
    ]
    await db.write(SYSTEM, lambda s: s.add_all(rows))
    await db.write(SYSTEM, lambda s: list_instruments(s, "binance", [an_instrument()], MIDNIGHT))
    await db.write(SYSTEM, lambda s: candles.add(s, "binance", a_candle(), MIDNIGHT, live=True))
    await db.write(user.id, lambda s: audit.record(s, KEY, "furnished", at=MIDNIGHT, after={"price": Decimal("1.50")}))
    return user


def _add_all(session: GuardedSession, rows: list[Any]) -> None:
    session.add_all(rows)


def contents(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as values."""
    engine = make_engine(url)
    with engine.connect() as connection:
        rows = {
            table.name: sorted((dict(row) for row in connection.execute(sa.select(table)).mappings()), key=str)
            for table in SQLModel.metadata.sorted_tables
        }
    engine.dispose()
    return rows


def text_of(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


async def test_a_backup_holds_every_value_of_every_table(db: Database, tmp_path: Path) -> None:
    await furnish(db)
    shelf = a_shelf(tmp_path)
    file = await asyncio.to_thread(backup, text_of(db.url), shelf.folder / "one.backup", shelf, MIDNIGHT)
    with opened_backup(file, shelf) as opened:
        assert contents(address(opened.file)) == contents(text_of(db.url))
        assert opened.header is not None
        assert opened.header.created == MIDNIGHT
        assert verify(address(opened.file), KEY).passed
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["one.backup"]


async def test_a_backup_is_of_one_moment_while_others_write(db: Database, tmp_path: Path) -> None:
    user = await furnish(db)
    broker_id = await db.read(user.id, lambda s: s.exec(select(Broker.id)).one())
    stop = asyncio.Event()

    async def write_threes() -> None:
        while not stop.is_set():
            broker = a_broker(user, id=broker_id)
            await db.write(
                user.id, partial(_add_all, rows=[a_webhook(broker), an_order(broker), a_position(broker, status="closed")])
            )

    writing = asyncio.create_task(write_threes())
    for number in range(3):
        file = await asyncio.to_thread(backup, text_of(db.url), tmp_path / f"{number}.backup", a_shelf(tmp_path), MIDNIGHT)
        with opened_backup(file, a_shelf(tmp_path)) as opened:
            found = contents(address(opened.file))
        assert len(found["webhooks"]) == len(found["orders"]) == len(found["positions"])
    stop.set()
    await writing


def test_copying_the_file_alone_would_have_missed_what_the_copy_has(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "aristobot.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = make_engine(f"sqlite:///{path}")
    with engine.connect() as connection, GuardedSession(connection, scope=SYSTEM) as session:
        session.add(a_user())
        session.commit()
        in_file_alone = path.read_bytes().count(b"Europe/Paris")
        copy = copy_sqlite(f"sqlite:///{path}", tmp_path / "copy.db")
    engine.dispose()
    assert (in_file_alone, copy.read_bytes().count(b"Europe/Paris")) == (0, 1)


def test_a_damaged_database_gives_no_backup_and_leaves_the_last_one(tmp_path: Path, sqlite_template: Path) -> None:
    path, shelf, last = tmp_path / "aristobot.db", a_shelf(tmp_path), tmp_path / "backups" / "last.backup"
    content = bytearray(sqlite_template.read_bytes())
    backup(f"sqlite:///{sqlite_template}", last, shelf, MIDNIGHT)
    good = last.read_bytes()
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    for take in (backup, sealed_copy):
        with pytest.raises(StoreDamaged):
            take(f"sqlite:///{path}", last, shelf, MIDNIGHT)
    assert last.read_bytes() == good
    assert [one.name for one in shelf.folder.iterdir()] == ["last.backup"]


def test_there_is_no_backup_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        backup(f"sqlite:///{tmp_path / 'missing.db'}", tmp_path / "one.backup", a_shelf(tmp_path), MIDNIGHT)
    assert caught.value.code == "store_missing"
    assert list((tmp_path / "backups").iterdir()) == []


def test_old_copies_are_thinned_out_to_hours_and_days(tmp_path: Path) -> None:
    now = MIDNIGHT + timedelta(days=60, hours=12, minutes=30)
    moments = [now - timedelta(minutes=30 * step) for step in range(2 * 24 * 16)]
    for place, moment in enumerate(moments):  # the older half was not sealed yet
        name = copy_name(SCHEDULED, moment)
        (tmp_path / (name if place < len(moments) / 2 else name.replace(".backup", ".db"))).touch()
    (tmp_path / copy_name("before-0002", MIDNIGHT)).touch()
    (tmp_path / "mine.db").touch()
    deleted = thin_out(tmp_path)
    kept = sorted(one.name for one in tmp_path.iterdir())
    days = {name[10:18] for name in kept if SCHEDULED in name}
    hours = {name[10:21] for name in kept if SCHEDULED in name}
    assert len(days) == 14
    assert {f"{now - timedelta(hours=back):%Y%m%dT%H}" for back in range(24)} <= hours
    assert len(kept) == len(moments) - len(deleted) + 2
    assert len(hours) == 24 + 14 - 2
    assert copy_name(SCHEDULED, now) in kept
    assert thin_out(tmp_path) == []


def test_a_scheduled_copy_makes_room_for_itself(tmp_path: Path, sqlite_template: Path) -> None:
    shelf = a_shelf(tmp_path)
    for hour in range(5):
        scheduled_backup(f"sqlite:///{sqlite_template}", shelf, MIDNIGHT + timedelta(hours=hour), hourly=2, daily=1)
    assert [one.name[19:21] for one in sorted(shelf.folder.iterdir())] == ["03", "04"]


def test_a_scheduled_copy_leaves_room_enough_for_trading(tmp_path: Path, sqlite_template: Path) -> None:
    shelf = a_shelf(tmp_path)
    with pytest.raises(StoreError) as caught:
        scheduled_backup(f"sqlite:///{sqlite_template}", shelf, MIDNIGHT, reserve=1 << 60)
    assert caught.value.code == "backup_without_room"
    assert list(shelf.folder.iterdir()) == []
    assert RESERVE > STOP_BELOW


async def test_a_restored_database_is_the_backup_and_trading_is_halted(db: Database, tmp_path: Path) -> None:
    user = await furnish(db)
    url = text_of(db.url)
    file = backup(url, tmp_path / "one.backup", a_shelf(tmp_path), MIDNIGHT)
    before = contents(url)
    await db.write(SYSTEM, lambda s: s.add(a_user(name="Later")))
    await db.write(user.id, lambda s: s.exec(sa.delete(Order)))
    await db.close()

    restore(url, file, a_shelf(tmp_path), MIDNIGHT, by="Ann")

    after = contents(url)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"halts", "installation"}
    restored = Database(db.url)
    (halt,) = await restored.read(SYSTEM, halts.active)
    assert (halt.scope, halt.level, halt.set_by, halt.reason) == (HaltScope.ALL, HaltLevel.HALT, "Ann", "restored")
    await restored.write(SYSTEM, lambda s: halts.release(s, halt.id, by="Ann", now=MIDNIGHT))
    assert await restored.read(SYSTEM, halts.active) == []
    assert verify(url, KEY).passed
    await restored.write(user.id, lambda s: audit.record(s, KEY, "looked", at=MIDNIGHT))
    assert (await restored.read(SYSTEM, lambda s: audit.verify(s, KEY))).entries == 2
    await restored.close()


async def test_what_a_restore_replaces_is_kept(db: Database, tmp_path: Path) -> None:
    url = text_of(db.url)
    file = backup(url, tmp_path / "empty.backup", a_shelf(tmp_path), MIDNIGHT)
    await furnish(db)
    await db.close()
    replaced = contents(url)
    restore(url, file, a_shelf(tmp_path), MIDNIGHT, by="Ann")
    (kept,) = (tmp_path / "backups").iterdir()
    with opened_backup(kept, a_shelf(tmp_path)) as opened:
        assert contents(address(opened.file)) == replaced


async def test_a_restore_begins_an_epoch_beyond_both(db: Database, tmp_path: Path) -> None:
    url = text_of(db.url)
    file = backup(url, tmp_path / "one.backup", a_shelf(tmp_path), MIDNIGHT)

    def age(session: GuardedSession) -> None:
        installation(session).epoch = 41

    await db.write(SYSTEM, age)
    await db.close()
    restore(url, file, a_shelf(tmp_path), MIDNIGHT, by="Ann")
    assert contents(url)["installation"][0]["epoch"] == 42


def test_a_damaged_database_can_be_replaced_and_its_files_are_kept(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "aristobot.db"
    path.write_bytes(b"not a database any more " * 500)
    _leave_a_log_of_before(tmp_path, sqlite_template)
    shelf, log = a_shelf(tmp_path), (tmp_path / "aristobot.db-wal").read_bytes()
    restore(f"sqlite:///{path}", sqlite_template, shelf, MIDNIGHT, by="Ann")
    assert verify(f"sqlite:///{path}").passed
    assert contents(f"sqlite:///{path}")["users"] == []
    for name, content in (("", b"not a database any more " * 500), ("-wal", log)):
        kept = shelf.folder / (copy_name("before-restore", MIDNIGHT) + name)
        unseal(kept, tmp_path / f"kept{name}", shelf.opening_keys(), shelf.key_file)
        assert (tmp_path / f"kept{name}").read_bytes() == content


def _leave_a_log_of_before(folder: Path, template: Path) -> None:
    """A write-ahead log with a user in it, as a crash leaves it: it must never be played into the restored file."""
    engine = make_engine(f"sqlite:///{shutil.copyfile(template, folder / 'other.db')}")
    with engine.connect() as connection, GuardedSession(connection, scope=SYSTEM) as session:
        session.add(a_user())
        session.commit()
        shutil.copyfile(folder / "other.db-wal", folder / "aristobot.db-wal")
    engine.dispose()


def test_a_restore_into_an_empty_folder_makes_the_database(tmp_path: Path, sqlite_template: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'aristobot.db'}"
    restore(url, sqlite_template, a_shelf(tmp_path), MIDNIGHT, by="Ann")
    assert verify(url).passed
    assert (tmp_path / "new" / "aristobot.db").stat().st_mode & 0o777 == 0o600


def test_a_restore_on_a_new_machine_finds_the_empty_file_of_the_lock_and_keeps_no_copy_of_it(
    tmp_path: Path, sqlite_template: Path
) -> None:
    places = Settings.load({"data_dir": tmp_path}, {})
    lock, shelf = InstanceLock(places), Shelf.of(places)
    lock.acquire()
    assert (tmp_path / "aristobot.db").exists()
    restore(places.database_url, sqlite_template, shelf, MIDNIGHT, by="Ann")
    lock.release()
    assert verify(places.database_url).passed
    assert list(shelf.folder.iterdir()) == []


NOT_BACKUPS: dict[str, Callable[[Path], Any]] = {
    "is damaged": lambda path: path.write_bytes(b"not a database " * 500),
    "is missing": lambda path: None,
    "is somebody else's": lambda path: _another_database(path),
}


def _another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE users (id INTEGER)")


@pytest.mark.parametrize("what", NOT_BACKUPS)
def test_a_file_that_is_no_backup_replaces_nothing(tmp_path: Path, sqlite_template: Path, what: str) -> None:
    path, file = tmp_path / "aristobot.db", tmp_path / "file.db"
    path.write_bytes(sqlite_template.read_bytes())
    NOT_BACKUPS[what](file)
    before = contents(f"sqlite:///{path}")
    with pytest.raises(StoreError):
        restore(f"sqlite:///{path}", file, a_shelf(tmp_path), MIDNIGHT, by="Ann")
    assert contents(f"sqlite:///{path}") == before


async def test_a_whole_memory_passes_every_check(db: Database) -> None:
    await furnish(db)
    report = verify(text_of(db.url), KEY)
    assert report.passed, report
    names = [check["name"] for check in json.loads(json.dumps(report.as_json()))["checks"]]
    assert names[:5] == ["integrity", "references", "revision", "schema", "audit"]


def _overfill(session: GuardedSession) -> None:
    order = session.exec(select(Order)).one()
    order.quantity /= 2
    session.add(order)


def _forge(session: GuardedSession) -> None:
    session.exec(sa.update(AuditEntry).values(actor="somebody else"))


def _owe(session: GuardedSession) -> None:
    broker = session.exec(select(Broker)).one()
    session.add(a_position(broker, owner="manual", quantity=Decimal("-0.5"), status="closed"))


def _embezzle(session: GuardedSession) -> None:
    session.exec(sa.update(PositionRow).values(quantity=LARGEST - 1))


SPOILS: dict[str, Callable[[GuardedSession], None]] = {
    "fills_within_orders": _overfill,
    "audit": _forge,
    "no_negative_position": _owe,
    "positions_of_their_fills": _embezzle,
}


@pytest.mark.parametrize("check", SPOILS)
async def test_what_must_hold_and_does_not_is_reported(db: Database, check: str) -> None:
    await furnish(db)
    await db.write(SYSTEM, SPOILS[check])
    report = verify(text_of(db.url), KEY)
    assert [one.name for one in report.checks if not one.passed] == [check]


async def test_a_position_opened_twice_behind_the_rules_is_reported(db: Database) -> None:
    await furnish(db)

    def sneak(connection: Any) -> None:
        connection.execute("DROP INDEX ix_positions_user_id_broker_id_symbol_owner")
        names = sorted(PositionRow.model_fields)
        values = ["'00000000000000000000000000000001'" if name == "id" else name for name in names]
        connection.execute(
            " ".join(["INSERT INTO positions (", ", ".join(names), ") SELECT", ", ".join(values), "FROM positions"])
        )

    await asyncio.wrap_future(db.hand_in(sneak))
    failed = [check.name for check in verify(text_of(db.url), KEY).checks if not check.passed]
    assert failed == ["schema", "one_open_position", "positions_of_their_fills"]


def test_a_damaged_file_fails_its_check_and_raises_nothing(tmp_path: Path) -> None:
    path = tmp_path / "aristobot.db"
    path.write_bytes(b"not a database " * 500)
    report = verify(f"sqlite:///{path}")
    assert [(check.name, check.passed) for check in report.checks] == [("integrity", False)]
    with pytest.raises(StoreDamaged):
        check_sqlite(path)


def test_an_older_database_is_said_to_be_old_and_asked_no_more(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE something (id INTEGER)")
    engine.dispose()
    report = verify(f"sqlite:///{tmp_path / 'empty.db'}")
    assert [check.name for check in report.checks if not check.passed] == ["revision"]
    assert len(report.checks) == 3


def test_the_name_of_a_copy_tells_its_moment_in_utc() -> None:
    paris = datetime.fromisoformat("2026-07-01T14:30:00+02:00")
    assert copy_name(SCHEDULED, paris) == "aristobot-20260701T123000000000Z-scheduled.backup"
