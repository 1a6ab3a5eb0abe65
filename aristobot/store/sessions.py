"""Logins: the browser holds a token, these rows hold its hash."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.store.tables import LoginSession
from aristobot.store.tenancy import GuardedSession


def create(session: GuardedSession, row: LoginSession) -> LoginSession:
    """Add a login."""
    session.add(row)
    session.flush()
    return row


def by_hash(session: GuardedSession, token_hash: str) -> LoginSession | None:
    """The login of this token, over or not."""
    return session.exec(select(LoginSession).where(LoginSession.token_hash == token_hash)).one_or_none()


def touch(session: GuardedSession, session_id: uuid.UUID, now: datetime) -> None:
    """Note when it was last used."""
    seen = sa.update(LoginSession).where(col(LoginSession.id) == session_id, col(LoginSession.last_seen_at) < now)
    session.exec(seen.values(last_seen_at=now))


def end(session: GuardedSession, session_id: uuid.UUID, now: datetime) -> LoginSession | None:
    """End a login; its row, or None when it is not there or was over before."""
    living = select(LoginSession).where(LoginSession.id == session_id, col(LoginSession.ended_at).is_(None))
    row = session.exec(living).one_or_none()
    if row is not None:
        row.ended_at = now
        session.add(row)
        session.flush()
    return row


def of_user(session: GuardedSession) -> list[LoginSession]:
    """The user's logins, over or not, the most recently used first."""
    return list(session.exec(select(LoginSession).order_by(col(LoginSession.last_seen_at).desc())))


def forget_before(session: GuardedSession, moment: datetime) -> int:
    """Delete logins that expired before `moment`; how many."""
    return session.exec(sa.delete(LoginSession).where(col(LoginSession.expires_at) < moment)).rowcount
