"""Login sessions, kept by the server: the browser holds a random token, we hold its hash and may end it at any moment."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import NotFound, NotSignedIn
from aristobot.events import SessionEnded, SessionOpened
from aristobot.kinds import Role
from aristobot.store import sessions, users
from aristobot.store.database import Database
from aristobot.store.tables import LoginSession, User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.device_names import same_device
from services.tokens import hash_of, new_token

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
#: An expired login is kept this long: it says which devices are known, and when somebody was last here.
KEPT = timedelta(days=365)
_TOUCH_EVERY = timedelta(minutes=1)
_SWEEP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user behind a live session. `confirmed_at` is when they last gave their password in this session."""

    user_id: uuid.UUID
    session_id: uuid.UUID
    name: str
    role: Role
    language: str
    timezone: str
    expires_at: datetime
    last_seen_at: datetime
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just opened; the token is known here and nowhere else."""

    token: str
    who: SignedIn


class LoginSessions:
    """Opens, checks, lists and ends sessions: idle 12 h, 7 days at most. As a service it ends those whose time is up.

    `alive` answers at once, from memory, for the check at every event of a page.
    """

    name = "sessions"

    def __init__(self, db: Database, bus: Bus, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._live: dict[uuid.UUID, SignedIn] = {}

    async def run(self) -> None:
        """Every minute, write down who was seen, and end what has expired: its pages close by themselves."""
        swept = self._clock.now()
        while True:
            await self._clock.sleep(_SWEEP_SECONDS)
            seen = [one for one in self._live.values() if self._in_time(one) and one.last_seen_at > swept]
            swept = self._clock.now()
            if seen:
                await self._db.write(SYSTEM, partial(_touch, seen=seen))
            await self._end(one.session_id for one in list(self._live.values()) if not self._in_time(one))

    async def open(self, user: User, *, address: str = "", user_agent: str = "") -> NewSession:
        """A new session under a new token: nothing that existed before the login is ever reused."""
        now, token = self._clock.now(), new_token()
        row = LoginSession(
            user_id=user.id,
            token_hash=hash_of(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE,
            address=address[:64],
            user_agent=_printable(user_agent)[:255],
        )
        known = await self._db.write(user.id, lambda s: _create(s, row))
        who = self._remember(replace(_signed_in(user, row), confirmed_at=now))
        self._bus.publish(
            SessionOpened(at=now, user_id=user.id, session_id=row.id, address=row.address, device=row.user_agent, known=known)
        )
        return NewSession(token, who)

    async def check(self, token: str) -> SignedIn:
        """Who holds this token; NotSignedIn when nobody does, the session ended, or the user may no longer come in."""
        if not token:
            raise NotSignedIn()
        now = self._clock.now()
        found = await self._db.read(SYSTEM, lambda s: _find(s, token))
        if found is None:
            raise NotSignedIn()
        user, row = found
        who = _signed_in(user, row)
        known = self._live.get(who.session_id)
        if known is not None:
            who = replace(who, confirmed_at=known.confirmed_at, last_seen_at=max(known.last_seen_at, who.last_seen_at))
        if not self._in_time(who):
            await self._end([who.session_id])
            raise NotSignedIn("session_ended")
        if now - row.last_seen_at >= _TOUCH_EVERY:
            await self._db.write(user.id, lambda s: sessions.touch(s, who.session_id, now))
        return self._remember(replace(who, last_seen_at=now))

    def alive(self, session_id: uuid.UUID) -> bool:
        """Whether the session still counts. From memory: never waits, costs nothing, knows of every end at once."""
        who = self._live.get(session_id)
        return who is not None and self._in_time(who)

    def used(self, session_id: uuid.UUID) -> None:
        """Note that somebody acts in an open page: the idle time begins anew."""
        who = self._live.get(session_id)
        if who is not None and self._in_time(who):
            self._live[session_id] = replace(who, last_seen_at=self._clock.now())

    def confirm(self, session_id: uuid.UUID) -> None:
        """Note that the user has just given their password again."""
        who = self._live.get(session_id)
        if who is not None:
            self._live[session_id] = replace(who, confirmed_at=self._clock.now())

    def confirmed(self, session_id: uuid.UUID, within: timedelta) -> bool:
        """Whether the password was given in this session within the last `within`."""
        who = self._live.get(session_id)
        return who is not None and who.confirmed_at is not None and self._clock.now() - who.confirmed_at <= within

    async def mine(self, user_id: uuid.UUID) -> list[LoginSession]:
        """The user's live sessions, the most recently used first."""
        now = self._clock.now()
        rows = await self._db.read(user_id, sessions.of_user)
        return [row for row in rows if row.ended_at is None and row.expires_at > now and now - row.last_seen_at < IDLE]

    async def last_seen(self) -> dict[uuid.UUID, datetime]:
        """When each user of the household was last here, for administrators."""
        rows = await self._db.read(SYSTEM, sessions.of_user)
        return {row.user_id: row.last_seen_at for row in reversed(rows)}

    async def end(self, user_id: uuid.UUID, session_id: uuid.UUID) -> None:
        """End one session of the user; NotFound when it is not theirs."""
        if all(row.id != session_id for row in await self._db.read(user_id, sessions.of_user)):
            raise NotFound(kind="session")
        await self._end([session_id])

    async def end_all(self, user_id: uuid.UUID, *, but: uuid.UUID | None = None) -> None:
        """End every session of a user, but perhaps the one in which they ask for it."""
        rows = await self._db.read(user_id, sessions.of_user)
        await self._end(row.id for row in rows if row.ended_at is None and row.id != but)

    async def renew(self, who: SignedIn, *, address: str = "", user_agent: str = "") -> NewSession:
        """A new session in the place of this one, after a change of rights or password."""
        user = await self._db.read(SYSTEM, lambda s: users.get(s, who.user_id))
        renewed = await self.open(user, address=address, user_agent=user_agent)
        await self._end([who.session_id])
        return renewed

    async def _end(self, session_ids: Iterable[uuid.UUID]) -> None:
        ended, now = list(session_ids), self._clock.now()
        if not ended:
            return

        def work(session: GuardedSession) -> list[LoginSession]:
            return [row for one in ended if (row := sessions.end(session, one, now)) is not None]

        rows = await self._db.write(SYSTEM, work)
        for gone in set(ended) - {row.id for row in rows}:
            self._live.pop(gone, None)
        for row in rows:
            # It stays known as over until the next sweep: a check that read the row before must not bring it back.
            self._live[row.id] = replace(self._live[row.id], expires_at=now) if row.id in self._live else _over(row, now)
            self._bus.publish(SessionEnded(at=now, user_id=row.user_id, session_id=row.id))

    def _remember(self, who: SignedIn) -> SignedIn:
        known = self._live.get(who.session_id)
        if known is not None and not self._in_time(known):
            raise NotSignedIn("session_ended")
        self._live[who.session_id] = who
        return who

    def _in_time(self, who: SignedIn) -> bool:
        now = self._clock.now()
        return now < who.expires_at and now - who.last_seen_at < IDLE


