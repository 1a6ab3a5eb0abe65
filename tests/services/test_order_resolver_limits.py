"""Kraken counts questions and forgets them slowly: orders in doubt are settled all the same, one question after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.orders import OrderStatus
from tests.services.kraken import KrakenHouse
from tests.services.test_order_resolver import a_buy
from tests.services.trading import TradingHouse, a_trading_house

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
