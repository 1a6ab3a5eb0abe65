"""Each user says how costs are told; what they hold follows at once, and nobody else's does."""

from __future__ import annotations

from decimal import Decimal

import pytest

from aristobot.errors import InvalidInput
from aristobot.kinds import CostMethod
from aristobot.money import kept
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.performance import position_of
from aristobot.store import orders
from services.order_draft import PlaceOrder
from tests.services.trading import HAND, Trader, TradingHouse

D = Decimal


async def by_hand(house: TradingHouse, trader: Trader, side: Side, quantity: str) -> None:
    """One market order of the user's own, done and with its fills known."""
    wish = PlaceOrder(trader.broker_id, "BTC/USDT", side, OrderType.MARKET, quantity=D(quantity))
    row = await house.app.desk.place(trader.user_id, wish)
    assert row.status is OrderStatus.FILLED, row.reason

    async def complete() -> bool:
        return sum(one.quantity for one in await house.read(lambda s: orders.fills(s, row.id))) == D(quantity)

    await house.when(complete)


async def test_another_way_to_tell_costs_is_told_of_what_is_held(house: TradingHouse, trader: Trader) -> None:
    other = await house.trader()
    await house.buy(other)
    theirs = await house.position(other)
    await by_hand(house, trader, Side.BUY, "0.02")
    house.price("70000")
    house.app.prices.note("binance", "BTC/USDT", D(70000))
    await by_hand(house, trader, Side.BUY, "0.01")
    house.price("80000")
    house.app.prices.note("binance", "BTC/USDT", D(80000))
    await by_hand(house, trader, Side.SELL, "0.01")
    average = await house.position(trader)
    fills = [orders.as_fill(row) for row in await house.read(lambda s: orders.fills_of_position(s, average.id))]
    expected = position_of(fills, "BTC", "USDT", CostMethod.FIFO)
    await house.app.accounts.profiles.update(trader.user_id, {"cost_method": "fifo"}, HAND)
    first_in = await house.position(trader)
    assert (first_in.cost, first_in.realised) == (kept(expected.cost), kept(expected.realised))
    assert first_in.quantity == average.quantity
    assert (await house.position(other)).cost == theirs.cost
    assert first_in.realised > average.realised > 0
    await house.app.accounts.profiles.update(trader.user_id, {"cost_method": "average"}, HAND)
    assert (await house.position(trader)).cost == average.cost


async def test_an_unknown_way_is_refused(house: TradingHouse, trader: Trader) -> None:
    with pytest.raises(InvalidInput):
        await house.app.accounts.profiles.update(trader.user_id, {"cost_method": "lucky"}, HAND)
