"""What an answer and the private stream say of an order: believed once, in any order, whoever says it with whom."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest
from sqlmodel import col, select

from aristobot.clock import SystemClock
from aristobot.errors import DataError
from aristobot.kinds import LotStatus
from aristobot.orders import OrderReport, OrderStatus
from aristobot.risk import Limits
from aristobot.store import orders
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import FillRow, Order, PositionRow
from services.broker_book import Account
from services.order_beliefs import OrderBeliefs
from tests.builders import a_fill, a_stored_broker, an_instrument, an_order, an_order_report

D = Decimal
S = OrderStatus


@pytest.fixture
async def account(db: Database) -> Account:
    """A broker whose owner exists."""
    return Account(await a_stored_broker(db), Limits())


async def _an_order(db: Database, account: Account) -> Order:
    row = an_order(account.broker, client_order_id=an_order_report().client_order_id)
    await db.write(SYSTEM, lambda s: s.add(row))
    return row


def _what_is_said(row: Order) -> tuple[OrderReport, OrderReport, OrderReport]:
    """The stream: it rests; the stream: it was filled; the answer: it was filled."""
    rests = an_order_report(client_order_id=row.client_order_id)
    fill = a_fill(quantity=row.quantity)
    filled = replace(rests, status=S.FILLED, filled=row.quantity, quote_filled=row.quantity * fill.price, fills=(fill,))
    return rests, filled, replace(filled, fills=(replace(fill, maker=False),))


async def test_what_is_said_three_times_at_once_changes_the_order_once(db: Database, account: Account) -> None:
    for order in permutations(range(3)):
        beliefs, row = OrderBeliefs(db, SystemClock()), await _an_order(db, account)
        said = _what_is_said(row)
        outcomes = await asyncio.gather(*(beliefs.believe(account, said[one], an_instrument()) for one in order))
        assert sum(outcome is not None and outcome.changed for outcome in outcomes) == 1
        kept, fills = await db.read(SYSTEM, lambda s, row=row: (orders.get(s, row.id), orders.fills(s, row.id)))  # type: ignore[misc]  # the order of this turn
        assert (kept.status, kept.filled, len(fills)) == (S.FILLED, row.quantity, 1)


async def test_orders_that_are_reported_together_keep_to_themselves(db: Database, account: Account) -> None:
    beliefs, rows = OrderBeliefs(db, SystemClock()), [await _an_order(db, account) for _ in range(3)]
    stranger = an_order_report(status=S.FILLED, filled=D("0.001"))
    reports = [report for row in rows for report in _what_is_said(row)]
    outcomes = await asyncio.gather(*(beliefs.believe(account, one, an_instrument()) for one in (*reports, stranger)))
    assert outcomes[-1] is None
    told = [outcome.order.id for outcome in outcomes[:-1] if outcome is not None]
    assert told == [row.id for row in rows for _ in range(3)]
    (position,) = await db.read(SYSTEM, lambda s: s.exec(select(PositionRow).where(PositionRow.status == LotStatus.OPEN)).all())
    assert position.quantity == sum(row.quantity for row in rows)


async def test_a_report_that_cannot_be_kept_takes_none_of_its_neighbours_along(db: Database, account: Account) -> None:
    beliefs, good, bad = OrderBeliefs(db, SystemClock()), await _an_order(db, account), await _an_order(db, account)
    too_fine = an_order_report(client_order_id=bad.client_order_id, status=S.PARTIALLY_FILLED, filled=D("1E-19"))
    reports = (too_fine, *_what_is_said(good))
    refused, *believed = await asyncio.gather(
        *(beliefs.believe(account, one, an_instrument()) for one in reports), return_exceptions=True
    )
    assert isinstance(refused, DataError)
    assert not any(isinstance(outcome, BaseException) for outcome in believed)
    counted = select(FillRow).where(col(FillRow.order_id) == good.id)
    assert len(await db.read(SYSTEM, lambda s: s.exec(counted).all())) == 1


async def test_what_was_believed_already_costs_nothing(db: Database, account: Account) -> None:
    beliefs, row = OrderBeliefs(db, SystemClock()), await _an_order(db, account)
    _, filled, again = _what_is_said(row)
    assert (await beliefs.believe(account, filled, an_instrument())) is not None
    await db.close()
    repeated = await beliefs.believe(account, again, an_instrument())
    assert repeated is not None
    assert not repeated.changed


async def test_a_report_that_cannot_be_reckoned_with_takes_no_other_along(db: Database, account: Account) -> None:
    beliefs, rows = OrderBeliefs(db, SystemClock()), [await _an_order(db, account) for _ in range(3)]
    reports = [_what_is_said(row)[1] for row in rows]
    reports[1] = replace(reports[1], quote_filled="much")  # type: ignore[arg-type]  # as a client with a fault would say it
    told = await asyncio.gather(*(beliefs.believe(account, one, an_instrument()) for one in reports), return_exceptions=True)
    assert [isinstance(one, TypeError) for one in told] == [False, True, False]
    kept = await db.read(SYSTEM, lambda s: [orders.get(s, row.id).status for row in rows])
    assert [kept[0], kept[2]] == [S.FILLED, S.FILLED]
