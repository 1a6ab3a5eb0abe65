"""The orders of one strategy and their executions are found alike, whether few or many are asked for at once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from aristobot.orders import OrderStatus
from aristobot.store import activations, orders
from aristobot.store.database import Database
from aristobot.store.questions import MANY
from aristobot.store.tenancy import SYSTEM
from tests.builders import MIDNIGHT, a_fill_row, a_stored_broker, an_order


@pytest.mark.parametrize("count", [0, 1, MANY - 2, MANY, MANY + 1])
async def test_the_orders_of_a_strategy_are_found_however_many_it_still_has_to_hear_of(db: Database, count: int) -> None:
    one, other = await a_stored_broker(db), await a_stored_broker(db)
    old = [
        an_order(broker, owner=owner, client_order_id=f"{owner}-{number}", created_at=MIDNIGHT + timedelta(seconds=number))
        for broker, owner in ((one, "strategy:1"), (one, "strategy:2"), (other, "strategy:1"))
        for number in range(MANY + 3)
    ]
    late = an_order(one, owner="strategy:1", created_at=MIDNIGHT + timedelta(hours=1), status=OrderStatus.FILLED)
    await db.write(SYSTEM, lambda s: s.add_all([*old, late]))
    await db.write(SYSTEM, lambda s: s.add_all([a_fill_row(order) for order in [*old, late]]))
    known = [order.id for order in old[:count]]
    strangers = [order.id for order in old[-2:]]  # another user's, never theirs
    since = MIDNIGHT + timedelta(minutes=30)
    find = partial(activations.orders_since, owner="strategy:1", since=since, known=[*known, *strangers])
    executed = partial(orders.fills_of_orders, order_ids=known)

    for ask in (db.read, db.write):
        assert [order.id for order in await ask(one.user_id, find)] == [*known, late.id]
        fills = await ask(one.user_id, executed)
        assert {fill.order_id for fill in fills} == set(known)
        assert fills == sorted(fills, key=lambda fill: (fill.at, fill.id))
