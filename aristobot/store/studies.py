"""Searches for parameters: who tries what, and what came of it. A number is tried once, however many machines share a study."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from aristobot.errors import Conflict, NotFound
from aristobot.kinds import StudyStatus
from aristobot.store.paging import Place, newest
from aristobot.store.study_tables import Study, Trial
from aristobot.store.tenancy import GuardedSession, insert_once

_UNDER_WAY = (StudyStatus.QUEUED, StudyStatus.RUNNING)


def create(session: GuardedSession, row: Study) -> Study:
    """Keep a new study."""
    session.add(row)
    session.flush()
    return row


def get(session: GuardedSession, study_id: uuid.UUID) -> Study:
    """One study; NotFound for none, or another user's."""
    row = session.exec(select(Study).where(Study.id == study_id)).one_or_none()
    if row is None:
        raise NotFound(kind="study")
    return row


def recent(session: GuardedSession, limit: int = 50, before: Place | None = None) -> list[Study]:
    """The latest first."""
    return list(session.exec(newest(select(Study), Study.created_at, Study.id, limit, before)))


def under_way(session: GuardedSession) -> list[Study]:
    """Those that wait or are searched, the oldest first."""
    wanted = select(Study).where(col(Study.status).in_(_UNDER_WAY))
    return list(session.exec(wanted.order_by(col(Study.created_at), col(Study.id))))


def queue(session: GuardedSession, study_id: uuid.UUID) -> Study:
    """Have a study gone on with. Raises NotFound, and Conflict when it is under way or done."""
    row = get(session, study_id)
    if row.status.is_under_way or row.status is StudyStatus.DONE:
        raise Conflict("study_not_resumable", status=row.status.value)
    row.status, row.error, row.error_facts, row.finished_at = StudyStatus.QUEUED, "", None, None
    session.flush()
    return row


def begin(session: GuardedSession, study_id: uuid.UUID, now: datetime) -> bool:
    """From waiting to running; False when it does not wait any more."""
    change = sa.update(Study).where(col(Study.id) == study_id, col(Study.status) == StudyStatus.QUEUED)
    done: Any = session.exec(change.values(status=StudyStatus.RUNNING, started_at=now))
    return bool(done.rowcount)


def end(
    session: GuardedSession, study_id: uuid.UUID, status: StudyStatus, now: datetime, told: Mapping[str, Any] | None = None
) -> bool:
    """End a study that is not done, with what is `told` of it (columns); False when it is done or gone."""
    open_ones = (*_UNDER_WAY, StudyStatus.INTERRUPTED)
    change = sa.update(Study).where(col(Study.id) == study_id, col(Study.status).in_(open_ones))
    done: Any = session.exec(change.values(status=status, finished_at=now, **(told or {})))
    return bool(done.rowcount)


def settle(session: GuardedSession, study_id: uuid.UUID, definition: dict[str, Any], data_hash: str) -> None:
    """Keep on which candles a study began, and what it asks in full."""
    row = get(session, study_id)
    row.definition, row.data_hash = definition, data_hash


def delete(session: GuardedSession, study_id: uuid.UUID) -> None:
    """Forget a study and its trials. Raises NotFound, and Conflict `study_under_way`."""
    row = get(session, study_id)
    if row.status.is_under_way:
        raise Conflict("study_under_way")
    session.exec(sa.delete(Trial).where(col(Trial.study_id) == row.id))
    session.exec(sa.delete(Study).where(col(Study.id) == row.id))


def set_status(
    session: GuardedSession,
    study_id: uuid.UUID,
    status: StudyStatus,
    now: datetime | None,
    findings: dict[str, Any] | None = None,
) -> None:
    """Say how far a study is; `now` when it has ended."""
    row = get(session, study_id)
    row.status, row.finished_at = status, now
    row.findings = findings if findings is not None else row.findings


def claim(session: GuardedSession, wanted: Sequence[Trial], stale: datetime) -> bool:
    """Take some trials of one study, all that are not done or none: False, and nothing is taken, when another has one of them.

    What was not renewed since `stale` is taken over. Every machine asks for the same ones in the same order: of several that
    ask for new ones at once, whoever is first with the first has them all. Raises Conflict when one asks otherwise.
    """
    known = (col(Trial.study_id) == wanted[0].study_id, col(Trial.number).in_([one.number for one in wanted]))
    found = {row.number: row for row in session.exec(select(Trial).where(*known).order_by(col(Trial.number)).with_for_update())}
    left = [row for row in found.values() if row.done_at is None]
    if any(row.claimed_at >= stale for row in left):
        return False
    new = [one for one in wanted if one.number not in found]
    if new and insert_once(session, Trial, _values(new[0]), ("study_id", "number")) is None:
        return False
    for row in left:
        row.machine, row.claimed_at = wanted[0].machine, wanted[0].claimed_at
    session.add_all([*left, *new[1:]])  # one statement for all of them
    session.flush()
    return bool(left or new)


