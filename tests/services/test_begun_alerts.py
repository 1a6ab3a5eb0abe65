"""Alerts are taken up while they are still being stored: what they ask for happens once, and only when they are stored."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import pytest

from aristobot.errors import StoreError
from aristobot.kinds import WebhookOutcome, WebhookStatus
from aristobot.orders import OrderStatus, Side
from aristobot.store import webhooks
from aristobot.store.database import Database
from aristobot.store.inbox import Alert, AlertInbox, Stored
from aristobot.store.trading_tables import Order
from tests.services.trading import Trader, TradingHouse

ENTRY: dict[str, Any] = {"action": "BuyMarket", "symbol": "BTCUSDT", "percent": 20}


class LateInbox(AlertInbox):
    """An inbox that stores when it is told to, or fails."""

    def __init__(self, house: TradingHouse, *, fails: bool = False) -> None:
        super().__init__(house.app.db)
        self.may_store = asyncio.Event()
        self._fails = fails

    async def add(self, alert: Alert) -> Stored:
        """Wait, then store, or not."""
        await self.may_store.wait()
        if self._fails:
            raise StoreError("store_unreachable")
        return await super().add(alert)


class LostAnswers:
    """A database whose first commit comes true while its answer is lost."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lost = False

    def hand_in(self, work: Callable[[Any], Any], *, urgent: bool) -> Future[Any]:
        """As the database's own, but for the first time."""
        done = self._db.hand_in(work, urgent=urgent)
        if self._lost:
            return done
        self._lost, told = True, Future[Any]()
        done.add_done_callback(lambda _: told.set_exception(StoreError("store_unreachable")))
        return told


def begun(house: TradingHouse) -> Callable[[], bool]:
    """Whether an alert is under work."""
    return lambda: bool(house.app.engine._under_work)


async def test_an_entry_and_its_alert_are_durable_by_one_commit(house: TradingHouse, trader: Trader) -> None:
    await house.alert(trader, **ENTRY)
    sizes: list[int] = []
    work = house.app.floor.urgent._work

    def counted(connection: Any, items: Any) -> Any:
        sizes.append(len(items))
        return work(connection, items)

    house.app.floor.urgent._work = counted
    assert (await house.alert(trader, action="SellMarket")).outcome == WebhookOutcome.ORDERED
    assert sizes == [2]


async def test_the_same_alert_twice_at_the_same_moment_is_one_order(house: TradingHouse, trader: Trader) -> None:
    twin = ENTRY | {"id": uuid.uuid4().hex}
    ids = await asyncio.gather(*(house.send(trader, twin) for _ in range(4)))
    assert len(set(ids)) == 1
    assert (await house.ended(ids[0])).outcome == WebhookOutcome.ORDERED
    await house.until(lambda: not begun(house)())
    assert len(trader.orders(side=Side.BUY)) == 1


async def test_nothing_is_sent_for_an_alert_that_is_not_stored_yet(house: TradingHouse, trader: Trader) -> None:
    await house.alert(trader, action="PING")  # the broker is in memory
    house.app.receiver._inbox = inbox = LateInbox(house)
    posted = asyncio.create_task(house.send(trader, ENTRY))
    await house.until(begun(house))
    await house.clock.sleep(1.0)
    assert house.asked("order.place") == []
    assert await house.rows(trader) == []
    inbox.may_store.set()
    assert (await house.ended(await posted)).outcome == WebhookOutcome.ORDERED
    assert len(house.asked("order.place")) == 1


