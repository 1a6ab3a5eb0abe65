"""Searches for parameters: who tries what, and what came of it. A number is tried once, however many machines share a study."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import NotFound
from aristobot.kinds import StudyStatus
from aristobot.store.study_tables import Study, Trial
from aristobot.store.tenancy import GuardedSession, insert_once


def create(session: GuardedSession, row: Study) -> Study:
    """Keep a new study."""
    session.add(row)
    session.flush()
    return row


def get(session: GuardedSession, study_id: uuid.UUID) -> Study:
    """One study; NotFound for none, or another user's."""
    row = session.exec(select(Study).where(Study.id == study_id)).one_or_none()
    if row is None:
        raise NotFound(what=str(study_id))
    return row


def recent(session: GuardedSession, limit: int = 50) -> list[Study]:
    """The latest first."""
    return list(session.exec(select(Study).order_by(col(Study.created_at).desc()).limit(limit)))


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
    """Take some trials of one study, all or none: False when another has them. What was not renewed since `stale` is taken over.

    Every machine asks for the same ones together, so that the first number decides for all.
    """
    first, *others = wanted
    if insert_once(session, Trial, _values(first), ("study_id", "number")) is None:
        taken = (
            sa.update(Trial)
            .where(
                col(Trial.study_id) == first.study_id,
                col(Trial.number).in_([one.number for one in wanted]),
                col(Trial.done_at).is_(None),
                col(Trial.claimed_at) < stale,
            )
            .values(machine=first.machine, claimed_at=first.claimed_at)
        )
        return session.exec(taken).rowcount == len(wanted)
    for one in others:
        insert_once(session, Trial, _values(one), ("study_id", "number"))
    return True


def keep(session: GuardedSession, study_id: uuid.UUID, rows: Iterable[dict[str, Any]], now: datetime) -> None:
    """Keep what came of claimed trials: number, score, figures and fault of each."""
    for row in rows:
        known = (col(Trial.study_id) == study_id, col(Trial.number) == row["number"], col(Trial.done_at).is_(None))
        told = {name: row[name] for name in ("score", "figures", "fault")}
        session.exec(sa.update(Trial).where(*known).values(done_at=now, **told))


def done(session: GuardedSession, study_id: uuid.UUID, numbers: Sequence[int] = ()) -> list[Trial]:
    """What has been tried, in order; only these numbers when some are given."""
    wanted = select(Trial).where(Trial.study_id == study_id, col(Trial.done_at).is_not(None)).order_by(col(Trial.number))
    return list(session.exec(wanted.where(col(Trial.number).in_(numbers)) if numbers else wanted))


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
