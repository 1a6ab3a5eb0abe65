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
from aristobot.kinds import LotStatus, WebhookOutcome, WebhookStatus
from aristobot.logs import log_context
from aristobot.signals import Action, Parsed, parse
from aristobot.store import inbox, orders, positions, webhooks
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Webhook
from services.alerts import OWNER, Alert, Verdict, note_taken_up, told
from services.trading_floor import TradingFloor
from services.webhook_trading import WebhookTrading

#: A row that brought the house down this often is set aside, so that it cannot do so for ever (reliability, S8).
MOST_CLAIMS = 3
#: What has sent an order is finished with more patience: its order may be in doubt for longer than the house lives.
MOST_CLAIMS_WITH_ORDERS = 20
#: What has nothing to make ready: its answer need not wait for it.
_ASKS_NOTHING = frozenset({Action.PING, Action.MISS})
_STORE_PAUSES = (0.1, 0.5, 1.0, 5.0)
#: Seconds between tries to ask for the exits of a position: until then nobody guards it.
_PROTECT_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)


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
        self._seen_to: set[uuid.UUID] = set()
        self._protecting: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._protect_afterwards: dict[uuid.UUID, tuple[uuid.UUID, uuid.UUID]] = {}

    async def run(self) -> None:
        """After recovery: take up what was left, then follow the bus."""
        await self._floor.ready.wait()
        try:
            await self._protect_naked()
            await self._sweep()
            self._following = True
            async for event in self._inbox:
                match event:
                    case SignalReceived():
                        await self._on_signal(event)
                    case PositionUpdated():
                        await self._protect_late_fill(event)
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

    def queued(self) -> int:
        """Alerts that wait in lanes."""
        return sum(len(lane.jobs) for lane in self._lanes.values())

    async def _sweep(self) -> None:
        """Rows left `received` or `processing` by an earlier run, in the order in which they came."""
        for row in await self._floor.db.read(SYSTEM, webhooks.pending):
            if row.id not in self._under_work:
                self._swept.add(row.id)
                await self._take(_Taken(row.id, row.broker_id, row.payload, row.received_at, row.trace_id, recovered=True))

    async def _on_signal(self, event: SignalReceived) -> None:
        if event.webhook_id in self._swept:  # it came before the sweep, which found its row
            self._swept.discard(event.webhook_id)
            return
        if (begun := self._begun.pop(event.webhook_id, None)) is not None:
            if begun.taken_up_at is not None:
                note_taken_up(begun.webhook_id, begun.taken_up_at)
            return
        payload = event.payload
        if not payload:
            row: Webhook = await self._floor.db.read(SYSTEM, lambda s: webhooks.get(s, event.webhook_id))
            payload = row.payload
        await self._take(_Taken(event.webhook_id, event.broker_id, payload, event.at, event.trace_id, recovered=False))

    async def _take(self, taken: _Taken) -> None:
        parsed = parse(taken.payload)
        webhook_id, broker_id = taken.webhook_id, taken.broker_id
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
            lane.task = asyncio.ensure_future(self._work_off(key, lane))

    async def _refuse_orphan(self, taken: _Taken, error: NotFound) -> None:
        row: Webhook = await self._floor.db.read(SYSTEM, lambda s: webhooks.get(s, taken.webhook_id))
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
            if (filled := self._protect_afterwards.pop(job.webhook_id, None)) is not None:
                self._start_protecting(*filled)

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

    async def _protect_naked(self) -> None:
        """Protection first: positions whose entry was filled and whose exits were never asked for."""
        for position in await self._floor.db.read(SYSTEM, positions.open_ones):
            if position.owner == OWNER:
                self._start_protecting(position.user_id, position.id)

    async def _protect_late_fill(self, event: PositionUpdated) -> None:
        """An entry whose fills came after its alert had ended still brings the exits that the alert asked for."""
        if event.user_id is not None and event.position_id not in self._seen_to:
            self._start_protecting(event.user_id, event.position_id)

    def _start_protecting(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """Beside everything else: a position whose exchange is silent must not make the others wait."""
        if position_id not in self._protecting:
            task = self._protecting[position_id] = asyncio.create_task(self._protect(user_id, position_id))
            task.add_done_callback(lambda _: self._protecting.pop(position_id, None))

    async def _protect(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        """Until its exits are asked for: from then on the keeper sees to them."""
        for pause in chain(_PROTECT_PAUSES, repeat(_PROTECT_PAUSES[-1])):
            try:
                await self._try_to_protect(user_id, position_id)
                return
            except AristobotError as error:
                logger.error("Position {} could not be given its exits yet: {}", position_id, error)
            await self._floor.clock.sleep(pause)

    async def _try_to_protect(self, user_id: uuid.UUID, position_id: uuid.UUID) -> None:
        position = await self._floor.db.read(user_id, lambda s: positions.get(s, position_id))
        if position.status is not LotStatus.OPEN:
            return
        bracket = await self._floor.db.read(user_id, lambda s: positions.bracket_of(s, position_id))
        if bracket is not None:
            self._seen_to.add(position_id)
            return
        entry = await self._floor.db.read(user_id, lambda s: orders.entry_of(s, position_id))
        if entry is None or entry.webhook_id is None:
            return
        if entry.webhook_id in self._under_work:
            self._protect_afterwards[entry.webhook_id] = (user_id, position_id)
            return
        cause: uuid.UUID = entry.webhook_id
        row: Webhook = await self._floor.db.read(user_id, lambda s: webhooks.get(s, cause))
        commands = parse(row.payload).commands
        index = int(entry.leg.removeprefix("c") or 0)
        if index >= len(commands):
            return
        account = await self._floor.brokers.get(row.broker_id)
        alert = Alert(row.id, account, row.received_at, recovered=True)
        with log_context(trace_id=row.trace_id, user_id=user_id):
            await self._trading.protect(alert, commands[index], position_id)

    async def _stop(self) -> None:
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None] + list(self._protecting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
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
