"""The household. Found by a user's own session: themselves alone; by SYSTEM's: everybody."""

from __future__ import annotations

import unicodedata
import uuid

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import NotFound
from aristobot.kinds import Role
from aristobot.store.lookups import row_where
from aristobot.store.questions import Question
from aristobot.store.tables import User
from aristobot.store.tenancy import GuardedSession


def key_of(name: str) -> str:
    """What makes two names the same: case, width and spaces around do not count."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def get(session: GuardedSession, user_id: uuid.UUID) -> User:
    """The user; NotFound."""
    row = row_where(session, User, "id", user_id)
    if row is None:
        raise NotFound(kind="user")
    return row


def by_name(session: GuardedSession, name: str) -> User | None:
    """The user of this name, however it is written."""
    return row_where(session, User, "name_key", key_of(name))


def create(session: GuardedSession, row: User) -> User:
    """Add a user; Conflict when the name is taken. SYSTEM alone may."""
    session.add(row)
    session.flush()
    return row


def everyone(session: GuardedSession) -> list[User]:
    """All users, the oldest first."""
    return _EVERYONE.all(session)


_EVERYONE = Question[User](select(User).order_by(col(User.created_at), col(User.name_key)))


def active_count(session: GuardedSession) -> int:
    """How many may log in."""
    return session.exec(select(sa.func.count(col(User.id))).where(col(User.is_active))).one()


def role_of(session: GuardedSession, user_id: uuid.UUID) -> Role | None:
    """What the user may do; None when there is no such user."""
    row = row_where(session, User, "id", user_id)
    return row.role if row is not None else None


def is_administrator(session: GuardedSession, user_id: uuid.UUID) -> bool:
    """Whether the user runs the house."""
    return get(session, user_id).role is Role.ADMINISTRATOR


def advance_totp(session: GuardedSession, user_id: uuid.UUID, step: int) -> bool:
    """Use a time step of the second factor up; False when it, or a later one, was used already. Only one caller gets True."""
    used = sa.update(User).where(col(User.id) == user_id, col(User.totp_last_step) < step).values(totp_last_step=step)
    return session.exec(used).rowcount == 1
