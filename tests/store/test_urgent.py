"""An alert and the order that it causes become durable together, or the alert alone does: never the order alone."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from aristobot.errors import AristobotError, InstanceRunning
from aristobot.kinds import WebhookStatus
from aristobot.store import orders, webhooks
from aristobot.store.database import Database
from aristobot.store.group_commit import GroupCommit
from aristobot.store.inbox import Alert, AlertInbox
from aristobot.store.instance import installation, next_epoch
from aristobot.store.intents import Intent, IntentLog, Progress
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Order
from aristobot.store.urgent import Urgent, urgent_commits, write
from tests.builders import MIDNIGHT, a_ready_order


def an_alert(broker: Broker, name: str) -> Alert:
    """An alert that its sender calls by this name."""
    return Alert(broker.user_id, broker.id, MIDNIGHT, b"{}", "hash", identity=name)


def an_order(alert: Alert, **values: object) -> Intent:
    """What the alert asks for, made ready while it is being stored."""
    row = a_ready_order(alert.user_id, alert.broker_id, webhook_id=alert.id, **values)
    return Intent([row], Progress(alert.id, "BTC/USDT", (row.id.hex,), being_stored=True))


class House:
    """Inbox and intent log that share their commits, and how many commits there were."""

    def __init__(self, db: Database, epoch: int) -> None:
        self.transactions: list[int] = []
        commits = urgent_commits(db)
        commits._work = self._counted
        self._on_sqlite = db.is_sqlite
        self.inbox = AlertInbox(db, commits)
        self.intents = IntentLog(lambda: epoch, commits)

    def _counted(self, connection: Any, items: Sequence[Urgent]) -> list[Any]:
        self.transactions.append(len(items))
        return write(connection, items, on_sqlite=self._on_sqlite)

    async def both(self, alert: Alert, intent: Intent) -> tuple[Any, Any]:
        """The order, made ready while the alert is being stored: both answers."""
        return await asyncio.gather(self.inbox.add(alert), self.intents.write(intent), return_exceptions=True)


@pytest.fixture
async def house(db: Database) -> House:
    """A house of the present epoch."""
    return House(db, (await db.read(SYSTEM, installation)).epoch)


async def kept(db: Database, intent: Intent) -> Order | None:
    """The order's row."""
    return await db.read(SYSTEM, lambda s: orders.find(s, intent.rows[0].id))


async def test_an_alert_and_its_order_are_one_transaction(db: Database, broker: Broker, house: House) -> None:
    alert = an_alert(broker, "one")
    intent = an_order(alert)
    stored, is_new = await house.both(alert, intent)
    assert (stored.id, stored.duplicate, is_new) == (alert.id, False, True)
    assert house.transactions == [2]
    row = await db.read(SYSTEM, lambda s: webhooks.get(s, alert.id))
    assert (row.status, row.order_ids) == (WebhookStatus.PROCESSING, [intent.rows[0].id.hex])
    assert await kept(db, intent) is not None


async def test_the_order_of_an_alert_that_came_before_is_not_written(db: Database, broker: Broker, house: House) -> None:
    first = an_alert(broker, "same")
    await house.inbox.add(first)
    again = an_alert(broker, "same")
    intent = an_order(again)
    stored, refusal = await house.both(again, intent)
    assert (stored.id, stored.duplicate) == (first.id, True)
    assert isinstance(refusal, webhooks.AlertMissing)
    assert await kept(db, intent) is None


async def test_of_twins_in_one_transaction_only_the_first_has_its_order_written(
    db: Database, broker: Broker, house: House
) -> None:
    twins = [an_alert(broker, "same"), an_alert(broker, "same")]
    intents = [an_order(one) for one in twins]
    answers = await asyncio.gather(*map(house.both, twins, intents))
    assert [stored.duplicate for stored, _ in answers] == [False, True]
    assert [await kept(db, one) is not None for one in intents] == [True, False]
    assert house.transactions == [4]


async def test_an_order_waits_for_no_alert_that_is_stored_already(db: Database, broker: Broker, house: House) -> None:
    alert = an_alert(broker, "early")
    await house.inbox.add(alert)
    assert await house.intents.write(an_order(alert))


async def test_an_order_whose_alert_nobody_stores_is_not_written(db: Database, broker: Broker, house: House) -> None:
    intent = an_order(an_alert(broker, "never"))
    with pytest.raises(webhooks.AlertMissing):
        await house.intents.write(intent)
    assert await kept(db, intent) is None


async def test_an_alert_is_stored_even_where_a_newer_house_writes_the_orders(db: Database, broker: Broker, house: House) -> None:
    await db.write(SYSTEM, next_epoch)
    alert = an_alert(broker, "late")
    intent = an_order(alert)
    stored, refusal = await house.both(alert, intent)
    assert not stored.duplicate
    assert isinstance(refusal, InstanceRunning)
    assert await kept(db, intent) is None
    assert (await db.read(SYSTEM, lambda s: webhooks.get(s, alert.id))).status == WebhookStatus.RECEIVED


async def test_an_order_that_the_store_refuses_does_not_cost_its_alert(db: Database, broker: Broker, house: House) -> None:
    alert, neighbour = an_alert(broker, "bad"), an_alert(broker, "good")
    nowhere = an_order(alert, broker_id=uuid.uuid4())
    (stored, refusal), (_, is_new) = await asyncio.gather(house.both(alert, nowhere), house.both(neighbour, an_order(neighbour)))
    assert (stored.duplicate, is_new) == (False, True)
    assert isinstance(refusal, AristobotError)
    assert (await db.read(SYSTEM, lambda s: webhooks.get(s, alert.id))).status == WebhookStatus.RECEIVED


async def test_an_order_hears_that_it_may_leave_before_its_alert_is_answered(broker: Broker, house: House) -> None:
    told: list[str] = []
    alerts = [an_alert(broker, name) for name in ("a", "b")]

    async def add(alert: Alert) -> None:
        await house.inbox.add(alert)
        told.append("alert")

    async def order(alert: Alert) -> None:
        await house.intents.write(an_order(alert))
        told.append("order")

    await asyncio.gather(*(add(one) for one in alerts), *(order(one) for one in alerts))
    assert told == ["order", "order", "alert", "alert"]


async def test_alerts_that_wait_with_orders_of_others_are_stored_each(db: Database, broker: Broker, house: House) -> None:
    early = an_alert(broker, "early")
    await house.inbox.add(early)
    fresh = [an_alert(broker, f"fresh-{number}") for number in range(3)]
    order, stored = await asyncio.gather(
        house.intents.write(an_order(early)), asyncio.gather(*(house.inbox.add(one) for one in fresh))
    )
    assert order
    assert [one.id for one in stored] == [one.id for one in fresh]


async def test_commits_without_orders_answer_at_once(db: Database, broker: Broker) -> None:
    commits: GroupCommit[Urgent, Any] = urgent_commits(db)
    alert = an_alert(broker, "alone")
    assert not (await commits.add(alert)).duplicate
    assert (await commits.add(replace(alert, id=uuid.uuid4()))).duplicate
