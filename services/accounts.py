"""Everything by which people come in, wired together; and the first administrator of an empty house."""

from __future__ import annotations

import secrets

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AccessDenied, InvalidInput
from aristobot.kinds import Role
from aristobot.language import _
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.vault import Vault
from services.api_tokens import ApiTokens
from services.attempts import Attempts
from services.audit_trail import SYSTEM_ACTOR, Actor, AuditTrail
from services.household import Household, NewUser
from services.login_sessions import LoginSessions
from services.passwords import Passwords
from services.profiles import Profiles
from services.second_factor import SecondFactor
from services.sign_in import SignIn, Visitor

_FIRST = "first administrator"


class Accounts:
    """The rooms of the entrance hall.

    household      users: add, change, list, passwords
    profiles       what each changes of their own account, and their AI provider
    sign_in        log in and out, the password asked again, the debug and demo doors
    sessions       login sessions: check, list, end; a service of its own
    tokens         bearer tokens of the API
    second_factor  codes of the phone, recovery codes
    trail          the audit
    """

    def __init__(self, db: Database, bus: Bus, clock: Clock, vault: Vault, settings: Settings) -> None:
        self._settings = settings
        self._first_code = ""
        passwords = Passwords(clock)
        self.trail = AuditTrail(vault, clock)
        self.attempts = Attempts(clock)
        self.sessions = LoginSessions(db, bus, clock)
        self.tokens = ApiTokens(db, bus, clock, self.trail)
        self.profiles = Profiles(db, bus, clock, vault, self.trail)
        self.household = Household(db, bus, clock, trail=self.trail, sessions=self.sessions, passwords=passwords)
        self.second_factor = SecondFactor(db, clock, vault, self.trail)
        self.sign_in = SignIn(
            db,
            self.trail,
            settings,
            sessions=self.sessions,
            passwords=passwords,
            attempts=self.attempts,
            second_factor=self.second_factor,
        )

    async def prepare(self) -> None:
        """At the start: make the debug or demo user; in an empty house, say the code of its first administrator."""
        if await self.ensure_house_user() is None:
            await self.announce_first_admin()

    async def needs_first_admin(self) -> bool:
        """Whether the house is still without anybody."""
        return not await self.household.everyone()

    async def announce_first_admin(self) -> str:
        """While the house is empty: say on the console the one-time code that its first administrator must type.

        Returns the code, or "" when somebody lives here already.
        """
        if not await self.needs_first_admin():
            return ""
        self._first_code = self._first_code or f"{secrets.randbelow(10**8):08d}"
        logger.warning(_("No user yet. One-time code for the first administrator: {code}", code=self._first_code))
        return self._first_code

    async def create_first_admin(self, code: str, new: NewUser, visitor: Visitor) -> User:
        """The first administrator, from this machine alone, once, with the code that the console shows."""
        if not visitor.is_here:
            raise AccessDenied("loopback_only")
        self.attempts.begin(_FIRST, visitor.address)
        if not self._first_code or not secrets.compare_digest(code.strip().encode("utf-8", "replace"), self._first_code.encode()):
            raise InvalidInput("wrong_code", field="code")
        by = Actor(new.name.strip()[:64], "screen", address=visitor.address)
        user = await self.household.add(new, by, first=True)
        self._first_code = ""
        self.attempts.succeeded(_FIRST, visitor.address)
        return user

    async def ensure_house_user(self) -> User | None:
        """In debug or demo mode: the user `dev` or `demo`, an administrator without a password, made when missing."""
        name = self.sign_in.house_user
        if not name:
            return None
        new = NewUser(name, "", Role.ADMINISTRATOR, self._settings.language)
        return await self.household.by_name(name) or await self.household.add_without_password(new, SYSTEM_ACTOR)
