"""Rules that the database keeps, however many callers come at once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from aristobot.errors import Conflict
from aristobot.kinds import LotStatus, WebhookStatus
from aristobot.store import webhooks
from aristobot.store.database import Database
from aristobot.store.failures import translated
from aristobot.store.tables import Broker, User
from aristobot.store.tenancy import SYSTEM, GuardedSession, insert_once
from aristobot.store.trading_tables import FillRow, PositionRow, Webhook
from tests.builders import a_broker, a_fill_row, a_position, a_user, a_webhook, a_webhook_state, an_order

AT_ONCE = 6


async def at_once(call: Callable[[], Coroutine[Any, Any, Any]]) -> list[Any]:
    return await asyncio.gather(*(call() for _ in range(AT_ONCE)), return_exceptions=True)


@pytest.mark.parametrize("build", [a_position, a_webhook_state])
async def test_of_six_who_open_the_same_position_one_succeeds(db: Database, broker: Broker, build: Any) -> None:
    outcomes = await at_once(lambda: db.write(broker.user_id, lambda s: s.add(build(broker))))
    assert [type(one) for one in outcomes].count(type(None)) == 1
    assert {one.code for one in outcomes if one is not None} == {"already_exists"}


async def test_closing_a_position_frees_its_place(db: Database, broker: Broker) -> None:
    first, second = a_position(broker), a_position(broker)
    await db.write(broker.user_id, lambda s: s.add(first))

    def reopen(session: GuardedSession) -> None:
        session.get_one(PositionRow, first.id).status = LotStatus.CLOSED
        session.flush()
        session.add(second)

    await db.write(broker.user_id, reopen)
    statuses = await db.read(broker.user_id, lambda s: sorted(s.exec(select(PositionRow.status)).all()))
    assert statuses == [LotStatus.CLOSED, LotStatus.OPEN]


async def test_positions_of_other_owners_and_symbols_do_not_get_in_the_way(db: Database, broker: Broker) -> None:
    several = [a_position(broker), a_position(broker, owner="manual"), a_position(broker, symbol="ETH/USDT")]
    await db.write(broker.user_id, lambda s: s.add_all(several))
    assert len(await db.read(broker.user_id, lambda s: s.exec(select(PositionRow)).all())) == 3


async def test_an_alert_that_comes_six_times_is_kept_once(db: Database, broker: Broker) -> None:
    def store(session: GuardedSession) -> Any:
        webhook = a_webhook(broker, dedupe_key="the same")
        return insert_once(session, Webhook, webhook.model_dump(exclude={"id"}), ["broker_id", "dedupe_key"])

    ids = await at_once(lambda: db.write(broker.user_id, store))
    kept = await db.read(broker.user_id, lambda s: s.exec(select(Webhook.id)).all())
    assert [one for one in ids if one is not None] == kept
    assert len(kept) == 1


async def test_insert_once_fills_the_defaults_and_leaves_the_transaction_usable(db: Database, broker: Broker) -> None:
    def twice(session: GuardedSession) -> list[Any]:
        values = {"broker_id": broker.id, "dedupe_key": "k", "received_at": broker.created_at, "payload": b"", "trace_id": "t"}
        outcomes = [insert_once(session, Webhook, values, ["broker_id", "dedupe_key"]) for _ in range(2)]
        session.add(a_webhook(broker))
        return outcomes

    first, again = await db.write(broker.user_id, twice)
    assert again is None
    stored = await db.read(broker.user_id, lambda s: s.get_one(Webhook, first))
    assert (stored.user_id, stored.status, stored.claims) == (broker.user_id, WebhookStatus.RECEIVED, 0)
    assert await db.read(broker.user_id, lambda s: s.scalar(sa.select(sa.func.count(col(Webhook.id))))) == 2


async def test_of_six_who_finish_an_alert_one_is_believed(db: Database, broker: Broker) -> None:
    webhook = a_webhook(broker)
    await db.write(broker.user_id, lambda s: s.add(webhook))

    def finish(session: GuardedSession) -> bool:
        return webhooks.finish(session, webhook.id, {"status": WebhookStatus.PROCESSED, "reason": uuid.uuid4().hex})

    assert sorted(await at_once(lambda: db.write(broker.user_id, finish))) == [False] * (AT_ONCE - 1) + [True]
    found = await db.read(broker.user_id, lambda s: s.get_one(Webhook, webhook.id))
    assert found.status is WebhookStatus.PROCESSED


async def test_an_alert_is_finished_whether_it_was_begun_or_not_but_never_by_a_stranger(db: Database, broker: Broker) -> None:
    fresh, begun, stranger = a_webhook(broker), a_webhook(broker, status=WebhookStatus.PROCESSING), a_user()
    await db.write(SYSTEM, lambda s: s.add_all([fresh, begun, stranger]))
    for webhook_id in (fresh.id, begun.id):
        finish = partial(webhooks.finish, webhook_id=webhook_id, values={"status": WebhookStatus.ERROR, "reason": "stale"})
        assert not await db.write(stranger.id, finish)
        assert await db.write(broker.user_id, finish)
        assert not await db.write(broker.user_id, finish)


async def test_a_change_of_status_shows_on_the_row_that_the_session_holds(db: Database, broker: Broker) -> None:
    webhook = a_webhook(broker)
    await db.write(broker.user_id, lambda s: s.add(webhook))

    def change(session: GuardedSession) -> WebhookStatus:
        row = session.get_one(Webhook, webhook.id)
        webhooks.finish(session, webhook.id, {"status": WebhookStatus.MISS})
        return row.status

    assert await db.write(broker.user_id, change) is WebhookStatus.MISS


async def test_the_slower_of_two_who_edit_a_broker_is_told(db: Database, broker: Broker) -> None:
    one = await db.read(broker.user_id, lambda s: s.get_one(Broker, broker.id))
    other = await db.read(broker.user_id, lambda s: s.get_one(Broker, broker.id))
    one.name, other.name = "One", "Other"
    await db.write(broker.user_id, lambda s: s.add(one))
    with pytest.raises(Conflict) as caught:
        await db.write(broker.user_id, lambda s: s.add(other))
    assert caught.value.code == "changed_meanwhile"
    assert await db.read(broker.user_id, lambda s: s.exec(select(Broker.name)).one()) == "One"


async def test_a_fill_is_kept_once_however_often_it_is_reported(db: Database, broker: Broker) -> None:
    order = an_order(broker)
    fill = a_fill_row(order)
    await db.write(broker.user_id, lambda s: s.add_all([order, fill]))
    again = a_fill_row(order, trade_id=fill.trade_id)
    with pytest.raises(Conflict):
        await db.write(broker.user_id, lambda s: s.add(again))
    assert await db.read(broker.user_id, lambda s: s.exec(select(FillRow.id)).all()) == [fill.id]


async def test_a_user_has_one_default_broker_at_most(db: Database, broker: Broker) -> None:
    defaults = [a_broker(broker.user_id, is_default=True), a_broker(broker.user_id, is_default=True)]
    with pytest.raises(Conflict) as caught:
        await db.write(broker.user_id, lambda s: s.add_all(defaults))
    assert caught.value.code == "already_exists"


async def test_two_users_cannot_have_the_same_name(db: Database) -> None:
    with pytest.raises(Conflict):
        await db.write(SYSTEM, lambda s: s.add_all([a_user(name="Ann"), a_user(name="ANN")]))
    assert await db.read(SYSTEM, lambda s: s.exec(select(User)).all()) == []


async def test_a_conflict_inside_a_savepoint_leaves_the_rest_of_the_transaction(db: Database, broker: Broker) -> None:
    def try_twice(session: GuardedSession) -> str:
        session.add(a_position(broker))
        session.flush()
        try:
            with session.begin_nested():
                session.add(a_position(broker))
        except IntegrityError as error:
            session.add(a_position(broker, owner="manual"))
            told = translated(error)
            return told.code if told is not None else "a mistake of ours"
        return "nothing"

    assert await db.write(broker.user_id, try_twice) == "already_exists"
    owners = await db.read(broker.user_id, lambda s: sorted(s.exec(select(PositionRow.owner)).all()))
    assert owners == ["manual", "webhooks"]


async def test_rows_are_written_in_any_order_and_checked_at_the_commit(db: Database) -> None:
    user = a_user()
    broker = a_broker(user)
    position = a_position(broker)
    order = an_order(broker, position_id=position.id)
    rows = [a_fill_row(order), order, position, broker, user]

    def one_by_one(session: GuardedSession) -> None:
        for row in rows:
            session.add(row)
            session.flush()

    await db.write(SYSTEM, one_by_one)
    assert await db.read(user.id, lambda s: s.exec(select(FillRow.order_id)).all()) == [order.id]
