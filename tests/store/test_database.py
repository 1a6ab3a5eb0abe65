"""The two doors of the memory: whole transactions, one writer, readers that never wait, and errors in our words."""

from __future__ import annotations

import asyncio
import functools
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Callable
from contextlib import closing
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.clock import ManualClock
from aristobot.errors import Conflict, StoreDamaged, StoreError
from aristobot.store.database import Database, make_engine
from aristobot.store.tables import HeartbeatEvent, User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from tests.builders import MIDNIGHT, a_broker, a_user


def an_event(kind: str) -> HeartbeatEvent:
    return HeartbeatEvent(exchange="binance", kind=kind, at=MIDNIGHT)


@pytest.fixture
def sqlite_path(tmp_path: Path, sqlite_template: Path) -> Path:
    """A migrated SQLite file."""
    return shutil.copyfile(sqlite_template, tmp_path / "aristobot.db")


async def counted(db: Database) -> int:
    return await db.read(SYSTEM, lambda s: s.exec(select(sa.func.count(col(HeartbeatEvent.id)))).one())


async def test_what_raises_leaves_nothing(db: Database) -> None:
    def half(session: GuardedSession) -> None:
        session.add(an_event("started"))
        session.flush()
        raise LookupError("in the middle")

    with pytest.raises(LookupError):
        await db.write(SYSTEM, half)
    assert await counted(db) == 0


async def test_a_cancelled_caller_leaves_whole_transactions(db: Database) -> None:
    finished: list[int] = []

    def pair(number: int) -> Any:
        def work(session: GuardedSession) -> None:
            session.add(an_event(f"{number}a"))
            session.flush()
            session.add(an_event(f"{number}b"))
            finished.append(number)

        return work

    callers = [asyncio.create_task(db.write(SYSTEM, pair(number))) for number in range(60)]
    for turn in range(60):
        await ManualClock().sleep(0)  # one turn of the loop
        callers[turn].cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await db.write(SYSTEM, lambda s: None)
    kinds = await db.read(SYSTEM, lambda s: set(s.exec(select(HeartbeatEvent.kind)).all()))
    assert kinds <= {f"{number}{half}" for number in range(60) for half in "ab"}
    assert all((f"{number}a" in kinds) == (f"{number}b" in kinds) for number in range(60))


