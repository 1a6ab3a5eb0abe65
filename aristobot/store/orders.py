"""Orders and fills: written before they are sent, changed only by what the exchange reports."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import NotFound
from aristobot.kinds import OrderRole
from aristobot.orders import Fill, OrderStatus, Side
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import FillRow, Order

UNSETTLED = (OrderStatus.PENDING, OrderStatus.UNKNOWN)
WORKING = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
ALIVE = UNSETTLED + WORKING


@dataclass(frozen=True, slots=True)
class Activity:
    """What a broker did lately, for the limits: counts, and the reservations of orders not yet settled."""

    last_minute: int
    last_day: int
    refusals_in_a_row: int
    same_side_entries: int
    twin_within_guard: bool
    unsettled_on_symbol: bool
    reserved_quote: Decimal
    reserved_base: Decimal


def get(session: GuardedSession, order_id: uuid.UUID) -> Order:
    """The row; NotFound when it does not exist or belongs to somebody else."""
    row = find(session, order_id)
    if row is None:
        raise NotFound(kind="order")
    return row


def find(session: GuardedSession, order_id: uuid.UUID) -> Order | None:
    """The row, or None."""
    return session.exec(select(Order).where(Order.id == order_id)).one_or_none()


def recent(
    session: GuardedSession,
    broker_id: uuid.UUID | None = None,
    symbol: str | None = None,
    status: OrderStatus | None = None,
    limit: int = 100,
    before: tuple[datetime, uuid.UUID] | None = None,
) -> list[Order]:
    """Newest first, at most `limit`; `before` continues after the row with that creation time and id."""
    wanted = select(Order).order_by(col(Order.created_at).desc(), col(Order.id).desc()).limit(limit)
    if broker_id is not None:
        wanted = wanted.where(Order.broker_id == broker_id)
    if symbol is not None:
        wanted = wanted.where(Order.symbol == symbol)
    if status is not None:
        wanted = wanted.where(Order.status == status)
    if before is not None:
        moment, last = before
        older = sa.and_(col(Order.created_at) == moment, col(Order.id) < last)
        wanted = wanted.where(sa.or_(col(Order.created_at) < moment, older))
    return list(session.exec(wanted))


def alive(session: GuardedSession, broker_id: uuid.UUID | None = None) -> list[Order]:
    """Orders that may still change: pending, unknown, open, partly filled; oldest first."""
    wanted = select(Order).where(col(Order.status).in_(ALIVE)).order_by(Order.created_at)
    if broker_id is not None:
        wanted = wanted.where(Order.broker_id == broker_id)
    return list(session.exec(wanted))


def of_webhook(session: GuardedSession, webhook_id: uuid.UUID) -> list[Order]:
    """Orders that one alert caused, in the order in which they were made."""
    return list(session.exec(select(Order).where(Order.webhook_id == webhook_id).order_by(Order.created_at, col(Order.id))))


def by_client_id(session: GuardedSession, broker_id: uuid.UUID, client_order_id: str) -> Order | None:
    """The order that travels under this client id."""
    wanted = select(Order).where(Order.broker_id == broker_id, Order.client_order_id == client_order_id)
    return session.exec(wanted).one_or_none()


def by_exchange_id(session: GuardedSession, broker_id: uuid.UUID, symbol: str, exchange_order_id: str) -> Order | None:
    """The order that the exchange knows by this id."""
    wanted = select(Order).where(
        Order.broker_id == broker_id, Order.symbol == symbol, Order.exchange_order_id == exchange_order_id
    )
    return session.exec(wanted).first()


def fills(session: GuardedSession, order_id: uuid.UUID) -> list[FillRow]:
    """Executions of one order, oldest first."""
    return list(session.exec(select(FillRow).where(FillRow.order_id == order_id).order_by(FillRow.at, col(FillRow.id))))


def fills_of_position(session: GuardedSession, position_id: uuid.UUID) -> list[FillRow]:
    """Executions that made one position, oldest first."""
    return list(session.exec(select(FillRow).where(FillRow.position_id == position_id).order_by(FillRow.at, col(FillRow.id))))


def recent_fills(
    session: GuardedSession,
    broker_id: uuid.UUID | None = None,
    symbol: str | None = None,
    limit: int = 100,
    before: tuple[datetime, uuid.UUID] | None = None,
) -> list[FillRow]:
    """Newest first, at most `limit`; `before` continues after the row with that time and id."""
    wanted = select(FillRow).order_by(col(FillRow.at).desc(), col(FillRow.id).desc()).limit(limit)
    if broker_id is not None:
        wanted = wanted.where(FillRow.broker_id == broker_id)
    if symbol is not None:
        wanted = wanted.where(FillRow.symbol == symbol)
    if before is not None:
        moment, last = before
        older = sa.and_(col(FillRow.at) == moment, col(FillRow.id) < last)
        wanted = wanted.where(sa.or_(col(FillRow.at) < moment, older))
    return list(session.exec(wanted))


def as_fill(row: FillRow) -> Fill:
    """The value that a row remembers."""
    return Fill(
        trade_id=row.trade_id,
        symbol=row.symbol,
        side=row.side,
        price=row.price,
        quantity=row.quantity,
        fee=row.fee,
        fee_asset=row.fee_asset,
        at=row.at,
        maker=row.maker,
    )


def activity(
    session: GuardedSession, broker_id: uuid.UUID, symbol: str, side: Side, moments: tuple[datetime, datetime, datetime, datetime]
) -> Activity:
    """What the limits need to know. `moments`: a minute ago, a day ago, the entry window's start, the twin guard's start."""
    minute_ago, day_ago, window_start, guard_start = moments
    rows = session.exec(
        select(Order.symbol, Order.side, Order.role, Order.status, Order.created_at, Order.reserved_quote, Order.reserved_base)
        .where(Order.broker_id == broker_id, sa.or_(Order.created_at >= day_ago, col(Order.status).in_(ALIVE)))
        .order_by(col(Order.created_at).desc())
    ).all()
    entries = [row for row in rows if row[0] == symbol and row[1] is side and row[2] is OrderRole.ENTRY]
    sent = [row for row in rows if row[3] is not OrderStatus.DENIED]
    return Activity(
        last_minute=sum(1 for row in sent if row[4] >= minute_ago),
        last_day=sum(1 for row in sent if row[4] >= day_ago),
        refusals_in_a_row=_leading_refusals([row[3] for row in sent]),
        same_side_entries=sum(1 for row in entries if row[4] >= window_start and row[3] not in (OrderStatus.DENIED, OrderStatus.REJECTED)),
        twin_within_guard=any(row[4] >= guard_start and row[3] is not OrderStatus.DENIED for row in entries),
        unsettled_on_symbol=any(row[0] == symbol and row[3] is OrderStatus.UNKNOWN for row in rows),
        reserved_quote=sum((row[5] for row in rows if row[3] in UNSETTLED), Decimal(0)),
        reserved_base=sum((row[6] for row in rows if row[3] in UNSETTLED and row[0] == symbol), Decimal(0)),
    )


def _leading_refusals(newest_first: list[OrderStatus]) -> int:
    count = 0
    for status in newest_first:
        if status is not OrderStatus.REJECTED:
            break
        count += 1
    return count
