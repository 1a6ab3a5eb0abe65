"""How wishes become rows, and rows become wishes again."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import NamedTuple

from aristobot.kinds import OrderOrigin, OrderRole
from aristobot.logs import current_trace_id
from aristobot.money import ZERO, times
from aristobot.orders import OrderRequest, OtocoRequest, Side, client_order_id
from aristobot.store import orders
from aristobot.store.prepared import new_row
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.order_draft import Draft, EditOrder, PlaceOrder, PlacePair


def edited(old: Order, change: EditOrder) -> PlaceOrder:
    """The wish that a changed order makes: what is not changed is as it was, and its cause is the order it replaces.

    It keeps the leg, by which an alert's entry is known to bring that alert's exits.
    """
    return PlaceOrder(
        broker_id=old.broker_id,
        symbol=old.symbol,
        side=old.side,
        type=old.type,
        quantity=old.quantity - old.filled if change.quantity is None else change.quantity,
        price=old.price if change.price is None else change.price,
        stop_price=old.stop_price if change.stop_price is None else change.stop_price,
        time_in_force=old.time_in_force,
        origin=old.origin,
        role=old.role,
        owner=old.owner,
        cause=old.id,
        leg=old.leg,
        replaces=True,
        webhook_id=old.webhook_id,
        position_id=old.position_id,
    )


def next_change(session: GuardedSession, installation: uuid.UUID, wish: PlaceOrder) -> int:
    """The attempt under which a change goes out: that of the one under way or, when those before were refused, a new one."""
    for attempt in count(1):  # one that was refused never rested: something else may be asked in its place
        row = orders.find(session, client_order_id(installation, wish.broker_id, wish.cause, wish.leg, attempt))
        if row is None or not row.status.is_refused:
            return attempt
    raise AssertionError("some attempt was not made yet")


def held_by(old: Order) -> Decimal:
    """What a resting order keeps locked, in quote for a buy and in base for a sell."""
    left = old.quantity - old.filled
    return times(left, old.price) if old.side is Side.BUY else left


class Sent(NamedTuple):
    """When an intent is written, and the moment after which it can no longer appear; None when it is not sent at all."""

    at: datetime
    fence_at: datetime | None


def row_of(account: Account, wish: PlaceOrder, made: Draft, order_id: uuid.UUID, sent: Sent) -> Order:
    """An intent, pending; why it is not sent is written on it by the caller."""
    request = made.request
    values = {
        "id": order_id,
        "user_id": account.user_id,
        "broker_id": account.id,
        "symbol": request.symbol,
        "side": request.side,
        "type": request.type,
        "time_in_force": request.time_in_force,
        "quantity": request.quantity,
        "quote_quantity": wish.quote_quantity,
        "price": request.price,
        "stop_price": request.stop_price,
        "client_order_id": order_id.hex,
        "origin": wish.origin,
        "role": wish.role,
        "owner": wish.owner,
        "leg": wish.leg,
        "attempt": wish.attempt,
        "position_id": wish.position_id,
        "webhook_id": wish.webhook_id,
        "reserved_quote": made.reserve if request.side is Side.BUY else ZERO,
        "reserved_base": made.reserve if request.side is Side.SELL else ZERO,
        "exit_stop": wish.guard_with.stop_price if wish.guard_with is not None else ZERO,
        "exit_target": wish.guard_with.target_price if wish.guard_with is not None else ZERO,
        "note": wish.note,
        "trace_id": current_trace_id(),
        "created_at": sent.at,
        "updated_at": sent.at,
        "sent_at": sent.at if sent.fence_at is not None else None,
        "fence_at": sent.fence_at,
    }
    return new_row(Order, values)


def exit_rows(account: Account, wish: PlaceOrder, listed: OtocoRequest, entry: Order) -> list[Order]:
    """The stop and the target that an entry brings along, pending like it; they find their position when the entry fills."""
    pair = PlacePair(
        broker_id=account.id,
        position_id=None,
        symbol=wish.symbol,
        quantity=listed.exit_quantity,
        stop_price=listed.stop.stop_price,
        target_price=listed.target.price,
        owner=wish.owner,
        cause=wish.cause,
        leg="t0",
        attempt=wish.attempt,
    )
    rows = [
        protective_row(account, pair, listed.stop, OrderRole.STOP, entry.created_at),
        protective_row(account, pair, listed.target, OrderRole.TARGET, entry.created_at),
    ]
    for row in rows:
        row.list_client_id, row.sent_at, row.fence_at = listed.list_client_id, entry.sent_at, entry.fence_at
    return rows


def protective_row(account: Account, pair: PlacePair, request: OrderRequest, role: OrderRole, now: datetime) -> Order:
    """One leg of a stop-and-target pair, pending."""
    return Order(
        id=uuid.UUID(request.client_order_id),
        user_id=account.user_id,
        broker_id=account.id,
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        time_in_force=request.time_in_force,
        quantity=request.quantity,
        price=request.price,
        stop_price=request.stop_price,
        client_order_id=request.client_order_id,
        origin=OrderOrigin.KEEPER,
        role=role,
        owner=pair.owner,
        leg=pair.leg,
        attempt=pair.attempt,
        position_id=pair.position_id,
        trace_id=current_trace_id(),
        created_at=now,
        updated_at=now,
    )
