"""Believing a report: order, fills, position, and the alert's view of it change together, in one transaction."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.kinds import BracketStatus, LotStatus, OrderRole
from aristobot.market import Instrument
from aristobot.money import HUNDRED, ZERO, divided, kept, plain, times
from aristobot.orders import Fill, OrderReport, OrderState, OrderStatus, Side, may_conclude, merge
from aristobot.performance import position_of
from aristobot.portfolio import Movement, Position
from aristobot.store import brackets, dust, orders, positions, users
from aristobot.store.questions import Question
from aristobot.store.tenancy import GuardedSession, insert_once
from aristobot.store.trading_tables import Bracket, FillRow, Order, PositionRow, WebhookState

EXITS = (OrderRole.STOP, OrderRole.TARGET)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a report changed. `missing` is the filled quantity whose executions nobody has reported yet."""

    order: Order
    changed: bool
    position_id: uuid.UUID | None
    position_changed: bool
    fresh_fills: int
    missing: Decimal


def record(session: GuardedSession, order: Order, report: OrderReport, instrument: Instrument, now: datetime) -> Recorded:
    """Merge `report` into the row of `order`. Reports may come twice and in any order: the result is the same."""
    before = (order.status, order.filled, order.exchange_order_id)
    state = merge(OrderState(order.status, order.filled, order.quote_filled, order.exchange_order_id), report)
    order.status, order.filled = state.status, state.filled
    order.quote_filled, order.exchange_order_id = state.quote_filled, state.exchange_order_id
    if order.role in EXITS and report.quantity:
        order.quantity = report.quantity  # the exchange sizes the exits of a list by what the entry brought
    if report.list_client_id and not order.list_client_id:
        order.list_client_id = report.list_client_id
    if report.reason and not order.reason:
        order.reason = report.reason[:64]
    fresh = [fill for fill in report.fills if _remember(session, order, fill)]
    changed = bool(fresh) or before != (order.status, order.filled, order.exchange_order_id)
    if changed:
        order.updated_at = now
        if order.status.is_final and order.done_at is None:
            order.done_at = now
    session.add(order)
    session.flush()
    touched = (_refold(session, order, instrument, now) if fresh else None) or order.position_id
    known = sum((row.quantity for row in orders.fills(session, order.id)), ZERO) if order.filled else ZERO
    return Recorded(order, changed, touched, bool(fresh), len(fresh), max(order.filled - known, ZERO))


def _remember(session: GuardedSession, order: Order, fill: Fill) -> bool:
    values = {
        "id": uuid.uuid4(),
        "user_id": order.user_id,
        "broker_id": order.broker_id,
        "order_id": order.id,
        "position_id": order.position_id,
        "symbol": order.symbol,
        "trade_id": fill.trade_id,
        "side": fill.side,
        "price": fill.price,
        "quantity": fill.quantity,
        "fee": fill.fee,
        "fee_asset": fill.fee_asset,
        "maker": fill.maker,
        "at": fill.at,
    }
    return insert_once(session, FillRow, values, ["broker_id", "symbol", "trade_id", "side"]) is not None


def _refold(session: GuardedSession, order: Order, instrument: Instrument, now: datetime) -> uuid.UUID | None:
    """Recompute the order's position from all its fills; open one for a first fill, close what can no longer be sold.

    The position in which the coins are then.
    """
    if order.position_id is None:
        if order.role in EXITS:
            return None  # an exit reported before the entry it came with: its fills wait for the position
        order.position_id = _position_for(session, order, instrument, now).id
        session.add(order)
        if order.list_client_id:
            _adopt_exits(session, order, now)
        elif order.exit_stop or order.exit_target:
            _ask_for_exits(session, order.position_id, order, now)
    loose = select(FillRow).where(FillRow.order_id == order.id, col(FillRow.position_id).is_(None))
    for row in session.exec(loose):
        row.position_id = order.position_id
        session.add(row)
    session.flush()
    position = positions.get(session, order.position_id)
    _fold(session, position)
    position.current_price = divided(order.quote_filled, order.filled) if order.filled else position.current_price
    _settle(session, position, instrument, now)
    _follow(session, position, order, now)
    _show_exits(session, position, now)
    return _heir_of(session, position, instrument, now).id


def _heir_of(session: GuardedSession, position: PositionRow, instrument: Instrument, now: datetime) -> PositionRow:
    """What came late to a closed position joins the one that its owner opened since: in a closed one nobody would guard it."""
    if position.status is LotStatus.OPEN or position.is_dust or not position.quantity:
        return position
    heir = positions.open_one(session, position.broker_id, position.symbol, position.owner)
    if heir is None:
        return position
    move_dust(session, position, heir, instrument, now)
    return heir