async def test_a_cancelled_caller_is_told_so_and_its_transaction_is_kept(db: Database) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(session: GuardedSession) -> None:
        session.add(an_event("started"))
        inside.set()
        go_on.wait(10)

    caller = asyncio.create_task(db.write(SYSTEM, slow))
    await asyncio.to_thread(inside.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await db.close()
    reopened = Database(db.url)
    assert await counted(reopened) == 1
    await reopened.close()


async def test_the_trace_follows_into_the_thread(db: Database) -> None:
    trace: ContextVar[str] = ContextVar("trace", default="none")
    trace.set("abc")
    assert await db.read(SYSTEM, lambda s: trace.get()) == "abc"
    assert await db.write(SYSTEM, lambda s: trace.get()) == "abc"


async def test_work_never_runs_on_the_loops_own_thread(db: Database) -> None:
    own = threading.get_ident()
    threads = [await db.read(SYSTEM, lambda s: threading.get_ident()), await db.write(SYSTEM, lambda s: threading.get_ident())]
    assert own not in threads


async def test_reading_does_not_wait_for_a_writer(db: Database) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(session: GuardedSession) -> None:
        session.add(an_event("started"))
        session.flush()
        inside.set()
        go_on.wait(10)

    writer = asyncio.create_task(db.write(SYSTEM, slow))
    await asyncio.to_thread(inside.wait, 10)
    assert await counted(db) == 0
    go_on.set()
    await writer
    assert await counted(db) == 1


async def test_the_reading_door_cannot_write(db: Database) -> None:
    def write(session: GuardedSession) -> None:
        session.add(an_event("started"))
        session.flush()

    with pytest.raises(StoreError) as caught:
        await db.read(SYSTEM, write)
    assert caught.value.code == "store_readonly"
    assert await counted(db) == 0


async def test_read_then_write_by_many_at_once_loses_nothing(db: Database) -> None:
    await db.write(SYSTEM, lambda s: s.add(a_user(name="0")))

    def increase(session: GuardedSession) -> None:
        user = session.exec(select(User).with_for_update()).one()
        user.totp_last_step += 1

    await asyncio.gather(*(db.write(SYSTEM, increase) for _ in range(40)))
    assert await db.read(SYSTEM, lambda s: s.exec(select(User.totp_last_step)).one()) == 40


async def test_two_processes_on_one_database_wait_for_each_other(db: Database) -> None:
    await db.write(SYSTEM, lambda s: s.add(a_user(name="0")))
    other = Database(db.url)

    def increase(session: GuardedSession) -> None:
        user = session.exec(select(User).with_for_update()).one()
        user.totp_last_step += 1

    doors = [db, other] * 15
    outcomes = await asyncio.gather(*(door.write(SYSTEM, increase) for door in doors), return_exceptions=True)
    assert outcomes == [None] * len(doors)
    assert await db.read(SYSTEM, lambda s: s.exec(select(User.totp_last_step)).one()) == len(doors)
    await other.close()


async def test_what_was_handed_in_is_done_even_when_its_caller_left_while_it_waited(sqlite_path: Path) -> None:
    database = Database(f"sqlite:///{sqlite_path}")
    go_on = threading.Event()
    ahead = asyncio.create_task(database.write(SYSTEM, lambda s: go_on.wait(10)))
    waiting = asyncio.create_task(database.write(SYSTEM, lambda s: s.add(an_event("started"))))
    await ManualClock().sleep(0)  # one turn of the loop
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await ahead
    await database.write(SYSTEM, lambda s: None)
    assert await counted(database) == 1
    await database.close()


async def test_rows_keep_their_values_after_the_commit(db: Database) -> None:
    user = await db.write(SYSTEM, lambda s: _added(s, a_user(name="Ann")))
    assert (user.name, user.created_at) == ("Ann", MIDNIGHT)


def _add(row: HeartbeatEvent, session: GuardedSession) -> None:
    session.add(row)


def _added(session: GuardedSession, row: User) -> User:
    session.add(row)
    return row


async def bare(db: Database, work: Callable[[Any], Any]) -> Any:
    return await asyncio.wrap_future(db.hand_in(work))


async def test_bare_work_is_one_transaction_in_the_writers_order(db: Database) -> None:
    sql = "INSERT INTO heartbeat_events (id, exchange, kind, reason, at) VALUES (?, 'binance', 'bare', '', ?)"
    values = [str(uuid.UUID(int=1)), "2026-01-01 00:00:00.000000+00"]

    def insert(connection: Any) -> int:
        connection.execute(sql if db.is_sqlite else sql.replace("?", "%s"), values)
        return int(connection.execute("SELECT count(*) FROM heartbeat_events").fetchone()[0])

    def fall(connection: Any) -> None:
        connection.execute("DELETE FROM heartbeat_events")
        raise LookupError("in the middle")

    before, inside, after = await asyncio.gather(
        db.write(SYSTEM, lambda s: s.add(an_event("first"))),
        bare(db, insert),
        db.write(SYSTEM, lambda s: None),
    )
    assert (before, after) == (None, None)
    assert inside == 2 if db.is_sqlite else inside in (1, 2)
    with pytest.raises(LookupError):
        await bare(db, fall)
    assert await counted(db) == 2


async def test_what_can_wait_does_so_only_behind_something_urgent(db: Database) -> None:
    with pytest.raises(StopIteration):
        db.lull().send(None)
    await asyncio.wrap_future(db.hand_in(lambda connection: None))
    with pytest.raises(StopIteration):
        db.lull().send(None)
    assert any([await _lull_waits_behind_something_urgent(db) for _ in range(20)]), "on busy cores a lull may be over at once"


async def _lull_waits_behind_something_urgent(db: Database) -> bool:
    urgent, waiting = db.hand_in(lambda connection: None, urgent=True), db.lull()
    try:
        waiting.send(None)
    except StopIteration:
        return False
    else:
        waiting.close()
        return True
    finally:
        await asyncio.wrap_future(urgent)


async def test_what_can_wait_gets_its_turn_however_much_is_urgent(db: Database) -> None:
    waiting = asyncio.ensure_future(db.lull())
    while not waiting.done():
        await asyncio.wrap_future(db.hand_in(lambda connection: None, urgent=True))
    assert waiting.exception() is None


async def test_closing_finishes_what_was_handed_in(db: Database) -> None:
    events = [an_event(str(number)) for number in range(20)]
    writes = [asyncio.create_task(db.write(SYSTEM, functools.partial(_add, event))) for event in events]
    await ManualClock().sleep(0)  # one turn of the loop
    await db.close()
    await asyncio.gather(*writes)
    reopened = Database(db.url)
    assert await counted(reopened) == 20
    await reopened.close()


async def test_closing_folds_the_write_ahead_log_into_the_file(sqlite_path: Path) -> None:
    database = Database(f"sqlite:///{sqlite_path}")
    await database.write(SYSTEM, lambda s: s.add(an_event("started")))
    await database.close()
    leftover = sqlite_path.with_name(sqlite_path.name + "-wal")
    assert not leftover.exists() or leftover.stat().st_size == 0


async def test_after_closing_every_call_says_so(db: Database) -> None:
    await db.close()
    with pytest.raises(StoreError) as caught:
        await db.read(SYSTEM, lambda s: None)
    assert caught.value.code == "store_closed"


async def test_a_commit_that_is_refused_does_not_stop_the_writer(db: Database) -> None:
    for _ in range(3):
        with pytest.raises(Conflict) as caught:
            await db.write(SYSTEM, lambda s: s.add(a_broker(a_user())))
        assert caught.value.code == "broken_reference"
        await db.write(SYSTEM, lambda s: s.add(an_event("started")))
    assert await counted(db) == 3


async def test_an_error_never_shows_what_was_being_stored(db: Database) -> None:
    user = a_user(name="Ann", password_hash="the-secret-hash")
    await db.write(SYSTEM, lambda s: s.add(user))
    with pytest.raises(Conflict) as caught:
        await db.write(SYSTEM, lambda s: s.add(a_user(name="Ann", password_hash="the-secret-hash")))
    shown = [str(error) for error in (caught.value, caught.value.__cause__)]
    assert not any("secret" in words or "Ann" in words for words in shown)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 2000), ("trusted_schema", 0)],
)
def test_every_sqlite_connection_keeps_the_rules(tmp_path: Path, pragma: str, value: object) -> None:
    for readonly in (False, True):
        engine = make_engine(f"sqlite:///{tmp_path / 'rules.db'}", readonly=readonly)
        with engine.connect() as connection:
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
        engine.dispose()


