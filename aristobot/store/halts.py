"""The kill switch, remembered: what is stopped, by whom, since when, until whose release."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlmodel import col, select

from aristobot.errors import NotFound
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.store.questions import Question
from aristobot.store.tables import Halt
from aristobot.store.tenancy import GuardedSession


def active(session: GuardedSession) -> list[Halt]:
    """All halts in force, the oldest first."""
    return _IN_FORCE.all(session)


_IN_FORCE = Question[Halt](select(Halt).where(col(Halt.released_at).is_(None)).order_by(col(Halt.set_at), col(Halt.id)))


def set_halt(
    session: GuardedSession,
    *,
    scope: HaltScope,
    scope_id: uuid.UUID | None,
    level: HaltLevel,
    by: str,
    reason: str,
    now: datetime,
) -> Halt:
    """Stop a scope at a level. Setting the same once more changes nothing and gives the one in force."""
    same = [halt for halt in active(session) if (halt.scope, halt.scope_id, halt.level) == (scope, scope_id, level)]
    if same:
        return same[0]
    row = Halt(scope=scope, scope_id=scope_id, level=level, reason=reason, set_by=by, set_at=now)
    session.add(row)
    session.flush()
    return row


def release(session: GuardedSession, halt_id: uuid.UUID, *, by: str, now: datetime) -> Halt:
    """Lift a halt; NotFound when it is not in force."""
    row = _in_force(session, halt_id)
    row.released_at, row.released_by = now, by
    session.add(row)
    session.flush()
    return row


def completed(session: GuardedSession, halt_id: uuid.UUID, now: datetime) -> Halt:
    """Note that what a halt orders to be done has been done; it stays in force. NotFound when it is not."""
    row = _in_force(session, halt_id)
    row.completed_at = row.completed_at or now
    session.add(row)
    session.flush()
    return row


def _in_force(session: GuardedSession, halt_id: uuid.UUID) -> Halt:
    row = session.exec(select(Halt).where(Halt.id == halt_id, col(Halt.released_at).is_(None))).one_or_none()
    if row is None:
        raise NotFound(kind="halt")
    return row
