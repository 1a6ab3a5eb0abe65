"""Dust in the memory, on both databases: found by broker, joined or written off, and not counted as a position."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from aristobot.kinds import LotStatus, OrderRole
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, Side
from aristobot.store import bookkeeping, dust, holdings, positions, webhooks
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import PositionRow
from tests.builders import MIDNIGHT, a_fill, a_stored_broker
from tests.store.test_bookkeeping import BTC, an_order_of, hear, report_of

D = Decimal
LATER = MIDNIGHT + timedelta(hours=1)


async def bought(db: Database, broker: Broker, trade_id: str, quantity: str = "0.05") -> PositionRow:
    """A position of the alerts, its fee paid in coins."""
    order = await an_order_of(db, broker, Side.BUY, quantity)
    size = D(quantity)
    fill = a_fill(trade_id=trade_id, quantity=size, price=D(60000), fee=size / 1000, fee_asset="BTC")
    position_id = (await hear(db, broker, report_of(order, OrderStatus.FILLED, size, fill))).position_id
    assert position_id is not None
    return await db.read(broker.user_id, lambda s: positions.get(s, position_id))


async def a_crumb(db: Database, broker: Broker) -> PositionRow:
    """A position of which all was sold that could be: 0.00000500 BTC stay."""
    held = await bought(db, broker, "1", "0.005")
    sale = await an_order_of(db, broker, Side.SELL, "0.00499", position_id=held.id, role=OrderRole.EXIT)
    sold = a_fill(trade_id="2", side=Side.SELL, quantity=D("0.00499"), price=D(60000), fee=D(0))
    await hear(db, broker, report_of(sale, OrderStatus.FILLED, D("0.00499"), sold))
    return await db.read(broker.user_id, lambda s: positions.get(s, held.id))


async def test_what_a_sale_leaves_is_dust_and_belongs_to_its_broker(db: Database) -> None:
    broker, stranger = await a_stored_broker(db), await a_stored_broker(db)
    crumb = await a_crumb(db, broker)
    assert (crumb.quantity, crumb.status, crumb.is_dust) == (D("0.000005"), LotStatus.CLOSED, True)
    assert [row.id for row in await db.read(broker.user_id, lambda s: dust.crumbs(s, broker.id))] == [crumb.id]
    assert await db.read(stranger.user_id, lambda s: dust.crumbs(s, broker.id)) == []


async def test_dust_that_joins_carries_its_cost_and_can_be_told_anew(db: Database) -> None:
    broker = await a_stored_broker(db)
    crumb, held = await a_crumb(db, broker), await bought(db, broker, "3")

    def join(session: GuardedSession) -> None:
        rows = [positions.get(session, one) for one in (crumb.id, held.id)]
        bookkeeping.move_dust(session, rows[0], rows[1], BTC, LATER)

    def again(session: GuardedSession) -> list[PositionRow]:
        rows = [positions.get(session, one) for one in (crumb.id, held.id)]
        bookkeeping.fold_again(session, rows, LATER)
        return rows

    await db.write(broker.user_id, join)
    for _ in range(2):
        empty, whole = await db.write(broker.user_id, again)
        assert (empty.quantity, empty.cost, empty.is_dust, empty.status) == (ZERO, ZERO, False, LotStatus.CLOSED)
        assert (whole.quantity, whole.cost) == (held.quantity + crumb.quantity, held.cost + crumb.cost)
        assert empty.realised == crumb.realised
    assert await db.read(SYSTEM, lambda s: dust.crumbs(s, broker.id)) == []


async def test_an_open_position_that_is_dust_is_written_off_and_closed(db: Database) -> None:
    broker = await a_stored_broker(db)
    held = await bought(db, broker, "1", "0.00011")
    seen = positions.Repriced(held.id, D(40000), is_dust=True)
    await db.write(broker.user_id, lambda s: positions.reprice(s, [seen], LATER))

    async def counted() -> tuple[int, int]:
        stats = await db.read(broker.user_id, lambda s: webhooks.stats(s, MIDNIGHT))
        rows = await db.read(broker.user_id, lambda s: holdings.since(s, broker.id, MIDNIGHT))
        return stats.open_positions, holdings.summed(rows, "BTC/USDT").open_positions

    assert await counted() == (0, 0)
    await db.write(broker.user_id, lambda s: bookkeeping.move_dust(s, positions.get(s, held.id), None, BTC, LATER))
    row = await db.read(broker.user_id, lambda s: positions.get(s, held.id))
    assert (row.quantity, row.cost, row.status, row.closed_at) == (ZERO, ZERO, LotStatus.CLOSED, LATER)
    assert row.realised == -held.cost
    state = await db.read(broker.user_id, lambda s: positions.state_of(s, held.id))
    assert state is not None
    assert (state.status, state.realised_pnl, state.unrealised_pnl) == (LotStatus.CLOSED, -held.cost, ZERO)
