"""What guards a position is read from its sales that say something: the same as a look at all of them would tell."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest

from aristobot.kinds import BracketStatus, LotStatus, OrderRole
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from aristobot.store import brackets, orders
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Bracket, FillRow, Order, PositionRow
from tests.builders import MIDNIGHT, a_fill_row, a_position, a_stored_broker, a_webhook, an_order

D = Decimal
ROLES = (OrderRole.EXIT, OrderRole.STOP, OrderRole.TARGET)


@dataclass
class Lot:
    """A position with all that was ever sold or is being sold of it, and the executions known of each sale."""

    position: PositionRow
    bracket: Bracket
    sales: list[Order]
    fills: dict[uuid.UUID, list[FillRow]]

    def told(self, order: Order) -> Decimal:
        """How much of a sale its executions account for."""
        return sum((fill.quantity for fill in self.fills[order.id]), D(0))


class Chance(random.Random):
    """Positions as they come about in years."""

    def lot(self, broker: Broker) -> Lot:
        """A position with up to twelve sales in any state."""
        position = a_position(broker)
        first = self.choice((0, 0, 2))
        kept = {"after_attempt": first} if first else None
        bracket = Bracket(
            user_id=broker.user_id, broker_id=broker.id, position_id=position.id, status=BracketStatus.ACTIVE, stop_price=D(50000),
            targets=[["50", "61000"], ["50", "62000"]], rollback=kept, asked_at=MIDNIGHT, updated_at=MIDNIGHT,
        )  # fmt: skip
        sales = [self.sale(broker, position, number) for number in range(self.randint(0, 12))]
        return Lot(position, bracket, sales, {order.id: self.executions(order) for order in sales})

    def sale(self, broker: Broker, position: PositionRow, number: int) -> Order:
        """One of the position's sales, asked for some seconds after midnight."""
        status = self.choice(list(OrderStatus))
        filled = {OrderStatus.FILLED: D("0.003"), OrderStatus.PARTIALLY_FILLED: D("0.002"), OrderStatus.CANCELED: D("0.001")}
        row = an_order(
            broker, position_id=position.id, side=Side.SELL, role=self.choice(ROLES), quantity=D("0.003"), status=status,
            filled=filled.get(status, D(0)), type=self.choice((OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT)),
            time_in_force=self.choice(list(TimeInForce)), leg=f"t{number % 2}", attempt=self.randint(1, 4),
            created_at=MIDNIGHT + timedelta(seconds=number),
        )  # fmt: skip
        row.client_order_id = row.id.hex
        return row

    def executions(self, order: Order) -> list[FillRow]:
        """All of what filled it, in one part or several; or all but one of them."""
        if not order.filled:
            return []
        parts = self.choice((1, 2, 3))
        shares = (
            [order.filled / 2] * 2
            if parts == 2
            else [order.filled]
            if parts == 1
            else [D("0.0005")] * int(order.filled / D("0.0005"))
        )
        return [a_fill_row(order, quantity=share) for share in shares[self.choice((0, 0, 1)) :]]


@pytest.mark.parametrize("seed", range(12))
async def test_long_ended_sales_change_nothing_of_what_guards_a_position(db: Database, seed: int) -> None:
    chance = Chance(seed)
    broker = await a_stored_broker(db)
    lots = [chance.lot(broker) for _ in range(4)]
    for number, lot in enumerate(lots):
        lot.position.symbol = f"COIN{number}/USDT"
        await db.write(broker.user_id, lambda s, lot=lot: s.add(lot.position))  # type: ignore[misc]  # the lot of this turn
        await db.write(broker.user_id, lambda s, lot=lot: s.add_all([lot.bracket, *lot.sales]))  # type: ignore[misc]  # the lot of this turn
        await db.write(broker.user_id, lambda s, lot=lot: s.add_all(chain.from_iterable(lot.fills.values())))  # type: ignore[misc]  # the lot of this turn
    at_once = {one.position.id: one for one in await db.read(broker.user_id, brackets.open_ones)}
    for lot in lots:
        guarded = await db.read(broker.user_id, lambda s, lot=lot: brackets.guarded(s, lot.position.id))  # type: ignore[misc]  # the lot of this turn
        assert facts(guarded) == facts(at_once[lot.position.id]) == facts(looked_at_all(lot))
    untold = {order.id for lot in lots for order in lot.sales if order.filled > lot.told(order)}
    found = await db.read(broker.user_id, lambda s: orders.without_all_fills(s, broker.id, MIDNIGHT))
    assert {order.id for order in found} == untold


async def test_after_a_start_only_positions_with_entries_that_nobody_guarded_are_looked_at(db: Database) -> None:
    broker = await a_stored_broker(db)
    alert, later = a_webhook(broker), MIDNIGHT + timedelta(seconds=1)
    positions = [a_position(broker, symbol=f"COIN{number}/USDT") for number in range(6)]
    never, since, guarded, by_hand, closed, of_others = positions
    closed.status, closed.closed_at, of_others.owner = LotStatus.CLOSED, later, "manual"
    asked: dict[str, Any] = {"status": BracketStatus.ACTIVE, "stop_price": D(50000), "updated_at": later}
    about: list[Bracket | Order] = [
        Bracket(user_id=broker.user_id, broker_id=broker.id, position_id=since.id, asked_at=MIDNIGHT, **asked),
        Bracket(user_id=broker.user_id, broker_id=broker.id, position_id=guarded.id, asked_at=later, **asked),
    ]
    for position in positions:
        cause = None if position is by_hand else alert.id
        for number in range(2):  # two entries of one position are looked at together
            made = MIDNIGHT + timedelta(seconds=number)
            entry = an_order(broker, position_id=position.id, role=OrderRole.ENTRY, webhook_id=cause, created_at=made)
            entry.client_order_id = entry.id.hex
            about.append(entry)
    await db.write(broker.user_id, lambda s: s.add_all([alert, *positions]))
    await db.write(broker.user_id, lambda s: s.add_all(about))
    found = await db.read(SYSTEM, lambda s: brackets.with_unheeded(s, "webhooks"))
    assert sorted(found) == sorted((broker.user_id, one.id) for one in (never, since))
    for position in positions:
        entries = await db.read(broker.user_id, lambda s, one=position: brackets.unheeded(s, one.id))  # type: ignore[misc]  # the position of this turn
        unheeded = bool([one for one in entries if one.webhook_id]) and position.owner == "webhooks"
        assert unheeded is (position in (never, since))


def looked_at_all(lot: Lot) -> brackets.Guarded:
    """The rules once more, told of every sale there is."""
    first = (lot.bracket.rollback or {}).get("after_attempt", 0)
    exits = [order for order in lot.sales if order.role is not OrderRole.EXIT]
    reached = [one for one in exits if one.role is OrderRole.TARGET and one.filled and one.attempt > first]
    return brackets.Guarded(
        position=lot.position,
        bracket=lot.bracket,
        resting=tuple(order for order in exits if order.status in orders.ALIVE),
        done_legs=frozenset(order.leg for order in reached if order.status is OrderStatus.FILLED),
        in_doubt=tuple(one for one in lot.sales if not orders.is_settled(one) or one.filled > lot.told(one)),
        parts_left=brackets._parts_left(reached),
    )


def facts(guarded: brackets.Guarded) -> tuple[object, ...]:
    resting, in_doubt = ([order.id for order in several] for several in (guarded.resting, guarded.in_doubt))
    return guarded.position.id, resting, guarded.done_legs, in_doubt, guarded.parts_left
