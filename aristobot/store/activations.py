"""Strategies at work: where they run, what they decided last, what they said."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.errors import Conflict, NotFound
from aristobot.kinds import ActivationStatus, LotStatus
from aristobot.money import ZERO
from aristobot.store import positions
from aristobot.store.lookups import row_where
from aristobot.store.orders import ALIVE
from aristobot.store.paging import Place, newest
from aristobot.store.questions import MANY, Question, given, several
from aristobot.store.strategy_tables import Activation, ActivationLine, StrategyRow, StrategyVersion
from aristobot.store.tables import Broker
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Bracket, Order, PositionRow

#: Lines that the log of one activation keeps.
MOST_LINES = 500
#: In these a strategy is asked at each candle: one that fell still leaves its position.
AT_WORK = (ActivationStatus.RUNNING, ActivationStatus.FAILED)


def owner_of(activation_id: uuid.UUID) -> str:
    """Whose lots they are that an activation bought."""
    return f"strategy:{activation_id}"


@dataclass(frozen=True, slots=True)
class Posted:
    """An activation with the version that it runs and the name of its strategy."""

    row: Activation
    version: StrategyVersion
    strategy: StrategyRow


@dataclass(frozen=True, slots=True)
class Shown:
    """An activation with what it runs, where, what it holds and what guards that.

    `gained` is what all its positions brought, fees deducted.
    """

    posted: Posted
    broker: Broker
    position: PositionRow | None
    bracket: Bracket | None
    gained: Decimal

    @property
    def row(self) -> Activation:
        """The activation itself."""
        return self.posted.row


def get(session: GuardedSession, activation_id: uuid.UUID) -> Activation:
    """The row; NotFound when there is none, and when it is another user's."""
    row = row_where(session, Activation, "id", activation_id)
    if row is None:
        raise NotFound(kind="activation")
    return row


def posted(session: GuardedSession, activation_id: uuid.UUID) -> Posted:
    """The row with what it runs; NotFound."""
    row = get(session, activation_id)
    return _posted(session, [row])[0]


def mine(session: GuardedSession) -> list[Posted]:
    """Every activation, the oldest first."""
    return _posted(session, session.exec(select(Activation).order_by(col(Activation.created_at), col(Activation.id))).all())


def at_work(session: GuardedSession) -> list[Activation]:
    """Those whose strategy is asked at each candle, the oldest first."""
    wanted = select(Activation).where(col(Activation.status).in_(AT_WORK))
    return list(session.exec(wanted.order_by(col(Activation.created_at), col(Activation.id))))


def _posted(session: GuardedSession, rows: Sequence[Activation]) -> list[Posted]:
    wanted = {row.version_id for row in rows}
    versions = {one.id: one for one in session.exec(select(StrategyVersion).where(col(StrategyVersion.id).in_(wanted)))}
    parents = {one.strategy_id for one in versions.values()}
    named = {one.id: one for one in session.exec(select(StrategyRow).where(col(StrategyRow.id).in_(parents)))}
    return [Posted(row, versions[row.version_id], named[versions[row.version_id].strategy_id]) for row in rows]


def shown(session: GuardedSession, one: Posted) -> Shown:
    """All there is to see of an activation; what is too little to be sold counts as nothing held."""
    ever = positions_of(session, owner_of(one.row.id))
    opened = next((row for row in ever if row.status is LotStatus.OPEN and not row.is_dust), None)
    broker = session.exec(select(Broker).where(Broker.id == one.row.broker_id)).one()
    bracket = positions.bracket_of(session, opened.id) if opened is not None else None
    return Shown(one, broker, opened, bracket, sum((row.realised for row in ever), ZERO))


def create(session: GuardedSession, row: Activation) -> Activation:
    """Add an activation; Conflict `already_active` when the version runs there already."""
    same = select(Activation.id).where(
        Activation.version_id == row.version_id,
        Activation.broker_id == row.broker_id,
        Activation.symbol == row.symbol,
        Activation.timeframe == row.timeframe,
        Activation.id != row.id,
    )
    with session.no_autoflush:
        if session.exec(same.limit(1)).first() is not None:
            raise Conflict("already_active", symbol=row.symbol, timeframe=row.timeframe)
    session.add(row)
    session.flush()
    return row


