"""Whose a search is, and the row of the memory with which it can be gone on with, here or elsewhere."""

from __future__ import annotations

import os
import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from aristobot.errors import InvalidInput, StoreError
from aristobot.kinds import Role, StudyStatus
from aristobot.search.definition import Definition
from aristobot.search.findings import Findings
from aristobot.store import studies, users
from aristobot.store.database import Database
from aristobot.store.study_tables import Study
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.study_book import HOUSE, LEASE

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.candle_rows import Rows

#: Fewest candles and most trials of a search.
FEWEST, MOST_TRIALS = 100, 100_000


def study_of(user: User, definition: Definition, code: str, rows: Rows, now: datetime) -> Study:
    """A new study. Raises InvalidInput when there is too little to search in, or too much asked."""
    from aristobot.candle_rows import data_hash

    check_length(rows)
    if not 1 <= definition.trials <= MOST_TRIALS:
        raise InvalidInput("out_of_range", field="--trials", minimum=1, maximum=MOST_TRIALS)
    definition.folds  # noqa: B018 # raises for a plan that cannot be
    return Study(
        user_id=user.id,
        strategy=definition.strategy,
        status=StudyStatus.RUNNING,
        code=code,
        definition=msgspec.to_builtins(definition),
        data_hash=data_hash(rows),
        created_at=now,
    )


def check_length(rows: Rows) -> None:
    """Raise InvalidInput when there is too little to search in."""
    if len(rows) < FEWEST:
        raise InvalidInput("too_little_to_search", field="--since", count=len(rows), least=FEWEST)


def definition_of(study: Study, rows: Rows) -> Definition:
    """What a kept study asks; StoreError `other_candles` when they are not the ones it began with."""
    from aristobot.candle_rows import data_hash

    if data_hash(rows) != study.data_hash:
        raise StoreError("other_candles", study=study.id)
    return asked_of(study)


def asked_of(study: Study) -> Definition:
    """What a kept study asks."""
    return msgspec.convert(study.definition, Definition)


def findings_of(study: Study) -> Findings | None:
    """What a search found, when it is done."""
    return msgspec.convert(study.findings, Findings) if study.findings else None


async def searcher(db: Database, name: str) -> User:
    """Who searches: the user of this name, else the first administrator. Raises InvalidInput when there is none."""
    everyone = await db.read(SYSTEM, users.everyone)
    fitting = [one for one in everyone if (one.name_key == users.key_of(name) if name else one.role is Role.ADMINISTRATOR)]
    if not fitting:
        raise InvalidInput("no_such_user", field="--user", value=name)
    return fitting[0]


async def kept(db: Database, text: str) -> Study | None:
    """The study of this id; None when the text is no id. Raises NotFound for an id of nothing."""
    try:
        study_id = uuid.UUID(text)
    except ValueError:
        return None
    return await db.read(SYSTEM, lambda session: studies.get(session, study_id))


async def left_behind(db: Database, now: datetime) -> list[Study]:
    """What is under way in the memory at the start of a house, and on no other machine; its trials are free again."""
    since, found = now - timedelta(seconds=LEASE), []
    for row in await db.read(SYSTEM, studies.under_way):
        await db.write(row.user_id, partial(studies.take_back, study_id=row.id, machine=HOUSE))
        if not await db.read(row.user_id, partial(studies.worked_on, study_id=row.id, since=since, but=HOUSE)):
            found.append(row)
    return found


async def keep(db: Database, study: Study) -> Study:
    """Keep a new study."""

    def work(session: GuardedSession) -> Study:
        return studies.create(session, study)

    return await db.write(study.user_id, work)


def workers_here() -> int:
    """How many processes this machine can keep busy."""
    return os.cpu_count() or 1
