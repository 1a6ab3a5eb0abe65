"""Orders and fills: written before they are sent, changed only by what the exchange reports."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import NotFound
from aristobot.money import ZERO
from aristobot.orders import FINAL, Fill, OrderStatus, can_rest
from aristobot.store.lookups import row_where
from aristobot.store.paging import Place, newest
from aristobot.store.questions import MANY, Question, given, several
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import FillRow, Order
from aristobot.store.types import Amount

UNSETTLED = (OrderStatus.PENDING, OrderStatus.UNKNOWN)
WORKING = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
ALIVE = UNSETTLED + WORKING


def is_settled(order: Order) -> bool:
    """Whether nothing about it is in doubt: it has ended, or it rests and may do so."""
    return order.status.is_final or (order.status.is_working and can_rest(order.type, order.time_in_force))


def get(session: GuardedSession, order_id: uuid.UUID) -> Order:
    """The row; NotFound when it does not exist or belongs to somebody else."""
    row = find(session, order_id)
    if row is None:
        raise NotFound(kind="order")
    return row


def find(session: GuardedSession, order_id: uuid.UUID) -> Order | None:
    """The row, or None."""
    return row_where(session, Order, "id", order_id)


def recent(
    session: GuardedSession,
    broker_id: uuid.UUID | None = None,
    symbol: str | None = None,
    status: OrderStatus | None = None,
    limit: int = 100,
    before: Place | None = None,
) -> list[Order]:
    """Newest first, at most `limit`; `before` continues after the row with that creation time and id."""
    wanted = select(Order)
    if broker_id is not None:
        wanted = wanted.where(Order.broker_id == broker_id)
    if symbol is not None:
        wanted = wanted.where(Order.symbol == symbol)
    if status is not None:
        wanted = wanted.where(Order.status == status)
    return list(session.exec(newest(wanted, Order.created_at, Order.id, limit, before)))


def ended(
    session: GuardedSession,
    broker_id: uuid.UUID | None = None,
    symbol: str | None = None,
    statuses: Collection[OrderStatus] | None = None,
    limit: int = 100,
) -> list[Order]:
    """Orders that have ended (of these statuses, or of any final one), those that ended last first."""
    wanted = select(Order).where(col(Order.status).in_(list(statuses or FINAL)))
    if broker_id is not None:
        wanted = wanted.where(Order.broker_id == broker_id)
    if symbol is not None:
        wanted = wanted.where(Order.symbol == symbol)
    return list(session.exec(wanted.order_by(col(Order.updated_at).desc(), col(Order.id).desc()).limit(limit)))


def alive(session: GuardedSession, broker_id: uuid.UUID | None = None) -> list[Order]:
    """Orders that may still change: pending, unknown, open, partly filled; oldest first."""
    return _ALIVE.all(session) if broker_id is None else _ALIVE_AT.all(session, broker_id=broker_id)


_BROKER: sa.BindParameter[uuid.UUID] = sa.bindparam("broker_id")
_alive = select(Order).where(col(Order.status).in_(ALIVE)).order_by(col(Order.created_at))
_ALIVE = Question[Order](_alive)
_ALIVE_AT = Question[Order](_alive.where(Order.broker_id == _BROKER))


def of_webhook(session: GuardedSession, webhook_id: uuid.UUID) -> list[Order]:
    """Orders that one alert caused, in the order in which they were made."""
    return _OF_WEBHOOK.all(session, webhook_id=webhook_id)


_OF_WEBHOOK = Question[Order](
    select(Order).where(Order.webhook_id == sa.bindparam("webhook_id")).order_by(col(Order.created_at), col(Order.id))
)


def of_trace(session: GuardedSession, trace_id: str) -> list[Order]:
    """Orders that carry one trace, in the order in which they were made."""
    return list(session.exec(select(Order).where(Order.trace_id == trace_id).order_by(col(Order.created_at), col(Order.id))))


def count_of_cause(session: GuardedSession, position_id: uuid.UUID, leg: str) -> int:
    """How many orders of a position have a leg that begins like this."""
    wanted = select(Order.id).where(Order.position_id == position_id, col(Order.leg).startswith(leg))
    return len(session.exec(wanted).all())


def by_client_id(session: GuardedSession, broker_id: uuid.UUID, client_order_id: str) -> Order | None:
    """The order that travels under this client id."""
    return _BY_CLIENT_ID.first(session, broker_id=broker_id, client_order_id=client_order_id)


_BY_CLIENT_ID = Question[Order](
    select(Order).where(Order.broker_id == _BROKER, Order.client_order_id == sa.bindparam("client_order_id"))
)


def by_client_ids(session: GuardedSession, broker_id: uuid.UUID, client_order_ids: Collection[str]) -> list[Order]:
    """The orders that travel under these client ids."""
    wanted = select(Order).where(Order.broker_id == broker_id, col(Order.client_order_id).in_(list(client_order_ids)))
    return list(session.exec(wanted))


def by_exchange_id(session: GuardedSession, broker_id: uuid.UUID, symbol: str, exchange_order_id: str) -> Order | None:
    """The order that the exchange knows by this id."""
    return _BY_EXCHANGE_ID.first(session, broker_id=broker_id, symbol=symbol, exchange_order_id=exchange_order_id)


_BY_EXCHANGE_ID = Question[Order](
    select(Order).where(
        Order.broker_id == _BROKER,
        Order.symbol == sa.bindparam("symbol"),
        Order.exchange_order_id == sa.bindparam("exchange_order_id"),
    )
)


def fills(session: GuardedSession, order_id: uuid.UUID) -> list[FillRow]:
    """Executions of one order, oldest first."""
    return _FILLS_OF_ORDER.all(session, order_id=order_id)


_FILLS_OF_ORDER = Question[FillRow](
    select(FillRow).where(FillRow.order_id == sa.bindparam("order_id")).order_by(col(FillRow.at), col(FillRow.id))
)


def fills_of_orders(session: GuardedSession, order_ids: Collection[uuid.UUID]) -> list[FillRow]:
    """Executions of some orders, oldest first."""
    if len(order_ids) <= MANY:
        return _FILLS_OF_ORDERS.all(session, **given("order", order_ids))
    return list(session.exec(_fills.where(col(FillRow.order_id).in_(order_ids))))


_fills = select(FillRow).order_by(col(FillRow.at), col(FillRow.id))
_FILLS_OF_ORDERS = Question[FillRow](_fills.where(col(FillRow.order_id).in_(several("order", sa.Uuid()))))


def fills_of_position(session: GuardedSession, position_id: uuid.UUID) -> list[FillRow]:
    """Executions that made one position, oldest first."""
    return _FILLS_OF_POSITION.all(session, position_id=position_id)


_FILLS_OF_POSITION = Question[FillRow](
    select(FillRow).where(FillRow.position_id == sa.bindparam("position_id")).order_by(col(FillRow.at), col(FillRow.id))
)


def executions(session: GuardedSession, position_id: uuid.UUID) -> list[Fill]:
    """What made one position, in no order. A position may have hundreds, and is told anew with each: so they are no rows."""
    return [Fill(*row) for row in _EXECUTIONS.all(session, position_id=position_id)]


#: The fields of a fill that rows have, in their order.
_EXECUTIONS = Question[tuple[Any, ...]](
    sa.select(
        col(FillRow.trade_id),
        col(FillRow.symbol),
        col(FillRow.side),
        col(FillRow.price),
        col(FillRow.quantity),
        col(FillRow.fee),
        col(FillRow.fee_asset),
        col(FillRow.at),
        col(FillRow.maker),
        col(FillRow.fee_value),
    ).where(col(FillRow.position_id) == sa.bindparam("position_id"))
)


def is_untold() -> sa.ColumnElement[bool]:
    """In a statement on orders: more of the order is filled than its known executions say.

    Most orders have one execution, which says it all: then nothing is added up.
    """
    fill = sa.select(FillRow).where(col(FillRow.order_id) == Order.id)
    whole = fill.where(col(FillRow.quantity) >= Order.filled).exists()
    told = fill.with_only_columns(sa.func.sum(FillRow.quantity)).scalar_subquery()
    return sa.and_(col(Order.filled) > ZERO, ~whole, col(Order.filled) > sa.func.coalesce(told, sa.literal(ZERO, Amount())))


def without_all_fills(session: GuardedSession, broker_id: uuid.UUID, since: datetime) -> list[Order]:
    """Orders changed since then of which more is filled than their known executions say."""
    return _UNTOLD_SINCE.all(session, broker_id=broker_id, since=since)


_UNTOLD_SINCE = Question[Order](
    select(Order).where(Order.broker_id == _BROKER, Order.updated_at >= sa.bindparam("since")).where(is_untold())
)


def recent_fills(
    session: GuardedSession,
    broker_id: uuid.UUID | None = None,
    symbol: str | None = None,
    limit: int = 100,
    before: Place | None = None,
) -> list[FillRow]:
    """Newest first, at most `limit`; `before` continues after the row with that time and id."""
    wanted = select(FillRow)
    if broker_id is not None:
        wanted = wanted.where(FillRow.broker_id == broker_id)
    if symbol is not None:
        wanted = wanted.where(FillRow.symbol == symbol)
    return list(session.exec(newest(wanted, FillRow.at, FillRow.id, limit, before)))


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
        fee_value=row.fee_value,
    )


def lately(session: GuardedSession, broker_id: uuid.UUID, since: datetime) -> list[Order]:
    """Orders made since `since`, newest first: what the limits count after a start."""
    return _LATELY.all(session, broker_id=broker_id, since=since)


_LATELY = Question[Order](
    select(Order)
    .where(Order.broker_id == _BROKER, Order.created_at >= sa.bindparam("since"))
    .order_by(col(Order.created_at).desc())
)
