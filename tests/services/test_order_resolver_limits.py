"""Kraken counts questions and forgets them slowly: orders in doubt are settled all the same, one question after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from aristobot.orders import OrderStatus
from aristobot.store.trading_tables import Order
from services.exchanges.kraken_limits import STARTER
from services.simulator.kraken_limits import Limits
from tests.services.kraken import KrakenHouse
from tests.services.test_order_resolver import a_buy
from tests.services.trading import Trader, TradingHouse, a_trading_house

COINS = {"BTC": "0.01", "ETH": "0.1", "SOL": "1", "XRP": "50"}


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[TradingHouse]:
    """A house whose traders trade at Kraken."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=KrakenHouse) as opened:
        yield opened


async def test_orders_that_are_all_in_doubt_at_once_are_settled_within_a_minute_of_their_fence(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults({"on": "order.place", "do": "refuse_5xx", "times": len(COINS)})
    wishes = [replace(a_buy(trader, f"{coin}/USDT"), quantity=Decimal(much)) for coin, much in COINS.items()]
    rows = await asyncio.gather(*(house.app.desk.place(trader.user_id, wish) for wish in wishes))
    assert [row.status for row in rows] == [OrderStatus.NOT_ACCEPTED] * len(COINS)
    for row in rows:
        assert row.done_at is not None
        assert row.fence_at is not None
        assert timedelta(0) < row.done_at - row.fence_at < timedelta(minutes=1)


@pytest.fixture
def starter(house: TradingHouse) -> TradingHouse:
    """The house at an exchange that counts as it does for an account of the lowest tier."""
    limits: Limits = house.simulator.dialects["kraken"].limits  # type: ignore[attr-defined]  # the dialect's own counters
    limits.calls, limits.calls_decay = STARTER.calls, STARTER.calls_decay
    limits.orders, limits.orders_decay = STARTER.orders, STARTER.orders_decay
    return house


async def in_doubt(house: TradingHouse, *, taken: int, lost: int) -> tuple[Trader, list[Order]]:
    """So many orders whose answers get lost at once, some of them taken; each on a market of its own. Once all are settled."""
    trader = await house.trader({"USDT": "50000", "USDC": "50000"})
    house.faults(
        {"on": "user.message", "do": "drop_message", "times": 0},
        {"on": "order.place", "do": "accept_then_5xx", "times": taken},
        {"on": "order.place", "do": "refuse_5xx", "times": lost},
    )
    markets = [(f"{coin}/{quote}", much) for quote in ("USDT", "USDC") for coin, much in (COINS | {"DOGE": "500"}).items()]
    wishes = [replace(a_buy(trader, symbol), quantity=Decimal(much)) for symbol, much in markets[: taken + lost]]
    return trader, await asyncio.gather(*(house.app.desk.place(trader.user_id, wish) for wish in wishes))


QUESTIONS = ("orders.open", "orders.all", "order.status", "fills")


async def test_ten_orders_in_doubt_at_once_are_asked_for_together(starter: TradingHouse) -> None:
    trader, rows = await in_doubt(starter, taken=5, lost=5)
    sent = {one.client_id for one in trader.orders()}
    assert len(sent) == 5
    for row in rows:
        assert row.status is (OrderStatus.FILLED if row.client_order_id in sent else OrderStatus.NOT_ACCEPTED)
    asked = [entry for entry in starter.simulator.world.journal.entries if entry.event in QUESTIONS]
    assert len(asked) <= 24, [(entry.at, entry.event, entry.outcome) for entry in asked]


async def test_what_was_asked_before_an_orders_own_fence_proves_nothing_of_it(starter: TradingHouse) -> None:
    trader = await starter.trader({"USDT": "50000"})
    starter.faults(
        {"on": "user.message", "do": "drop_message", "times": 0}, {"on": "order.place", "do": "refuse_5xx", "times": 2}
    )
    first = asyncio.ensure_future(starter.app.desk.place(trader.user_id, a_buy(trader)))
    await starter.clock.sleep(20)
    second = await starter.app.desk.place(trader.user_id, replace(a_buy(trader, "ETH/USDT"), quantity=Decimal("0.1")))
    for row in (await first, second):
        assert row.status is OrderStatus.NOT_ACCEPTED
        assert row.fence_at is not None
        assert row.done_at is not None
        behind, end = row.fence_at.timestamp() * 1000, row.done_at.timestamp() * 1000
        looks = [entry.at for entry in starter.simulator.world.journal.entries if entry.event == "orders.all"]
        assert len([at for at in looks if behind < at <= end]) >= 2
