"""Strategies in the memory: every saved text is a version that never changes, and nobody sees another's."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from aristobot.errors import Conflict, NotFound
from aristobot.kinds import ActivationStatus
from aristobot.store import strategies
from aristobot.store.database import Database
from aristobot.store.strategy_tables import Activation, StrategyRow, StrategyVersion
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from tests.builders import MIDNIGHT, a_broker, a_user


@pytest.fixture
async def ann(db: Database) -> User:
    """A trader."""
    user = a_user(name="Ann")
    await db.write(SYSTEM, lambda s: s.add(user))
    return user


def a_strategy(user: User, name: str = "Cross") -> StrategyRow:
    key = strategies.name_key(name)
    return StrategyRow(user_id=user.id, name=name, name_key=key, created_at=MIDNIGHT, updated_at=MIDNIGHT)


def save(session: GuardedSession, row: StrategyRow, *codes: str) -> list[StrategyVersion]:
    return [strategies.add_version(session, row, code, "", MIDNIGHT) for code in codes]


async def test_each_text_that_differs_is_the_next_version(db: Database, ann: User) -> None:
    row = await db.write(ann.id, lambda s: strategies.create(s, a_strategy(ann)))
    saved = await db.write(ann.id, lambda s: save(s, row, "a = 1", "a = 1", "a = 2", "a = 1"))
    assert [one.number for one in saved] == [1, 1, 2, 3]
    assert saved[0].hash == saved[3].hash == strategies.hash_of("a = 1")
    kept = await db.read(ann.id, lambda s: strategies.versions(s, row.id))
    assert [(one.number, one.code) for one in kept] == [(3, "a = 1"), (2, "a = 2"), (1, "a = 1")]
    assert await db.read(ann.id, strategies.latest_numbers) == {row.id: 3}
    assert (await db.read(ann.id, lambda s: strategies.numbered(s, row.id, 2))).code == "a = 2"
    with pytest.raises(NotFound):
        await db.read(ann.id, lambda s: strategies.numbered(s, row.id, 4))


async def test_two_living_strategies_never_share_a_name_and_the_archive_frees_it(db: Database, ann: User) -> None:
    first = await db.write(ann.id, lambda s: strategies.create(s, a_strategy(ann, "Cross")))
    with pytest.raises(Conflict, match="name_taken"):
        await db.write(ann.id, lambda s: strategies.create(s, a_strategy(ann, " CROSS ")))
    await db.write(ann.id, lambda s: strategies.change(s, first.id, archived_at=MIDNIGHT))
    second = await db.write(ann.id, lambda s: strategies.create(s, a_strategy(ann, "Cross")))
    with pytest.raises(Conflict, match="name_taken"):
        await db.write(ann.id, lambda s: strategies.change(s, first.id, archived_at=None))
    assert [one.id for one in await db.read(ann.id, strategies.mine)] == [second.id]
    assert [one.id for one in await db.read(ann.id, lambda s: strategies.mine(s, archived=True))] == [first.id]


async def test_strategies_and_versions_of_others_are_not_there(db: Database, ann: User) -> None:
    bob = a_user(name="Bob")
    await db.write(SYSTEM, lambda s: s.add(bob))
    row = await db.write(ann.id, lambda s: strategies.create(s, a_strategy(ann)))
    (saved,) = await db.write(ann.id, lambda s: save(s, row, "a = 1"))
    assert await db.read(bob.id, strategies.mine) == []
    assert await db.read(bob.id, strategies.latest_numbers) == {}
    for reading in (lambda s: strategies.get(s, row.id), lambda s: strategies.version(s, saved.id)):
        with pytest.raises(NotFound):
            await db.read(bob.id, reading)
    await db.write(bob.id, lambda s: strategies.create(s, a_strategy(bob, "Cross")))  # a name of Ann's is no name of Bob's


async def test_what_the_checks_found_is_kept_with_the_version(db: Database, ann: User) -> None:
    row = await db.write(ann.id, lambda s: strategies.create(s, a_strategy(ann)))
    (saved,) = await db.write(ann.id, lambda s: save(s, row, "a = 1"))
    later = MIDNIGHT + timedelta(minutes=1)
    await db.write(ann.id, lambda s: strategies.keep_review(s, saved.id, {"sound": False}, later))
    kept = await db.read(ann.id, lambda s: strategies.version(s, saved.id))
    assert (kept.review, kept.reviewed_at, kept.code) == ({"sound": False}, later, "a = 1")


@pytest.mark.parametrize("status", list(ActivationStatus))
async def test_a_strategy_runs_while_one_of_its_versions_does(db: Database, ann: User, status: ActivationStatus) -> None:
    broker = a_broker(ann)
    await db.write(ann.id, lambda s: s.add(broker))
    row = await db.write(ann.id, lambda s: strategies.create(s, a_strategy(ann)))
    (saved,) = await db.write(ann.id, lambda s: save(s, row, "a = 1"))
    activation = Activation(
        user_id=ann.id,
        version_id=saved.id,
        broker_id=broker.id,
        symbol="BTC/USDT",
        timeframe="1h",
        status=status,
        created_at=MIDNIGHT,
        updated_at=MIDNIGHT,
    )
    await db.write(ann.id, lambda s: s.add(activation))
    assert await db.read(ann.id, lambda s: strategies.is_running(s, row.id)) is (status != "stopped")
    assert not await db.read(ann.id, lambda s: strategies.is_running(s, uuid.uuid4()))
