"""The household: at most five active users, of whom one administrator always remains."""

from __future__ import annotations

import unicodedata
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AccessDenied, Conflict, InvalidInput
from aristobot.events import HouseholdChanged, UserChanged
from aristobot.kinds import Role
from aristobot.store import users
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM, GuardedSession, one_at_a_time
from services.audit_trail import Actor, AuditTrail
from services.login_sessions import LoginSessions
from services.passwords import Passwords, check_strength
from services.profiles import language_of, timezone_of
from services.rights import require_administrator

MOST_USERS = 5


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be. An empty password is for the debug and demo users: nobody can log in with it."""

    name: str
    password: str = field(repr=False)
    role: Role = Role.TRADER
    language: str = "fr"
    timezone: str = "Europe/Paris"


class Household:
    """Adds, changes and lists users. Who is not an administrator gets AccessDenied, but for their own password."""

    def __init__(
        self, db: Database, bus: Bus, clock: Clock, *, trail: AuditTrail, sessions: LoginSessions, passwords: Passwords
    ) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._trail = trail
        self._sessions = sessions
        self._passwords = passwords

    async def everyone(self) -> list[User]:
        """All users, active or not, the oldest first."""
        return await self._db.read(SYSTEM, users.everyone)

    async def get(self, user_id: uuid.UUID) -> User:
        """The user; NotFound when there is none."""
        return await self._db.read(SYSTEM, lambda s: users.get(s, user_id))

    async def by_name(self, name: str) -> User | None:
        """The user of that name, whatever its case; None when there is none."""
        return await self._db.read(SYSTEM, lambda s: users.by_name(s, name))

    async def add(self, new: NewUser, by: Actor, *, first: bool = False) -> User:
        """A new active user; InvalidInput names what is wrong with the form, Conflict when five are active already.

        `first`: it is a condition that nobody is there yet, in the same transaction, and the user runs the house.
        """
        _check_name(new.name)
        check_strength(new.password, name=new.name)
        role = Role.ADMINISTRATOR if first else new.role
        row = self._row(replace(new, role=role), password_hash=await self._passwords.hash(new.password))
        return await self._added(row, by, first=first)

    async def invite(self, new: NewUser, by: Actor) -> tuple[User, str]:
        """As `add`, with a one-time password, told this once: with it they log in, within its life, to choose their own."""
        _check_name(new.name)
        password, until = self._passwords.once()
        row = self._row(new, password_hash=await self._passwords.hash(password))
        row.must_choose_password, row.password_expires_at = True, until
        return await self._added(row, by), password

    async def add_without_password(self, new: NewUser, by: Actor) -> User:
        """A user who comes in by another door alone."""
        return await self._added(self._row(new, password_hash=""), by)

    async def change(self, user_id: uuid.UUID, by: Actor, *, role: Role | None = None, active: bool | None = None) -> User:
        """Change a role, disable, enable. Every session of the user ends; one active administrator always remains."""

        def work(session: GuardedSession) -> User:
            one_at_a_time(session, "users")
            require_administrator(session, by)
            user = users.get(session, user_id)
            before = {"role": user.role.value, "active": user.is_active}
            if active and not user.is_active and users.active_count(session) >= MOST_USERS:
                raise Conflict("too_many_users", maximum=MOST_USERS)
            user.role = role or user.role
            user.is_active = user.is_active if active is None else active
            if not any(one.is_active and one.role is Role.ADMINISTRATOR for one in users.everyone(session)):
                raise Conflict("last_administrator")
            after = {"role": user.role.value, "active": user.is_active}
            self._trail.record(session, "user.changed", by, subject=f"user:{user_id}", before=before, after=after)
            return user

        user = await self._db.write(SYSTEM, work)
        await self._sessions.end_all(user_id)
        self._changed(user_id)
        return user

    async def set_password(self, user_id: uuid.UUID, password: str, by: Actor, *, keep: uuid.UUID | None = None) -> None:
        """Replace a password. Every other session of the user ends; `keep` is the one in which they ask for it."""
        user = await self.get(user_id)
        check_strength(password, name=user.name)
        await self._replace_password(user_id, password, by)
        await self._sessions.end_all(user_id, but=keep)
        self._changed(user_id)

    async def reset_password(self, user_id: uuid.UUID, by: Actor) -> tuple[str, datetime]:
        """A one-time password in the place of theirs, told this once, and its end. Every session of the user ends."""
        password, until = self._passwords.once()
        await self._replace_password(user_id, password, by, once=until)
        await self._sessions.end_all(user_id)
        self._changed(user_id)
        return password, until

    async def _replace_password(self, user_id: uuid.UUID, password: str, by: Actor, *, once: datetime | None = None) -> None:
        hashed = await self._passwords.hash(password)

        def work(session: GuardedSession) -> None:
            if once is not None or by.user_id != user_id:
                require_administrator(session, by)
            user = users.get(session, user_id)
            user.password_hash, user.must_choose_password, user.password_expires_at = hashed, once is not None, once
            self._trail.record(session, "user.password_reset" if once else "user.password", by, subject=f"user:{user_id}")

        await self._db.write(SYSTEM, work)

    async def _added(self, row: User, by: Actor, *, first: bool = False) -> User:
        added = await self._db.write(SYSTEM, lambda s: self._insert(s, row, by, first=first))
        self._bus.publish(HouseholdChanged(at=self._clock.now()))
        return added

    def _row(self, new: NewUser, *, password_hash: str) -> User:
        name = unicodedata.normalize("NFC", new.name.strip())
        return User(
            name=name,
            name_key=users.key_of(name),
            password_hash=password_hash,
            role=new.role,
            language=language_of(new.language),
            timezone=timezone_of(new.timezone),
            created_at=self._clock.now(),
        )

    def _insert(self, session: GuardedSession, row: User, by: Actor, *, first: bool) -> User:
        one_at_a_time(session, "users")  # or two at once would both find room
        require_administrator(session, by)
        if first and users.everyone(session):
            raise AccessDenied("first_admin_exists")
        if users.active_count(session) >= MOST_USERS:
            raise Conflict("too_many_users", maximum=MOST_USERS)
        if users.by_name(session, row.name) is not None:
            raise InvalidInput("name_taken", field="name", value=row.name)
        users.create(session, row)
        after = {"name": row.name, "role": row.role.value}
        self._trail.record(session, "user.created", by, subject=f"user:{row.id}", after=after)
        return row

    def _changed(self, user_id: uuid.UUID) -> None:
        now = self._clock.now()
        self._bus.publish(UserChanged(at=now, user_id=user_id))
        self._bus.publish(HouseholdChanged(at=now))


def _check_name(name: str) -> None:
    stripped = name.strip()
    if not 1 <= max(len(stripped), len(users.key_of(stripped))) <= 64:
        raise InvalidInput("wrong_length", field="name", minimum=1, maximum=64)
    if not stripped.isprintable():
        raise InvalidInput("unprintable", field="name")
