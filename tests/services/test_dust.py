"""Dust on the desk: seen with its reason, not counted as a position, and swept as its owner wishes; coins and gains stay right."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aristobot.errors import Conflict, NotFound
from aristobot.kinds import LotStatus
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store import audit, positions, webhooks
from aristobot.store.trading_tables import PositionRow
from services.dust import Dust, Sweep
from services.order_draft import PlaceOrder
from tests.builders import MIDNIGHT
from tests.services.trading import HAND, D, Trader, TradingHouse, a_trading_house

BTC = "BTC/USDT"


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[TradingHouse]:
    """A house that trades, bitcoin at 60,000."""
    async with a_trading_house(tmp_path / "data", sqlite_template) as open_house:
        open_house.price("60000")
        yield open_house


@pytest.fixture
async def trader(house: TradingHouse) -> Trader:
    """Somebody with play money."""
    return await house.trader()


async def the_dust(house: TradingHouse, trader: Trader) -> list[Dust]:
    """What the page folds away."""
    return await house.app.dust.of_broker(trader.user_id, trader.broker_id)


async def buy(house: TradingHouse, trader: Trader, quantity: str) -> None:
    """By hand, at the market."""
    wish = PlaceOrder(trader.broker_id, BTC, Side.BUY, OrderType.MARKET, quantity=D(quantity), owner="manual", cause=uuid.uuid4())
    row = await house.app.desk.settled(await house.app.desk.place(trader.user_id, wish))
    assert row.status is OrderStatus.FILLED, row.reason


async def all_positions(house: TradingHouse) -> list[PositionRow]:
    """Open and closed, oldest first."""
    return list(await house.read(positions.every))


async def leave_a_crumb(house: TradingHouse, trader: Trader) -> PositionRow:
    """Buy and sell again: the fee in coins leaves less than the exchange would take."""
    await buy(house, trader, "0.00333")
    held = await house.position(trader)
    await house.app.hand.close_position(trader.user_id, held.id, uuid.uuid4())
    return await house.closed(trader)


async def test_what_a_sale_leaves_is_shown_as_dust_with_its_reason(house: TradingHouse, trader: Trader) -> None:
    crumb = await leave_a_crumb(house, trader)
    assert (crumb.is_dust, crumb.status) == (True, LotStatus.CLOSED)
    [dust] = await the_dust(house, trader)
    assert (dust.symbol, dust.quantity, dust.reason, dust.sweep) == (BTC, crumb.quantity, "reason.dust_lot", Sweep.WRITE_OFF)
    assert ZERO < dust.value < 1


async def test_a_position_that_fell_below_the_least_value_is_dust_until_the_price_comes_back(
    house: TradingHouse, trader: Trader
) -> None:
    await house.buy(trader, percent="0.06")  # 6 USDT
    assert await the_dust(house, trader) == []

    async def counted() -> int:
        return (await house.app.db.read(trader.user_id, lambda s: webhooks.stats(s, MIDNIGHT))).open_positions

    assert await counted() == 1
    for price, dusty in (("45000", True), ("60000", False)):
        house.price(price)
        house.app.prices.note("binance", BTC, D(price))
        await house.app.monitor._pricer.price()
        row = await house.position(trader)
        assert (row.is_dust, row.status) == (dusty, LotStatus.OPEN)
        assert await counted() == (0 if dusty else 1)
        assert [one.reason for one in await the_dust(house, trader)] == (["reason.dust_value"] if dusty else [])


async def test_dust_joins_what_is_bought_next_and_is_sold_with_it(house: TradingHouse, trader: Trader) -> None:
    crumb = await leave_a_crumb(house, trader)
    await buy(house, trader, "0.00333")
    before = await house.position(trader)
    [dust] = await the_dust(house, trader)
    assert dust.sweep is Sweep.JOIN
    await house.app.dust.sweep(trader.user_id, trader.broker_id, BTC, Sweep.JOIN, HAND)
    joined = await house.position(trader)
    assert (joined.quantity, joined.cost) == (before.quantity + crumb.quantity, before.cost + crumb.cost)
    assert await the_dust(house, trader) == []
    await house.app.hand.close_position(trader.user_id, joined.id, uuid.uuid4())
    ended = await house.closed(trader)
    assert ended.quantity == trader.total("BTC")
    spent = D(10000) - trader.total("USDT")
    assert sum(row.cost - row.realised for row in await all_positions(house)) == spent


async def test_dust_that_adds_up_is_gathered_and_sold(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, percent="0.06")
    await buy(house, trader, "0.0001")
    house.price("45000")
    house.app.prices.note("binance", BTC, D(45000))
    await house.app.monitor._pricer.price()
    [dust] = await the_dust(house, trader)
    assert (dust.reason, dust.sweep) == ("reason.dust_adds_up", Sweep.SELL)
    await house.app.dust.sweep(trader.user_id, trader.broker_id, BTC, Sweep.SELL, HAND)
    rows = await all_positions(house)
    assert {row.status for row in rows} == {LotStatus.CLOSED}
    assert sum(row.quantity for row in rows) == trader.total("BTC") < D("0.00001")
    spent = D(10000) - trader.total("USDT")
    assert sum(row.cost - row.realised for row in rows) == spent


async def test_what_is_written_off_is_a_loss_in_our_books_and_a_line_in_the_audit(house: TradingHouse, trader: Trader) -> None:
    crumb = await leave_a_crumb(house, trader)
    await house.app.dust.sweep(trader.user_id, trader.broker_id, BTC, Sweep.WRITE_OFF, HAND)
    ended = await house.position(trader)
    assert (ended.quantity, ended.cost, ended.is_dust, ended.status) == (ZERO, ZERO, False, LotStatus.CLOSED)
    assert ended.realised == crumb.realised - crumb.cost == trader.total("USDT") - D(10000)
    assert trader.total("BTC") == crumb.quantity  # nobody touches the coins
    assert await the_dust(house, trader) == []
    assert "dust.write_off" in [row.action for row in await house.read(audit.recent)]


async def test_dust_whose_coins_have_gone_elsewhere_is_not_sold_but_can_be_forgotten(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, percent="0.06")
    await buy(house, trader, "0.0001")
    house.price("45000")
    house.app.prices.note("binance", BTC, D(45000))
    await house.app.monitor._pricer.price()
    trader.account.holding("BTC").free = D("0.00001")
    house.app.floor.accounts.streaming(trader.broker_id, False)
    with pytest.raises(Conflict) as refused:
        await house.app.dust.sweep(trader.user_id, trader.broker_id, BTC, Sweep.SELL, HAND)
    assert refused.value.code == "dust_gone"
    await house.app.dust.sweep(trader.user_id, trader.broker_id, BTC, Sweep.WRITE_OFF, HAND)
    assert await the_dust(house, trader) == []
    assert {row.status for row in await all_positions(house)} == {LotStatus.CLOSED}


async def test_dust_whose_coins_have_gone_elsewhere_joins_no_position_that_its_stop_guards(
    house: TradingHouse, trader: Trader
) -> None:
    await buy(house, trader, "0.0001")
    held = await house.buy(trader, stop_loss="30000", percent="0.5")
    house.price("45000")
    house.app.prices.note("binance", BTC, D(45000))
    await house.app.monitor._pricer.price()
    before = await house.resting(trader)
    trader.account.holding("BTC").free -= D("0.0000999")  # turned into other coins on the exchange's own site
    house.app.floor.accounts.streaming(trader.broker_id, False)
    assert [one.sweep for one in await the_dust(house, trader)] == [Sweep.JOIN]
    with pytest.raises(Conflict) as refused:
        await house.app.dust.sweep(trader.user_id, trader.broker_id, BTC, Sweep.JOIN, HAND)
    assert refused.value.code == "dust_gone"
    assert (await house.position(trader)).quantity == held.quantity
    assert await house.resting(trader) == before != []
    assert (await house.alert(trader, action="SellMarket")).outcome == "ordered"


async def test_dust_is_swept_once_and_by_its_owner_alone(house: TradingHouse, trader: Trader) -> None:
    await leave_a_crumb(house, trader)
    stranger = await house.trader()
    with pytest.raises(NotFound):
        await house.app.dust.sweep(stranger.user_id, trader.broker_id, BTC, Sweep.WRITE_OFF, HAND)
    with pytest.raises(NotFound):
        await house.app.dust.of_broker(stranger.user_id, trader.broker_id)
    with pytest.raises(Conflict):
        await house.app.dust.sweep(trader.user_id, trader.broker_id, BTC, Sweep.JOIN, HAND)
    await house.app.dust.sweep(trader.user_id, trader.broker_id, BTC, Sweep.WRITE_OFF, HAND)
    with pytest.raises(NotFound):
        await house.app.dust.sweep(trader.user_id, trader.broker_id, BTC, Sweep.WRITE_OFF, HAND)