def told_by_fills(session: GuardedSession, position: PositionRow, until: datetime | None = None) -> Position:
    """What the fills of a position, and the dust that joined or left it, come to, by the way in which its user tells costs.

    `until`: only of what was before that moment.
    """
    moved: list[Movement] = [*orders.executions(session, position.id), *dust.transfers(session, position.id)]
    if until is not None:
        moved = [one for one in moved if one.at < until]
    method = users.get(session, position.user_id).cost_method
    return position_of(moved, position.base, position.quote, method)


def _fold(session: GuardedSession, position: PositionRow) -> None:
    """Make of a position what its fills make it, by the way in which its user tells costs."""
    folded = told_by_fills(session, position)
    position.quantity, position.cost, position.entry = kept(folded.quantity), kept(folded.cost), folded.entry
    position.realised, position.bought, position.sold = kept(folded.realised), kept(folded.bought), kept(folded.sold)
    position.other_fees = {asset: plain(fee) for asset, fee in folded.other_fees} or None
    session.add(position)


def fold_again(session: GuardedSession, rows: Iterable[PositionRow], now: datetime) -> None:
    """Tell the costs of these positions anew, after something else than a fill changed them."""
    for position in rows:
        _fold(session, position)
        if (state := positions.state_of(session, position.id)) is not None:
            _show(session, state, position, now)


def move_dust(session: GuardedSession, row: PositionRow, into: PositionRow | None, instrument: Instrument, now: datetime) -> None:
    """Let all that a position holds join another one, or write it off; both are told anew."""
    dust.move(session, row, into, now)
    for position in (row, into):
        if position is not None:
            fold_again(session, [position], now)
            _settle(session, position, instrument, now)
            fold_again(session, [position], now)


@dataclass(frozen=True, slots=True)
class UnvaluedFee:
    """A fee in an asset that is neither bought nor paid with, whose worth in `quote` is not known yet."""

    fill_id: uuid.UUID
    position_id: uuid.UUID
    symbol: str
    asset: str
    fee: Decimal
    quote: str
    at: datetime


def unvalued_fees(session: GuardedSession, broker_id: uuid.UUID, since: datetime) -> list[UnvaluedFee]:
    """Such fees of a broker since a moment, oldest first."""
    found = (UnvaluedFee(*one) for one in _UNVALUED.all(session, broker_id=broker_id, since=since))
    return [one for one in found if one.fee]


_UNVALUED = Question[tuple[Any, ...]](
    sa.select(
        col(FillRow.id),
        col(PositionRow.id),
        col(FillRow.symbol),
        col(FillRow.fee_asset),
        col(FillRow.fee),
        col(PositionRow.quote),
        col(FillRow.at),
    )
    .where(col(FillRow.position_id) == PositionRow.id, col(FillRow.broker_id) == sa.bindparam("broker_id"))
    .where(col(FillRow.at) >= sa.bindparam("since"), col(FillRow.fee_value).is_(None))
    .where(col(FillRow.fee_asset) != PositionRow.base, col(FillRow.fee_asset) != PositionRow.quote)
    .order_by(col(FillRow.at))
)


def value_fee(session: GuardedSession, fee: UnvaluedFee, worth: Decimal, now: datetime) -> None:
    """A fee is worth so much in quote: the position's cost and gain show it from now on."""
    session.exec(sa.update(FillRow).where(col(FillRow.id) == fee.fill_id).values(fee_value=worth))
    fold_again(session, [positions.get(session, fee.position_id)], now)


def _adopt_exits(session: GuardedSession, entry: Order, now: datetime) -> None:
    """The exits that came in one list with an entry guard the position it opened: from this moment, in this transaction."""
    in_a_list = col(Order.list_client_id) != sa.literal_column("''")  # word for word as their index has it
    same_list = select(Order).where(Order.broker_id == entry.broker_id, Order.list_client_id == entry.list_client_id, in_a_list)
    exits = {order.role: order for order in session.exec(same_list) if order.role in EXITS}
    for order in exits.values():
        order.position_id = entry.position_id
        session.add(order)
        for row in session.exec(select(FillRow).where(FillRow.order_id == order.id)):
            row.position_id = entry.position_id
            session.add(row)
    stop, target = exits.get(OrderRole.STOP), exits.get(OrderRole.TARGET)
    if entry.position_id is None or positions.bracket_of(session, entry.position_id) is not None or stop is None:
        return
    session.add(
        Bracket(
            user_id=entry.user_id,
            broker_id=entry.broker_id,
            position_id=entry.position_id,
            status=BracketStatus.ACTIVE,
            stop_price=stop.stop_price,
            targets=[["100", plain(target.price)]] if target is not None else [],
            attempt=stop.attempt,  # what is asked for later counts from here
            asked_at=now,
            updated_at=now,
        )
    )


