"""How a broker's key is: what it may do, from where, how old it is, and what ought to be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self

from aristobot.clock import iso_milliseconds
from aristobot.exchange import KeyRights
from aristobot.store.tables import Broker

#: A key is called old after a year, and its end is announced a fortnight before.
OLD_AFTER = timedelta(days=365)
ENDS_SOON = timedelta(days=14)
#: Beyond this, somebody should set the machine's clock (milliseconds).
WORRYING_OFFSET_MS = 1000
_MOMENTS = ("expires_at", "created_at")


@dataclass(frozen=True, slots=True)
class Concern:
    """Something about a key: a code for the language room with its facts. A `grave` one stands in the way of trading."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)
    grave: bool = False


@dataclass(frozen=True, slots=True)
class KeyState:
    """What we know of a key. `rights` is None until the exchange has told them; `failure` is why it last did not.

    `refused` says that this was a no to the key: an exchange that is away says nothing of it.

    `known_since` is when we were given the key; `withdraw_accepted` when an administrator insisted on one that may withdraw.
    """

    known_since: datetime | None = None
    rights: KeyRights | None = None
    withdraw_accepted: bool = False
    clock_offset_ms: int | None = None
    failure: str = ""
    failure_facts: Mapping[str, object] = field(default_factory=dict)
    refused: bool = False
    checked_at: datetime | None = None

    @classmethod
    def of(cls, row: Broker) -> Self:
        """As the broker's row keeps it."""
        kept = row.key_rights or {}
        known = {one.name: kept[one.name] for one in fields(KeyRights) if one.name in kept}
        for name in _MOMENTS:
            known[name] = _moment(known.get(name))
        return cls(
            known_since=_moment(kept.get("known_since")),
            rights=KeyRights(**known) if "can_read" in known else None,
            withdraw_accepted=bool(kept.get("withdraw_accepted")),
            clock_offset_ms=kept.get("clock_offset_ms"),
            failure=kept.get("failure", ""),
            failure_facts=kept.get("failure_facts") or {},
            refused=bool(kept.get("refused")),
            checked_at=row.checked_at,
        )

    def keep(self, row: Broker) -> None:
        """Write it on the broker's row."""
        rights = asdict(self.rights) if self.rights else {}
        row.key_rights = {
            **{name: _text(value) for name, value in rights.items()},
            "known_since": _text(self.known_since),
            "withdraw_accepted": self.withdraw_accepted,
            "clock_offset_ms": self.clock_offset_ms,
            "failure": self.failure,
            "failure_facts": {name: str(value)[:200] for name, value in self.failure_facts.items()},
            "refused": self.refused,
        }
        row.checked_at = self.checked_at

    def told(self, rights: KeyRights, offset_ms: int | None, at: datetime) -> Self:
        """The same after the exchange has answered."""
        return replace(self, rights=rights, clock_offset_ms=offset_ms, checked_at=at, failure="", failure_facts={}, refused=False)

    @property
    def made_at(self) -> datetime | None:
        """When the key was made, as the exchange says; else since when we have it."""
        return (self.rights.created_at if self.rights else None) or self.known_since

    def concerns(self, now: datetime) -> list[Concern]:
        """What its owner ought to look at, the gravest first."""
        found: list[Concern] = []
        if self.failure:
            found.append(Concern(self.failure, self.failure_facts, grave=True))
        if self.rights is not None:
            found += self._about(self.rights, now)
        if self.clock_offset_ms is not None and abs(self.clock_offset_ms) >= WORRYING_OFFSET_MS:
            found.append(Concern("reason.clock_off", {"offset_ms": self.clock_offset_ms}))
        if self.made_at is not None and now - self.made_at >= OLD_AFTER:
            found.append(Concern("reason.key_old", {"days": (now - self.made_at).days}))
        return sorted(found, key=lambda one: not one.grave)

    def trouble(self, now: datetime) -> Concern | None:
        """What stands in the way of trading with this key; None when nothing does, as far as the exchange has told.

        An exchange that is away takes nothing of it back.
        """
        told = self if self.refused else replace(self, failure="")
        return next((one for one in told.concerns(now) if one.grave), None)

    def _about(self, rights: KeyRights, now: datetime) -> list[Concern]:
        found: list[Concern] = []
        if not rights.can_read:
            found.append(Concern("reason.key_cannot_read", grave=True))
        if not rights.can_trade:
            found.append(Concern("reason.key_cannot_trade", grave=True))
        if rights.can_withdraw:
            accepted = self.withdraw_accepted
            found.append(Concern("reason.key_withdraw_accepted" if accepted else "reason.key_may_withdraw", grave=not accepted))
        if rights.expires_at is not None and rights.expires_at <= now:
            found.append(Concern("reason.key_expired", grave=True))
        elif rights.expires_at is not None and rights.expires_at - now <= ENDS_SOON:
            found.append(Concern("reason.key_expires", {"days": (rights.expires_at - now).days}))
        if rights.ip_restricted is False:
            found.append(Concern("reason.key_from_anywhere"))
        return found


def _text(value: Any) -> Any:
    return iso_milliseconds(value) if isinstance(value, datetime) else value


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
