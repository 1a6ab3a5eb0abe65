"""Bearer tokens of the API: scoped, expiring, stored as hashes, shown once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AccessDenied, InvalidInput, NotSignedIn
from aristobot.events import TokensChanged
from aristobot.kinds import Role, TokenScope
from aristobot.store import tokens, users
from aristobot.store.database import Database
from aristobot.store.tables import ApiToken, User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.audit_trail import Actor, AuditTrail
from services.rights import require_administrator
from services.tokens import hash_of, new_token

DEFAULT_LIFE = timedelta(days=90)
_TOUCH_EVERY = timedelta(minutes=1)
_PREFIX = "aristobot_"
_RANK = {TokenScope.READ: 0, TokenScope.TRADE: 1, TokenScope.ADMIN: 2}
_WIDEST = {Role.VIEWER: TokenScope.READ, Role.TRADER: TokenScope.TRADE, Role.ADMINISTRATOR: TokenScope.ADMIN}


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Who speaks through a bearer token, and how far it reaches."""

    user_id: uuid.UUID
    token_id: uuid.UUID
    name: str
    role: Role
    scope: TokenScope
    language: str
    expires_at: datetime | None

    def may(self, scope: TokenScope) -> bool:
        """Whether the token reaches as far as `scope`, and the user's role does too."""
        return min(_RANK[self.scope], _RANK[_WIDEST[self.role]]) >= _RANK[scope]


def reaches(role: Role) -> list[TokenScope]:
    """The scopes that a token of somebody with this role may have."""
    return [scope for scope, rank in _RANK.items() if rank <= _RANK[_WIDEST[role]]]


class ApiTokens:
    """Creates, recognises, lists and revokes."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, trail: AuditTrail) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._trail = trail

    async def create(
        self, user_id: uuid.UUID, scope: TokenScope, by: Actor, *, name: str = "", life: timedelta | None = DEFAULT_LIFE
    ) -> tuple[str, ApiToken]:
        """The token, once, and its row. Raises AccessDenied when the user's role does not reach as far as the scope."""
        now, token = self._clock.now(), new_token(_PREFIX)
        if life is not None and not timedelta(0) < life <= timedelta(days=3660):
            raise InvalidInput("out_of_range", field="expires", minimum="1h", maximum="3660d")

        def work(session: GuardedSession) -> ApiToken:
            if by.user_id != user_id:
                require_administrator(session, by)
            user = users.get(session, user_id)
            if _RANK[scope] > _RANK[_WIDEST[user.role]]:
                raise AccessDenied("scope_beyond_role", scope=scope.value, role=user.role.value)
            row = ApiToken(
                user_id=user_id,
                name=name.strip()[:64],
                scope=scope,
                token_hash=hash_of(token),
                last_four=token[-4:],
                created_at=now,
                expires_at=now + life if life is not None else None,
            )
            tokens.create(session, row)
            after = {"scope": scope.value, "name": row.name, "user": user.name}
            self._trail.record(session, "token.created", by, subject=f"token:{row.id}", after=after)
            return row

        row = await self._db.write(SYSTEM, work)
        self._bus.publish(TokensChanged(at=now, user_id=user_id))
        return token, row

    async def holder(self, token: str) -> TokenHolder:
        """Who speaks through this token; NotSignedIn for a wrong, expired or revoked one, or a disabled user."""
        now = self._clock.now()
        found = await self._db.read(SYSTEM, lambda s: _find(s, token, now)) if token.startswith(_PREFIX) else None
        if found is None:
            raise NotSignedIn("bad_token")
        user, row = found
        if row.last_used_at is None or now - row.last_used_at >= _TOUCH_EVERY:
            await self._db.write(user.id, lambda s: tokens.touch(s, row.id, now))
        return TokenHolder(user.id, row.id, user.name, user.role, row.scope, user.language, row.expires_at)

    async def of_user(self, user_id: uuid.UUID) -> list[ApiToken]:
        """The user's tokens, revoked ones too, the newest first."""
        return await self._db.read(user_id, tokens.of_user)

    async def everyones(self) -> list[tuple[User, ApiToken]]:
        """Every token of the household, for administrators."""

        def work(session: GuardedSession) -> list[tuple[User, ApiToken]]:
            household = {user.id: user for user in users.everyone(session)}
            return [(household[row.user_id], row) for row in tokens.of_user(session)]

        return await self._db.read(SYSTEM, work)

    async def revoke(self, token_id: uuid.UUID, by: Actor, *, owner: uuid.UUID | None = None) -> None:
        """End a token at once. NotFound when there is none, or not of that owner; administrators give no owner."""
        now = self._clock.now()

        def work(session: GuardedSession) -> uuid.UUID:
            if owner is None:
                require_administrator(session, by)
            row = tokens.revoke(session, token_id, now)
            self._trail.record(session, "token.revoked", by, subject=f"token:{token_id}")
            return row.user_id

        concerned = await self._db.write(SYSTEM if owner is None else owner, work)
        self._bus.publish(TokensChanged(at=now, user_id=concerned))


def _find(session: GuardedSession, token: str, now: datetime) -> tuple[User, ApiToken] | None:
    row = tokens.by_hash(session, hash_of(token))
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    user = users.get(session, row.user_id)
    return (user, row) if user.is_active else None