def _ask_for_exits(session: GuardedSession, position_id: uuid.UUID, entry: Order, now: datetime) -> None:
    """What an entry wants its position guarded by is asked for with its first fill: no moment between them can lose it."""
    targets = [[plain(HUNDRED), plain(entry.exit_target)]] if entry.exit_target else []
    brackets.ask(session, position_id, entry.exit_stop, targets, now)


def _show_exits(session: GuardedSession, position: PositionRow, now: datetime) -> None:
    """The alert's view names the exits of a bracket that came with its entry."""
    state = positions.state_of(session, position.id)
    if state is None or state.stop_order_id is not None:
        return
    wanted = select(Order).where(
        Order.position_id == position.id, col(Order.role).in_(EXITS), col(Order.status).in_(orders.ALIVE)
    )
    exits = {order.role: order for order in session.exec(wanted)}
    stop, target = exits.get(OrderRole.STOP), exits.get(OrderRole.TARGET)
    if stop is not None:
        state.stop_loss, state.stop_order_id = stop.stop_price, stop.id
    if target is not None:
        state.take_profit, state.target_order_id = target.price or target.stop_price, target.id
    state.updated_at = now
    session.add(state)


def _position_for(session: GuardedSession, order: Order, instrument: Instrument, now: datetime) -> PositionRow:
    found = positions.open_one(session, order.broker_id, order.symbol, order.owner)
    if found is not None:
        return found
    position = PositionRow(
        user_id=order.user_id,
        broker_id=order.broker_id,
        symbol=order.symbol,
        base=instrument.base,
        quote=instrument.quote,
        owner=order.owner,
        opened_at=now,
    )
    session.add(position)
    session.flush()
    return position


def _settle(session: GuardedSession, position: PositionRow, instrument: Instrument, now: datetime) -> None:
    """Closed means: something was sold and what remains is dust that no order can sell."""
    dusty = instrument.is_dust(position.quantity, position.current_price)
    position.is_dust = dusty and position.quantity > ZERO
    empty = dusty and (position.sold > ZERO or not position.quantity)
    if empty and position.status is LotStatus.OPEN:
        position.status, position.closed_at = LotStatus.CLOSED, now
        bracket = positions.bracket_of(session, position.id)
        if bracket is not None:
            bracket.status, bracket.unprotected_since, bracket.updated_at = BracketStatus.DONE, None, now
            session.add(bracket)
    reopened = not empty and position.status is LotStatus.CLOSED
    if reopened and positions.open_one(session, position.broker_id, position.symbol, position.owner) is None:
        position.status, position.closed_at = LotStatus.OPEN, None
        bracket = positions.bracket_of(session, position.id)
        if bracket is not None:  # what comes late wants its exits too
            bracket.status, bracket.unprotected_since, bracket.updated_at = BracketStatus.MOVING, now, now
            session.add(bracket)
    session.add(position)
    session.flush()


def _follow(session: GuardedSession, position: PositionRow, order: Order, now: datetime) -> None:
    """Keep the alert's view in step with the position it opened."""
    if position.owner != "webhooks":
        return
    state = positions.state_of(session, position.id)
    if state is None:
        state = WebhookState(
            user_id=position.user_id,
            broker_id=position.broker_id,
            symbol=position.symbol,
            side=Side.BUY,
            position_id=position.id,
            opening_webhook_id=order.webhook_id if order.role is OrderRole.ENTRY else None,
            opened_at=position.opened_at,
            updated_at=now,
        )
    _show(session, state, position, now)


def _show(session: GuardedSession, state: WebhookState, position: PositionRow, now: datetime) -> None:
    state.status, state.closed_at = position.status, position.closed_at
    # A closed position keeps the entry it had: what dust remains has no price worth showing.
    opened = position.status is LotStatus.OPEN
    state.entry_price = position.entry if opened else state.entry_price or position.entry
    state.quantity = position.quantity
    state.current_price, state.realised_pnl = position.current_price, position.realised
    held = kept(times(position.quantity, position.current_price))
    state.unrealised_pnl = held - position.cost if opened else ZERO
    state.updated_at = now
    session.add(state)


def settle(session: GuardedSession, order: Order, status: OrderStatus, now: datetime, reason: str = "") -> bool:
    """End an order by our own knowledge (DENIED, REJECTED, NOT_ACCEPTED) or mark it UNKNOWN; False when it had moved on."""
    if not may_conclude(order.status, status):
        return False
    order.status, order.updated_at = status, now
    if reason:
        order.reason = reason[:64]
    if status.is_final:
        order.done_at = now
    session.add(order)
    return True
