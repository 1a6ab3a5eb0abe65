"""What a user may change of their own account: language, time zone, default broker, AI provider."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import InvalidInput
from aristobot.events import BrokerUpdated, PositionUpdated, UserChanged
from aristobot.kinds import CostMethod
from aristobot.language import LANGUAGES
from aristobot.store import bookkeeping, brokers, positions, users
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.store.tenancy import GuardedSession
from aristobot.vault import Vault
from services.ai_address import checked_address, same_place
from services.ai_provider import PROVIDERS, AiProviders, stored_url
from services.audit_trail import Actor, AuditTrail
from services.rights import refuse_viewer

#: What somebody who only looks may choose: how the pages speak to them.
_FOR_EVERYBODY = frozenset({"language", "timezone"})


class Profiles:
    """Each user changes their own, and nobody else's. `ai` asks the AI provider of each."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, vault: Vault, trail: AuditTrail) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._vault = vault
        self._trail = trail
        self.ai = AiProviders(db, clock, vault)

    async def update(self, user_id: uuid.UUID, changes: Mapping[str, Any], by: Actor) -> User:
        """Change `language`, `timezone`, `default_broker_id`, `ai_provider`, `ai_url`, `ai_model`, `ai_key`, `cost_method`.

        Only what is named changes; None or "" empties. The AI key is sealed and never comes back; it is dropped when the
        address leads to another server and no new key comes along. InvalidInput names the field; NotFound when the broker
        is not theirs; AccessDenied when somebody who only looks asks for more than their language and time zone.
        """
        values = {name: _CHECKS.get(name, _as_is)(value) for name, value in changes.items()}

        def work(session: GuardedSession) -> User:
            if values.keys() - _FOR_EVERYBODY:
                refuse_viewer(session, user_id)
            user = users.get(session, user_id)
            if "default_broker_id" in values:
                brokers.set_default(session, values["default_broker_id"])
            place = stored_url(user)
            for name in values.keys() - {"default_broker_id", "ai_key"}:
                setattr(user, name, values[name])
            if "ai_key" in values or not same_place(place, stored_url(user)):
                key = values.get("ai_key")
                user.ai_key_sealed = self._vault.seal(key, f"user:{user_id}", "ai_key") if key else None
            if "cost_method" in values:
                session.flush()
                bookkeeping.fold_again(session, positions.every(session), self._clock.now())
            self._trail.record(session, "user.profile", by, subject=f"user:{user_id}", after={"fields": sorted(values)})
            return user

        user = await self._db.write(user_id, work)
        await self._tell(user_id, values.keys())
        return user

    async def _tell(self, user_id: uuid.UUID, changed: Collection[str]) -> None:
        """Pages draw themselves anew, and what is kept in memory of brokers and positions is read again."""
        now = self._clock.now()
        if "default_broker_id" in changed:
            for broker in await self._db.read(user_id, brokers.mine):
                self._bus.publish(BrokerUpdated(at=now, user_id=user_id, broker_id=broker.id))
        if "cost_method" in changed:
            rows = await self._db.read(user_id, positions.every)
            newest = {row.broker_id: row.id for row in rows}
            for row in rows:
                if row.closed_at is not None and row.id != newest[row.broker_id]:
                    continue  # one of a broker is enough to have its sums read again
                told = PositionUpdated(at=now, user_id=user_id, position_id=row.id, broker_id=row.broker_id, symbol=row.symbol)
                self._bus.publish(told)
        self._bus.publish(UserChanged(at=now, user_id=user_id, fields=tuple(sorted(changed))))


def language_of(value: Any) -> str:
    """A language we speak; InvalidInput otherwise."""
    if value not in LANGUAGES:
        raise InvalidInput("unknown_choice", field="language", choices=", ".join(LANGUAGES))
    return str(value)


def timezone_of(value: Any) -> str:
    """The name of a time zone that exists (IANA); InvalidInput otherwise."""
    try:
        return ZoneInfo(str(value)).key
    except (ValueError, OSError, LookupError):  # zoneinfo's words for malformed names, folders, and unknown ones
        raise InvalidInput("unknown_timezone", field="timezone", value=str(value)[:64]) from None


def _provider_of(value: Any) -> str | None:
    if value and value not in PROVIDERS:
        raise InvalidInput("unknown_choice", field="ai_provider", choices=", ".join(PROVIDERS))
    return value or None


def _address_of(value: Any) -> str | None:
    return checked_address(str(value)) if value else None


def _method_of(value: Any) -> CostMethod:
    try:
        return CostMethod(value)
    except ValueError:
        raise InvalidInput("unknown_choice", field="cost_method", choices=", ".join(CostMethod)) from None


def _text_of(name: str, longest: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        text = str(value or "").strip()
        if len(text) > longest:
            raise InvalidInput("too_long", field=name, maximum=longest)
        if not text.isprintable():
            raise InvalidInput("unprintable", field=name)
        return text or None

    return check


def _as_is(value: Any) -> Any:
    return value or None


_CHECKS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "language": language_of,
        "timezone": timezone_of,
        "ai_provider": _provider_of,
        "ai_url": _address_of,
        "ai_model": _text_of("ai_model", 128),
        "ai_key": _text_of("ai_key", 512),
        "cost_method": _method_of,
    }
)
