"""Positions, their brackets, and what the alerts believe of them."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from aristobot.errors import NotFound
from aristobot.kinds import UNDONE, LotStatus
from aristobot.money import kept, times
from aristobot.store.lookups import row_where
from aristobot.store.paging import Place, newest
from aristobot.store.questions import Question
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Bracket, PositionRow, WebhookState


def get(session: GuardedSession, position_id: uuid.UUID) -> PositionRow:
    """The row; NotFound when it does not exist or belongs to somebody else."""
    row = row_where(session, PositionRow, "id", position_id)
    if row is None:
        raise NotFound(kind="position")
    return row


def open_ones(session: GuardedSession, broker_id: uuid.UUID | None = None) -> list[PositionRow]:
    """Open positions, oldest first."""
    return _OPEN.all(session) if broker_id is None else _OPEN_AT.all(session, broker_id=broker_id)


_BROKER: sa.BindParameter[uuid.UUID] = sa.bindparam("broker_id")
_opened = select(PositionRow).where(PositionRow.status == LotStatus.OPEN).order_by(col(PositionRow.opened_at))
_OPEN = Question[PositionRow](_opened)
_OPEN_AT = Question[PositionRow](_opened.where(PositionRow.broker_id == _BROKER))


def every(session: GuardedSession) -> list[PositionRow]:
    """Every position, open or closed, oldest first."""
    return list(session.exec(select(PositionRow).order_by(col(PositionRow.opened_at))))


def open_one(session: GuardedSession, broker_id: uuid.UUID, symbol: str, owner: str) -> PositionRow | None:
    """The open position of one owner of lots, if there is one."""
    return _OPEN_OF_OWNER.first(session, broker_id=broker_id, symbol=symbol, owner=owner)


_OPEN_OF_OWNER = Question[PositionRow](
    select(PositionRow).where(
        PositionRow.status == LotStatus.OPEN,
        PositionRow.broker_id == _BROKER,
        PositionRow.symbol == sa.bindparam("symbol"),
        PositionRow.owner == sa.bindparam("owner"),
    )
)


def recent(
    session: GuardedSession,
    broker_id: uuid.UUID | None = None,
    status: LotStatus | None = None,
    limit: int = 100,
    before: Place | None = None,
) -> list[PositionRow]:
    """Newest first, at most `limit`; `before` continues after the row with that opening time and id."""
    wanted = select(PositionRow)
    if broker_id is not None:
        wanted = wanted.where(PositionRow.broker_id == broker_id)
    if status is not None:
        wanted = wanted.where(PositionRow.status == status)
    return list(session.exec(newest(wanted, PositionRow.opened_at, PositionRow.id, limit, before)))


def states(
    session: GuardedSession,
    broker_id: uuid.UUID | None = None,
    status: LotStatus | None = None,
    limit: int | None = 100,
    before: Place | None = None,
) -> list[WebhookState]:
    """What alerts opened, newest first; the same paging as `recent`, and all of it without a limit."""
    wanted = select(WebhookState)
    if broker_id is not None:
        wanted = wanted.where(WebhookState.broker_id == broker_id)
    if status is not None:
        wanted = wanted.where(WebhookState.status == status)
    return list(session.exec(newest(wanted, WebhookState.opened_at, WebhookState.id, limit, before)))


def dust_ids() -> SelectOfScalar[uuid.UUID]:
    """The positions of which nothing can be sold: they do not count as open ones."""
    return select(PositionRow.id).where(col(PositionRow.is_dust))


def dust(session: GuardedSession) -> frozenset[uuid.UUID]:
    """The same, looked up."""
    return frozenset(_DUST.all(session))


_DUST = Question[uuid.UUID](dust_ids())


def state_of(session: GuardedSession, position_id: uuid.UUID) -> WebhookState | None:
    """The alert's view of one position."""
    return row_where(session, WebhookState, "position_id", position_id)


def bracket_of(session: GuardedSession, position_id: uuid.UUID) -> Bracket | None:
    """The bracket that guards a position, if one was ever asked for."""
    return row_where(session, Bracket, "position_id", position_id)


def brackets(session: GuardedSession, broker_id: uuid.UUID | None = None) -> list[Bracket]:
    """Every bracket that is not done."""
    return _UNDONE.all(session) if broker_id is None else _UNDONE_AT.all(session, broker_id=broker_id)


_undone = select(Bracket).where(col(Bracket.status).in_(UNDONE))
_UNDONE = Question[Bracket](_undone)
_UNDONE_AT = Question[Bracket](_undone.where(Bracket.broker_id == _BROKER))


@dataclass(frozen=True, slots=True)
class Repriced:
    """A price seen for an open position, and whether so little of it cannot be sold at that price."""

    position_id: uuid.UUID
    price: Decimal
    is_dust: bool


def reprice(session: GuardedSession, prices: Iterable[Repriced], now: datetime) -> None:
    """Write the last price of open positions, and what it makes of their unrealised gain."""
    for seen in prices:
        position_id, price = seen.position_id, seen.price
        row = row_where(session, PositionRow, "id", position_id)
        if row is None or row.status is not LotStatus.OPEN:
            continue
        row.current_price, row.is_dust = price, seen.is_dust
        session.add(row)
        state = state_of(session, position_id)
        if state is not None and state.status is LotStatus.OPEN:
            state.current_price = price
            state.unrealised_pnl = kept(times(row.quantity, price)) - row.cost
            state.updated_at = now
            session.add(state)
