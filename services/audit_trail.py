"""Who did what: one line into the sealed audit for every act that changes rights, keys, limits or money."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aristobot.clock import Clock
from aristobot.logs import current_trace_id
from aristobot.store import audit
from aristobot.store.audit import AuditCheck
from aristobot.store.tenancy import GuardedSession
from aristobot.vault import Vault


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through what: `screen`, `api`, `cli` or `system`. The address is empty where there is none."""

    name: str
    via: str
    user_id: uuid.UUID | None = None
    address: str = ""


SYSTEM_ACTOR = Actor(name="aristobot", via="system")


class AuditTrail:
    """Writes entries in the caller's own transaction: an act and its record are committed together or not at all."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._key = vault.derive("audit")
        self._clock = clock

    def record(
        self,
        session: GuardedSession,
        action: str,
        by: Actor,
        *,
        subject: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Append one entry. Never hand secrets to `before` or `after`."""
        audit.record(
            session,
            self._key,
            action,
            at=self._clock.now(),
            user_id=by.user_id,
            actor=by.name,
            via=by.via,
            subject=subject,
            before=dict(before) if before is not None else None,
            after=dict(after) if after is not None else None,
            trace_id=current_trace_id(),
        )

    def verify(self, session: GuardedSession) -> AuditCheck:
        """What the repository finds when it checks every seal; the session must be SYSTEM's."""
        return audit.verify(session, self._key)
