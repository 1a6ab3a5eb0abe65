"""What became of an order whose answer got lost: ask by client id until found, or until the fence and the proofs allow a no.

Before the fence (signed time + window + engine + skew + replica lag; reliability, 3.3) "not found" proves nothing. After
it, NOT_ACCEPTED needs two not-founds, absence from the open orders, and absence from the closed ones since the intent. What was
proven after the fence stays proven: where an exchange counts questions, each round goes on where the last one had to stop.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, repeat

from loguru import logger

from aristobot.clock import Clock
from aristobot.errors import ExchangeError, RateLimited
from aristobot.exchange import Credentials, ExchangeClient
from aristobot.logs import log_context
from aristobot.orders import OrderReport, OrderStatus
from aristobot.store import orders
from aristobot.store.database import Database
from aristobot.store.trading_tables import Order
from services.broker_book import Account, BrokerBook
from services.exchange_gateway import ExchangeGateway
from services.order_records import OrderRecords

#: Seconds: the engine may hold a request this long, and a read may lag this long behind it.
ENGINE_MAX = 10.0
REPLICA_LAG = 10.0
CLOCK_SKEW = 1.0
ALARM_AFTER = 60.0
_PAUSES = (0.0, 0.1, 0.3, 0.6, 1.0, 2.0, 3.0)
_LONGEST_PAUSE = 5.0
#: Not-founds after the fence before the other proofs are asked for.
_MISSES = 2


def fence(sent_at: datetime, window: float) -> datetime:
    """The moment after which an order that cannot be found can no longer appear."""
    return sent_at + timedelta(seconds=window + ENGINE_MAX + CLOCK_SKEW + REPLICA_LAG)


@dataclass(slots=True)
class _Proofs:
    """What was shown after the fence: how often the order was not found, and where it is not."""

    missed: int = 0
    rests_nowhere: bool = False
    ended_nowhere: bool = False


class OrderResolver:
    """One task per order in doubt; `run` keeps them, and ends them with itself."""

    name = "order_resolver"

    def __init__(self, db: Database, clock: Clock, gateway: ExchangeGateway, brokers: BrokerBook, records: OrderRecords) -> None:
        self._db = db
        self._clock = clock
        self._gateway = gateway
        self._brokers = brokers
        self._records = records
        self._tasks: dict[uuid.UUID, asyncio.Task[Order]] = {}
        self._completing: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._held_up: dict[uuid.UUID, uuid.UUID] = {}

    async def run(self) -> None:
        """Live as long as the house; what is unresolved at the end is taken up again at the next start."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for task in (*self._tasks.values(), *self._completing.values()):
                task.cancel()

    def in_doubt(self) -> int:
        """How many orders are being looked for."""
        return len(self._tasks)

    def is_held_up(self, broker_id: uuid.UUID) -> bool:
        """Whether limits of the exchange hold up a search for an order of this broker: who can wait leaves it the questions."""
        return broker_id in self._held_up.values()

    def take_up(self, order: Order) -> asyncio.Task[Order]:
        """Look for an order from now on; the task ends with its row once it is settled. Asking twice is the same task."""
        task = self._tasks.get(order.id)
        if task is None:
            task = asyncio.ensure_future(self._resolve(order))
            self._tasks[order.id] = task
            task.add_done_callback(lambda done: self._forget(order.id, done))
        return task

    def complete(self, account: Account, order: Order) -> None:
        """Fetch the executions of an order whose filled quantity is known and whose fills are not."""
        if order.id in self._completing:
            return
        task = asyncio.ensure_future(self._complete(account, order))
        self._completing[order.id] = task
        task.add_done_callback(lambda _: self._completing.pop(order.id, None))

    async def _complete(self, account: Account, order: Order) -> None:
        client = self._gateway.client_for(account.broker)
        said = False
        for number, pause in enumerate(chain(_PAUSES, repeat(_LONGEST_PAUSE))):
            await self._clock.sleep(pause)
            try:
                found = await client.find_order(await self._gateway.keys(account.broker), order.symbol, order.client_order_id)
                recorded = await self._records.apply(account, found) if found is not None else None
            except ExchangeError as error:
                if not said:
                    logger.warning("Fills of order {} cannot be read yet: {}", order.id.hex, error)
                said = True
                continue
            if recorded is not None and not recorded.missing:
                return
            if number == len(_PAUSES):
                logger.error("Fills of order {} are still missing; they are asked for until they come", order.id.hex)

    def _forget(self, order_id: uuid.UUID, task: asyncio.Task[Order]) -> None:
        self._tasks.pop(order_id, None)
        self._held_up.pop(order_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.opt(exception=error).error(
                "The search for order {} fell; it is taken up again at the next round", order_id.hex
            )

    async def _resolve(self, order: Order) -> Order:
        with log_context(trace_id=order.trace_id, user_id=order.user_id):
            account = await self._brokers.get(order.broker_id)
            proofs, alarmed, failing, wait = _Proofs(), False, False, 0.0
            for pause in chain(_PAUSES, repeat(_LONGEST_PAUSE)):
                await self._clock.sleep(max(pause, wait))
                row, wait = await self._db.read(order.user_id, lambda s: orders.get(s, order.id)), 0.0
                if orders.is_settled(row):
                    return row
                try:
                    row = await self._look(account, row, proofs)
                    if orders.is_settled(row):
                        return row
                except ExchangeError as error:
                    if not failing:
                        logger.warning("Order {} cannot be looked for yet: {}", row.id.hex, error)
                    failing = True
                    if isinstance(error, RateLimited):
                        self._held_up[row.id] = row.broker_id
                        wait = min(error.retry_after, _LONGEST_PAUSE)
                waited = self._clock.now() - (row.sent_at or row.created_at)
                if not alarmed and waited > timedelta(seconds=ALARM_AFTER):
                    logger.error("Order {} has been in doubt for a minute; entries on {} wait", row.id.hex, row.symbol)
                    alarmed = True
        raise AssertionError("the search ends only with an answer")

    async def _look(self, account: Account, row: Order, proofs: _Proofs) -> Order:
        """One round; the row as it stands after it. Raises ExchangeError where the round had to stop."""
        client, keys = self._gateway.client_for(account.broker), await self._gateway.keys(account.broker)
        if proofs.missed < _MISSES:
            found = await client.find_order(keys, row.symbol, row.client_order_id)
            if found is not None:
                return await self._believe(account, row, found)
            proofs.missed = proofs.missed + 1 if self._past_fence(row) else 0
        if proofs.missed < _MISSES:
            return row
        if not await self._is_absent(client, keys, row, proofs):
            proofs.missed, proofs.rests_nowhere, proofs.ended_nowhere = 0, False, False
            return row
        logger.warning("Order {} was never accepted: proven after its fence", row.id.hex)
        return await self._records.settle(row, OrderStatus.NOT_ACCEPTED)

    def _past_fence(self, row: Order) -> bool:
        return row.fence_at is not None and self._clock.now() > row.fence_at

    async def _believe(self, account: Account, row: Order, found: OrderReport) -> Order:
        recorded = await self._records.apply(account, found)
        logger.info("Order {} was found: {}", row.id.hex, found.status)
        if recorded is None:
            return row
        if recorded.missing:
            self.complete(account, recorded.order)
        return recorded.order

    async def _is_absent(self, client: ExchangeClient, keys: Credentials, row: Order, proofs: _Proofs) -> bool:
        """The two other proofs: neither resting, nor among what ended since the intent was written."""
        if not proofs.rests_nowhere:
            proofs.rests_nowhere = _is_none_of(row, await client.open_orders(keys, row.symbol))
        if proofs.rests_nowhere and not proofs.ended_nowhere:
            since = row.created_at - timedelta(seconds=60)
            proofs.ended_nowhere = _is_none_of(row, await client.closed_orders(keys, since, row.symbol))
        return proofs.rests_nowhere and proofs.ended_nowhere


def _is_none_of(row: Order, reports: Iterable[OrderReport]) -> bool:
    return all(report.client_order_id != row.client_order_id for report in reports)
