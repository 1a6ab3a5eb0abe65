"""What every order asks is answered without the object mapper where nobody may write: alike, and to each user of their own."""

from __future__ import annotations

import uuid
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.kinds import BrokerMode
from aristobot.orders import OrderStatus
from aristobot.store.database import Database
from aristobot.store.questions import MANY, Question, given, several
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, TenantError
from aristobot.store.trading_tables import Order
from tests.builders import a_stored_broker, an_order

AT: sa.BindParameter[uuid.UUID] = sa.bindparam("broker_id")
WHOLE = Question[Order](select(Order).where(Order.broker_id == AT).order_by(col(Order.quantity)))
AMOUNTS = Question[Decimal](sa.select(col(Order.quantity)).where(col(Order.broker_id) == AT).order_by(col(Order.quantity)))
PAIRS = Question[tuple[Order, str]](
    sa.select(Order, col(Broker.name))
    .where(
        col(Order.broker_id) == Broker.id,
        col(Order.broker_id) == AT,
        col(Order.status).in_([OrderStatus.OPEN, OrderStatus.PENDING]),
    )
    .order_by(col(Order.quantity))
)
OF_SUCH = Question[Order](
    select(Order).where(Order.broker_id == AT, col(Order.broker_id).in_(select(Broker.id).where(Broker.name == "Main")))
)


async def two_households(db: Database) -> tuple[Broker, Broker]:
    """Two users with a broker each, at which three orders stand, one of them ended."""
    one, other = await a_stored_broker(db), await a_stored_broker(db)
    statuses = (OrderStatus.OPEN, OrderStatus.PENDING, OrderStatus.FILLED)
    rows = [
        an_order(broker, quantity=Decimal(number), status=status, client_order_id=uuid.uuid4().hex)
        for broker in (one, other)
        for number, status in enumerate(statuses, 1)
    ]
    await db.write(SYSTEM, lambda s: s.add_all(rows))
    return one, other


def plain(answer: Any) -> Any:
    """An answer as something that can be compared: of a row its columns, those not loaded missing."""
    if isinstance(answer, tuple | list):
        return [plain(one) for one in answer]
    return {**vars(answer), "_sa_instance_state": None} if isinstance(answer, Order) else answer


@pytest.mark.parametrize("question", [WHOLE, AMOUNTS, PAIRS, OF_SUCH])
async def test_each_user_is_told_of_their_own_rows_and_the_house_of_all(db: Database, question: Question[Any]) -> None:
    one, other = await two_households(db)
    for scope, broker, expected in ((one.user_id, one, True), (one.user_id, other, False), (SYSTEM, other, True)):
        ask = partial(question.all, broker_id=broker.id)
        read, mapped = await db.read(scope, ask), await db.write(scope, ask)
        assert plain(read) == plain(mapped)
        assert bool(read) is expected


@pytest.mark.parametrize("count", [0, 1, MANY])
async def test_of_several_values_each_is_asked_for_and_nothing_else(db: Database, count: int) -> None:
    one, _ = await two_households(db)
    named = Question[Decimal](
        sa.select(col(Order.quantity))
        .where(col(Order.client_order_id).in_(several("name", sa.String())))
        .order_by(col(Order.quantity))
    )
    stored = await db.read(one.user_id, lambda s: WHOLE.all(s, broker_id=one.id))
    wanted = [*(order.client_order_id for order in stored[:2]), *(f"none {number}" for number in range(MANY))][:count]
    read, mapped = [await ask(one.user_id, lambda s: named.all(s, **given("name", wanted))) for ask in (db.read, db.write)]
    assert read == mapped == [Decimal(1), Decimal(2)][:count]


async def test_the_first_answer_is_the_one_that_the_statement_puts_first(db: Database) -> None:
    one, other = await two_households(db)
    assert await db.read(one.user_id, lambda s: AMOUNTS.first(s, broker_id=one.id)) == 1
    assert await db.read(one.user_id, lambda s: AMOUNTS.first(s, broker_id=other.id)) is None


async def test_a_row_that_was_only_read_can_be_changed_and_kept_later(db: Database) -> None:
    one, _ = await two_households(db)
    named = Question[Broker](select(Broker).where(Broker.id == AT))
    row = await db.read(one.user_id, lambda s: named.first(s, broker_id=one.id))
    assert row is not None
    assert sa.inspect(row).detached
    row.mode = BrokerMode.WEBHOOKS
    await db.write(one.user_id, lambda s: s.add(row))
    again = await db.read(one.user_id, lambda s: named.first(s, broker_id=one.id))
    assert again is not None
    assert again.mode is BrokerMode.WEBHOOKS


async def test_what_cannot_be_guarded_is_not_answered(db: Database) -> None:
    one, _ = await two_households(db)
    bare = Question[str](sa.select(sa.table("orders", sa.column("symbol"))))
    for _ in range(2):
        with pytest.raises(TenantError):
            await db.read(one.user_id, bare.all)


async def test_a_parameter_that_was_forgotten_is_named(db: Database) -> None:
    one, _ = await two_households(db)
    with pytest.raises((KeyError, sa.exc.StatementError), match="broker_id"):
        await db.read(one.user_id, WHOLE.all)
