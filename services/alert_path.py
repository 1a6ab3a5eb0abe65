"""The way of one alert through the house: each step with its moment, from the rows it left and the log lines of its trace."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, groupby

from aristobot.clock import Clock
from aristobot.kinds import OrderRole
from aristobot.log_writer import Line
from aristobot.orders import OrderStatus
from aristobot.store import orders, positions, webhooks
from aristobot.store.database import Database
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import FillRow, Order, PositionRow, Webhook
from services.log_archive import LogQuery
from services.log_tail import LogTail

#: Lines of one trace that are read.
MOST_LINES = 200
#: What follows an alert's end for so long still belongs to it: its exits are placed then.
AFTERWARDS = timedelta(minutes=2)
_TAKEN = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED)


class Stage(StrEnum):
    """What may happen to an alert and its orders, in the usual order."""

    RECEIVED = "received"
    STORED = "stored"
    TAKEN_UP = "taken_up"
    WRITTEN = "written"
    SENT = "sent"
    ACCEPTED = "accepted"
    FILLED = "filled"
    ENDED = "ended"
    POSITION_OPENED = "position_opened"
    POSITION_CLOSED = "position_closed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Step:
    """One stage with its moment, to the millisecond; the orders (an entry with its exits go as one) or the position it concerns.

    `exchange_at` is when the exchange's own clock says that it filled.
    """

    stage: Stage
    at: datetime
    orders: tuple[Order, ...] = ()
    position: PositionRow | None = None
    exchange_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AlertPath:
    """An alert (None when the trace began with something else), its steps in time, and its log lines, oldest first.

    `lacks_log` when the log does not hold the lines that some of the steps are known from.
    """

    webhook: Webhook | None
    steps: list[Step]
    lines: list[Line]
    lacks_log: bool = False


@dataclass(slots=True)
class Remembered:
    """The rows of one trace."""

    webhook: Webhook | None = None
    orders: list[Order] = field(default_factory=list)
    fills: dict[uuid.UUID, list[FillRow]] = field(default_factory=dict)
    positions: list[PositionRow] = field(default_factory=list)


async def follow(db: Database, log: LogTail, clock: Clock, query: LogQuery) -> AlertPath:
    """The path of the trace `query.trace_id`: only rows and lines that `query.user_id` may see."""
    rows = await db.read(query.user_id, lambda session: remembered(session, query.trace_id))
    begin, end = _span(rows, clock.now())
    if begin is None:
        lines = (await log.newest(query, MOST_LINES))[1].lines[::-1]
        return AlertPath(None, [], lines)
    lines = await log.between(query, begin - timedelta(seconds=1), end, MOST_LINES)
    steps = list(_together(_steps(rows, lines)))
    lacking = rows.webhook is not None and not any(step.stage is Stage.STORED for step in steps)
    return AlertPath(rows.webhook, steps, lines, lacking)


def remembered(session: GuardedSession, trace_id: str) -> Remembered:
    """What the store knows of a trace."""
    rows = Remembered(webhooks.of_trace(session, trace_id), orders.of_trace(session, trace_id))
    rows.fills = {order.id: orders.fills(session, order.id) for order in rows.orders}
    ids = dict.fromkeys(order.position_id for order in rows.orders if order.position_id is not None)
    rows.positions = [positions.get(session, one) for one in ids]
    return rows


def _span(rows: Remembered, now: datetime) -> tuple[datetime | None, datetime]:
    begins = [order.created_at for order in rows.orders]
    ends = [order.done_at or order.updated_at for order in rows.orders if not _guards(order)]
    if rows.webhook is not None:
        begins.append(rows.webhook.received_at)
        ends.append(rows.webhook.finished_at or now)
    return min(begins, default=None), max(ends, default=now) + AFTERWARDS


def _steps(rows: Remembered, lines: Sequence[Line]) -> Iterator[Step]:
    told = list(_told(lines))
    stored_at = _first(told, Stage.STORED)
    if rows.webhook is not None:
        yield Step(Stage.RECEIVED, rows.webhook.received_at)
        for stage in (Stage.STORED, Stage.TAKEN_UP):
            if (at := _first(told, stage)) is not None:
                yield Step(stage, max(at, stored_at or at))
    for order in rows.orders:
        taken = sorted(at for at, data in told if data.get("order") == order.id.hex and data.get("status") in _TAKEN)
        steps = _order_steps(order, rows.fills.get(order.id, []), taken[0] if taken else None)
        # an order is made ready while its alert is being stored, and written together with it
        yield from (replace(step, at=max(step.at, stored_at or step.at)) for step in steps)
    yield from _position_steps(rows)
    if rows.webhook is not None and rows.webhook.finished_at is not None:
        yield Step(Stage.FINISHED, rows.webhook.finished_at)


def _first(told: Iterable[tuple[datetime, dict[str, str]]], stage: Stage) -> datetime | None:
    return next((at for at, data in told if data.get("step") == stage.value), None)


def _together(steps: Iterable[Step]) -> Iterator[Step]:
    """In their order in time; what happened at once in its usual order, and as one step what happened to several orders."""
    usual = list(Stage)
    exact = (replace(step, at=step.at.replace(microsecond=step.at.microsecond // 1000 * 1000)) for step in steps)
    ordered = sorted(exact, key=lambda step: (step.at, usual.index(step.stage)))
    for _at, several in groupby(ordered, key=lambda step: (step.at, step.stage, step.position is None)):
        first, *others = several
        yield replace(first, orders=tuple(chain(first.orders, *(one.orders for one in others))))


def _order_steps(order: Order, filled: Sequence[FillRow], accepted: datetime | None) -> Iterator[Step]:
    yield Step(Stage.WRITTEN, order.created_at, (order,))
    if order.sent_at is not None:
        yield Step(Stage.SENT, order.sent_at, (order,))
    if accepted is not None:
        yield Step(Stage.ACCEPTED, accepted, (order,))
    if order.done_at is not None and not _guards(order):
        done = Stage.FILLED if order.status is OrderStatus.FILLED else Stage.ENDED
        yield Step(done, order.done_at, (order,), exchange_at=filled[-1].at if filled else None)


def _position_steps(rows: Remembered) -> Iterator[Step]:
    """A position that opened or closed while the alert was under way."""
    began = rows.webhook.received_at if rows.webhook is not None else min(order.created_at for order in rows.orders)
    for position in rows.positions:
        if position.opened_at >= began:
            yield Step(Stage.POSITION_OPENED, position.opened_at, position=position)
        left = any(order.position_id == position.id and order.role is OrderRole.EXIT for order in rows.orders)
        if left and position.closed_at is not None and position.closed_at >= began:
            yield Step(Stage.POSITION_CLOSED, position.closed_at, position=position)


def _guards(order: Order) -> bool:
    """A stop or a target may rest for days: when it ends, another story begins."""
    return order.role in (OrderRole.STOP, OrderRole.TARGET)


def _told(lines: Iterable[Line]) -> Iterator[tuple[datetime, dict[str, str]]]:
    """What lines say of steps, with its moment: that of the row's change where the line names it, else its own."""
    for line in lines:
        data = line.get("data")
        if isinstance(data, dict) and "step" in data:
            yield datetime.fromisoformat(str(data.get("at", line["ts"]))), data
