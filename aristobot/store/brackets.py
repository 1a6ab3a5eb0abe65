"""Brackets: what a position's owner asked for, and the orders that carry it out."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import Select

from aristobot.kinds import UNDONE, BracketStatus, LotStatus, OrderRole, Protection
from aristobot.money import HUNDRED, ONE, ZERO, amount, divided, plain, times
from aristobot.orders import OrderReport, OrderStatus, OrderType, Side
from aristobot.store import orders, positions
from aristobot.store.orders import ALIVE, WORKING
from aristobot.store.questions import Question
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Bracket, Order, PositionRow

_EXITS = (OrderRole.STOP, OrderRole.TARGET)
#: Resting protection below this share of what could be sold counts as naked (reliability, 3.4).
COVERED = Decimal("0.99")
#: What a bracket remembers of changes in place, whatever else is asked of it meanwhile.
_AMENDING = "amending"
_TAKING = "taking"


@dataclass(frozen=True, slots=True)
class Taking:
    """Targets that we watch ourselves and are selling: their legs, and the attempt under which their sales go out."""

    legs: frozenset[str] = frozenset()
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Guarded:
    """A position, its bracket, its exits that may still act, and the legs whose target was reached.

    `in_doubt` are sales of any kind (exits, stops, targets) of which nobody knows yet whether, or at what price, they happen.
    `parts_left` says of legs that have sold in part which fraction of them is still to be sold.
    """

    position: PositionRow
    bracket: Bracket | None
    resting: tuple[Order, ...]
    done_legs: frozenset[str]
    in_doubt: tuple[Order, ...]
    parts_left: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def taking(self) -> Taking:
        """What was begun to be sold because a watched target was reached."""
        kept = (self.bracket.rollback or {}).get(_TAKING) if self.bracket else None
        return Taking(frozenset(kept["legs"]), int(kept["attempt"])) if kept else Taking()

    @property
    def amended_until(self) -> datetime | None:
        """The moment after which no change in place of unknown outcome can come true any more; None when none is open."""
        kept = (self.bracket.rollback or {}).get(_AMENDING) if self.bracket else None
        return datetime.fromisoformat(kept) if kept else None

    @property
    def lowest_offer(self) -> Decimal:
        """The price below which a resting stop sells nothing any more, since it asks for a limit; zero without such a one."""
        return max((one.price for one in self.resting if one.type is OrderType.STOP_LOSS_LIMIT), default=ZERO)

    @property
    def highest_stop(self) -> Decimal:
        """The highest price at which a resting stop is to sell; zero without one."""
        return max((one.stop_price for one in self.resting if one.role is OrderRole.STOP), default=ZERO)

    @property
    def stop_is_missing(self) -> bool:
        """Whether a stop is asked for, and none rests."""
        asked = self.bracket is not None and bool(self.bracket.stop_price) and self.position.status is LotStatus.OPEN
        return asked and not any(order.role is OrderRole.STOP for order in self.resting)

    @property
    def targets_left(self) -> list[list[str]]:
        """The targets not reached yet, as a bracket keeps them: their shares are counted on what is left of the position."""
        asked = (self.bracket.targets or []) if self.bracket else []
        targets = [(amount(share), price) for share, price in asked]
        legs = [(f"t{i}", share, price) for i, (share, price) in enumerate(targets)]
        left = [(times(share, self.parts_left.get(leg, ONE)), price) for leg, share, price in legs if leg not in self.done_legs]
        whole = HUNDRED - sum((share for share, _ in targets), ZERO) + sum((share for share, _ in left), ZERO)
        return [[plain(divided(share * HUNDRED, whole, 8)), price] for share, price in left]

    @property
    def protection(self) -> Protection | None:
        """Who sees to its exits; None when none were asked for."""
        return protection_of(self.bracket, self.resting, self.position.quantity)


def guarded(session: GuardedSession, position_id: uuid.UUID) -> Guarded:
    """Everything that guards one position. Raises NotFound."""
    position = positions.get(session, position_id)
    sales = _telling_sales_of_one().all(session, position_id=position_id)
    return _assembled(position, positions.bracket_of(session, position_id), sales)


def open_ones(session: GuardedSession) -> list[Guarded]:
    """Every open position whose bracket is not done, with what guards it."""
    held = _HELD.all(session)
    sales: dict[uuid.UUID | None, list[_Sale]] = {row.id: [] for row, _ in held}
    for order, untold in _telling_sales_of_the_held().all(session) if held else []:
        sales.setdefault(order.position_id, []).append((order, untold))
    return [_assembled(row, bracket, sales[row.id]) for row, bracket in held]


_held = col(PositionRow.id) == Bracket.position_id, PositionRow.status == LotStatus.OPEN, col(Bracket.status).in_(UNDONE)
_HELD = Question[tuple[PositionRow, Bracket]](select(PositionRow, Bracket).where(*_held))


#: A sale, and whether more of it is filled than its known executions say.
_Sale = tuple[Order, bool]


def _telling_sales() -> Select[Order, bool]:
    """The sales that say how a position is guarded, oldest first: of a long-lived one nearly all have ended, and say nothing."""
    reached = sa.and_(col(Order.role) == OrderRole.TARGET, col(Order.filled) > ZERO)
    untold = orders.is_untold()
    telling = sa.or_(col(Order.status).in_(ALIVE), reached, untold)
    return select(Order, untold).where(Order.side == Side.SELL, telling).order_by(col(Order.created_at))


@cache
def _telling_sales_of_one() -> Question[_Sale]:
    return Question(_telling_sales().where(col(Order.position_id) == sa.bindparam("position_id")))


@cache
def _telling_sales_of_the_held() -> Question[_Sale]:
    return Question(_telling_sales().where(col(Order.position_id).in_(select(PositionRow.id).where(*_held))))


def _assembled(position: PositionRow, bracket: Bracket | None, sales: Sequence[_Sale]) -> Guarded:
    exits = [order for order, _ in sales if order.role in _EXITS]
    first = int((bracket.rollback or {}).get("after_attempt", 0)) if bracket else 0
    reached = [order for order in exits if order.role is OrderRole.TARGET and order.filled and order.attempt > first]
    return Guarded(
        position=position,
        bracket=bracket,
        resting=tuple(order for order in exits if order.status in ALIVE),
        done_legs=frozenset(order.leg for order in reached if order.status is OrderStatus.FILLED),
        in_doubt=tuple(order for order, untold in sales if untold or not orders.is_settled(order)),
        parts_left=_parts_left(reached),
    )


def _parts_left(reached: Iterable[Order]) -> dict[str, Decimal]:
    """By leg what its orders have left of it, each of which was over what the ones before it had left."""
    left: dict[str, Decimal] = {}
    for order in reached:
        if order.filled < order.quantity:
            left[order.leg] = times(left.get(order.leg, ONE), divided(order.quantity - order.filled, order.quantity))
    return left


def protection_of(bracket: Bracket | None, exits: Iterable[Order], quantity: Decimal) -> Protection | None:
    """Who sees to the exits of a position of this quantity: what rests does without us, what does not is watched by the bot."""
    if bracket is None or bracket.status is BracketStatus.DONE or not (bracket.stop_price or bracket.targets):
        return None
    working = [order for order in exits if order.status.is_working]
    stopped = sum((order.quantity - order.filled for order in working if order.role is OrderRole.STOP), ZERO)
    rests = []
    if bracket.stop_price:
        rests.append(stopped >= times(quantity, COVERED))
    if bracket.targets:
        rests.append(any(order.role is OrderRole.TARGET for order in working))
    if all(rests):
        return Protection.EXCHANGE
    return Protection.HALF if any(rests) or stopped else Protection.BOT


def protections(session: GuardedSession, position_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Protection]:
    """Who sees to the exits of each of these positions; those that asked for none are left out."""
    wanted = list(position_ids)
    exits: dict[uuid.UUID, list[Order]] = {}
    chosen = select(Order).where(col(Order.position_id).in_(wanted), col(Order.role).in_(_EXITS), col(Order.status).in_(WORKING))
    for order in session.exec(chosen):
        if order.position_id is not None:
            exits.setdefault(order.position_id, []).append(order)
    held = {row.id: row.quantity for row in session.exec(select(PositionRow).where(col(PositionRow.id).in_(wanted)))}
    found: dict[uuid.UUID, Protection] = {}
    for bracket in session.exec(select(Bracket).where(col(Bracket.position_id).in_(wanted))):
        protection = protection_of(bracket, exits.get(bracket.position_id, ()), held.get(bracket.position_id, ZERO))
        if protection is not None:
            found[bracket.position_id] = protection
    return found


def ask(
    session: GuardedSession,
    position_id: uuid.UUID,
    stop: Decimal,
    targets: list[list[str]],
    now: datetime,
) -> Bracket:
    """Write what is wanted; what is left of what was wanted before becomes the place to return to when the move fails."""
    before = guarded(session, position_id)
    position, bracket = before.position, before.bracket
    if bracket is None:
        bracket = Bracket(user_id=position.user_id, broker_id=position.broker_id, position_id=position_id)
    else:
        # The legs of the new plan are counted from here: a target reached before belongs to the old one.
        kept = {"stop": format(bracket.stop_price, "f"), "targets": before.targets_left, "after_attempt": bracket.attempt}
        bracket.rollback = _remembered(bracket, _AMENDING) | kept
        bracket.status = BracketStatus.MOVING
    bracket.stop_price, bracket.targets = stop, targets
    bracket.asked_at = bracket.updated_at = now
    session.add(bracket)
    state = positions.state_of(session, position_id)
    if state is not None:
        state.stop_loss, state.take_profit = stop, Decimal(targets[0][1]) if targets else ZERO
        state.updated_at = now
        session.add(state)
    return bracket


class Entry(NamedTuple):
    """An entry by what its exits are found by. A position may have hundreds, and is looked at with each of its fills."""

    id: uuid.UUID
    webhook_id: uuid.UUID | None
    leg: str


def unheeded(session: GuardedSession, position_id: uuid.UUID) -> list[Entry]:
    """The entries of an open position since which nobody has asked for exits, oldest first. Raises NotFound."""
    if positions.get(session, position_id).status is not LotStatus.OPEN:
        return []
    bracket = positions.bracket_of(session, position_id)
    asked_at = bracket.asked_at if bracket is not None else datetime.fromtimestamp(0, UTC)
    return [Entry(*row) for row in _ENTRIES.all(session, position_id=position_id, since=asked_at)]


_ENTRIES = Question[tuple[uuid.UUID, uuid.UUID | None, str]](
    select(Order.id, Order.webhook_id, Order.leg)
    .where(Order.position_id == sa.bindparam("position_id"), Order.role == OrderRole.ENTRY)
    .where(Order.created_at > sa.bindparam("since"))
    .order_by(col(Order.created_at))
)


def with_unheeded(session: GuardedSession, owner: str) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """The user and the id of each open position of this owner of lots that has `unheeded` entries of alerts. For SYSTEM."""
    wanted = select(PositionRow.user_id, PositionRow.id).where(PositionRow.status == LotStatus.OPEN, PositionRow.owner == owner)
    entries = wanted.join(Order, col(Order.position_id) == PositionRow.id).where(Order.role == OrderRole.ENTRY)
    alerts = entries.where(col(Order.webhook_id).is_not(None)).outerjoin(Bracket, col(Bracket.position_id) == PositionRow.id)
    unheeded = alerts.where(sa.or_(col(Bracket.id).is_(None), col(Order.created_at) > col(Bracket.asked_at)))
    return list(dict.fromkeys((row[0], row[1]) for row in session.exec(unheeded.order_by(col(PositionRow.opened_at)))))


def begin_move(session: GuardedSession, position_id: uuid.UUID, now: datetime) -> Bracket:
    """Number the next attempt, so that its orders have ids of their own, and note since when the position is naked."""
    bracket = _of(session, position_id)
    bracket.attempt += 1
    bracket.status = BracketStatus.MOVING if bracket.attempt > 1 else BracketStatus.PLANNED
    bracket.unprotected_since = bracket.unprotected_since or now
    bracket.updated_at = now
    session.add(bracket)
    return bracket


def begin_amend(session: GuardedSession, position_id: uuid.UUID, until: datetime, now: datetime) -> bool:
    """A resting stop is about to be changed in place; what was asked can come true until `until`.

    Returns whether an earlier change is open, which may yet come true after this one.
    """
    bracket = _of(session, position_id)
    earlier = (bracket.rollback or {}).get(_AMENDING)
    latest = max(until, datetime.fromisoformat(earlier)) if earlier else until
    bracket.rollback = (bracket.rollback or {}) | {_AMENDING: latest.isoformat()}
    bracket.status, bracket.updated_at = BracketStatus.MOVING, now
    session.add(bracket)
    return earlier is not None


def end_amend(session: GuardedSession, position_id: uuid.UUID) -> None:
    """Nothing that was asked to change in place is open any more."""
    bracket = _of(session, position_id)
    bracket.rollback = {name: kept for name, kept in (bracket.rollback or {}).items() if name != _AMENDING}
    session.add(bracket)


def amended(session: GuardedSession, order_id: uuid.UUID, report: OrderReport, now: datetime) -> Order:
    """An order that was changed in place rests at the prices and over the quantity that its exchange reports."""
    order = orders.get(session, order_id)
    if report.status.is_working and report.stop_price:
        order.stop_price, order.quantity, order.updated_at = report.stop_price, report.quantity or order.quantity, now
        if order.type is OrderType.STOP_LOSS_LIMIT:
            order.price = report.price
        session.add(order)
    return order


def begin_taking(session: GuardedSession, position_id: uuid.UUID, legs: Collection[str], now: datetime) -> Bracket:
    """A watched target was reached: its part is about to be taken from under the stop, and sold."""
    bracket = begin_move(session, position_id, now)
    bracket.rollback = (bracket.rollback or {}) | {_TAKING: {"legs": sorted(legs), "attempt": bracket.attempt}}
    session.add(bracket)
    return bracket


def end_taking(session: GuardedSession, position_id: uuid.UUID, now: datetime) -> None:
    """Sold, or not to be sold now: all that is left belongs under the stop again."""
    bracket = _of(session, position_id)
    bracket.rollback = {name: kept for name, kept in (bracket.rollback or {}).items() if name != _TAKING}
    bracket.updated_at = now
    session.add(bracket)


def note(session: GuardedSession, position_id: uuid.UUID, status: BracketStatus, now: datetime) -> None:
    """The bracket rests (ACTIVE) or has done its work (DONE); then there is nothing left to return to."""
    bracket = positions.bracket_of(session, position_id)
    if bracket is None or (bracket.status is status and bracket.unprotected_since is None):
        return
    bracket.status, bracket.unprotected_since, bracket.updated_at = status, None, now
    bracket.rollback = _remembered(bracket, _AMENDING, "after_attempt")
    session.add(bracket)


def restore(session: GuardedSession, failed: Bracket, stop: Decimal, targets: list[list[str]], now: datetime) -> bool:
    """A move failed: what stood before is wanted again. False, and nothing is written, when other exits were asked for since."""
    bracket = _of(session, failed.position_id)
    if (bracket.stop_price, bracket.targets) != (failed.stop_price, failed.targets):
        return False
    bracket.rollback = _remembered(bracket, _AMENDING) | {"after_attempt": bracket.attempt}
    bracket.stop_price, bracket.targets = stop, targets
    bracket.status, bracket.unprotected_since, bracket.updated_at = BracketStatus.ACTIVE, None, now
    session.add(bracket)
    return True


def show(session: GuardedSession, position_id: uuid.UUID, stop: Order | None, target: Order | None, now: datetime) -> None:
    """Show in the alert's view which orders guard the position; a target that we watch ourselves is shown without an order."""
    state = positions.state_of(session, position_id)
    if state is None:
        return
    state.stop_loss = stop.stop_price if stop else ZERO
    state.take_profit = (target.price or target.stop_price) if target else _watched(session, position_id)
    state.stop_order_id = stop.id if stop else None
    state.target_order_id = target.id if target else None
    state.updated_at = now
    session.add(state)


def _watched(session: GuardedSession, position_id: uuid.UUID) -> Decimal:
    """The nearest target that was asked for and not reached yet; zero without one."""
    found = guarded(session, position_id)
    asked = (found.bracket.targets or []) if found.bracket else []
    return next((Decimal(price) for i, (_, price) in enumerate(asked) if f"t{i}" not in found.done_legs), ZERO)


def _remembered(bracket: Bracket, *names: str) -> dict[str, Any]:
    return {name: kept for name, kept in (bracket.rollback or {}).items() if name in names}


def _of(session: GuardedSession, position_id: uuid.UUID) -> Bracket:
    bracket = positions.bracket_of(session, position_id)
    if bracket is None:
        raise LookupError(f"position {position_id} has no bracket")
    return bracket
