"""The audit cannot be changed without it showing; the kill switch stays set until somebody releases it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from aristobot.errors import NotFound
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.store import audit, halts
from aristobot.store.database import Database
from aristobot.store.tables import AuditEntry, Halt
from aristobot.store.tenancy import SYSTEM, GuardedSession, Scope, TenantError
from tests.builders import MIDNIGHT

KEY = b"k" * 32
ANN, BOB = uuid.uuid4(), uuid.uuid4()


async def five_deeds(db: Database) -> None:
    for number in range(5):
        scope: Scope = ANN if number % 2 else SYSTEM
        work = _deed(f"deed.{number}", after={"number": number})
        await db.write(scope, work)


def _deed(action: str, **about: Any) -> Callable[[GuardedSession], AuditEntry]:
    return lambda s: audit.record(s, KEY, action, at=MIDNIGHT, **about)


async def checked(db: Database, key: bytes = KEY) -> audit.AuditCheck:
    return await db.read(SYSTEM, lambda s: audit.verify(s, key))


async def test_an_untouched_chain_holds(db: Database) -> None:
    assert await checked(db) == audit.AuditCheck(0)
    await five_deeds(db)
    assert await checked(db) == audit.AuditCheck(5)


FORGERIES: dict[str, Callable[[], Any]] = {
    "another actor": lambda: sa.update(AuditEntry).where(col(AuditEntry.id) == 3).values(actor="somebody"),
    "another moment": lambda: (
        sa.update(AuditEntry).where(col(AuditEntry.id) == 3).values(at=MIDNIGHT + timedelta(microseconds=1))
    ),
    "another value": lambda: sa.update(AuditEntry).where(col(AuditEntry.id) == 3).values(after={"number": 7}),
    "another owner": lambda: sa.update(AuditEntry).where(col(AuditEntry.id) == 3).values(user_id=BOB),
    "an entry taken out": lambda: sa.delete(AuditEntry).where(col(AuditEntry.id) == 3),
    "another seal": lambda: sa.update(AuditEntry).where(col(AuditEntry.id) == 3).values(seal="0" * 64),
}


@pytest.mark.parametrize("what", FORGERIES)
async def test_a_forged_entry_is_found(db: Database, what: str) -> None:
    await five_deeds(db)
    await db.write(SYSTEM, lambda s: s.exec(FORGERIES[what]()))
    found = await checked(db)
    assert (found.whole, found.entries) == (False, 2)
    assert found.broken_at in (3, 4)


async def test_the_seals_of_another_key_do_not_hold(db: Database) -> None:
    await five_deeds(db)
    assert (await checked(db, b"x" * 32)).broken_at == 1


async def test_deeds_done_at_once_make_one_chain(db: Database) -> None:
    scopes: list[Scope] = [ANN, BOB, SYSTEM] * 8
    await asyncio.gather(*(db.write(scope, _deed("at.once")) for scope in scopes))
    assert await checked(db) == audit.AuditCheck(len(scopes))


async def test_a_deed_that_was_undone_leaves_no_entry(db: Database) -> None:
    def undone(session: GuardedSession) -> None:
        _deed("undone")(session)
        raise LookupError

    with pytest.raises(LookupError):
        await db.write(ANN, undone)
    await five_deeds(db)
    assert await checked(db) == audit.AuditCheck(5)


async def test_two_deeds_in_one_transaction_are_two_entries(db: Database) -> None:
    await db.write(ANN, lambda s: [_deed("one")(s), _deed("two")(s)])
    assert [one.action for one in await db.read(ANN, audit.recent)] == ["two", "one"]
    assert await checked(db) == audit.AuditCheck(2)


async def test_whatever_is_noted_can_be_checked_again(db: Database) -> None:
    noted = {
        "amount": Decimal("1.50"),
        "float": 0.1,
        "huge": 1e300,
        "count": 10**15,
        "yes": True,
        "none": None,
        "moment": MIDNIGHT,
        "id": ANN,
        "level": HaltLevel.HALT,
        "list": [1, (2.5, {"deep": b"x"})],
        "nul": "a\x00b",
        "half": "\ud800",
        7: "number as a name",
    }
    await db.write(ANN, _deed("noted", before=noted, after={}))
    assert await checked(db) == audit.AuditCheck(1)
    (entry,) = await db.read(ANN, audit.recent)
    assert entry.before is not None
    assert (entry.before["amount"], entry.before["float"], entry.before["count"]) == ("1.50", "0.1", 10**15)


async def test_everyone_reads_their_own_deeds_page_by_page(db: Database) -> None:
    await five_deeds(db)
    await db.write(BOB, _deed("of.bob"))
    assert [one.action for one in await db.read(ANN, audit.recent)] == ["deed.3", "deed.1"]
    newest = await db.read(SYSTEM, lambda s: audit.recent(s, limit=2))
    older = await db.read(SYSTEM, lambda s: audit.recent(s, limit=2, before=newest[-1].id))
    assert [one.action for one in (*newest, *older)] == ["of.bob", "deed.4", "deed.3", "deed.2"]


async def test_nobody_signs_for_another(db: Database) -> None:
    with pytest.raises(TenantError):
        await db.write(ANN, _deed("as.bob", user_id=BOB))


def _set(
    session: GuardedSession, scope: HaltScope = HaltScope.ALL, scope_id: uuid.UUID | None = None, now: datetime = MIDNIGHT
) -> Halt:
    level = HaltLevel.HALT
    return halts.set_halt(session, scope=scope, scope_id=scope_id, level=level, by="Ann", reason="enough", now=now)


async def test_a_halt_stays_in_force_until_it_is_released(db: Database) -> None:
    halt = await db.write(SYSTEM, _set)
    assert [one.id for one in await db.read(ANN, halts.active)] == [halt.id]
    await db.write(SYSTEM, lambda s: halts.completed(s, halt.id, MIDNIGHT))
    assert [one.completed_at for one in await db.read(ANN, halts.active)] == [MIDNIGHT]
    released = await db.write(SYSTEM, lambda s: halts.release(s, halt.id, by="Bob", now=MIDNIGHT))
    assert (released.released_by, released.set_by) == ("Bob", "Ann")
    assert await db.read(ANN, halts.active) == []
    with pytest.raises(NotFound):
        await db.write(SYSTEM, lambda s: halts.release(s, halt.id, by="Bob", now=MIDNIGHT))
    with pytest.raises(NotFound):
        await db.write(SYSTEM, lambda s: halts.completed(s, halt.id, MIDNIGHT))


async def test_the_same_halt_set_twice_is_one(db: Database) -> None:
    broker_id = uuid.uuid4()
    first = await db.write(SYSTEM, _set)
    again = await db.write(SYSTEM, _set)
    other = await db.write(SYSTEM, lambda s: _set(s, HaltScope.BROKER, broker_id, MIDNIGHT + timedelta(seconds=1)))
    assert first.id == again.id
    assert [one.id for one in await db.read(SYSTEM, halts.active)] == [first.id, other.id]


async def test_a_user_can_pull_the_brake(db: Database) -> None:
    await db.write(ANN, lambda s: _set(s, HaltScope.USER, ANN))
    assert [one.scope_id for one in await db.read(SYSTEM, halts.active)] == [ANN]
