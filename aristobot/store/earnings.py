"""The positions of a stretch of time with everything that ever moved them, to tell what was earned."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from aristobot.earnings import Holding
from aristobot.kinds import CostMethod, LotStatus
from aristobot.portfolio import Movement, Position
from aristobot.store import activations, dust, orders, users
from aristobot.store.strategy_tables import Activation, StrategyRow, StrategyVersion
from aristobot.store.tenancy import GuardedSession, owner_of
from aristobot.store.trading_tables import DustMove, FillRow, PositionRow


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which positions: moved, closed or open since a moment (None: ever), of one broker, of one strategy."""

    since: datetime | None = None
    broker_id: uuid.UUID | None = None
    strategy_id: uuid.UUID | None = None


def holdings(session: GuardedSession, wanted: Wanted) -> list[Holding]:
    """The positions of the user of this session, oldest first."""
    conditions = _conditions(session, wanted)
    chosen = select(PositionRow).where(*conditions).order_by(col(PositionRow.opened_at), col(PositionRow.id))
    rows = session.exec(chosen).all()
    moved = _movements(session, select(PositionRow.id).where(*conditions), rows)
    method = users.get(session, owner_of(session)).cost_method
    return [_holding(row, moved[row.id], method) for row in rows]


def _conditions(session: GuardedSession, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.broker_id is not None:
        conditions.append(col(PositionRow.broker_id) == wanted.broker_id)
    if wanted.strategy_id is not None:
        conditions.append(col(PositionRow.owner).in_(_lots_of(session, wanted.strategy_id)))
    if wanted.since is not None:
        filled = col(PositionRow.id).in_(select(FillRow.position_id).where(FillRow.at >= wanted.since))
        swept = col(PositionRow.id).in_(select(DustMove.position_id).where(DustMove.at >= wanted.since))
        ended = col(PositionRow.closed_at) >= wanted.since
        conditions.append(sa.or_(col(PositionRow.status) == LotStatus.OPEN, ended, filled, swept))
    return conditions


def _lots_of(session: GuardedSession, strategy_id: uuid.UUID) -> list[str]:
    """Under which names the activations of a strategy's versions own what they buy, and the removed ones what they bought."""
    versions = select(StrategyVersion.id).where(StrategyVersion.strategy_id == strategy_id)
    living = session.exec(select(Activation.id).where(col(Activation.version_id).in_(versions))).all()
    former = session.exec(select(StrategyRow.former_lots).where(StrategyRow.id == strategy_id)).one_or_none()
    return [*(former or ()), *(activations.owner_of(one) for one in living)]


def _movements(
    session: GuardedSession, chosen: SelectOfScalar[uuid.UUID], rows: Sequence[PositionRow]
) -> defaultdict[uuid.UUID, list[Movement]]:
    moved: defaultdict[uuid.UUID, list[Movement]] = defaultdict(list)
    for fill in session.exec(select(FillRow).where(col(FillRow.position_id).in_(chosen))):
        if fill.position_id is not None:
            moved[fill.position_id].append(orders.as_fill(fill))
    with_dust = {one for pair in session.exec(select(DustMove.position_id, DustMove.into_id)) for one in pair}
    for row in rows:
        if row.id in with_dust:
            moved[row.id] += dust.transfers(session, row.id)
    return moved


def _holding(row: PositionRow, moved: Sequence[Movement], method: CostMethod) -> Holding:
    return Holding(
        symbol=row.symbol,
        base=row.base,
        quote=row.quote,
        held=Position(quantity=row.quantity, cost=row.cost, realised=row.realised),
        price=row.current_price,
        opened_at=row.opened_at,
        closed_at=row.closed_at if row.status is LotStatus.CLOSED else None,
        is_dust=row.is_dust,
        movements=moved,
        method=method,
    )
