"""What a broker holds, remembered: never older than what was last written of it."""

from __future__ import annotations

import asyncio
from typing import Any

from aristobot.bus import Bus
from aristobot.clock import SystemClock
from aristobot.kinds import BracketStatus
from aristobot.risk import Limits
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Bracket
from services.broker_book import Account
from services.position_book import PositionBook
from tests.builders import MIDNIGHT, a_broker, a_position, a_user


class SlowReader(Database):
    """A store whose answers are old when they come, as long as `slow` is not set."""

    slow: asyncio.Event

    async def read(self, scope: Any, work: Any) -> Any:
        """What was there when it was asked."""
        found = await super().read(scope, work)
        await self.slow.wait()
        return found


async def test_exits_that_are_asked_for_while_the_book_is_being_read_are_not_overlooked(db: Database) -> None:
    user = a_user()
    broker = a_broker(user)
    position = a_position(broker)
    for row in (user, broker, position):
        await db.write(SYSTEM, lambda s, row=row: s.add(row))  # type: ignore[misc]  # the row of this turn
    store = SlowReader(db.url)
    store.slow = asyncio.Event()
    book, account = PositionBook(store, Bus(), SystemClock()), Account(broker, Limits())
    reading = asyncio.create_task(book.of(account))
    asked = store._read_threads.submit(int)  # one thread more than it takes: the first answer is old by now
    await asyncio.wrap_future(asked)
    await SystemClock().sleep(0.05)
    bracket = Bracket(
        user_id=user.id,
        broker_id=broker.id,
        position_id=position.id,
        status=BracketStatus.ACTIVE,
        asked_at=MIDNIGHT,
        updated_at=MIDNIGHT,
    )
    with book.touching(position.id):
        await db.write(SYSTEM, lambda s: s.add(bracket))
    store.slow.set()
    held = await reading
    await store.close()
    assert held.unguarded(position.id) is None
    assert book.unguarded(position.id) is None
