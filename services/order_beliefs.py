"""Reports become rows here. What waits for the same broker is believed together, in one transaction.

The same thing is said up to three times, by the answer of a call and by the private stream. Beliefs are nobody's hurry: they
let alerts pass, and by then all three have come and only the most telling one is written.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from aristobot.clock import Clock
from aristobot.errors import AristobotError, StoreError
from aristobot.market import Instrument
from aristobot.orders import OrderReport
from aristobot.store import orders
from aristobot.store.bookkeeping import Recorded, record
from aristobot.store.database import Database
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.known_reports import KnownReports

#: Reports in one transaction at most.
_LARGEST_BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    report: OrderReport
    instrument: Instrument
    outcome: asyncio.Future[Recorded | None]


class OrderBeliefs:
    """One queue per broker, worked off by one task as long as something waits in it."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._known = KnownReports()
        self._queues: dict[uuid.UUID, deque[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def believe(self, account: Account, report: OrderReport, instrument: Instrument) -> Recorded | None:
        """Write what a report says of one of our orders; None when the order is a stranger. Raises StoreError, DataError."""
        if (known := self._known.find(account.id, report)) is not None:
            return known
        one = _Waiting(report, instrument, asyncio.get_running_loop().create_future())
        queue = self._queues.get(account.id)
        if queue is None:
            self._queues[account.id] = deque([one])
            task = asyncio.create_task(self._work_off(account))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            queue.append(one)
        return await one.outcome

    def forget(self, broker_id: uuid.UUID, client_order_id: str) -> None:
        """The row was changed by other means than a report."""
        self._known.forget(broker_id, client_order_id)

    async def _work_off(self, account: Account) -> None:
        queue = self._queues[account.id]
        try:
            while queue:
                await self._db.lull()
                batch = [queue.popleft() for _ in range(min(len(queue), _LARGEST_BATCH))]
                fresh = [one for one in batch if not self._answered_from_memory(account, one)]
                if fresh:
                    await self._write(account, fresh)
        finally:
            del self._queues[account.id]
            for one in queue:
                _fail(one, StoreError("store_closed"))

    def _answered_from_memory(self, account: Account, one: _Waiting) -> bool:
        known = self._known.find(account.id, one.report)
        if known is not None:
            _answer(one, known)
        return known is not None

    async def _write(self, account: Account, batch: Sequence[_Waiting]) -> None:
        ordered, now = list(_most_telling_first(batch)), self._clock.now()
        try:
            outcomes = await self._db.write(account.user_id, lambda s: _recorded(s, account.id, ordered, now))
        except Exception as error:  # noqa: BLE001  # it belongs to whoever brought the report, and stops nobody else's
            if len(ordered) == 1:
                _fail(ordered[0], error)
                return
            for one in ordered:  # a report that is refused must not take its neighbours along
                await self._write(account, [one])
        except BaseException:
            for one in ordered:
                _fail(one, StoreError("store_unreachable"))
            raise
        else:
            for one, recorded in zip(ordered, outcomes, strict=True):
                if recorded is not None:
                    self._known.remember(recorded, one.report)
                _answer(one, recorded)


def _recorded(session: GuardedSession, broker_id: uuid.UUID, batch: Iterable[_Waiting], now: datetime) -> list[Recorded | None]:
    """One after the other, in one transaction; what the ones before have said already costs nothing more."""
    said = KnownReports()
    outcomes: list[Recorded | None] = []
    for one in batch:
        outcome = said.find(broker_id, one.report)
        if outcome is None and (row := _find(session, broker_id, one.report)) is not None:
            outcome = record(session, row, one.report, one.instrument, now)
            said.remember(outcome, one.report)
        outcomes.append(outcome)
    return outcomes


def _most_telling_first(batch: Iterable[_Waiting]) -> Iterable[_Waiting]:
    """In the order of their orders; of what is said of the same one, what goes furthest first (the result is always the same)."""
    by_order: dict[str, list[_Waiting]] = {}
    for one in batch:
        by_order.setdefault(one.report.client_order_id or one.report.exchange_order_id, []).append(one)
    return chain.from_iterable(sorted(several, key=_reach, reverse=True) for several in by_order.values())


def _reach(one: _Waiting) -> tuple[object, ...]:
    return one.report.filled, len(one.report.fills), one.report.status.is_final


def _find(session: GuardedSession, broker_id: uuid.UUID, report: OrderReport) -> Order | None:
    if report.client_order_id:
        row = orders.by_client_id(session, broker_id, report.client_order_id)
        if row is not None:
            return row
    if report.exchange_order_id:
        return orders.by_exchange_id(session, broker_id, report.symbol, report.exchange_order_id)
    return None


def _answer(one: _Waiting, recorded: Recorded | None) -> None:
    if not one.outcome.done():
        one.outcome.set_result(recorded)


def _fail(one: _Waiting, error: Exception) -> None:
    if not one.outcome.done():
        one.outcome.set_exception(type(error)(error.code, **error.facts) if isinstance(error, AristobotError) else error)
