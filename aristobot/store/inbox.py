"""The ingress's insert: alerts that arrive together share one transaction and one fsync.

An alert is stored once. Its `dedupe_key` is the sender's own id, else a hash of token and body with the number of the time
window in which it came; a row of the same window, or one of a neighbouring window that is younger than the window is long,
makes it a duplicate. So the unique index on (broker_id, dedupe_key) carries the rule.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.clock import to_milliseconds
from aristobot.kinds import Role
from aristobot.store import prepared
from aristobot.store.database import Database
from aristobot.store.group_commit import GroupCommit
from aristobot.store.questions import Question
from aristobot.store.tables import Broker, User, WebhookToken
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Webhook

#: TradingView re-sends within 15 s; a body that carries its firing time may come again for a whole minute.
WEAK_WINDOW = timedelta(seconds=20)
TIMED_WINDOW = timedelta(seconds=60)
#: Columns that the engine writes; they begin as NULL.
_FILLED_LATER = frozenset({"outcome", "reason_facts", "result", "finished_at"})
_NOT_BEGUN: Mapping[str, Any] = {}
_NONE_BEGUN: Mapping[uuid.UUID, Mapping[str, Any]] = {}
_LOOKUP = """SELECT w.broker_id, w.dedupe_key, w.id, w.trace_id, w.received_at
    FROM (VALUES $keys) AS k CROSS JOIN webhooks AS w WHERE w.broker_id = k.column1 AND w.dedupe_key = k.column2"""

Key = tuple[uuid.UUID, str]


def new_row_id(now: datetime) -> uuid.UUID:
    """An id that begins with the moment (RFC 9562, 5.7), so that new rows stand side by side in every index that holds it.

    With ids all over an index each alert of a storm writes pages of its own. It is no secret, and so asks no kernel for chance.
    """
    chance = random.getrandbits(74)
    return uuid.UUID(int=to_milliseconds(now) << 80 | 0x7 << 76 | chance >> 62 << 64 | 0b10 << 62 | chance & (1 << 62) - 1)


class Alert(msgspec.Struct, frozen=True):
    """What the ingress hands in: for whom, when, from where, the body, and the columns that `signals.parse` filled.

    `id` becomes the row's, and its 32 hexadecimal digits the trace of everything that the alert causes.

    `identity` is the sender's own id; without one, `token_hash` and the body make it, inside a window whose length
    depends on `has_time`.
    """

    user_id: uuid.UUID
    broker_id: uuid.UUID
    received_at: datetime
    payload: bytes
    token_hash: str
    source: str = ""
    identity: str | None = None
    has_time: bool = False
    row: dict[str, Any] = msgspec.field(default_factory=dict)
    id: uuid.UUID = msgspec.field(default_factory=uuid.uuid4)

    @property
    def trace_id(self) -> str:
        """The trace that begins with this alert."""
        return self.id.hex


@dataclass(frozen=True, slots=True)
class Stored:
    """The row that holds the alert: its own, or (`duplicate`) the row of the alert that came first."""

    id: uuid.UUID
    trace_id: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """Whose broker a token speaks to, and until when."""

    user_id: uuid.UUID
    broker_id: uuid.UUID
    expires_at: datetime | None


def token_owners(session: GuardedSession) -> dict[str, TokenOwner]:
    """Every token of a living broker of somebody who may trade, by its hash."""
    return {row.token_hash: TokenOwner(row.user_id, row.broker_id, row.expires_at) for row in _GOOD_TOKENS.all(session)}


_GOOD_TOKENS = Question[WebhookToken](
    select(WebhookToken)
    .join(Broker, col(Broker.id) == WebhookToken.broker_id)
    .join(User, col(User.id) == WebhookToken.user_id)
    .where(col(Broker.deleted_at).is_(None), col(User.is_active), col(User.role) != Role.VIEWER)
)


def note_use(session: GuardedSession, token_hash: str, now: datetime) -> None:
    """Remember when a token last brought an alert."""
    session.exec(sa.update(WebhookToken).where(col(WebhookToken.token_hash) == token_hash).values(last_used_at=now))


class AlertInbox:
    """Stores alerts with group commit: whatever arrives while one commit runs shares the next.

    `commits` are those of `urgent.py` where alerts share theirs with the orders that they cause.
    """

    def __init__(self, db: Database, commits: GroupCommit[Any, Any] | None = None) -> None:
        self._commits: GroupCommit[Alert, Stored] = commits or GroupCommit(
            db, partial(insert, on_sqlite=db.is_sqlite), urgent=True
        )

    async def add(self, alert: Alert) -> Stored:
        """Store the alert and return when it is durable. Raises StoreError when it could not be stored."""
        return await self._commits.add(alert)


class _First(NamedTuple):
    """The row that came first under a key."""

    id: uuid.UUID
    trace_id: str
    received_at: datetime


def insert(
    connection: Any, alerts: Sequence[Alert], *, on_sqlite: bool, begun: Mapping[uuid.UUID, Mapping[str, Any]] = _NONE_BEGUN
) -> list[Stored]:
    """Insert the alerts inside the open transaction of a driver connection; one answer each, in their order.

    `begun` has the columns of those that are under work already.
    """
    keys = [_keys(alert) for alert in alerts]
    wanted = {(alert.broker_id, key) for alert, own in zip(alerts, keys, strict=True) for key in own}
    known = _existing(connection, wanted, on_sqlite)
    results: list[Stored] = []
    rows: list[list[Any]] = []
    for alert, own in zip(alerts, keys, strict=True):
        found = (known.get((alert.broker_id, key)) for key in own)
        first = next((row for row in found if row and _is_same(alert, row)), None)
        results.append(Stored(first.id, first.trace_id, True) if first else Stored(alert.id, alert.trace_id, False))
        if first is None:
            known[alert.broker_id, own[0]] = _First(alert.id, alert.trace_id, alert.received_at)
            rows.append(_encoded(alert, own[0], begun.get(alert.id, _NOT_BEGUN), on_sqlite))
    while rows:
        # as few statements as possible: with each the driver gives the interpreter away, and on a busy loop waits to get it back
        size = min(1 << (len(rows).bit_length() - 1), prepared.LARGEST_INSERT)
        connection.execute(_insert_sql(size, on_sqlite), [value for row in rows[:size] for value in row])
        del rows[:size]
    return results


def _window(alert: Alert) -> timedelta:
    return TIMED_WINDOW if alert.has_time else WEAK_WINDOW


def _keys(alert: Alert) -> list[str]:
    """The key under which the alert would be stored, then the others under which it may already stand."""
    if alert.identity is not None:
        return ["id:" + hashlib.sha256(alert.identity.encode("utf-8", "replace")).hexdigest()]
    digest = hashlib.sha256(alert.token_hash.encode() + alert.payload).hexdigest()
    number = to_milliseconds(alert.received_at) // (_window(alert) // timedelta(milliseconds=1))
    kind = "timed" if alert.has_time else "weak"
    # the window after this one as well: the clock may have stepped back since
    return [f"{kind}:{digest}:{number + step}" for step in (0, -1, 1)]


def _is_same(alert: Alert, row: _First) -> bool:
    return alert.identity is not None or abs(alert.received_at - row.received_at) <= _window(alert)


def _existing(connection: Any, wanted: Iterable[Key], on_sqlite: bool) -> dict[Key, _First]:
    """The rows that stand under these keys; a join, because SQLite would scan the table for `(a, b) IN (VALUES …)`."""
    parameters = [part for broker_id, key in wanted for part in (prepared.key_of(broker_id, on_sqlite), key)]
    sql = _lookup_sql(len(parameters) // 2, on_sqlite)
    return {
        (prepared.read_key(broker_id), key): _First(prepared.read_key(row_id), trace_id, _moment(received_at))
        for broker_id, key, row_id, trace_id, received_at in connection.execute(sql, parameters)
    }


@lru_cache(maxsize=32)
def _lookup_sql(count: int, on_sqlite: bool) -> str:
    return _LOOKUP.replace("$keys", ", ".join(["(?, ?)" if on_sqlite else "(%s::uuid, %s)"] * count))


@cache
def _insert_sql(size: int, on_sqlite: bool) -> str:
    names = tuple(column.name for column in prepared.columns(Webhook, on_sqlite, _FILLED_LATER))
    return prepared.insert_sql("webhooks", names, size, on_sqlite)


def _encoded(alert: Alert, key: str, begun: Mapping[str, Any], on_sqlite: bool) -> list[Any]:
    values = alert.row | {
        "id": alert.id,
        "user_id": alert.user_id,
        "broker_id": alert.broker_id,
        "dedupe_key": key,
        "weak_identity": alert.identity is None and not alert.has_time,
        "received_at": alert.received_at,
        "payload": alert.payload,
        "source": alert.source[:64],
        "trace_id": alert.trace_id,
        **begun,
    }
    return prepared.columns(Webhook, on_sqlite, _FILLED_LATER).encoded((values,))


def _moment(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)
