"""Coming in: name, password and code; the debug and demo doors on loopback; the password asked again for grave matters."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from loguru import logger

from aristobot.errors import AccessDenied, InvalidInput, NotSignedIn
from aristobot.settings import Settings
from aristobot.settings_values import is_loopback
from aristobot.store import users
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.attempts import Attempts
from services.audit_trail import Actor, AuditTrail
from services.login_sessions import LoginSessions, NewSession, SignedIn
from services.passwords import Passwords, check_strength
from services.second_factor import SecondFactor

CONFIRMED_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from, as the trusted part of the proxy chain says.

    forwarded  whether a proxy passed it on, trusted or not
    host       by which name the house was asked for
    """

    address: str
    user_agent: str = ""
    forwarded: bool = False
    host: str = ""

    @property
    def is_here(self) -> bool:
        """Whether they sit at this machine, with nobody between them and the house."""
        return is_loopback(self.address) and not self.forwarded


@dataclass(frozen=True, slots=True)
class LoginForm:
    """What the visitor typed. `code` is the phone's or a recovery code; empty where none is in use.

    `chosen` is the password that takes the place of a one-time one.
    """

    name: str
    password: str = field(repr=False)
    code: str = field(default="", repr=False)
    chosen: str = field(default="", repr=False)


class SignIn:
    """Every failure takes the same time and says the same, whichever of the three was wrong."""

    def __init__(
        self,
        db: Database,
        trail: AuditTrail,
        settings: Settings,
        *,
        sessions: LoginSessions,
        passwords: Passwords,
        attempts: Attempts,
        second_factor: SecondFactor,
    ) -> None:
        self._db = db
        self._trail = trail
        self._settings = settings
        self._sessions = sessions
        self._passwords = passwords
        self._attempts = attempts
        self._second_factor = second_factor

    async def log_in(self, form: LoginForm, visitor: Visitor) -> NewSession:
        """A new session. NotSignedIn (`sign_in_failed`) for anything wrong, AccessDenied (`too_many_attempts`) when held back.

        A one-time password lets nobody in: AccessDenied (`choose_password`) until the form brings the one to keep, and
        `password_expired` after its time.
        """
        user = await self._check(form, visitor.address)
        return await self._open(user, visitor, "sign_in")

    async def log_out(self, who: SignedIn) -> None:
        """End the session and every page of it."""
        await self._sessions.end(who.user_id, who.session_id)
        await self._note("sign_out", Actor(who.name, "screen", who.user_id))

    async def confirm(self, who: SignedIn, form: LoginForm, visitor: Visitor) -> None:
        """Ask again before keys, limits, tokens, users, or the release of the kill switch. Holds for five minutes."""
        user = await self._check(LoginForm(who.name, form.password, form.code), visitor.address)
        if user.id != who.user_id:
            raise NotSignedIn("sign_in_failed")
        self._sessions.confirm(who.session_id)

    def is_confirmed(self, session_id: uuid.UUID) -> bool:
        """Whether the password was given in this session in the last five minutes."""
        return self._sessions.confirmed(session_id, CONFIRMED_FOR)

    async def verify(self, form: LoginForm, address: str) -> User:
        """The user whose name, password and code these are, without opening a session; counts as an attempt."""
        return await self._check(form, address)

    @property
    def house_user(self) -> str:
        """The user whom loopback visitors are without a password: `dev` in debug mode, `demo` in the demo, else ""."""
        return "dev" if self._settings.debug else "demo" if self._settings.demo else ""

    async def expected(self, visitor: Visitor) -> User | None:
        """The user `dev` or `demo` whom this visitor may be without a password: in that mode and on loopback alone."""
        name = self.house_user
        public = urlsplit(self._settings.webhook_public_url).hostname
        if not name or not visitor.is_here or not is_loopback(self._settings.host) or (public and visitor.host == public):
            return None
        user = await self._db.read(SYSTEM, lambda s: users.by_name(s, name))
        return user if user is not None and user.is_active else None

    async def open_house_door(self, visitor: Visitor) -> NewSession | None:
        """A session of the user whom this visitor may be without a password, if there is one."""
        user = await self.expected(visitor)
        return await self._open(user, visitor, f"sign_in.{user.name}") if user is not None else None

    async def _check(self, form: LoginForm, address: str) -> User:
        account = form.name.strip().casefold()[:64]
        self._attempts.begin(account, address)
        user = await self._db.read(SYSTEM, lambda s: users.by_name(s, form.name.strip()[:64]))
        fits, rehashed = await self._passwords.check(user.password_hash if user else None, form.password)
        if fits and user is not None and user.is_active and user.must_choose_password:
            rehashed = await self._own_password(user, form)
        if user is None or not fits or not user.is_active or not await self._accept(user, form.code, rehashed):
            # The name is not kept when nobody bears it: people type passwords into the wrong field.
            by = Actor(user.name if user else "", "screen", user.id if user else None, address)
            logger.warning("Sign-in refused from {address}", address=address)
            await self._note("sign_in.refused", by)
            raise NotSignedIn("sign_in_failed")
        self._attempts.succeeded(account, address)
        return user

    async def _own_password(self, user: User, form: LoginForm) -> str:
        """The hash of the password that the user chose. Without one this was no login, and an attempt all the same.

        That the time is over is told to who knows the password alone.
        """
        self._passwords.check_in_time(user.password_expires_at)
        if not form.chosen:
            raise AccessDenied("choose_password")
        if form.chosen == form.password:
            raise InvalidInput("password_unchanged", field="chosen")
        check_strength(form.chosen, name=user.name, field="chosen")
        return await self._passwords.hash(form.chosen)

    async def _accept(self, checked: User, code: str, rehashed: str | None) -> bool:
        def work(session: GuardedSession) -> bool:
            user = users.get(session, checked.id)
            if not user.is_active or user.password_hash != checked.password_hash:  # changed while we looked
                return False
            if not self._second_factor.use(session, user, code):
                return False
            if rehashed is not None:
                user.password_hash = rehashed
            if user.must_choose_password:
                user.must_choose_password, user.password_expires_at = False, None
                self._trail.record(session, "user.password", Actor(user.name, "screen", user.id), subject=f"user:{user.id}")
            return True

        return await self._db.write(SYSTEM, work)

    async def _open(self, user: User, visitor: Visitor, action: str) -> NewSession:
        opened = await self._sessions.open(user, address=visitor.address, user_agent=visitor.user_agent)
        await self._note(action, Actor(user.name, "screen", user.id, visitor.address))
        return opened

    async def _note(self, action: str, by: Actor) -> None:
        await self._db.write(
            SYSTEM, lambda s: self._trail.record(s, action, by, subject=f"address:{by.address}" if by.address else "")
        )
