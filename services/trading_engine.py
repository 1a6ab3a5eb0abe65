"""Alerts, one lane per broker and symbol: close before open, never twice at once, nothing left behind after a restart."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, repeat
from typing import Any

from loguru import logger

from aristobot.errors import AristobotError, NotFound, StoreError
from aristobot.events import PositionUpdated, SignalReceived, WebhookUpdated
from aristobot.kinds import WebhookOutcome, WebhookStatus
from aristobot.logs import log_context
from aristobot.signals import Action, Parsed, parse
from aristobot.store import inbox, webhooks
from aristobot.store.tenancy import SYSTEM
from services.alerts import Alert, Verdict, note_taken_up, told
from services.entry_guards import EntryGuards
from services.trading_floor import TradingFloor
from services.webhook_trading import WebhookTrading

#: A row that brought the house down this often is set aside, so that it cannot do so for ever (reliability, S8).
MOST_CLAIMS = 3
#: What has sent an order is finished with more patience: its order may be in doubt for longer than the house lives.
MOST_CLAIMS_WITH_ORDERS = 20
#: What has nothing to make ready: its answer need not wait for it.
_ASKS_NOTHING = frozenset({Action.PING, Action.MISS})
_STORE_PAUSES = (0.1, 0.5, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class _Taken:
    webhook_id: uuid.UUID
    broker_id: uuid.UUID
    payload: bytes
    received_at: datetime
    trace_id: str
    recovered: bool


@dataclass(slots=True)
class _Job:
    webhook_id: uuid.UUID
    trace_id: str
    alert: Alert
    parsed: Parsed
    taken_up_at: datetime | None = None


@dataclass(slots=True)
class _Lane:
    jobs: deque[_Job] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class TradingEngine:
    """Takes alerts off the bus, finds their lane, has them carried out, and writes their end."""

    name = "trading_engine"

    def __init__(self, floor: TradingFloor, trading: WebhookTrading) -> None:
        self._floor = floor
        self._bus = floor.bus
        self._trading = trading
        self._inbox = floor.bus.subscribe(SignalReceived, PositionUpdated)
        self._lanes: dict[tuple[uuid.UUID, str], _Lane] = {}
        self._under_work: set[uuid.UUID] = set()
        self._following = False
        self._begun: dict[uuid.UUID, _Job] = {}
        self._swept: set[uuid.UUID] = set()
        self._waiting: dict[uuid.UUID, deque[_Taken]] = {}
        self._takers: set[asyncio.Task[None]] = set()
        self._guards = EntryGuards(floor, trading, lambda webhook_id: webhook_id in self._under_work)

    async def run(self) -> None:
        """After recovery: take up what was left, then follow the bus."""
        await self._floor.ready.wait()
        try:
            await self._guards.protect_naked()
            await self._sweep()
            self._following = True
            async for event in self._inbox:
                match event:
                    case SignalReceived():
                        await self._on_signal(event)
                    case PositionUpdated(user_id=uuid.UUID() as user_id):
                        self._guards.filled(user_id, event.position_id)
        finally:
            self._following = False
            await self._stop()

    def begin(self, alert: inbox.Alert) -> Callable[[bool], None] | None:
        """Take up an alert that is about to be stored: its order is made ready meanwhile, and both become durable together.

        The callable has to be told what came of it: whether it is stored, and new. None: it is taken up when its bell rings.
        """
        account = self._floor.brokers.known(alert.broker_id) if self._following else None
        parsed = parse(alert.payload)
        if account is None or not parsed.commands or parsed.commands[0].action in _ASKS_NOTHING:
            return None
        if alert.broker_id in self._waiting:
            return None
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        under_work = Alert(alert.id, account, alert.received_at, stored=stored)
        job = _Job(alert.id, alert.trace_id, under_work, parsed)
        self._line_up(job)
        self._begun[alert.id] = job

        def tell(new: bool) -> None:
            if not new:
                self._begun.pop(alert.id, None)
            if not stored.done():
                stored.set_result(new)

        return tell

    async def _sweep(self) -> None:
        """Rows left `received` or `processing` by an earlier run, in the order in which they came."""
        for row in await self._floor.db.read(SYSTEM, webhooks.pending):
            if row.id not in self._under_work:
                self._swept.add(row.id)
                await self._take_up(_Taken(row.id, row.broker_id, row.payload, row.received_at, row.trace_id, recovered=True))

    async def _on_signal(self, event: SignalReceived) -> None:
        if event.webhook_id in self._swept:  # it came before the sweep, which found its row
            self._swept.discard(event.webhook_id)
            return
        if (begun := self._begun.pop(event.webhook_id, None)) is not None:
            if begun.taken_up_at is not None:
                note_taken_up(begun.webhook_id, begun.taken_up_at)
            return
        taken = _Taken(event.webhook_id, event.broker_id, event.payload, event.at, event.trace_id, recovered=event.recovered)
        await self._take_up(taken)

    async def _take_up(self, taken: _Taken) -> None:
        """At once, unless the store does not allow it: then until it does, and what comes to the same broker waits behind it."""
        if (waiting := self._waiting.get(taken.broker_id)) is not None:
            waiting.append(taken)
            return
        try:
            await self._take(taken)
        except StoreError as error:
            logger.error("Alert {} cannot be taken up yet: {}", taken.webhook_id, error)
            self._waiting[taken.broker_id] = deque([taken])
            task = asyncio.create_task(self._take_waiting(taken.broker_id))
            self._takers.add(task)
            task.add_done_callback(self._takers.discard)

    async def _take_waiting(self, broker_id: uuid.UUID) -> None:
        waiting, pauses = self._waiting[broker_id], chain(_STORE_PAUSES, repeat(_STORE_PAUSES[-1]))
        try:
            while waiting:
                await self._floor.clock.sleep(next(pauses))
                try:
                    while waiting:
                        await self._take(waiting[0])
                        waiting.popleft()
                except StoreError as error:
                    logger.debug("Alert {} cannot be taken up yet: {}", waiting[0].webhook_id, error)
        finally:
            del self._waiting[broker_id]

    async def _take(self, taken: _Taken) -> None:
        """Find its lane, or write its end. Raises StoreError; what is wrong with it alone is left to the next start."""
        try:
            await self._find_lane(taken)
        except StoreError:
            raise
        except AristobotError as error:
            logger.error("Alert {} cannot be taken up: {}", taken.webhook_id, error)

    async def _find_lane(self, taken: _Taken) -> None:
        webhook_id, broker_id = taken.webhook_id, taken.broker_id
        payload = taken.payload
        if not payload:
            row = await self._floor.db.read(SYSTEM, lambda s: webhooks.get(s, webhook_id))
            payload = row.payload
        parsed = parse(payload)
        try:
            account = await self._floor.brokers.get(broker_id)
        except NotFound as error:
            await self._refuse_orphan(taken, error)
            return
        if not parsed.commands:
            reason = Verdict(WebhookOutcome.INVALID, parsed.reason, parsed.facts)
            await self._finish(account.user_id, broker_id, webhook_id, [reason], taken.trace_id)
            return
        self._line_up(_Job(webhook_id, taken.trace_id, Alert(webhook_id, account, taken.received_at, taken.recovered), parsed))

    def _line_up(self, job: _Job) -> None:
        """Behind the alerts of the same broker and market that came before."""
        self._under_work.add(job.webhook_id)
        account = job.alert.account
        key = (account.id, self._trading.lane(account, job.parsed.commands[0]))
        lane = self._lanes.setdefault(key, _Lane())
        lane.jobs.append(job)
        if lane.task is None:
            lane.task = asyncio.create_task(self._work_off(key, lane))

    async def _refuse_orphan(self, taken: _Taken, error: NotFound) -> None:
        row = await self._floor.db.read(SYSTEM, lambda s: webhooks.get(s, taken.webhook_id))
        gone = Verdict(WebhookOutcome.REFUSED, f"error.{error.code}", dict(error.facts))
        await self._finish(row.user_id, taken.broker_id, taken.webhook_id, [gone], taken.trace_id)

    async def _work_off(self, key: tuple[uuid.UUID, str], lane: _Lane) -> None:
        try:
            while lane.jobs:
                job = lane.jobs.popleft()
                with log_context(service=self.name, trace_id=job.trace_id, user_id=job.alert.account.user_id):
                    job.taken_up_at = self._floor.clock.now()
                    if job.webhook_id not in self._begun:  # else it is said when the bell has rung: its order is in a hurry
                        note_taken_up(job.webhook_id, job.taken_up_at)
                    async with self._floor.turn(*key):
                        await self._do(job, superseded=any(_replaces(later, job) for later in lane.jobs))
        finally:
            lane.task = None
            self._lanes.pop(key, None)

    async def _do(self, job: _Job, *, superseded: bool) -> None:
        try:
            verdicts = await self._verdicts(job, superseded=superseded)
            await job.alert.durable()
            if verdicts:
                await self._finish_surely(job, verdicts)
        except webhooks.AlertMissing:
            logger.debug("Alert {} came before, or could not be stored", job.webhook_id)
        finally:
            self._under_work.discard(job.webhook_id)
            self._guards.ended(job.webhook_id)

    async def _verdicts(self, job: _Job, *, superseded: bool) -> list[Verdict]:
        """What became of each command; empty for a row that turns out to be finished. Raises AlertMissing."""
        if job.alert.stored is not None and job.alert.stored.done():
            await job.alert.durable()
        try:
            if superseded:
                return [Verdict(WebhookOutcome.NO_EFFECT, "reason.superseded")]
            if job.alert.recovered:
                row = await self._floor.db.write(SYSTEM, lambda s: webhooks.claim(s, job.webhook_id))
                if row is None:
                    return []
                if row.claims > (MOST_CLAIMS_WITH_ORDERS if row.order_ids else MOST_CLAIMS):
                    logger.error("Alert {} is set aside: it was begun {} times and never ended", row.id, row.claims)
                    return [Verdict(WebhookOutcome.INVALID, "reason.poison", {"claims": row.claims})]
            return await self._carried_out(job)
        except webhooks.AlertMissing:
            raise
        except AristobotError as error:
            logger.error("Alert {} fell: {}", job.webhook_id, error)
            return [Verdict(WebhookOutcome.REFUSED, f"error.{error.code}", dict(error.facts))]
        except Exception as error:  # noqa: BLE001  # told with its trace and written on the row: the lane must go on
            logger.opt(exception=error).error("Alert {} met a fault of the house", job.webhook_id)
            return [Verdict(WebhookOutcome.REFUSED, "reason.internal")]

    async def _carried_out(self, job: _Job) -> list[Verdict]:
        try:
            return await self._trading.carry_out(job.alert, job.parsed.commands)
        except webhooks.AlertMissing:  # its order was ready before it was written itself: if it comes to be stored, once more
            await job.alert.durable()
            return await self._trading.carry_out(job.alert, job.parsed.commands)

    async def _finish_surely(self, job: _Job, verdicts: Sequence[Verdict]) -> None:
        """Write the end of a row, as often as it takes: a store that is full or locked must not leave it open."""
        account = job.alert.account
        for pause in chain(_STORE_PAUSES, repeat(_STORE_PAUSES[-1])):
            try:
                await self._finish(account.user_id, account.id, job.webhook_id, verdicts, job.trace_id)
                return
            except StoreError as error:
                logger.error("The end of alert {} cannot be written yet: {}", job.webhook_id, error)
            except AristobotError as error:
                logger.error("The end of alert {} cannot be written, it is left to the next start: {}", job.webhook_id, error)
                return
            await self._floor.clock.sleep(pause)

    async def _finish(
        self, user_id: uuid.UUID, broker_id: uuid.UUID, webhook_id: uuid.UUID, verdicts: Sequence[Verdict], trace_id: str
    ) -> None:
        last = next((one for one in verdicts if one.status is WebhookStatus.ERROR), verdicts[-1])
        placed = [row for one in verdicts for row in one.orders]
        values: dict[str, Any] = {
            "status": last.status,
            "outcome": last.outcome,
            "reason": last.reason[:64],
            "reason_facts": {name: str(value)[:200] for name, value in last.facts.items()} or None,
            "order_ids": [row.id.hex for row in placed],
            "result": {"commands": [told(one) for one in verdicts]},
            "finished_at": self._floor.clock.now(),
        }
        if last.symbol:
            values["symbol"] = last.symbol
        await self._floor.db.write(user_id, lambda s: webhooks.finish(s, webhook_id, values))
        logger.info("Alert {} ended: {} {} {}", webhook_id, last.status, last.outcome, last.reason)
        self._bus.publish(
            WebhookUpdated(
                at=self._floor.clock.now(),
                trace_id=trace_id,
                user_id=user_id,
                webhook_id=webhook_id,
                broker_id=broker_id,
                status=last.status.value,
                outcome=last.outcome.value,
            )
        )

    async def _stop(self) -> None:
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None] + list(self._takers)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._guards.stop()
        self._lanes.clear()
        self._under_work.clear()
        self._begun.clear()


def _replaces(later: _Job, earlier: _Job) -> bool:
    """Whether a later move says everything anew that an earlier one said: then only the later is done."""
    if not later.alert.is_stored or len(later.parsed.commands) != 1 or len(earlier.parsed.commands) != 1:
        return False
    new, old = later.parsed.commands[0], earlier.parsed.commands[0]
    if new.action is not Action.MOVE or old.action is not Action.MOVE:
        return False
    return bool((new.stop_loss or not old.stop_loss) and (new.take_profit or not old.take_profit))