def keep(session: GuardedSession, study_id: uuid.UUID, rows: Iterable[dict[str, Any]], now: datetime) -> None:
    """Keep what came of claimed trials: number, score, figures and fault of each."""
    told = {row["number"]: row for row in rows}
    wanted = select(Trial).where(Trial.study_id == study_id, col(Trial.number).in_(told), col(Trial.done_at).is_(None))
    for one in session.exec(wanted):  # changed together, in one statement
        row = told[one.number]
        one.score, one.figures, one.fault, one.done_at = row["score"], row["figures"], row["fault"], now
    session.flush()


def done(session: GuardedSession, study_id: uuid.UUID, numbers: Sequence[int] = ()) -> list[Trial]:
    """What has been tried, in order; only these numbers when some are given."""
    wanted = select(Trial).where(Trial.study_id == study_id, col(Trial.done_at).is_not(None)).order_by(col(Trial.number))
    return list(session.exec(wanted.where(col(Trial.number).in_(numbers)) if numbers else wanted))


def tried(
    session: GuardedSession, study_id: uuid.UUID, limit: int, before: int | None = None, since: datetime | None = None
) -> list[Trial]:
    """What has been tried, the latest first: below the number `before`, and not done before `since`."""
    wanted = _done(session, study_id).order_by(col(Trial.number).desc())
    if before is not None:
        wanted = wanted.where(Trial.number < before)
    if since is not None:
        wanted = wanted.where(col(Trial.done_at) >= since)
    return list(session.exec(wanted.limit(limit)))


def best(session: GuardedSession, study_id: uuid.UUID) -> Trial | None:
    """The one with the highest score so far."""
    scored = _done(session, study_id).where(col(Trial.score).is_not(None))
    return session.exec(scored.order_by(col(Trial.score).desc(), col(Trial.number)).limit(1)).first()


def _done(session: GuardedSession, study_id: uuid.UUID) -> SelectOfScalar[Trial]:
    return select(Trial).where(Trial.study_id == get(session, study_id).id, col(Trial.done_at).is_not(None))


def count(session: GuardedSession, study_id: uuid.UUID) -> int:
    """How many sets have been tried."""
    wanted = select(sa.func.count()).select_from(Trial).where(Trial.study_id == study_id, col(Trial.done_at).is_not(None))
    return int(session.exec(wanted).one())


def worked_on(session: GuardedSession, study_id: uuid.UUID, since: datetime, but: str) -> bool:
    """Whether a machine that is not called `but…` has given a sign of life since then."""
    signs = (col(Trial.study_id) == study_id, col(Trial.done_at).is_(None), col(Trial.claimed_at) >= since)
    return session.exec(select(Trial.id).where(*signs, sa.not_(_called(but))).limit(1)).first() is not None


def take_back(session: GuardedSession, study_id: uuid.UUID, machine: str) -> None:
    """Give back what machines called `machine…` claimed and will not finish."""
    unfinished = (col(Trial.study_id) == study_id, col(Trial.done_at).is_(None))
    session.exec(sa.delete(Trial).where(*unfinished, _called(machine)))


def _called(beginning: str) -> sa.ColumnElement[bool]:
    """Whether the machine's name begins so, to the letter: for LIKE, signs of a name may stand for others."""
    return sa.func.substr(col(Trial.machine), 1, len(beginning)) == beginning


def renew(session: GuardedSession, study_id: uuid.UUID, machine: str, now: datetime) -> None:
    """Say that a machine is still at what it claimed."""
    session.exec(sa.update(Trial).where(*_unfinished(study_id, machine)).values(claimed_at=now))


def release(session: GuardedSession, study_id: uuid.UUID, machine: str) -> None:
    """Give back what a machine claimed and did not finish."""
    session.exec(sa.delete(Trial).where(*_unfinished(study_id, machine)))


def _unfinished(study_id: uuid.UUID, machine: str) -> tuple[Any, ...]:
    return col(Trial.study_id) == study_id, col(Trial.machine) == machine, col(Trial.done_at).is_(None)


def _values(one: Trial) -> dict[str, Any]:
    names = ("user_id", "study_id", "number", "fold", "parameters", "machine", "claimed_at")
    return {name: value for name in names if (value := getattr(one, name)) is not None}
