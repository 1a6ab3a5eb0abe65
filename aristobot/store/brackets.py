"""Brackets: what a position's owner asked for, and the orders that carry it out."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import col, select

from aristobot.kinds import BracketStatus, OrderRole
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, Side
from aristobot.store import orders, positions
from aristobot.store.orders import ALIVE
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Bracket, Order, PositionRow

_EXITS = (OrderRole.STOP, OrderRole.TARGET)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A position, its bracket, its exits that may still act, and the legs whose target was reached.

    `in_doubt` are sales of any kind (exits, stops, targets) of which nobody knows yet whether, or at what price, they happen.
    """

    position: PositionRow
    bracket: Bracket | None
    resting: tuple[Order, ...]
    done_legs: frozenset[str]
    in_doubt: tuple[Order, ...]


def guarded(session: GuardedSession, position_id: uuid.UUID) -> Guarded:
    """Everything that guards one position. Raises NotFound."""
    position = positions.get(session, position_id)
    wanted = select(Order).where(Order.position_id == position_id, Order.side == Side.SELL).order_by(col(Order.created_at))
    sales = list(session.exec(wanted))
    exits = [order for order in sales if order.role in _EXITS]
    known = orders.known_fills(session, position_id) if any(order.filled for order in sales) else {}
    bracket = positions.bracket_of(session, position_id)
    first = int((bracket.rollback or {}).get("after_attempt", 0)) if bracket else 0
    return Guarded(
        position=position,
        bracket=bracket,
        resting=tuple(order for order in exits if order.status in ALIVE),
        done_legs=frozenset(
            order.leg
            for order in exits
            if order.role is OrderRole.TARGET and order.status is OrderStatus.FILLED and order.attempt > first
        ),
        in_doubt=tuple(one for one in sales if not orders.is_settled(one) or one.filled > known.get(one.id, ZERO)),
    )


def ask(
    session: GuardedSession,
    position_id: uuid.UUID,
    stop: Decimal,
    targets: list[list[str]],
    now: datetime,
) -> Bracket:
    """Write what is wanted; what was wanted before becomes the place to return to when the move fails."""
    position = positions.get(session, position_id)
    bracket = positions.bracket_of(session, position_id)
    if bracket is None:
        bracket = Bracket(user_id=position.user_id, broker_id=position.broker_id, position_id=position_id, updated_at=now)
    else:
        # The legs of the new plan are counted from here: a target reached before belongs to the old one.
        bracket.rollback = {
            "stop": format(bracket.stop_price, "f"),
            "targets": bracket.targets or [],
            "after_attempt": bracket.attempt,
        }
        bracket.status = BracketStatus.MOVING
    bracket.stop_price, bracket.targets, bracket.updated_at = stop, targets, now
    session.add(bracket)
    state = positions.state_of(session, position_id)
    if state is not None:
        state.stop_loss, state.take_profit = stop, Decimal(targets[0][1]) if targets else ZERO
        state.updated_at = now
        session.add(state)
    return bracket


def begin_move(session: GuardedSession, position_id: uuid.UUID, now: datetime) -> Bracket:
    """Number the next attempt, so that its orders have ids of their own, and note since when the position is naked."""
    bracket = _of(session, position_id)
    bracket.attempt += 1
    bracket.status = BracketStatus.MOVING if bracket.attempt > 1 else BracketStatus.PLANNED
    bracket.unprotected_since = bracket.unprotected_since or now
    bracket.updated_at = now
    session.add(bracket)
    return bracket


def note(session: GuardedSession, position_id: uuid.UUID, status: BracketStatus, now: datetime) -> None:
    """The bracket rests (ACTIVE) or has done its work (DONE)."""
    bracket = positions.bracket_of(session, position_id)
    if bracket is None or (bracket.status is status and bracket.unprotected_since is None):
        return
    bracket.status, bracket.unprotected_since, bracket.updated_at = status, None, now
    session.add(bracket)


def restore(session: GuardedSession, position_id: uuid.UUID, stop: Decimal, targets: list[list[str]], now: datetime) -> None:
    """A move failed: what stood before is what is wanted again."""
    bracket = _of(session, position_id)
    bracket.stop_price, bracket.targets, bracket.rollback = stop, targets, {"after_attempt": bracket.attempt}
    bracket.status, bracket.unprotected_since, bracket.updated_at = BracketStatus.ACTIVE, None, now
    session.add(bracket)


def show(session: GuardedSession, position_id: uuid.UUID, stop: Order | None, target: Order | None, now: datetime) -> None:
    """Show in the alert's view which orders guard the position."""
    state = positions.state_of(session, position_id)
    if state is None:
        return
    state.stop_loss = stop.stop_price if stop else ZERO
    state.take_profit = (target.price or target.stop_price) if target else ZERO
    state.stop_order_id = stop.id if stop else None
    state.target_order_id = target.id if target else None
    state.updated_at = now
    session.add(state)


def _of(session: GuardedSession, position_id: uuid.UUID) -> Bracket:
    bracket = positions.bracket_of(session, position_id)
    if bracket is None:
        raise LookupError(f"position {position_id} has no bracket")
    return bracket
