"""Accounts at exchanges, and the tokens that let alerts in."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import Conflict, NotFound
from aristobot.kinds import BrokerAccess, BrokerMode
from aristobot.store.lookups import row_where
from aristobot.store.questions import Question
from aristobot.store.tables import Broker, WebhookToken
from aristobot.store.tenancy import GuardedSession, owner_of


def mine(session: GuardedSession, *, with_deleted: bool = False) -> list[Broker]:
    """The user's brokers, the default one first, then as they were added."""
    return (_ALL if with_deleted else _LIVING).all(session)


_all = select(Broker).order_by(col(Broker.is_default).desc(), col(Broker.created_at), col(Broker.id))
_ALL = Question[Broker](_all)
_LIVING = Question[Broker](_all.where(col(Broker.deleted_at).is_(None)))


def tradable(session: GuardedSession) -> list[Broker]:
    """Every broker of every user that is not deleted. For SYSTEM."""
    return mine(session)


def get(session: GuardedSession, broker_id: uuid.UUID) -> Broker:
    """The broker; NotFound when there is none, when it is deleted, and when it is another user's."""
    row = row_where(session, Broker, "id", broker_id)
    if row is None or row.deleted_at is not None:
        raise NotFound(kind="broker")
    return row


def create(session: GuardedSession, row: Broker) -> Broker:
    """Add a broker."""
    session.add(row)
    session.flush()
    return row


def save(session: GuardedSession, broker_id: uuid.UUID, version: int, **values: Any) -> Broker:
    """Change a broker that was read at `version`; Conflict when somebody changed it since, NotFound."""
    row = get(session, broker_id)
    if row.version != version:
        raise Conflict("changed_meanwhile", kind="broker")
    for name, value in values.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return row


def set_default(session: GuardedSession, broker_id: uuid.UUID | None) -> None:
    """Make it its owner's only default; None: the user of this session has none. NotFound."""
    chosen = get(session, broker_id) if broker_id is not None else None
    owner = chosen.user_id if chosen is not None else owner_of(session)
    for row in session.exec(select(Broker).where(Broker.user_id == owner, col(Broker.is_default))).all():
        row.is_default = row is chosen
        session.add(row)
    session.flush()  # the old one first: there is never a moment with two
    if chosen is not None:
        chosen.is_default = True
        session.add(chosen)
        session.flush()


def remove(session: GuardedSession, broker_id: uuid.UUID, now: datetime) -> Broker:
    """Wipe its keys and its tokens, switch it off, keep its history. NotFound."""
    row = get(session, broker_id)
    row.api_key_sealed = row.api_secret_sealed = row.passphrase_sealed = row.key_last_four = ""
    row.key_rights = row.endpoints = None
    row.mode, row.access, row.is_default, row.deleted_at = BrokerMode.OFF, BrokerAccess.READ_ONLY, False, now
    session.add(row)
    session.exec(sa.delete(WebhookToken).where(col(WebhookToken.broker_id) == broker_id))
    session.flush()
    return row


def add_token(
    session: GuardedSession, broker: Broker, token_hash: str, last_four: str, now: datetime, overlap: timedelta
) -> WebhookToken:
    """A new lasting token; those before it expire when `overlap` is over, or when they would have anyway."""
    until = now + overlap
    older = col(WebhookToken.expires_at).is_(None) | (col(WebhookToken.expires_at) > until)
    session.exec(sa.update(WebhookToken).where(col(WebhookToken.broker_id) == broker.id, older).values(expires_at=until))
    session.exec(sa.delete(WebhookToken).where(col(WebhookToken.broker_id) == broker.id, col(WebhookToken.expires_at) <= now))
    return _add(session, broker, token_hash, last_four, created_at=now, expires_at=None)


def add_passing_token(
    session: GuardedSession, broker: Broker, token_hash: str, last_four: str, now: datetime, life: timedelta
) -> WebhookToken:
    """A token for a test, beside the lasting ones."""
    return _add(session, broker, token_hash, last_four, created_at=now, expires_at=now + life)


def tokens_of(session: GuardedSession, broker_id: uuid.UUID, now: datetime) -> list[WebhookToken]:
    """The tokens valid at `now`, the newest first."""
    wanted = select(WebhookToken).where(WebhookToken.broker_id == broker_id, _valid(now))
    return list(session.exec(wanted.order_by(col(WebhookToken.created_at).desc())))


def _valid(now: datetime) -> sa.ColumnElement[bool]:
    return col(WebhookToken.expires_at).is_(None) | (col(WebhookToken.expires_at) > now)


def _add(session: GuardedSession, broker: Broker, token_hash: str, last_four: str, **moments: Any) -> WebhookToken:
    row = WebhookToken(user_id=broker.user_id, broker_id=broker.id, token_hash=token_hash, last_four=last_four, **moments)
    session.add(row)
    session.flush()
    return row
