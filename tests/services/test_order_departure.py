"""An order is made ready while its intent is being committed; it leaves when the commit has said yes, and never otherwise."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal
from typing import Any, cast

import pytest

from aristobot.errors import ConnectionLost, InstanceRunning, StoreError
from aristobot.exchange import Credentials, SendOrder
from aristobot.orders import OrderReport, OrderRequest, OrderStatus, OrderType, Side
from aristobot.store.database import Database
from aristobot.store.instance import next_epoch
from aristobot.store.tenancy import SYSTEM
from services.order_draft import PlaceOrder
from tests.services.trading import QuickBinance, Trader, TradingHouse

D = Decimal


class Watched(QuickBinance):
    """Remembers which orders were made ready, and how far their commit was when they were to leave."""

    made_ready: list[str]
    left: list[str]
    is_ready: asyncio.Event
    look: Callable[[], str]
    loses_the_first = False

    def prepare_order(self, keys: Credentials, request: OrderRequest) -> SendOrder | None:
        """As any client does."""
        send = super().prepare_order(keys, request)
        assert send is not None
        self.made_ready.append(request.client_order_id)
        self.is_ready.set()

        async def watched() -> OrderReport:
            self.left.append(self.look())
            if self.loses_the_first:
                raise ConnectionLost(exchange=self.name)
            return await send()

        return watched


class HeldCommit:
    """A database that, with all of the next transaction written, commits it when it is told to, or fails."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._may_go_on = threading.Event()
        self._error: Exception | None = None
        self._job: Future[Any] | None = None

    def hand_in(self, work: Callable[[Any], Any], *, urgent: bool) -> Future[Any]:
        """As the database's own, and it waits before the commit."""

        def held(connection: Any) -> Any:
            done = work(connection)
            self._may_go_on.wait()
            if self._error is not None:
                raise self._error
            return done

        self._job = self._db.hand_in(held, urgent=urgent)
        return self._job

    def end(self, error: Exception | None = None) -> None:
        """Commit, or fail."""
        self._error = error
        self._may_go_on.set()

    def state(self) -> str:
        """How far the commit is."""
        if self._job is None or not self._job.done():
            return "under way"
        return "failed" if self._job.exception() else "committed"


@pytest.fixture
async def client(house: TradingHouse, trader: Trader) -> Watched:
    """The house's client; the socket of its trader is open."""
    await house.app.desk.place(trader.user_id, a_wish(trader))
    known = house.app.gateway.client("binance")
    known.__class__ = Watched
    client = cast(Watched, known)
    client.made_ready, client.left, client.is_ready, client.look = [], [], asyncio.Event(), lambda: "not watched"
    return client


@pytest.fixture
def disk(house: TradingHouse, client: Watched) -> HeldCommit:
    """The disk under intents."""
    disk = HeldCommit(house.app.db)
    house.app.floor.urgent._db = cast(Database, disk)
    client.look = disk.state
    return disk


def a_wish(trader: Trader, **changes: Any) -> PlaceOrder:
    """A market buy of a hundredth of a bitcoin."""
    values: dict[str, Any] = {"broker_id": trader.broker_id, "symbol": "BTC/USDT", "side": Side.BUY, "type": OrderType.MARKET}
    return PlaceOrder(**{**values, "quantity": D("0.01"), "cause": uuid.uuid4(), **changes})


async def test_an_order_leaves_when_its_intent_is_committed_and_is_the_one_that_it_names(
    house: TradingHouse, trader: Trader, client: Watched, disk: HeldCommit
) -> None:
    placing = asyncio.create_task(house.app.desk.place(trader.user_id, a_wish(trader)))
    await client.is_ready.wait()
    await client.server_time()  # time enough for an order that would not wait
    assert (len(await house.rows(trader)), len(house.asked("order.place")), client.left) == (1, 1, [])
    disk.end()
    row = await placing
    assert (row.status, client.left) == (OrderStatus.FILLED, ["committed"])
    assert client.made_ready == [row.client_order_id] == house.asked("order.place")[1:]


async def test_an_order_whose_commit_fails_never_leaves(
    house: TradingHouse, trader: Trader, client: Watched, disk: HeldCommit
) -> None:
    free = await house.app.floor.accounts.free(await house.app.floor.brokers.get(trader.broker_id), "USDT")
    placing = asyncio.create_task(house.app.desk.place(trader.user_id, a_wish(trader)))
    await client.is_ready.wait()
    disk.end(StoreError("store_full"))
    with pytest.raises(StoreError):
        await placing
    await house.clock.sleep(60)
    assert (client.left, len(house.asked("order.place")), len(await house.rows(trader))) == ([], 1, 1)
    assert await house.app.floor.accounts.free(await house.app.floor.brokers.get(trader.broker_id), "USDT") == free


async def test_an_order_of_a_house_that_has_a_successor_never_leaves(
    house: TradingHouse, trader: Trader, client: Watched
) -> None:
    await house.app.db.write(SYSTEM, next_epoch)
    with pytest.raises(InstanceRunning):
        await house.app.desk.place(trader.user_id, a_wish(trader))
    await house.clock.sleep(60)
    assert (len(client.made_ready), client.left, len(house.asked("order.place"))) == (1, [], 1)


async def test_a_wish_that_was_carried_out_before_is_not_sent_again(house: TradingHouse, trader: Trader, client: Watched) -> None:
    wish = a_wish(trader)
    first = await house.app.desk.place(trader.user_id, wish)
    again = await house.app.desk.place(trader.user_id, wish)
    assert (first.id, len(client.left), len(house.asked("order.place"))) == (again.id, 1, 2)


async def test_what_was_made_ready_serves_for_one_try(house: TradingHouse, trader: Trader, client: Watched) -> None:
    client.loses_the_first = True
    row = await house.app.desk.place(trader.user_id, a_wish(trader))
    assert (row.status, len(client.left)) == (OrderStatus.FILLED, 1)
    assert house.asked("order.place")[1:] == [row.client_order_id]


async def test_an_order_that_is_refused_by_the_checks_is_not_even_made_ready(
    house: TradingHouse, trader: Trader, client: Watched
) -> None:
    row = await house.app.desk.place(trader.user_id, a_wish(trader, quantity=D(1)))
    assert (row.status, client.made_ready) == (OrderStatus.DENIED, [])
