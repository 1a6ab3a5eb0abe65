"""Brokers in memory: what trades by them never falls back to what they were."""

from __future__ import annotations

import asyncio

from aristobot.bus import Bus
from aristobot.events import BrokerUpdated
from aristobot.kinds import BrokerAccess
from aristobot.store import brokers
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.broker_book import BrokerBook
from tests.builders import MIDNIGHT, a_broker, a_user
from tests.services.late import LateReader


async def test_a_broker_that_was_closed_while_the_book_was_read_stays_closed(lite: Database) -> None:
    user = a_user()
    broker = a_broker(user)
    await lite.write(SYSTEM, lambda s: s.add_all([user, broker]))
    store, bus = LateReader(lite.url), Bus()
    book, asked = BrokerBook(store, bus), store.keep_back()
    reading = asyncio.create_task(book.load())
    await asked.wait()
    changed = await lite.write(user.id, lambda s: brokers.save(s, broker.id, 1, access=BrokerAccess.READ_ONLY))
    bus.publish(BrokerUpdated(at=MIDNIGHT, user_id=user.id, broker_id=changed.id))
    looking = asyncio.create_task(book.get(broker.id))
    await store.let_go()
    await reading
    assert (await looking).broker.access is BrokerAccess.READ_ONLY
    assert (await book.get(broker.id)).broker.access is BrokerAccess.READ_ONLY
    await store.close()
