"""Orders placed elsewhere: kept once, brought up to date, never acted upon."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import NotFound
from aristobot.orders import OrderReport, OrderState, merge
from aristobot.store import orders
from aristobot.store.monitor_tables import Stranger
from aristobot.store.paging import Place, newest
from aristobot.store.questions import Question
from aristobot.store.tenancy import GuardedSession


@dataclass(frozen=True, slots=True)
class Kept:
    """What reports about strangers changed: how many were new, how many known ones moved."""

    imported: int = 0
    changed: int = 0


def keep(session: GuardedSession, owner: tuple[uuid.UUID, uuid.UUID], reports: list[OrderReport], now: datetime) -> Kept:
    """Write what is told of orders that are not ours; `owner` is user and broker. Reports of ours are passed over."""
    imported = changed = 0
    for report in reports:
        if not report.exchange_order_id or _is_ours(session, owner[1], report):
            continue
        row = find(session, owner[1], report.symbol, report.exchange_order_id)
        if row is None:
            session.add(_made(owner, report, now))
            session.flush()
            imported += 1
        else:
            changed += _move(session, row, report, now)
    return Kept(imported, changed)


def foreign(session: GuardedSession, broker_id: uuid.UUID, reports: list[OrderReport]) -> list[OrderReport]:
    """Those of these reports that speak of no order of ours, as far as this session sees: `keep` looks again."""
    return [one for one in reports if one.exchange_order_id and not _is_ours(session, broker_id, one)]


def find(session: GuardedSession, broker_id: uuid.UUID, symbol: str, exchange_order_id: str) -> Stranger | None:
    """The stranger that the exchange knows by this id."""
    wanted = select(Stranger).where(
        Stranger.broker_id == broker_id, Stranger.symbol == symbol, Stranger.exchange_order_id == exchange_order_id
    )
    return session.exec(wanted).one_or_none()


def get(session: GuardedSession, stranger_id: uuid.UUID) -> Stranger:
    """The row; NotFound when it does not exist or belongs to somebody else."""
    row = session.exec(select(Stranger).where(Stranger.id == stranger_id)).one_or_none()
    if row is None:
        raise NotFound(kind="order")
    return row


def resting(session: GuardedSession, broker_id: uuid.UUID) -> list[Stranger]:
    """Strangers of a broker that may still change, oldest first."""
    return _RESTING.all(session, broker_id=broker_id)


_RESTING = Question[Stranger](
    select(Stranger)
    .where(Stranger.broker_id == sa.bindparam("broker_id"), col(Stranger.status).in_(orders.ALIVE))
    .order_by(col(Stranger.created_at))
)


def recent(session: GuardedSession, *, limit: int = 100, before: Place | None = None, **equal: object) -> list[Stranger]:
    """Newest first, at most `limit`, whose columns `equal` what is given (None: any); `before` continues after that row."""
    wanted = select(Stranger).filter_by(**{name: value for name, value in equal.items() if value is not None})
    return list(session.exec(newest(wanted, Stranger.created_at, Stranger.id, limit, before)))


def _is_ours(session: GuardedSession, broker_id: uuid.UUID, report: OrderReport) -> bool:
    if report.client_order_id and orders.by_client_id(session, broker_id, report.client_order_id) is not None:
        return True
    return orders.by_exchange_id(session, broker_id, report.symbol, report.exchange_order_id) is not None


def _made(owner: tuple[uuid.UUID, uuid.UUID], report: OrderReport, now: datetime) -> Stranger:
    return Stranger(
        user_id=owner[0],
        broker_id=owner[1],
        symbol=report.symbol,
        side=report.side,
        type=report.type,
        quantity=report.quantity,
        price=report.price,
        stop_price=report.stop_price,
        status=report.status,
        filled=report.filled,
        quote_filled=report.quote_filled,
        client_order_id=report.client_order_id[:64],
        exchange_order_id=report.exchange_order_id,
        created_at=min(report.at, now),
        imported_at=now,
        updated_at=now,
        done_at=now if report.status.is_final else None,
    )


def _move(session: GuardedSession, row: Stranger, report: OrderReport, now: datetime) -> bool:
    """Believe a report as one of ours is believed: repeated and late ones change nothing."""
    before = OrderState(row.status, row.filled, row.quote_filled, row.exchange_order_id)
    after = merge(before, report)
    terms = (report.quantity or row.quantity, report.price or row.price, report.stop_price or row.stop_price)
    if after == before and terms == (row.quantity, row.price, row.stop_price):
        return False
    row.status, row.filled, row.quote_filled = after.status, after.filled, after.quote_filled
    row.quantity, row.price, row.stop_price = terms
    row.updated_at = now
    if row.status.is_final and row.done_at is None:
        row.done_at = now
    session.add(row)
    return True
