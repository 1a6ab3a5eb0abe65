"""What is left of positions and too small to be sold: found, joined to another position, or written off."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.money import ZERO
from aristobot.portfolio import Transfer
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import DustMove, FillRow, PositionRow


def crumbs(session: GuardedSession, broker_id: uuid.UUID) -> list[PositionRow]:
    """Positions, open or closed, that hold too little to be sold, oldest first."""
    wanted = select(PositionRow).where(PositionRow.broker_id == broker_id, col(PositionRow.is_dust))
    return list(session.exec(wanted.order_by(col(PositionRow.opened_at), col(PositionRow.id))))


def transfers(session: GuardedSession, position_id: uuid.UUID) -> list[Transfer]:
    """The dust that joined a position or left it."""
    wanted = select(DustMove).where(sa.or_(col(DustMove.position_id) == position_id, col(DustMove.into_id) == position_id))
    return [_as_transfer(row, position_id) for row in session.exec(wanted)]


def move(session: GuardedSession, row: PositionRow, into: PositionRow | None, now: datetime) -> None:
    """Remember that all a position holds went into another one, or was written off.

    That was after its last execution, even one that its exchange dates ahead of our clock.
    """
    last = session.exec(select(sa.func.max(FillRow.at)).where(FillRow.position_id == row.id)).one()
    worth = ZERO if into is None else row.cost
    session.add(
        DustMove(
            user_id=row.user_id,
            position_id=row.id,
            into_id=into.id if into is not None else None,
            quantity=row.quantity,
            worth=worth,
            at=max(now, last or now),
        )
    )
    session.flush()


def _as_transfer(row: DustMove, position_id: uuid.UUID) -> Transfer:
    arrives = row.into_id == position_id
    return Transfer(f"dust:{row.id}", row.at, row.quantity, row.worth, arrives=arrives)