def _create(session: GuardedSession, row: LoginSession) -> bool:
    """Keep a new session; whether it is of a device from which the user came before, or their very first."""
    earlier = sessions.of_user(session)
    sessions.forget_before(session, row.created_at - KEPT)
    sessions.create(session, row)
    return not earlier or any(same_device(one.user_agent, row.user_agent) for one in earlier)


def _find(session: GuardedSession, token: str) -> tuple[User, LoginSession] | None:
    row = sessions.by_hash(session, hash_of(token))
    if row is None or row.ended_at is not None:
        return None
    user = users.get(session, row.user_id)
    return (user, row) if user.is_active else None


def _touch(session: GuardedSession, seen: Iterable[SignedIn]) -> None:
    for one in seen:
        sessions.touch(session, one.session_id, one.last_seen_at)


def _over(row: LoginSession, now: datetime) -> SignedIn:
    return SignedIn(row.user_id, row.id, "", Role.VIEWER, "", "", expires_at=now, last_seen_at=now)


def _signed_in(user: User, row: LoginSession) -> SignedIn:
    return SignedIn(
        user_id=user.id,
        session_id=row.id,
        name=user.name,
        role=user.role,
        language=user.language,
        timezone=user.timezone,
        expires_at=row.expires_at,
        last_seen_at=row.last_seen_at,
    )


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
