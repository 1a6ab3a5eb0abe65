"""Who may send alerts, and how fast: tokens by their hash, from memory, and an allowance for each."""

from __future__ import annotations

import asyncio
import hmac
from datetime import UTC, datetime, timedelta

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError, NotFound, RateLimited
from aristobot.events import BrokerUpdated, UserChanged
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.inbox import TokenOwner, note_use, token_owners
from aristobot.store.tenancy import SYSTEM
from services.tokens import hash_of

USE_NOTED_EVERY = timedelta(minutes=1)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_NOBODY = "0" * 64


class _Allowance:
    """How many alerts a token may still send: `burst` at once, refilled at `per_second`."""

    def __init__(self, burst: int, now: float) -> None:
        self.left, self.at = float(burst), now
        self.refusing = False

    def take(self, burst: int, per_second: float, now: float) -> float:
        """Zero when one was taken, else the seconds until there is one."""
        self.left = min(burst, self.left + (now - self.at) * per_second)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / per_second


class IngressGate:
    """Knows every token's owner. A change of a broker or a user has the table read anew before the next alert."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, settings: Settings) -> None:
        self._db, self._clock = db, clock
        self._burst, self._per_minute = settings.webhook_burst, settings.webhook_rate
        self._owners: dict[str, TokenOwner] = {}
        self._changes, self._known = 1, 0
        self._reading = asyncio.Lock()
        self._allowances: dict[str, _Allowance] = {}
        self._used_at: dict[str, datetime] = {}
        self._aside: set[asyncio.Task[None]] = set()
        bus.listen(BrokerUpdated, UserChanged, do=self._forget)

    async def load(self) -> None:
        """Read the table now unless it is known. Raises StoreError."""
        while self._known != self._changes:
            async with self._reading:
                if self._known == self._changes:
                    return
                changes = self._changes  # before the read: a change that comes meanwhile asks for another one
                self._owners = await self._db.read(SYSTEM, token_owners)
                self._known = changes

    async def owner_of(self, token: str) -> tuple[TokenOwner, str]:
        """Whose token it is, and its hash. Raises NotFound, StoreError.

        The work is the same for every token that is nobody's; what is compared are hashes, so time tells nothing of a token.
        """
        await self.load()
        token_hash = hash_of(token)
        owner = self._owners.get(token_hash)
        genuine = hmac.compare_digest(token_hash, token_hash if owner else _NOBODY)
        expired = owner is not None and owner.expires_at is not None and owner.expires_at <= self._clock.now()
        if owner is None or not genuine or expired:
            raise NotFound(kind="webhook_token")
        return owner, token_hash

    def let_in(self, token_hash: str) -> None:
        """Count one alert. Raises RateLimited with the seconds to wait; a flood is logged once."""
        now, per_second = self._clock.monotonic(), self._per_minute / 60
        allowance = self._allowances.get(token_hash) or self._allowances.setdefault(token_hash, _Allowance(self._burst, now))
        wait = allowance.take(self._burst, per_second, now)
        if wait and not allowance.refusing:
            logger.warning("Alerts come faster than {} a minute: they are turned away", self._per_minute)
        allowance.refusing = wait > 0
        if wait:
            raise RateLimited(retry_after=wait)

    def note_use(self, token_hash: str) -> None:
        """Write down, at most once a minute and aside, that the token is in use."""
        now = self._clock.now()
        if now - self._used_at.get(token_hash, _LONG_AGO) < USE_NOTED_EVERY:
            return
        self._used_at[token_hash] = now
        task = asyncio.create_task(self._write_use(token_hash, now))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _write_use(self, token_hash: str, now: datetime) -> None:
        try:
            await self._db.write(SYSTEM, lambda s: note_use(s, token_hash, now))
        except AristobotError as error:
            logger.debug("The use of a token was not noted: {}", error)

    def _forget(self, _: BrokerUpdated | UserChanged) -> None:
        self._changes += 1
