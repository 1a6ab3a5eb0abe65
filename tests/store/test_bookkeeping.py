"""What reports make of the memory: the same whatever their order and number, and exactly what the fills say."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlmodel import select

from aristobot.kinds import BracketStatus, LotStatus, OrderRole
from aristobot.market import Instrument
from aristobot.money import kept
from aristobot.orders import Fill, OrderReport, OrderStatus, OrderType, Side
from aristobot.portfolio import fold
from aristobot.store import bookkeeping, brackets, holdings, orders, positions
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import Bracket, FillRow, Order, PositionRow, WebhookState
from tests.builders import MIDNIGHT, a_fill, a_stored_broker, an_instrument, an_order, an_order_report

D = Decimal
S = OrderStatus
BTC: Instrument = an_instrument(min_quantity=D("0.00001"))


async def an_order_of(db: Database, broker: Broker, side: Side, quantity: str, **changes: object) -> Order:
    """An order of the alerts, sent and not answered yet."""
    row = an_order(broker, side=side, quantity=D(quantity), owner="webhooks", **changes)
    row.client_order_id = row.id.hex

    def work(session: GuardedSession) -> Order:
        session.add(row)
        return row

    return await db.write(broker.user_id, work)


def life_of(order: Order, chance: random.Random, numbers: list[int]) -> list[OrderReport]:
    """The reports of an order that fills in a few parts, fees in base or quote."""
    parts = chance.choice((1, 2, 4, 5))
    size = order.quantity / parts
    told: list[OrderReport] = [report_of(order, S.OPEN, D(0))]
    for part in range(1, parts + 1):
        number = numbers.pop()
        price = D(chance.randint(59000, 61000))
        in_base = order.side is Side.BUY
        fee = size / 1000 if in_base else size * price / 1000
        fill = a_fill(
            trade_id=str(number),
            side=order.side,
            quantity=size,
            price=price,
            fee=fee,
            fee_asset="BTC" if in_base else "USDT",
            at=MIDNIGHT + timedelta(seconds=number),
        )
        status = S.FILLED if part == parts else S.PARTIALLY_FILLED
        told.append(report_of(order, status, size * part, fill))
    return told


def report_of(order: Order, status: OrderStatus, filled: Decimal, *fills: Fill) -> OrderReport:
    """What the exchange says of an order."""
    return an_order_report(
        client_order_id=order.client_order_id,
        exchange_order_id="7",
        side=order.side,
        type=OrderType.MARKET,
        status=status,
        quantity=order.quantity,
        filled=filled,
        quote_filled=filled * 60000,
        fills=fills,
    )


async def hear(db: Database, broker: Broker, report: OrderReport) -> bookkeeping.Recorded:
    """Believe one report, as the house does."""

    def work(session: GuardedSession) -> bookkeeping.Recorded:
        row = orders.by_client_id(session, broker.id, report.client_order_id)
        assert row is not None
        return bookkeeping.record(session, row, report, BTC, MIDNIGHT)

    return await db.write(broker.user_id, work)


@pytest.mark.parametrize("seed", range(6))
async def test_reports_in_any_order_make_the_position_that_their_fills_make(db: Database, seed: int) -> None:
    chance, broker = random.Random(seed), await a_stored_broker(db)
    numbers = list(range(100, 0, -1))
    entry = await an_order_of(db, broker, Side.BUY, "0.4")
    opening, *others = life_of(entry, chance, numbers)[1:]
    position_id = (await hear(db, broker, opening)).position_id
    sales = [await an_order_of(db, broker, Side.SELL, "0.1", position_id=position_id, role=OrderRole.EXIT) for _ in range(2)]
    told = others + [one for sale in sales for one in life_of(sale, chance, numbers)]
    told += chance.choices(told, k=len(told))
    chance.shuffle(told)
    for report in told:
        await hear(db, broker, report)

    assert position_id is not None
    row = await db.read(broker.user_id, lambda s: positions.get(s, position_id))
    state = await db.read(broker.user_id, lambda s: positions.state_of(s, position_id))
    made = [fill for report in [opening, *told] for fill in report.fills]
    expected = fold(made, "BTC", "USDT")
    assert (row.quantity, row.bought, row.sold) == (expected.quantity, expected.bought, expected.sold)
    assert (row.cost, row.realised) == (kept(expected.cost), kept(expected.realised))
    assert state is not None
    assert (state.quantity, state.realised_pnl, state.status) == (row.quantity, row.realised, row.status)
    rows = await db.read(broker.user_id, lambda s: list(s.exec(select(FillRow))))
    assert sorted(one.trade_id for one in rows) == sorted({fill.trade_id for fill in made})
    ended = await db.read(broker.user_id, lambda s: list(s.exec(select(Order))))
    assert {(one.status, one.filled == one.quantity) for one in ended} == {(S.FILLED, True)}


async def test_a_report_heard_twice_changes_nothing_the_second_time(db: Database) -> None:
    broker = await a_stored_broker(db)
    order = await an_order_of(db, broker, Side.BUY, "0.1")
    report = life_of(order, random.Random(1), [3, 2, 1])[-1]
    first, second = await hear(db, broker, report), await hear(db, broker, report)
    assert (first.changed, first.position_changed, first.fresh_fills) == (True, True, 1)
    assert (second.changed, second.position_changed, second.fresh_fills) == (False, False, 0)


async def test_what_is_filled_without_a_known_fill_is_told_as_missing(db: Database) -> None:
    broker = await a_stored_broker(db)
    order = await an_order_of(db, broker, Side.BUY, "0.1")
    heard = await hear(db, broker, report_of(order, S.FILLED, D("0.1")))
    assert (heard.missing, heard.position_id) == (D("0.1"), None)
    found = await db.read(broker.user_id, lambda s: orders.without_all_fills(s, broker.id, MIDNIGHT))
    assert [one.id for one in found] == [order.id]
    heard = await hear(db, broker, life_of(order, random.Random(5), list(range(9)))[-1])
    assert heard.position_id is not None


async def test_a_position_is_closed_when_only_dust_is_left_and_opened_again_by_a_late_fill(db: Database) -> None:
    broker = await a_stored_broker(db)
    entry = await an_order_of(db, broker, Side.BUY, "0.1")
    half = a_fill(trade_id="1", quantity=D("0.05"), price=D(60000), fee=D("0.00005"), fee_asset="BTC")
    rest = a_fill(trade_id="3", quantity=D("0.05"), price=D(60000), fee=D("0.00005"), fee_asset="BTC")
    position_id = (await hear(db, broker, report_of(entry, S.PARTIALLY_FILLED, D("0.05"), half))).position_id
    assert position_id is not None
    sale = await an_order_of(db, broker, Side.SELL, "0.04994", position_id=position_id, role=OrderRole.EXIT)
    sold = a_fill(trade_id="2", side=Side.SELL, quantity=D("0.04994"), price=D(60000), fee=D(3))

    async def status() -> LotStatus:
        row: PositionRow = await db.read(broker.user_id, lambda s: positions.get(s, position_id))
        return row.status

    await hear(db, broker, report_of(sale, S.FILLED, D("0.04994"), sold))
    assert await status() is LotStatus.CLOSED
    await hear(db, broker, report_of(entry, S.FILLED, D("0.1"), rest))
    assert await status() is LotStatus.OPEN
    view = await db.read(broker.user_id, lambda s: list(s.exec(select(WebhookState))))
    assert [one.status for one in view] == [LotStatus.OPEN]


async def test_what_comes_late_to_a_closed_position_wants_its_exits_too(db: Database) -> None:
    broker = await a_stored_broker(db)
    entry = await an_order_of(db, broker, Side.BUY, "0.1")
    half = a_fill(trade_id="1", quantity=D("0.05"), price=D(60000), fee=D(0))
    rest = a_fill(trade_id="3", quantity=D("0.05"), price=D(60000), fee=D(0))
    position_id = (await hear(db, broker, report_of(entry, S.PARTIALLY_FILLED, D("0.05"), half))).position_id
    assert position_id is not None
    await db.write(broker.user_id, lambda s: brackets.ask(s, position_id, D(59000), [], MIDNIGHT))
    sale = await an_order_of(db, broker, Side.SELL, "0.05", position_id=position_id, role=OrderRole.EXIT)
    sold = a_fill(trade_id="2", side=Side.SELL, quantity=D("0.05"), price=D(60000), fee=D(0))
    statuses = []
    for report in (report_of(sale, S.FILLED, D("0.05"), sold), report_of(entry, S.FILLED, D("0.1"), rest)):
        await hear(db, broker, report)
        bracket = await db.read(broker.user_id, lambda s: positions.bracket_of(s, position_id))
        assert bracket is not None
        statuses.append(bracket.status)
    assert statuses == [BracketStatus.DONE, BracketStatus.MOVING]


async def test_exits_that_an_entry_wants_are_asked_for_with_its_first_fill_and_only_then(db: Database) -> None:
    broker = await a_stored_broker(db)
    entry = await an_order_of(db, broker, Side.BUY, "0.1", exit_stop=D(59000), exit_target=D(64000))
    first = a_fill(trade_id="1", quantity=D("0.05"), price=D(60000), fee=D(0))
    second = a_fill(trade_id="2", quantity=D("0.05"), price=D(60000), fee=D(0))

    async def asked() -> tuple[Decimal, list[list[str]] | None]:
        [bracket] = await db.read(broker.user_id, positions.brackets)
        return bracket.stop_price, bracket.targets

    position_id = (await hear(db, broker, report_of(entry, S.PARTIALLY_FILLED, D("0.05"), first))).position_id
    assert position_id is not None
    assert await asked() == (D(59000), [["100", "64000"]])
    await db.write(broker.user_id, lambda s: brackets.ask(s, position_id, D(58000), [], MIDNIGHT))
    await hear(db, broker, report_of(entry, S.FILLED, D("0.1"), first, second))
    assert await asked() == (D(58000), [])


async def test_a_move_that_failed_does_not_undo_what_was_asked_for_since(db: Database) -> None:
    broker = await a_stored_broker(db)
    entry = await an_order_of(db, broker, Side.BUY, "0.1", exit_stop=D(57000))
    bought = a_fill(trade_id="1", quantity=D("0.1"), price=D(60000), fee=D(0))
    position_id = (await hear(db, broker, report_of(entry, S.FILLED, D("0.1"), bought))).position_id
    assert position_id is not None

    async def restored(failed: Bracket) -> tuple[bool, Decimal]:
        done = await db.write(broker.user_id, lambda s: brackets.restore(s, failed, D(57000), [], MIDNIGHT))
        [bracket] = await db.read(broker.user_id, positions.brackets)
        return done, bracket.stop_price

    failed = await db.write(broker.user_id, lambda s: brackets.ask(s, position_id, D(59000), [], MIDNIGHT))
    newer = await db.write(broker.user_id, lambda s: brackets.ask(s, position_id, D(58000), [], MIDNIGHT))
    assert await restored(failed) == (False, D(58000))
    assert await restored(newer) == (True, D(57000))


async def test_what_a_position_brought_on_other_days_is_neither_todays_gain_nor_todays_loss(db: Database) -> None:
    broker, tomorrow = await a_stored_broker(db), MIDNIGHT + timedelta(days=1)
    entry = await an_order_of(db, broker, Side.BUY, "0.3")
    bought = a_fill(trade_id="1", quantity=D("0.3"), price=D(60000), fee=D(0), at=MIDNIGHT)
    position_id = (await hear(db, broker, report_of(entry, S.FILLED, D("0.3"), bought))).position_id
    for trade_id, price, at in (("2", 63000, MIDNIGHT + timedelta(hours=9)), ("3", 58000, tomorrow + timedelta(hours=9))):
        sale = await an_order_of(db, broker, Side.SELL, "0.1", position_id=position_id, role=OrderRole.EXIT)
        sold = {"trade_id": trade_id, "side": Side.SELL, "quantity": D("0.1"), "price": D(price), "fee": D(0), "at": at}
        await hear(db, broker, report_of(sale, S.FILLED, D("0.1"), a_fill(**sold)))

    def look(session: GuardedSession, midnight: datetime) -> Decimal:
        rows = holdings.since(session, broker.id, midnight)
        return holdings.summed(rows, "BTC/USDT", holdings.brought_before(session, rows, midnight)).realised_today

    days = (MIDNIGHT, tomorrow, tomorrow + timedelta(days=1))
    realised = [await db.read(broker.user_id, partial(look, midnight=day)) for day in days]
    assert realised == [D(100), D(-200), D(0)]


@pytest.mark.parametrize("sides", [(Side.BUY, Side.SELL), (Side.SELL, Side.BUY)])
async def test_an_account_that_trades_with_itself_keeps_both_sides_of_the_trade(db: Database, sides: tuple[Side, ...]) -> None:
    broker, free = await a_stored_broker(db), {"quantity": D("0.1"), "fee": D(0)}
    entry = await an_order_of(db, broker, Side.BUY, "0.1")
    await hear(db, broker, report_of(entry, S.FILLED, D("0.1"), a_fill(trade_id="7", price=D(60000), **free)))
    for side in sides:
        order = await an_order_of(db, broker, side, "0.1", role=OrderRole.ENTRY if side is Side.BUY else OrderRole.EXIT)
        fill = a_fill(trade_id="8", price=D(61000), side=side, **free)
        recorded = await hear(db, broker, report_of(order, S.FILLED, D("0.1"), fill))
        assert (recorded.fresh_fills, recorded.missing) == (1, D(0))
        assert (await hear(db, broker, report_of(order, S.FILLED, D("0.1"), fill))).fresh_fills == 0
    rows = await db.read(broker.user_id, positions.every)
    assert sum(row.quantity for row in rows) == D("0.1")
    assert (sum(row.bought for row in rows), sum(row.sold for row in rows)) == (D("0.2"), D("0.1"))


async def test_one_fill_belongs_to_one_order_however_many_claim_it(db: Database) -> None:
    broker, stranger = await a_stored_broker(db), await a_stored_broker(db)
    mine, theirs = await an_order_of(db, broker, Side.BUY, "0.1"), await an_order_of(db, stranger, Side.BUY, "0.1")
    fill = a_fill(trade_id="9", quantity=D("0.1"), price=D(60000))
    await hear(db, broker, report_of(mine, S.FILLED, D("0.1"), fill))
    await hear(db, broker, report_of(mine, S.FILLED, D("0.1"), fill))
    await hear(db, stranger, report_of(theirs, S.FILLED, D("0.1"), fill))
    rows = await db.read(SYSTEM, lambda s: list(s.exec(select(FillRow))))
    assert sorted(one.order_id.hex for one in rows) == sorted([mine.id.hex, theirs.id.hex])
