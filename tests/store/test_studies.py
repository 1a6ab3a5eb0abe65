"""Trials of a study are claimed, given back and taken over as wholes, whoever asks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import select

from aristobot.store import studies
from aristobot.store.database import Database
from aristobot.store.study_tables import Study, Trial
from aristobot.store.tenancy import SYSTEM, GuardedSession
from tests.builders import MIDNIGHT, a_user

LATER = MIDNIGHT + timedelta(minutes=5)


async def a_study(db: Database) -> Study:
    """A study of somebody."""
    user = a_user()
    study = Study(user_id=user.id, strategy="Waves", code="", created_at=MIDNIGHT)

    def work(session: GuardedSession) -> Study:
        session.add(user)
        session.flush()
        session.add(study)
        return study

    return await db.write(SYSTEM, work)


async def claim(db: Database, study: Study, numbers: Sequence[int], machine: str, *, late: bool = False) -> bool:
    """Ask for trials, at midnight or five minutes later; what is older than a minute is taken over."""
    now = LATER if late else MIDNIGHT

    def trial(number: int) -> Trial:
        return Trial(
            user_id=study.user_id, study_id=study.id, number=number, fold=0, parameters={}, machine=machine, claimed_at=now
        )

    rows = [trial(number) for number in numbers]
    return await db.write(study.user_id, lambda s: studies.claim(s, rows, now - timedelta(minutes=1)))


async def tried(db: Database, study: Study, *numbers: int) -> None:
    """Say what came of these."""
    told = [{"number": number, "score": 1.0, "figures": {}, "fault": ""} for number in numbers]
    await db.write(study.user_id, lambda s: studies.keep(s, study.id, told, MIDNIGHT))


async def held(db: Database, study: Study) -> dict[int, str]:
    """Who is at work on what."""
    rows: list[Trial] = await db.read(study.user_id, lambda s: list(s.exec(select(Trial).where(Trial.study_id == study.id))))
    return {row.number: row.machine for row in rows if row.done_at is None}


async def test_what_another_has_in_part_is_not_taken_at_all(db: Database) -> None:
    study = await a_study(db)
    assert await claim(db, study, [2, 3], "one:1")
    assert not await claim(db, study, [1, 2, 3], "two:1")
    assert await held(db, study) == {2: "one:1", 3: "one:1"}
    assert await claim(db, study, [1], "old:1", late=False)
    await db.write(study.user_id, lambda s: studies.renew(s, study.id, "one:1", LATER))
    assert not await claim(db, study, [1, 2, 3], "two:1", late=True)
    assert await held(db, study) == {1: "old:1", 2: "one:1", 3: "one:1"}


async def test_what_is_left_of_a_batch_whose_machine_died_is_taken_over(db: Database) -> None:
    study = await a_study(db)
    assert await claim(db, study, [1, 2, 3], "dead:1")
    await tried(db, study, 1)
    assert await claim(db, study, [1, 2, 3], "two:1", late=True)
    assert await held(db, study) == {2: "two:1", 3: "two:1"}
    await tried(db, study, 2, 3)
    assert not await claim(db, study, [1, 2, 3], "three:1", late=True)


async def test_a_name_in_which_signs_could_stand_for_others_stands_for_itself_alone(db: Database) -> None:
    study, now = await a_study(db), MIDNIGHT
    for number, machine in enumerate(("a_b:1", "axb:1", "A_b:1")):
        assert await claim(db, study, [number], machine)
    await db.write(study.user_id, lambda s: studies.take_back(s, study.id, "a_b"))
    assert await held(db, study) == {1: "axb:1", 2: "A_b:1"}
    await db.write(study.user_id, lambda s: studies.take_back(s, study.id, "A_b"))
    assert await db.read(study.user_id, lambda s: studies.worked_on(s, study.id, now, but="a_b"))
    assert not await db.read(study.user_id, lambda s: studies.worked_on(s, study.id, now, but="axb"))
    assert await db.read(study.user_id, lambda s: studies.worked_on(s, study.id, now, but=uuid.uuid4().hex))
