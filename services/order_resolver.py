"""What became of an order whose answer got lost: ask by client id until found, or until the fence and the proofs allow a no.

Before the fence (signed time + window + engine + skew + replica lag; reliability, 3.3) "not found" proves nothing. After
it, NOT_ACCEPTED needs two not-founds, absence from the open orders, and absence from the closed ones since the intent. What was
proven after the fence stays proven: where an exchange counts questions, each round goes on where the last one had to stop, and
orders of one broker that are in doubt at once are asked for together.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, repeat

from loguru import logger

from aristobot.clock import Clock
from aristobot.errors import AristobotError, BadKey, MissingRight, NotFound, RateLimited
from aristobot.logs import log_context
from aristobot.orders import OrderReport, OrderStatus
from aristobot.store import orders
from aristobot.store.database import Database
from aristobot.store.trading_tables import Order
from services.broker_book import Account, BrokerBook
from services.doubt_questions import DoubtQuestions
from services.exchange_gateway import ExchangeGateway
from services.order_records import OrderRecords

#: Seconds: the engine may hold a request this long, and a read may lag this long behind it.
ENGINE_MAX = 10.0
REPLICA_LAG = 10.0
CLOCK_SKEW = 1.0
ALARM_AFTER = 60.0
_PAUSES = (0.0, 0.1, 0.3, 0.6, 1.0, 2.0, 3.0)
#: The same where questions are rationed: enough must be left for what is asked after the fence.
_SPARING = (0.3, 1.0, 4.0, 8.0)
_LONGEST_PAUSE = 5.0
#: An exchange that wants to hear nothing is left in peace for so many seconds before it is asked again.
_LONGEST_WAIT = 30.0
#: Seconds by which an exchange's own count of our questions may lag behind ours.
_ROUNDING = 0.01
#: Seconds for which fills are waited for by those who must know what is held, and between two looks.
_FILLS_WITHIN = 30.0
_LOOK_EVERY = 0.05
#: Not-founds after the fence before the other proofs are asked for.
_MISSES = 2


def fence(sent_at: datetime, window: float) -> datetime:
    """The moment after which an order that cannot be found can no longer appear."""
    return sent_at + timedelta(seconds=window + ENGINE_MAX + CLOCK_SKEW + REPLICA_LAG)


@dataclass(frozen=True, slots=True)
class _Completion:
    """The search for the fills of an order, and whose lot it belongs to: broker, symbol, owner."""

    lot: tuple[uuid.UUID, str, str]
    task: asyncio.Task[None]


@dataclass(slots=True)
class _Proofs:
    """What was shown after the fence: how often the order was not found, and where it is not.

    `looked_at` is when the last look began: an answer counts once.
    """

    looked_at: float = float("-inf")
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
        self._completing: dict[uuid.UUID, _Completion] = {}
        self._held_up: dict[uuid.UUID, uuid.UUID] = {}
        self._questions: dict[uuid.UUID, DoubtQuestions] = {}

    async def run(self) -> None:
        """Live as long as the house; what is unresolved at the end is taken up again at the next start."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for task in (*self._tasks.values(), *(one.task for one in self._completing.values())):
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
        self._completing[order.id] = _Completion((order.broker_id, order.symbol, order.owner), task)
        task.add_done_callback(lambda _: self._completing.pop(order.id, None))

    async def fills_known(self, broker_id: uuid.UUID, symbol: str, owner: str) -> bool:
        """Wait while fills of this owner of lots are missing, so that what is held can be told; False after too long."""
        until = self._clock.monotonic() + _FILLS_WITHIN
        while any(one.lot == (broker_id, symbol, owner) for one in self._completing.values()):
            if self._clock.monotonic() >= until:
                return False
            await self._clock.sleep(_LOOK_EVERY)
        return True

    async def _complete(self, account: Account, order: Order) -> None:
        said, wait, looked_at = False, 0.0, float("-inf")
        with self._asking(account, order) as questions:
            for number, pause in enumerate(_pauses(questions)):
                await self._clock.sleep(max(pause, wait))
                wait = 0.0
                try:
                    account = await self._today(account)
                    questions.renew(account, order)
                    answer = await questions.found(order, looked_at)
                    found, looked_at = answer.of(order), answer.asked_at
                    recorded = await self._records.apply(account, found) if found is not None else None
                except AristobotError as error:
                    if not said:
                        logger.warning("Fills of order {} cannot be read yet: {}", order.id.hex, error)
                    said, wait = True, _patience(error)
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
            with self._asking(account, order) as questions:
                return await self._search(account, questions, order)

    @contextmanager
    def _asking(self, account: Account, order: Order) -> Iterator[DoubtQuestions]:
        """The questions of a broker, about this order too as long as the context lasts."""
        questions = self._questions.get(account.id)
        if questions is None:
            questions = self._questions[account.id] = DoubtQuestions(self._clock, self._gateway, account)
        try:
            with questions.about(order):
                yield questions
        finally:
            if not questions.in_use and self._questions.get(account.id) is questions:
                del self._questions[account.id]

    async def _search(self, account: Account, questions: DoubtQuestions, order: Order) -> Order:
        row, proofs, alarmed, failing, wait = order, _Proofs(), False, False, 0.0
        for pause in _pauses(questions):
            await self._clock.sleep(max(self._not_far_beyond_fence(row, pause), wait))
            wait = 0.0
            try:
                row = await self._db.read(order.user_id, lambda s: orders.get(s, order.id))
                if not orders.is_settled(row):
                    account = await self._today(account)
                    row = await self._look(account, questions, row, proofs)
                if orders.is_settled(row):
                    return row
            except NotFound:
                raise
            except AristobotError as error:
                if not failing:
                    logger.warning("Order {} cannot be looked for yet: {}", row.id.hex, error)
                failing, wait = True, _patience(error)
                if isinstance(error, RateLimited):
                    self._held_up[row.id] = row.broker_id
            waited = self._clock.now() - (row.sent_at or row.created_at)
            if not alarmed and waited > timedelta(seconds=ALARM_AFTER):
                logger.error("Order {} has been in doubt for a minute; entries on {} wait", row.id.hex, row.symbol)
                alarmed = True
        raise AssertionError("the search ends only with an answer")

    async def _look(self, account: Account, questions: DoubtQuestions, row: Order, proofs: _Proofs) -> Order:
        """One round; the row as it stands after it. Raises ExchangeError where the round had to stop."""
        questions.renew(account, row)
        behind = self._fence(row)
        if proofs.missed < _MISSES:
            answer = await questions.found(row, proofs.looked_at)
            found, proofs.looked_at = answer.of(row), answer.asked_at
            if found is not None:
                return await self._believe(account, row, found)
            proofs.missed = proofs.missed + 1 if answer.asked_at > behind else 0
        if proofs.missed < _MISSES:
            return row
        if not questions.reads_lists and not await self._is_absent(questions, row, behind, proofs):
            proofs.missed, proofs.rests_nowhere, proofs.ended_nowhere = 0, False, False
            return row
        logger.warning("Order {} was never accepted: proven after its fence", row.id.hex)
        return await self._records.settle(row, OrderStatus.NOT_ACCEPTED)

    async def _today(self, account: Account) -> Account:
        """The broker with the keys that it has now; one that was deleted meanwhile as it was."""
        try:
            return await self._brokers.get(account.id)
        except NotFound:
            return account

    def _not_far_beyond_fence(self, row: Order, pause: float) -> float:
        """A pause that would lead far over the fence ends right behind it; behind it the usual ones do."""
        left = self._fence(row) - self._clock.monotonic()
        return min(pause, left + _ROUNDING) if left > 0 else min(pause, _LONGEST_PAUSE)

    def _fence(self, row: Order) -> float:
        """The moment, in monotonic seconds, after which it must have been asked for an absence to prove anything."""
        if row.fence_at is None:
            return float("inf")
        return self._clock.monotonic() + (row.fence_at - self._clock.now()) / timedelta(seconds=1)

    async def _believe(self, account: Account, row: Order, found: OrderReport) -> Order:
        recorded = await self._records.apply(account, found)
        logger.info("Order {} was found: {}", row.id.hex, found.status)
        if recorded is None:
            return row
        if recorded.missing:
            self.complete(account, recorded.order)
        return recorded.order

    async def _is_absent(self, questions: DoubtQuestions, row: Order, behind: float, proofs: _Proofs) -> bool:
        """The two other proofs: neither resting, nor among what ended since the intent was written."""
        if not proofs.rests_nowhere:
            proofs.rests_nowhere = (await questions.resting(row, behind)).of(row) is None
        if proofs.rests_nowhere and not proofs.ended_nowhere:
            proofs.ended_nowhere = (await questions.ended(row, behind)).of(row) is None
        return proofs.rests_nowhere and proofs.ended_nowhere


def _pauses(questions: DoubtQuestions) -> Iterator[float]:
    """Seconds before each look."""
    return chain(_SPARING, repeat(_SPARING[-1])) if questions.reads_lists else chain(_PAUSES, repeat(_LONGEST_PAUSE))


def _patience(error: AristobotError) -> float:
    """Seconds for which an exchange is left in peace after this."""
    if isinstance(error, BadKey | MissingRight):
        return _LONGEST_WAIT  # until there are other keys
    return min(error.retry_after + _ROUNDING, _LONGEST_WAIT) if isinstance(error, RateLimited) else 0.0
