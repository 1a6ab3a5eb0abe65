"""Who did what: entries that are only ever added, each sealing the one before it with a key the database does not hold."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

from sqlmodel import col, select

from aristobot.errors import StoreDamaged
from aristobot.store.tables import AuditEntry
from aristobot.store.tenancy import CHECKED, GuardedSession, one_at_a_time

_SEALED = ("user_id", "actor", "via", "action", "subject", "before", "after", "trace_id")
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What checking the chain found: how many entries hold, and the number of the first that does not."""

    entries: int
    broken_at: int | None = None

    @property
    def whole(self) -> bool:
        """Whether every entry is what was written, and none is missing between two others."""
        return self.broken_at is None


class About(TypedDict, total=False):
    """What an entry may say besides the act and its moment. Never a secret."""

    user_id: uuid.UUID | None
    actor: str
    via: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    trace_id: str


def record(session: GuardedSession, key: bytes, action: str, *, at: datetime, **about: Unpack[About]) -> AuditEntry:
    """Add an entry in the caller's transaction: an act and its record are kept together or not at all.

    `before` and `after` may hold anything that has a text; what JSON cannot carry exactly is kept as text.
    """
    one_at_a_time(session, "audit")
    session.flush()
    newest = select(AuditEntry.seal).order_by(col(AuditEntry.id).desc()).limit(1)
    owner = about.get("user_id")
    entry = AuditEntry(
        at=at,
        user_id=owner or session.scope if isinstance(session.scope, uuid.UUID) else owner,
        actor=about.get("actor", "")[:64],
        via=about.get("via", "")[:16],
        action=action,
        subject=about.get("subject", "")[:128],
        before=_plain(about.get("before")),
        after=_plain(about.get("after")),
        trace_id=about.get("trace_id", ""),
        previous_seal=session.execute(newest, execution_options=CHECKED).scalar_one_or_none() or "",
    )
    entry.seal = _seal(entry, key)
    session.add(entry)
    session.flush()
    return entry


def verify(session: GuardedSession, key: bytes) -> AuditCheck:
    """Check every seal from the first entry on. Needs SYSTEM: a user sees only a part of the chain.

    What the chain alone cannot show is that its newest entries were cut off.
    """
    previous, checked = "", 0
    for entry in _all(session):
        if entry.previous_seal != previous or not hmac.compare_digest(entry.seal, _seal(entry, key)):
            return AuditCheck(checked, entry.id)
        previous, checked = entry.seal, checked + 1
    return AuditCheck(checked)


def reseal(session: GuardedSession, keys: Sequence[bytes]) -> None:
    """Seal every entry anew with the first of the keys; each must hold under one of them. Needs SYSTEM.

    Raises StoreDamaged for a chain that is broken: a new key must not hide it.
    """
    one_at_a_time(session, "audit")
    previous, sealed_anew = "", ""
    for entry in list(_all(session)):
        genuine = any(hmac.compare_digest(entry.seal, _seal(entry, key)) for key in keys)
        if entry.previous_seal != previous or not genuine:
            raise StoreDamaged("audit_broken", entry=entry.id)
        previous, entry.previous_seal = entry.seal, sealed_anew
        entry.seal = sealed_anew = _seal(entry, keys[0])


def recent(
    session: GuardedSession, limit: int = 100, before: int | None = None, since: datetime | None = None
) -> list[AuditEntry]:
    """The newest entries first: the user's own, or everybody's for SYSTEM; `before` is the number from which to go on."""
    wanted = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
    if since is not None:
        wanted = wanted.where(AuditEntry.at >= since)
    return list(session.exec(wanted if before is None else wanted.where(col(AuditEntry.id) < before)))


def _all(session: GuardedSession) -> Iterator[AuditEntry]:
    reached = 0
    while True:
        page = session.exec(
            select(AuditEntry).where(col(AuditEntry.id) > reached).order_by(col(AuditEntry.id)).limit(_PAGE)
        ).all()
        yield from page
        if len(page) < _PAGE:
            return
        reached = page[-1].id or reached


def _seal(entry: AuditEntry, key: bytes) -> str:
    content = {name: getattr(entry, name) for name in _SEALED}
    content["at"] = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    content["previous"] = entry.previous_seal
    return hmac.new(key, json.dumps(content, sort_keys=True, default=str).encode(), hashlib.sha256).hexdigest()


def _plain(document: dict[str, Any] | None) -> dict[str, Any] | None:
    """The document as every database gives it back: text keys, no floats, no characters that PostgreSQL refuses."""
    return None if document is None else {_text(name): _value(value) for name, value in document.items()}


def _value(value: Any) -> Any:
    if value is None or (isinstance(value, bool | int) and type(value) in (bool, int)):
        return value
    if isinstance(value, dict):
        return {_text(name): _value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(inner) for inner in value]
    return _text(value)


def _text(value: object) -> str:
    return str(value).replace("\x00", "�").encode("utf-8", "replace").decode()
