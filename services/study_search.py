"""What the process of a search does: the study out of the memory, its candles, whoever plays, the search, and its answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aristobot.clock import SystemClock
from aristobot.store import studies
from aristobot.store.database import Database
from aristobot.store.study_tables import Study
from services import study_candles, study_sources
from services.optimiser import Advance, Optimiser
from services.study_book import HouseBook
from services.trial_crew import Crew, crew

if TYPE_CHECKING:
    from aristobot.candle_rows import Rows
    from aristobot.search.definition import Definition

Tell = Callable[[dict[str, Any]], None]


async def search(wanted: dict[str, Any], tell: Tell) -> None:
    """The whole search of one study. Raises AristobotError for what cannot be searched."""
    user_id, study_id = uuid.UUID(wanted["user_id"]), uuid.UUID(wanted["study_id"])
    clock, db = SystemClock(), Database(wanted["database_url"])
    try:
        study = await db.read(user_id, lambda session: studies.get(session, study_id))
        rows = await study_candles.candles_of(Path(wanted["data_dir"]), study_sources.asked_of(study))
        with crew(study.workers or study_sources.workers_here(), study.scheduler) as hands:
            asked = await _settled(db, study, rows, hands)
            book = HouseBook(db, clock, user_id, study_id)
            await Optimiser(clock, book, hands, partial(_told, tell)).run(asked, study.code, rows)
    finally:
        await db.close()


async def _settled(db: Database, study: Study, rows: Rows, hands: Crew) -> Definition:
    """What the study asks; the first time with its candles and with enough tasks for everybody who plays."""
    from aristobot.candle_rows import data_hash

    if study.data_hash:
        return study_sources.definition_of(study, rows)
    asked = study_sources.asked_of(study)
    study_sources.check_length(rows)
    asked = msgspec.structs.replace(asked, ahead=max(asked.ahead, 2 * hands.size))
    settle = partial(studies.settle, study_id=study.id, definition=msgspec.to_builtins(asked), data_hash=data_hash(rows))
    await db.write(study.user_id, settle)
    return asked


def _told(tell: Tell, advance: Advance) -> None:
    best = None if advance.best is None else advance.best.score
    tell({"tried": advance.done, "total": advance.total, "seconds_left": advance.seconds_left, "best": best})
