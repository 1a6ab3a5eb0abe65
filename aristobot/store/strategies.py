"""Strategies, their versions and their drafts."""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import Conflict, NotFound
from aristobot.kinds import ActivationStatus
from aristobot.store.strategy_tables import Activation, StrategyRow, StrategyVersion
from aristobot.store.tenancy import GuardedSession


def name_key(name: str) -> str:
    """The name as it is compared."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def hash_of(code: str) -> str:
    """SHA-256 of the text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(code.encode()).hexdigest()


def mine(session: GuardedSession, *, archived: bool = False) -> list[StrategyRow]:
    """The user's strategies by name: those that live, or those in the archive."""
    wanted = select(StrategyRow).order_by(col(StrategyRow.name_key), col(StrategyRow.id))
    there = col(StrategyRow.archived_at)
    return list(session.exec(wanted.where(there.is_not(None) if archived else there.is_(None))))


def get(session: GuardedSession, strategy_id: uuid.UUID) -> StrategyRow:
    """The strategy, archived or not; NotFound when there is none, and when it is another user's."""
    row = session.exec(select(StrategyRow).where(StrategyRow.id == strategy_id)).one_or_none()
    if row is None:
        raise NotFound(kind="strategy")
    return row


def by_name(session: GuardedSession, name: str) -> StrategyRow | None:
    """The living strategy of that name, however it is written."""
    wanted = select(StrategyRow).where(StrategyRow.name_key == name_key(name), col(StrategyRow.archived_at).is_(None))
    return session.exec(wanted).one_or_none()


def create(session: GuardedSession, row: StrategyRow) -> StrategyRow:
    """Add a strategy; Conflict `name_taken` when a living one of its owner bears the name."""
    _refuse_taken(session, row)
    session.add(row)
    session.flush()
    return row


def change(session: GuardedSession, strategy_id: uuid.UUID, **values: Any) -> StrategyRow:
    """Change a strategy. NotFound; Conflict `name_taken` when it would share its name with a living one."""
    row = get(session, strategy_id)
    for name, value in values.items():
        setattr(row, name, value)
    if row.archived_at is None:
        _refuse_taken(session, row)
    session.add(row)
    session.flush()
    return row


def _refuse_taken(session: GuardedSession, row: StrategyRow) -> None:
    with session.no_autoflush:
        other = by_name(session, row.name)
    if other is not None and other.id != row.id:
        raise Conflict("name_taken", kind="strategy", value=row.name)


def add_version(session: GuardedSession, strategy: StrategyRow, code: str, note: str, now: datetime) -> StrategyVersion:
    """The text as the next version; the newest one itself when it holds the same text."""
    last = latest(session, strategy.id)
    if last is not None and last.hash == hash_of(code):
        return last
    row = StrategyVersion(
        user_id=strategy.user_id,
        strategy_id=strategy.id,
        number=1 if last is None else last.number + 1,
        code=code,
        hash=hash_of(code),
        note=note,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def versions(session: GuardedSession, strategy_id: uuid.UUID) -> list[StrategyVersion]:
    """Every version of a strategy, the newest first."""
    wanted = select(StrategyVersion).where(StrategyVersion.strategy_id == strategy_id)
    return list(session.exec(wanted.order_by(col(StrategyVersion.number).desc())))


def latest(session: GuardedSession, strategy_id: uuid.UUID) -> StrategyVersion | None:
    """The newest version."""
    wanted = select(StrategyVersion).where(StrategyVersion.strategy_id == strategy_id)
    return session.exec(wanted.order_by(col(StrategyVersion.number).desc()).limit(1)).one_or_none()


def latest_numbers(session: GuardedSession) -> dict[uuid.UUID, int]:
    """The number of the newest version of each strategy."""
    wanted = select(StrategyVersion.strategy_id, sa.func.max(col(StrategyVersion.number)))
    return {one: number for one, number in session.exec(wanted.group_by(col(StrategyVersion.strategy_id)))}


def version(session: GuardedSession, version_id: uuid.UUID) -> StrategyVersion:
    """The version; NotFound when there is none, and when it is another user's."""
    row = session.exec(select(StrategyVersion).where(StrategyVersion.id == version_id)).one_or_none()
    if row is None:
        raise NotFound(kind="strategy_version")
    return row


def numbered(session: GuardedSession, strategy_id: uuid.UUID, number: int) -> StrategyVersion:
    """The version of that number; NotFound."""
    wanted = select(StrategyVersion).where(StrategyVersion.strategy_id == strategy_id, StrategyVersion.number == number)
    row = session.exec(wanted).one_or_none()
    if row is None:
        raise NotFound(kind="strategy_version")
    return row


def keep_review(session: GuardedSession, version_id: uuid.UUID, review: dict[str, Any], now: datetime) -> StrategyVersion:
    """Remember with a version what its checks and its trial run found. NotFound."""
    row = version(session, version_id)
    row.review, row.reviewed_at = review, now
    session.add(row)
    session.flush()
    return row


def is_running(session: GuardedSession, strategy_id: uuid.UUID) -> bool:
    """Whether a version of it is at work, or paused with its exits in place."""
    wanted = (
        select(Activation.id)
        .join(StrategyVersion, col(StrategyVersion.id) == col(Activation.version_id))
        .where(
            StrategyVersion.strategy_id == strategy_id,
            Activation.status != ActivationStatus.STOPPED,
        )
    )
    return session.exec(wanted.limit(1)).first() is not None


def stoppable(session: GuardedSession, scope_id: uuid.UUID) -> StrategyRow:
    """The strategy of that id, or the one that the activation of that id runs: either may be stopped. NotFound."""
    wanted = (
        select(StrategyVersion.strategy_id)
        .join(Activation, col(Activation.version_id) == col(StrategyVersion.id))
        .where(Activation.id == scope_id)
    )
    return get(session, session.exec(wanted).one_or_none() or scope_id)
