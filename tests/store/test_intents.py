"""An order's intent: durable before it is sent, once, together with its alert's progress, by the only instance."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal

import pytest

from aristobot.errors import AristobotError, DataError, InstanceRunning
from aristobot.kinds import WebhookStatus
from aristobot.store import orders, webhooks
from aristobot.store.database import Database
from aristobot.store.inbox import Alert, AlertInbox
from aristobot.store.instance import installation, next_epoch
from aristobot.store.intents import Intent, IntentLog, Progress
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Order
from aristobot.store.urgent import urgent_commits
from tests.builders import MIDNIGHT, a_ready_order, a_stored_broker


async def _log(db: Database) -> IntentLog:
    epoch = (await db.read(SYSTEM, installation)).epoch
    return IntentLog(lambda: epoch, urgent_commits(db))


def _an_order(broker: Broker, **values: object) -> Order:
    exact = {"quantity": Decimal("0.00000001"), "price": Decimal("65000.10"), "reason_facts": {"prix": "é"}, "sent_at": MIDNIGHT}
    return a_ready_order(broker.user_id, broker.id, **exact | values)


async def test_an_intent_reads_back_exactly_as_it_was_written(db: Database) -> None:
    broker = await a_stored_broker(db)
    order = _an_order(broker)
    assert await (await _log(db)).write(Intent([order]))
    kept = await db.read(broker.user_id, lambda s: orders.get(s, order.id))
    assert kept.model_dump() == order.model_dump()


async def test_the_same_intent_again_writes_nothing_and_says_so(db: Database) -> None:
    broker = await a_stored_broker(db)
    order, log = _an_order(broker), await _log(db)
    again = _an_order(broker, id=order.id, price=Decimal(1))
    assert sorted(await asyncio.gather(log.write(Intent([order])), log.write(Intent([again])))) == [False, True]
    assert not await log.write(Intent([again]))
    kept = await db.read(broker.user_id, lambda s: orders.get(s, order.id))
    assert kept.price == Decimal("65000.10")


async def test_an_intent_whose_entry_stands_already_leaves_none_of_its_exits_behind(db: Database) -> None:
    broker = await a_stored_broker(db)
    entry, log = _an_order(broker), await _log(db)
    assert await log.write(Intent([entry]))
    another = Intent([_an_order(broker), _an_order(broker)])
    written = await asyncio.gather(log.write(Intent([entry, _an_order(broker), _an_order(broker)])), log.write(another))
    assert list(written) == [False, True]
    kept = await db.read(broker.user_id, lambda s: orders.recent(s, broker.id))
    assert {row.id for row in kept} == {entry.id, *(row.id for row in another.rows)}


async def test_of_twins_in_one_commit_only_the_first_is_new(db: Database) -> None:
    broker = await a_stored_broker(db)
    log, blocker, twins = await _log(db), _an_order(broker), [_an_order(broker)] * 5
    answers = await asyncio.gather(log.write(Intent([blocker])), *(log.write(Intent([one])) for one in twins))
    assert answers == [True, True, False, False, False, False]


async def test_the_alert_is_under_work_from_the_moment_its_order_is_written(db: Database) -> None:
    broker = await a_stored_broker(db)
    stored = await AlertInbox(db).add(Alert(broker.user_id, broker.id, MIDNIGHT, b"{}", "hash"))
    order = _an_order(broker, webhook_id=stored.id)
    assert await (await _log(db)).write(Intent([order], Progress(stored.id, "BTC/USDT", (order.id.hex,))))
    row = await db.read(broker.user_id, lambda s: webhooks.get(s, stored.id))
    assert (row.status, row.symbol, row.order_ids) == (WebhookStatus.PROCESSING, "BTC/USDT", [order.id.hex])


async def test_another_users_alert_is_not_touched(db: Database) -> None:
    mine, theirs = await a_stored_broker(db), await a_stored_broker(db)
    stored = await AlertInbox(db).add(Alert(theirs.user_id, theirs.id, MIDNIGHT, b"{}", "hash"))
    order = _an_order(mine)
    assert await (await _log(db)).write(Intent([order], Progress(stored.id, "BTC/USDT", (order.id.hex,))))
    row = await db.read(theirs.user_id, lambda s: webhooks.get(s, stored.id))
    assert (row.status, row.order_ids) == (WebhookStatus.RECEIVED, None)


async def test_a_newer_instance_stops_an_older_one_from_writing_orders(db: Database) -> None:
    broker, log = await a_stored_broker(db), await _log(db)
    await db.write(SYSTEM, next_epoch)
    order = _an_order(broker)
    with pytest.raises(InstanceRunning):
        await log.write(Intent([order]))
    assert await db.read(broker.user_id, lambda s: orders.find(s, order.id)) is None


async def test_an_order_that_the_store_refuses_takes_no_other_along(db: Database) -> None:
    broker = await a_stored_broker(db)
    log, good = await _log(db), [_an_order(broker) for _ in range(3)]
    homeless = _an_order(broker, broker_id=uuid.uuid4())
    wishes = [good[0], homeless, *good[1:]]
    answers = await asyncio.gather(*(log.write(Intent([one])) for one in wishes), return_exceptions=True)
    assert [answers[0], *answers[2:]] == [True, True, True]
    assert isinstance(answers[1], AristobotError)


async def test_a_text_that_no_column_takes_is_refused_before_it_is_sent(db: Database) -> None:
    broker = await a_stored_broker(db)
    with pytest.raises(DataError) as refused:
        await (await _log(db)).write(Intent([_an_order(broker, symbol="X" * 60)]))
    assert refused.value.facts["field"] == "symbol"
