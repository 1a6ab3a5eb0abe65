"""What happened while the house was away: told once per start, before anything trades, to each user about their own."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from loguru import logger

from aristobot.errors import AristobotError
from aristobot.events import RestartReported
from aristobot.money import plain
from aristobot.orders import OrderStatus
from aristobot.store import orders, reports
from aristobot.store.monitor_tables import RestartReport
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import Order, Webhook
from services.broker_book import Account
from services.trading_floor import TradingFloor

FILLED, CANCELLED, DOUBTFUL, UNLISTED, ALERT = "filled", "cancelled", "doubtful", "unlisted", "alert"
_GONE = (OrderStatus.CANCELED, OrderStatus.EXPIRED)
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A report as it is shown: `candles` by symbol and timeframe; `closed` are brokers that could not be compared yet."""

    row: RestartReport
    candles: dict[str, int]
    closed: tuple[Broker, ...]

    @property
    def worth_showing(self) -> bool:
        """Whether it is unread and there is something to say."""
        return self.row.seen_at is None and bool(self.row.items or self.closed or self.candles)


class RestartReports:
    """Takes note of what was believed before the first comparison, and writes down what had become of it after."""

    def __init__(self, floor: TradingFloor) -> None:
        self._floor = floor
        self._began = floor.clock.now()
        self._before: dict[uuid.UUID, Order] = {}
        self._written = False
        self._writing = asyncio.Lock()

    async def note(self) -> None:
        """Before the first comparison."""
        if not self._written:
            self._before = {row.id: row for row in await self._floor.db.read(SYSTEM, orders.alive)}

    async def write(self, unlisted: frozenset[uuid.UUID] = frozenset()) -> None:
        """After the first comparison, once per start. What goes wrong here is logged: trading does not wait for it.

        `unlisted` are orders on markets that their exchange lists no more.
        """
        if self._written:
            return
        self._written = True
        try:
            async with self._writing:
                await self._write(unlisted)
        except AristobotError as error:
            logger.error("The report of this start could not be written: {}", error)

    async def complete(self, account: Account, unlisted: frozenset[uuid.UUID] = frozenset()) -> None:
        """A broker that could not be compared at the start was now: what had become of its orders is told besides."""
        try:
            async with self._writing:
                if self._written:
                    await self._tell_late(account, unlisted)
        except AristobotError as error:
            logger.error("The report of this start could not be completed: {}", error)

    async def newest(self, user_id: uuid.UUID) -> Told | None:
        """The report of the last start; None before the first."""

        def work(session: GuardedSession) -> tuple[RestartReport, dict[str, int]] | None:
            row = reports.newest(session)
            if row is None:
                return None
            return row, reports.repaired_candles(session, row.away_since, row.at) if row.away_since else {}

        found = await self._floor.db.read(user_id, work)
        mine = [one for one in self._floor.brokers.all() if one.user_id == user_id and one.broker.api_key_sealed]
        closed = tuple(one.broker for one in mine if self._written and one.id not in self._floor.reconciled)
        return Told(*found, closed) if found is not None else None

    async def put_away(self, user_id: uuid.UUID, report_id: uuid.UUID) -> None:
        """The user has read it; it is not shown again."""
        now = self._floor.clock.now()
        await self._floor.db.write(user_id, lambda s: reports.put_away(s, report_id, now))
        self._floor.bus.publish(RestartReported(at=now, user_id=user_id))

    async def _write(self, unlisted: frozenset[uuid.UUID]) -> None:
        began, compared = self._began, frozenset(self._floor.reconciled)

        def look(session: GuardedSession) -> tuple[datetime | None, list[Order | None], list[Webhook]]:
            away = reports.last_candle_before(session, began)
            after = [orders.find(session, one) for one in self._before]
            return away, after, reports.missed_alerts(session, away or began, began)

        away, after, missed = await self._floor.db.read(SYSTEM, look)
        became = self._became(after, unlisted)
        items = _items(became, missed)
        for user_id in {account.user_id for account in self._floor.brokers.all() if account.broker.api_key_sealed}:
            row = RestartReport(user_id=user_id, at=began, away_since=away, items=items.get(user_id, []))
            await self._floor.db.write(user_id, partial(_add, row=row))
            self._floor.bus.publish(RestartReported(at=self._floor.clock.now(), user_id=user_id))
            logger.info("While the house was away {} things happened to user {}", len(row.items or ()), user_id)
        told = {row.id for row, kind in became if kind}
        self._before = {one: row for one, row in self._before.items() if row.broker_id not in compared and one not in told}

    async def _tell_late(self, account: Account, unlisted: frozenset[uuid.UUID]) -> None:
        late = [one for one, row in self._before.items() if row.broker_id == account.id]

        def add(session: GuardedSession) -> int:
            became = self._became([orders.find(session, one) for one in late], unlisted)
            items = _items(became, ()).get(account.user_id, [])
            reports.add_items(session, self._began, items)
            return len(items)

        added = await self._floor.db.write(account.user_id, add) if late else 0
        for one in late:
            del self._before[one]
        if added:
            self._floor.bus.publish(RestartReported(at=self._floor.clock.now(), user_id=account.user_id))
            logger.info("While the house was away {} more things happened to user {}", added, account.user_id)

    def _became(self, after: Sequence[Order | None], unlisted: frozenset[uuid.UUID]) -> list[tuple[Order, str]]:
        """Each order that is still there, and what became of it since it was noted."""
        rows = [row for row in after if row is not None]
        return [(row, UNLISTED if row.id in unlisted else _what_became(self._before[row.id], row)) for row in rows]


def _add(session: GuardedSession, *, row: RestartReport) -> None:
    session.add(row)


def _items(after: Sequence[tuple[Order, str]], missed: Sequence[Webhook]) -> dict[uuid.UUID, list[Item]]:
    found: defaultdict[uuid.UUID, list[Item]] = defaultdict(list)
    for row, kind in after:
        if kind:
            amount = plain(row.filled if kind == FILLED else row.quantity)
            about = {"broker_id": str(row.broker_id), "symbol": row.symbol, "side": row.side.value, "role": row.role.value}
            found[row.user_id].append({"kind": kind, "order_id": str(row.id), **about, "quantity": amount})
    for alert in missed:
        about = {"broker_id": str(alert.broker_id), "symbol": alert.symbol, "action": alert.action}
        moment = alert.received_at.isoformat()
        found[alert.user_id].append({"kind": ALERT, "webhook_id": str(alert.id), **about, "at": moment})
    return found


def _what_became(before: Order, after: Order) -> str:
    if after.filled > before.filled:
        return FILLED
    if after.status in _GONE:
        return CANCELLED
    return DOUBTFUL if after.status is OrderStatus.UNKNOWN else ""