async def test_another_process_that_holds_the_file_too_long_is_named_busy(sqlite_path: Path) -> None:
    database = Database(f"sqlite:///{sqlite_path}")
    with closing(sqlite3.connect(sqlite_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            await database.write(SYSTEM, lambda s: s.add(an_event("started")))
    assert caught.value.code == "store_busy"
    await database.write(SYSTEM, lambda s: s.add(an_event("started")))
    await database.close()


async def test_a_file_that_is_no_database_is_named_damaged(tmp_path: Path) -> None:
    path = tmp_path / "aristobot.db"
    path.write_bytes(b"this is not a database " * 100)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(StoreDamaged):
        await database.read(SYSTEM, lambda s: s.exec(select(User)).all())


async def test_a_folder_that_is_not_there_is_named_unreachable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'missing' / 'aristobot.db'}")
    with pytest.raises(StoreError) as caught:
        await database.read(SYSTEM, lambda s: s.exec(select(User)).all())
    assert caught.value.code == "store_unreachable"


async def test_a_server_that_does_not_answer_is_named_unreachable() -> None:
    database = Database("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    with pytest.raises(StoreError) as caught:
        await database.read(SYSTEM, lambda s: s.exec(select(User)).all())
    assert caught.value.code == "store_unreachable"
    await database.close()


async def test_a_folder_with_odd_characters_holds_the_file_that_was_named(tmp_path: Path) -> None:
    folder = tmp_path / "what? 100% «é»"
    folder.mkdir()
    url = sa.URL.create("sqlite", database=str(folder / "aristobot.db"))
    database = Database(url.render_as_string())
    await database.read(SYSTEM, lambda s: None)
    await database.write(SYSTEM, lambda s: s.execute(sa.select(1)))
    await database.close()
    assert (folder / "aristobot.db").exists()


def test_nobody_else_on_the_machine_reads_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "open to all" / "house.db"
    file.parent.mkdir(mode=0o755)
    engine = make_engine(f"sqlite:///{file}")
    try:
        for _ in range(2):
            with engine.begin() as connection:
                connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS money (amount TEXT)")
            modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
            assert modes == dict.fromkeys(("house.db", "house.db-wal", "house.db-shm"), 0o600)
            file.chmod(0o644)
            engine.dispose()
    finally:
        engine.dispose()
