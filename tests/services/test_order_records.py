"""Reports become rows, and rows become events: once for each change, never for a repetition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from loguru import logger

from aristobot.errors import Refused
from aristobot.events import OrderUpdated, PositionUpdated
from aristobot.orders import OrderStatus, OrderType, Side
from services.order_draft import PlaceOrder
from tests.builders import an_order_report
from tests.services.trading import Trader, TradingHouse

D = Decimal
S = OrderStatus


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What is logged meanwhile, line by line."""
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="INFO")
    yield lines
    logger.remove(sink)


async def test_a_report_about_somebody_elses_order_is_nothing(house: TradingHouse, trader: Trader) -> None:
    account = await house.app.floor.brokers.get(trader.broker_id)
    assert await house.app.records.apply(account, an_order_report(filled=D("0.001"), status=S.FILLED)) is None
    assert await house.rows(trader) == []


async def test_each_change_is_told_once_however_often_it_is_reported(house: TradingHouse, trader: Trader) -> None:
    told: list[OrderUpdated] = []
    house.app.bus.listen(OrderUpdated, do=told.append)
    wish = PlaceOrder(trader.broker_id, "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=D("0.1"), price=D(59000))
    row = await house.app.desk.place(trader.user_id, wish)
    account = await house.app.floor.brokers.get(trader.broker_id)
    client = house.app.gateway.client("binance")
    report = await client.find_order(await house.app.gateway.keys(account.broker), row.symbol, row.client_order_id)
    assert report is not None
    for _ in range(3):
        recorded = await house.app.records.apply(account, report)
        assert recorded is not None
        assert not recorded.changed
    assert [event.status for event in told] == ["PENDING", "OPEN"]


async def test_the_log_writes_a_quantity_as_a_person_would(house: TradingHouse, trader: Trader, logged: list[str]) -> None:
    wish = PlaceOrder(trader.broker_id, "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=D("0.1"), price=D(59000))
    row = await house.app.desk.place(trader.user_id, wish)
    assert f"Order {row.id.hex} buy BTC/USDT is OPEN (filled 0)" in logged


async def test_a_position_is_told_when_its_fills_or_its_exits_change(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    told: list[PositionUpdated] = []
    house.app.bus.listen(PositionUpdated, do=told.append)
    (stop,) = trader.orders(type=OrderType.STOP_LOSS)
    house.simulator.venue.cancel(stop)
    await house.until(lambda: bool(told))
    assert {event.position_id for event in told} == {(await house.position(trader)).id}


async def test_our_own_verdict_does_not_overrule_what_the_exchange_said(house: TradingHouse, trader: Trader) -> None:
    wish = PlaceOrder(trader.broker_id, "BTC/USDT", Side.BUY, OrderType.MARKET, quantity=D("0.01"))
    row = await house.app.desk.place(trader.user_id, wish)
    for verdict in (S.UNKNOWN, S.REJECTED, S.NOT_ACCEPTED, S.DENIED):
        assert (await house.app.records.settle(row, verdict, Refused("late"))).status is S.FILLED


async def test_an_order_found_by_the_exchanges_own_number_is_ours_too(house: TradingHouse, trader: Trader) -> None:
    wish = PlaceOrder(trader.broker_id, "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=D("0.1"), price=D(59000))
    row = await house.app.desk.place(trader.user_id, wish)
    account = await house.app.floor.brokers.get(trader.broker_id)
    known = an_order_report(exchange_order_id=row.exchange_order_id, status=S.CANCELED, symbol="BTC/USDT")
    recorded = await house.app.records.apply(account, replace(known, client_order_id="renamed-by-the-exchange"))
    assert recorded is not None
    assert (recorded.order.id, recorded.order.status) == (row.id, S.CANCELED)
