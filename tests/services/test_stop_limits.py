"""Where a market takes stops with a limit only: one that the price jumped over guards nothing, whatever rests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from aristobot.market import Instrument
from aristobot.orders import OrderStatus, OrderType
from tests.services.trading import QuickBinance, TradingHouse, a_trading_house

D = Decimal


class LimitedBinance(QuickBinance):
    """Its markets take no stop that sells at any price."""

    async def instruments(self) -> list[Instrument]:
        """Binance's own, without that kind of order."""
        listed = await super().instruments()
        return [msgspec.structs.replace(one, order_types=one.order_types - {OrderType.STOP_LOSS.value}) for one in listed]


class LimitedHouse(TradingHouse):
    """The house in front of it."""

    client = LimitedBinance


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[TradingHouse]:
    """A house that trades where stops have limits."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=LimitedHouse) as opened:
        yield opened


@pytest.mark.parametrize("exits", [{}, {"take_profit": "62000"}], ids=["alone", "in a list"])
async def test_a_stop_that_the_price_jumped_over_is_taken_back_and_its_position_sold(
    house: TradingHouse, exits: dict[str, str]
) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="59000", **exits)
    (stop,) = trader.orders(type=OrderType.STOP_LOSS_LIMIT)
    assert (stop.stop_price, stop.price) == (D(59000), D(57230))
    house.price("57000")
    await house.closed(trader)
    assert stop.status is OrderStatus.CANCELED or stop.status is OrderStatus.EXPIRED
    assert trader.total("BTC") < D("0.0001")
    assert not trader.account.open_orders


async def test_a_stop_that_the_price_only_reaches_sells_by_itself(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="59000")
    (stop,) = trader.orders(type=OrderType.STOP_LOSS_LIMIT)
    house.price("58900")
    await house.closed(trader)
    assert stop.status is OrderStatus.FILLED
