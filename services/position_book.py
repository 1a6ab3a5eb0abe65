"""What each broker holds, in memory until something changes: an entry is checked without a look into the store."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.events import PositionUpdated
from aristobot.kinds import LotStatus
from aristobot.market import Symbol
from aristobot.store import holdings
from aristobot.store.database import Database
from aristobot.store.holdings import Holdings
from aristobot.store.trading_tables import PositionRow
from services.broker_book import Account


@dataclass(frozen=True, slots=True)
class Held:
    """The open positions of a broker, and those closed since `midnight` (UTC); rows to read, not to change."""

    rows: tuple[PositionRow, ...]
    midnight: datetime

    def open_one(self, symbol: Symbol, owner: str) -> PositionRow | None:
        """The open position of one owner of lots, if there is one."""
        mine = (row for row in self.rows if row.symbol == symbol and row.owner == owner and row.status is LotStatus.OPEN)
        return next(mine, None)

    def summed(self, symbol: Symbol) -> Holdings:
        """The sums that limits are checked against."""
        return holdings.summed(self.rows, symbol)


class PositionBook:
    """One answer per broker, forgotten with every change of one of its positions (PositionUpdated), and at midnight."""

    def __init__(self, db: Database, bus: Bus, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._held: dict[uuid.UUID, Held] = {}
        self._changes: dict[uuid.UUID, int] = {}
        bus.listen(PositionUpdated, do=lambda event: self.changed(event.broker_id))

    async def of(self, account: Account) -> Held:
        """What this broker holds now."""
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        known = self._held.get(account.id)
        if known is not None and known.midnight == midnight:
            return known
        changes = self._changes.get(account.id, 0)
        rows = await self._db.read(account.user_id, lambda s: holdings.since(s, account.id, midnight))
        held = Held(tuple(rows), midnight)
        if self._changes.get(account.id, 0) == changes:  # else a position changed while we read: ask again next time
            self._held[account.id] = held
        return held

    def changed(self, broker_id: uuid.UUID) -> None:
        """A position of this broker is not what it was."""
        self._changes[broker_id] = self._changes.get(broker_id, 0) + 1
        self._held.pop(broker_id, None)
