"""Reports that come at the same moment, from the stream, the monitor and the answer of a call: none makes another unheard."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from aristobot.orders import OrderReport, OrderStatus, Side
from aristobot.store import orders, positions
from aristobot.store.database import Database
from tests.builders import a_fill
from tests.store.test_bookkeeping import a_trader, an_order_of, hear, report_of

D = Decimal
PARTS = 10


async def test_the_executions_of_one_order_told_at_once_all_count(db: Database) -> None:
    broker = await a_trader(db)
    order = await an_order_of(db, broker, Side.BUY, "1.0")

    def part(number: int) -> OrderReport:
        fill = a_fill(trade_id=str(number), quantity=D("0.1"), price=D(60000))
        status = OrderStatus.FILLED if number == PARTS else OrderStatus.PARTIALLY_FILLED
        return report_of(order, status, D("0.1") * number, fill)

    await hear(db, broker, part(1))
    await asyncio.gather(*[hear(db, broker, part(number)) for number in range(PARTS, 1, -1)])
    row = await db.read(broker.user_id, lambda s: orders.get(s, order.id))
    (position,) = await db.read(broker.user_id, positions.open_ones)
    assert (row.status, row.filled) == (OrderStatus.FILLED, D("1.0"))
    assert (position.quantity, position.bought) == (D("1.0"), D("1.0"))


async def test_two_entries_that_fill_at_once_make_one_position_of_both(db: Database) -> None:
    broker = await a_trader(db)
    entries = [await an_order_of(db, broker, Side.BUY, "0.5") for _ in range(6)]
    reports = [
        report_of(entry, OrderStatus.FILLED, D("0.5"), a_fill(trade_id=str(number), quantity=D("0.5")))
        for number, entry in enumerate(entries)
    ]
    await asyncio.gather(*[hear(db, broker, report) for report in reports])
    (position,) = await db.read(broker.user_id, positions.open_ones)
    assert position.quantity == D("3.0")