def change(session: GuardedSession, activation_id: uuid.UUID, **values: Any) -> Activation:
    """Write columns of an activation; NotFound."""
    row = get(session, activation_id)
    for name, value in values.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return row


def remove(session: GuardedSession, activation_id: uuid.UUID) -> None:
    """Forget an activation and its log; its orders and positions stay, and stay its strategy's. NotFound."""
    removed = posted(session, activation_id)
    removed.strategy.former_lots = [*(removed.strategy.former_lots or ()), owner_of(activation_id)]
    session.add(removed.strategy)
    session.delete(removed.row)
    session.flush()


def claim(session: GuardedSession, activation_id: uuid.UUID, candle_at: datetime, values: dict[str, Any]) -> bool:
    """Write what was decided after the candle that closed at `candle_at`; False when one was decided for it, or a later one."""
    row = get(session, activation_id)
    if row.decided_at is not None and row.decided_at >= candle_at:
        return False
    change(session, activation_id, decided_at=candle_at, **values)
    return True


def owners_within(session: GuardedSession, scope_id: uuid.UUID) -> frozenset[str]:
    """The owners of lots that a strategy stands for: all its activations, or the one activation of that id."""
    wanted = (
        select(Activation.id)
        .join(StrategyVersion, col(StrategyVersion.id) == col(Activation.version_id))
        .where(StrategyVersion.strategy_id == scope_id)
    )
    return frozenset({owner_of(scope_id), *(owner_of(one) for one in session.exec(wanted))})


# ------------------------------------------------------------------ the log


def say(session: GuardedSession, lines: Collection[ActivationLine]) -> None:
    """Add lines to the log of an activation; the oldest beyond MOST_LINES go."""
    session.add_all(lines)
    session.flush()
    for activation_id in {one.activation_id for one in lines}:
        place = (
            select(ActivationLine.at)
            .where(ActivationLine.activation_id == activation_id)
            .order_by(col(ActivationLine.at).desc())
            .offset(MOST_LINES)
            .limit(1)
        )
        oldest = session.exec(place).first()
        if oldest is not None:
            gone = sa.delete(ActivationLine).where(
                col(ActivationLine.activation_id) == activation_id, col(ActivationLine.at) <= oldest
            )
            session.exec(gone)


def lines(
    session: GuardedSession, activation_id: uuid.UUID, limit: int = 100, before: Place | None = None
) -> list[ActivationLine]:
    """The log of an activation, the newest line first; NotFound."""
    get(session, activation_id)
    wanted = select(ActivationLine).where(ActivationLine.activation_id == activation_id)
    return list(session.exec(newest(wanted, ActivationLine.at, ActivationLine.id, limit, before)))


# ------------------------------------------------------------------ its books


def orders_since(session: GuardedSession, owner: str, since: datetime, known: Collection[uuid.UUID]) -> list[Order]:
    """The orders of an owner of lots that were made since then or are `known`, the oldest first."""
    if len(known) <= MANY:
        return _SINCE.all(session, owner=owner, since=since, **given("known", known))
    recent = sa.or_(col(Order.created_at) >= since, col(Order.id).in_(known))
    return list(session.exec(_orders.where(recent), params={"owner": owner}))


_orders = select(Order).where(Order.owner == sa.bindparam("owner")).order_by(col(Order.created_at), col(Order.id))
_SINCE = Question[Order](
    _orders.where(sa.or_(col(Order.created_at) >= sa.bindparam("since"), col(Order.id).in_(several("known", sa.Uuid()))))
)


def alive(session: GuardedSession, owner: str) -> list[Order]:
    """The orders of an owner of lots that may still change, the oldest first."""
    return _ALIVE.all(session, owner=owner)


_ALIVE = Question[Order](_orders.where(col(Order.status).in_(ALIVE)))


def positions_of(session: GuardedSession, owner: str) -> list[PositionRow]:
    """All that an owner of lots ever held, the oldest first."""
    return _HELD.all(session, owner=owner)


_HELD = Question[PositionRow](
    select(PositionRow)
    .where(PositionRow.owner == sa.bindparam("owner"))
    .order_by(col(PositionRow.opened_at), col(PositionRow.id))
)
