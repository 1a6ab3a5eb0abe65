"""Reports that come at the same moment, from the stream, the monitor and the answer of a call: none makes another unheard."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

from aristobot.kinds import LotStatus, OrderRole
from aristobot.orders import Fill, OrderReport, OrderStatus, Side
from aristobot.store import orders, positions
from aristobot.store.database import Database
from aristobot.store.verification import verify
from tests.builders import MIDNIGHT, a_fill, a_stored_broker
from tests.store.test_bookkeeping import an_order_of, hear, report_of

D = Decimal
PARTS = 10


async def test_the_executions_of_one_order_told_at_once_all_count(db: Database) -> None:
    broker = await a_stored_broker(db)
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


async def test_what_comes_late_to_a_closed_position_joins_the_one_that_was_opened_since(db: Database) -> None:
    broker = await a_stored_broker(db)
    first = await an_order_of(db, broker, Side.BUY, "0.2")

    def told(number: int, side: Side, price: int) -> Fill:
        return a_fill(trade_id=str(number), side=side, quantity=D("0.1"), price=D(price), fee=D(0))

    await hear(db, broker, report_of(first, OrderStatus.PARTIALLY_FILLED, D("0.1"), told(1, Side.BUY, 50000)))
    sale = await an_order_of(db, broker, Side.SELL, "0.1", role=OrderRole.EXIT)
    await hear(db, broker, report_of(sale, OrderStatus.FILLED, D("0.1"), told(2, Side.SELL, 52000)))
    second = await an_order_of(db, broker, Side.BUY, "0.1")
    opened = await hear(db, broker, report_of(second, OrderStatus.FILLED, D("0.1"), told(3, Side.BUY, 60000)))
    late = await hear(db, broker, report_of(first, OrderStatus.FILLED, D("0.2"), told(4, Side.BUY, 50000)))
    for _ in range(2):  # hearing it again moves nothing again
        (position,) = await db.read(broker.user_id, positions.open_ones)
        assert (position.id, position.quantity, position.cost) == (opened.position_id, D("0.2"), D(11000))
        (closed,) = await db.read(broker.user_id, lambda s: positions.recent(s, status=LotStatus.CLOSED))
        assert (closed.quantity, closed.cost, closed.realised) == (D(0), D(0), D(200))
        await hear(db, broker, report_of(first, OrderStatus.FILLED, D("0.2"), told(4, Side.BUY, 50000)))
    assert (late.position_id, late.position_changed) == (opened.position_id, True)  # whoever keeps it must look
    assert verify(db.url.render_as_string(hide_password=False)).passed


async def test_coins_that_an_exchange_dates_after_our_clock_move_once(db: Database) -> None:
    broker = await a_stored_broker(db)
    first = await an_order_of(db, broker, Side.BUY, "0.2")
    ahead = MIDNIGHT + timedelta(seconds=3)

    def told(number: int, side: Side) -> Fill:
        return a_fill(trade_id=str(number), side=side, quantity=D("0.1"), price=D(50000), fee=D(0), at=ahead)

    await hear(db, broker, report_of(first, OrderStatus.PARTIALLY_FILLED, D("0.1"), told(1, Side.BUY)))
    sale = await an_order_of(db, broker, Side.SELL, "0.1", role=OrderRole.EXIT)
    await hear(db, broker, report_of(sale, OrderStatus.FILLED, D("0.1"), told(2, Side.SELL)))
    second = await an_order_of(db, broker, Side.BUY, "0.1")
    await hear(db, broker, report_of(second, OrderStatus.FILLED, D("0.1"), told(3, Side.BUY)))
    await hear(db, broker, report_of(first, OrderStatus.FILLED, D("0.2"), told(4, Side.BUY)))
    held = await db.read(broker.user_id, positions.every)
    assert sorted((row.status, row.quantity) for row in held) == [(LotStatus.CLOSED, D(0)), (LotStatus.OPEN, D("0.2"))]


async def test_two_entries_that_fill_at_once_make_one_position_of_both(db: Database) -> None:
    broker = await a_stored_broker(db)
    entries = [await an_order_of(db, broker, Side.BUY, "0.5") for _ in range(6)]
    reports = [
        report_of(entry, OrderStatus.FILLED, D("0.5"), a_fill(trade_id=str(number), quantity=D("0.5")))
        for number, entry in enumerate(entries)
    ]
    await asyncio.gather(*[hear(db, broker, report) for report in reports])
    (position,) = await db.read(broker.user_id, positions.open_ones)
    assert position.quantity == D("3.0")
