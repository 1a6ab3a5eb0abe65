"""Bearer tokens of the API, as hashes."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import NotFound
from aristobot.store.tables import ApiToken
from aristobot.store.tenancy import GuardedSession


def create(session: GuardedSession, row: ApiToken) -> ApiToken:
    """Add a token."""
    session.add(row)
    session.flush()
    return row


def by_hash(session: GuardedSession, token_hash: str) -> ApiToken | None:
    """The token with this hash, revoked or not."""
    return session.exec(select(ApiToken).where(ApiToken.token_hash == token_hash)).one_or_none()


def of_user(session: GuardedSession) -> list[ApiToken]:
    """The user's tokens, revoked ones too, the newest first."""
    return list(session.exec(select(ApiToken).order_by(col(ApiToken.created_at).desc())))


def revoke(session: GuardedSession, token_id: uuid.UUID, now: datetime) -> ApiToken:
    """End a token for good and return its row; NotFound when there is none. Revoking twice changes nothing."""
    row = session.exec(select(ApiToken).where(ApiToken.id == token_id)).one_or_none()
    if row is None:
        raise NotFound(kind="token")
    row.revoked_at = row.revoked_at or now
    session.add(row)
    return row


def touch(session: GuardedSession, token_id: uuid.UUID, now: datetime) -> None:
    """Note when it was last used."""
    session.exec(sa.update(ApiToken).where(col(ApiToken.id) == token_id).values(last_used_at=now))