@pytest.mark.parametrize("action", ["BuyMarket", "SellMarket", "MAJ"])
async def test_an_alert_that_cannot_be_stored_leaves_nothing_behind(house: TradingHouse, trader: Trader, action: str) -> None:
    await house.buy(trader, percent=20, stop_loss="59000")
    known, free = await house.rows(trader), await house.app.floor.accounts.free(await account(house, trader), "USDT")
    sound = house.app.receiver._inbox
    house.app.receiver._inbox = inbox = LateInbox(house, fails=True)
    posted = asyncio.create_task(house.send(trader, {"action": action, "symbol": "BTCUSDT", "stop_loss": "58000"}))
    await house.until(begun(house))
    await house.clock.sleep(1.0)
    inbox.may_store.set()
    with pytest.raises(AssertionError, match="not_stored"):
        await posted
    await house.until(lambda: not begun(house)())
    house.app.receiver._inbox = sound
    assert await house.rows(trader) == known
    assert await house.app.floor.accounts.free(await account(house, trader), "USDT") == free
    assert (await house.alert(trader, action="SellMarket")).outcome == WebhookOutcome.ORDERED


@pytest.mark.parametrize("again", [False, True], ids=["once", "sent_again"])
async def test_an_alert_that_is_stored_though_its_sender_was_told_otherwise_is_carried_out_once(
    house: TradingHouse, trader: Trader, again: bool
) -> None:
    await house.alert(trader, action="PING")  # the broker is in memory
    house.app.floor.urgent._db = cast(Database, LostAnswers(house.app.db))
    wish = ENTRY | {"id": uuid.uuid4().hex}
    with pytest.raises(AssertionError, match="not_stored"):
        await house.send(trader, wish)
    if again:
        await house.send(trader, wish)
    await house.until(lambda: bool(trader.orders(side=Side.BUY)))
    row = (await house.app.db.read(trader.user_id, webhooks.recent))[0]
    assert (await house.ended(row.id)).outcome == WebhookOutcome.ORDERED
    await house.clock.sleep(90)
    assert len(trader.orders(side=Side.BUY)) == 1
    assert not house.app.doubted._refused


async def account(house: TradingHouse, trader: Trader) -> Any:
    """The trader's broker as trading sees it."""
    return await house.app.floor.brokers.get(trader.broker_id)


async def test_a_fault_of_who_begins_early_does_not_cost_the_alert(house: TradingHouse, trader: Trader) -> None:
    def falls(alert: Alert) -> None:
        raise RuntimeError(alert.id)

    house.app.receiver.begin = falls
    assert (await house.alert(trader, **ENTRY)).outcome == WebhookOutcome.ORDERED


async def test_a_resting_stop_is_not_taken_back_for_a_sale_that_is_not_stored(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    resting = await house.resting(trader)
    house.app.receiver._inbox = inbox = LateInbox(house)
    posted = asyncio.create_task(house.send(trader, {"action": "SellMarket", "symbol": "BTCUSDT"}))
    await house.until(begun(house))
    await house.clock.sleep(1.0)
    assert await house.resting(trader) == resting
    inbox.may_store.set()
    assert (await house.ended(await posted)).outcome == WebhookOutcome.ORDERED
    await house.closed(trader)


async def test_a_later_move_replaces_an_earlier_one_only_when_it_is_stored(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    move = {"action": "MAJ", "symbol": "BTCUSDT", "stop_loss": "58500", "id": uuid.uuid4().hex}
    first, again = await asyncio.gather(house.send(trader, move), house.send(trader, move))
    assert first == again
    ended = await house.ended(first)
    assert (ended.status, ended.outcome) == (WebhookStatus.PROCESSED, WebhookOutcome.UPDATED)
    assert [str(price) for _, _, price in await house.resting(trader)] == ["58500"]


async def test_alerts_that_come_together_are_done_in_the_order_in_which_they_came(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, percent=20)
    actions = ["SellMarket", "BuyMarket", "SellMarket"]
    ids = [await house.send(trader, {"action": action, "symbol": "BTCUSDT", "id": uuid.uuid4().hex}) for action in actions]
    assert [(await house.ended(one)).outcome for one in ids] == ["ordered"] * 3
    rows: list[Order] = await house.rows(trader, status=OrderStatus.FILLED)
    assert [row.side for row in rows] == [Side.BUY, Side.SELL, Side.BUY, Side.SELL]
