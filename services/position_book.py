"""What each broker holds, in memory until something changes: an entry is checked without a look into the store."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from loguru import logger

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

#: Seconds from a write that touches a position to the next look at it, unless somebody asks before.
_AFTERWARDS = 0.005


@dataclass(frozen=True, slots=True)
class Held:
    """The open positions of a broker, with those closed since `midnight` (UTC), as rows to read and as their sums."""

    midnight: datetime
    rows: tuple[PositionRow, ...]
    _guarded: frozenset[uuid.UUID]
    _open: Mapping[tuple[Symbol, str], PositionRow]
    _sums: Mapping[Symbol, Holdings]
    _by_quote: Mapping[str, Holdings]

    @classmethod
    def of(cls, found: holdings.Known, midnight: datetime) -> Held:
        """What these rows come to."""
        rows = tuple(found.rows)
        opened = {(row.symbol, row.owner): row for row in rows if row.status is LotStatus.OPEN}
        by_quote = holdings.per_quote(rows, found.before)
        sums: dict[Symbol, Holdings] = {}
        for (symbol, _), row in opened.items():
            known = sums.get(symbol, by_quote[row.quote])
            sums[symbol] = replace(known, symbol_notional=known.symbol_notional + holdings.worth(row))
        return cls(midnight, rows, found.guarded, opened, sums, by_quote)

    @property
    def quotes(self) -> frozenset[str]:
        """In which quotes something is held, or ended today."""
        return frozenset(row.quote for row in self.rows)

    def open_one(self, symbol: Symbol, owner: str) -> PositionRow | None:
        """The open position of one owner of lots, if there is one."""
        return self._open.get((symbol, owner))

    def summed(self, symbol: Symbol) -> Holdings:
        """The sums that limits are checked against, in the quote of the symbol."""
        known = self._sums.get(symbol)
        return known if known is not None else self._by_quote.get(holdings.quote_of(symbol), self._by_quote[""])

    def unguarded(self, position_id: uuid.UUID) -> PositionRow | None:
        """The open position, when no exits were asked for it and nothing of it is being sold."""
        if position_id in self._guarded:
            return None
        return next((row for row in self._open.values() if row.id == position_id), None)


class PositionBook:
    """One answer per broker, read anew with every change of one of its positions (PositionUpdated), and at midnight.

    It is read when the change is told, not when somebody asks: between an alert and its order there is no time for it.
    """

    def __init__(self, db: Database, bus: Bus, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._held: dict[uuid.UUID, Held] = {}
        self._owners: dict[uuid.UUID, uuid.UUID] = {}
        self._changes: dict[uuid.UUID, int] = {}
        self._reading: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._touching: list[uuid.UUID] = []
        bus.listen(PositionUpdated, do=lambda event: self.changed(event.broker_id))

    async def of(self, account: Account) -> Held:
        """What this broker holds now."""
        self._owners[account.id] = account.user_id
        while (held := self._held.get(account.id)) is None or held.midnight.date() != self._clock.now().date():
            await asyncio.shield(self._read_anew(account.id))
        return held

    def unguarded(self, position_id: uuid.UUID) -> PositionRow | None:
        """The open position when it is known that there is nothing to take back before it is sold; None when one has to look."""
        if position_id in self._touching:
            return None
        found = (held.unguarded(position_id) for held in self._held.values())
        return next((row for row in found if row is not None), None)

    @contextmanager
    def touching(self, position_id: uuid.UUID | None, broker_id: uuid.UUID | None = None) -> Iterator[None]:
        """For the length of a write that asks for exits of this position, or sells of it: what is known of it is not sure.

        Who knows its broker says so.
        """
        if position_id is None:
            yield
            return
        self._touching.append(position_id)
        try:
            yield
        finally:
            self._touching.remove(position_id)
            for reading in self._reading:  # what is being read may be older than what was written
                if broker_id in (None, reading):
                    self._changes[reading] = self._changes.get(reading, 0) + 1
            for one, held in list(self._held.items()):
                if any(row.id == position_id for row in held.rows):
                    self._forget(one)  # read when its order is on its way: the order is what is in a hurry
                    asyncio.get_running_loop().call_later(_AFTERWARDS, self._read_unless_known, one)

    def changed(self, broker_id: uuid.UUID) -> None:
        """A position of this broker is not what it was."""
        self._forget(broker_id)
        self._read_unless_known(broker_id)

    def _forget(self, broker_id: uuid.UUID) -> None:
        self._changes[broker_id] = self._changes.get(broker_id, 0) + 1
        self._held.pop(broker_id, None)

    def _read_unless_known(self, broker_id: uuid.UUID) -> None:
        if broker_id in self._owners and broker_id not in self._held:
            self._read_anew(broker_id)

    def _midnight(self) -> datetime:
        return self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)

    def _read_anew(self, broker_id: uuid.UUID) -> asyncio.Task[None]:
        task = self._reading.get(broker_id)
        if task is None:
            task = self._reading[broker_id] = asyncio.ensure_future(self._read(broker_id))
            task.add_done_callback(lambda done: self._end(broker_id, done))
        return task

    def _end(self, broker_id: uuid.UUID, done: asyncio.Task[None]) -> None:
        del self._reading[broker_id]
        if not done.cancelled() and (error := done.exception()) is not None:
            logger.debug("Positions of broker {} cannot be read now: {}", broker_id, error)

    async def _read(self, broker_id: uuid.UUID) -> None:
        """Until nothing changed while we read: what is remembered must not be older than the last change."""
        while True:
            changes, midnight = self._changes.get(broker_id, 0), self._midnight()
            found = await self._db.read(self._owners[broker_id], partial(holdings.known, broker_id=broker_id, midnight=midnight))
            if self._changes.get(broker_id, 0) == changes:
                self._held[broker_id] = Held.of(found, midnight)
                return
