"""Limits of a broker that trades against dollars, bitcoins and more: what is compared is of one unit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from aristobot.clock import Clock
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Order
from services.order_draft import PlaceOrder
from services.simulator.binance import BinanceDialect
from services.simulator.server import SimulatorServer
from tests.builders import a_position
from tests.services.trading import D, Trader, TradingHouse, a_trading_house


class HouseOfCrosses(TradingHouse):
    """Its exchange trades ether against bitcoins, too: 0.05 of them, which are 60,000 dollars each."""

    def __init__(self, folder: Path, clock: Clock, simulator: SimulatorServer) -> None:
        super().__init__(folder, clock, simulator)
        binance = cast(BinanceDialect, simulator.dialects["binance"])
        text = json.dumps(dict(binance.market.symbols["ETHUSDT"].raw)).replace("USDT", "BTC")
        text = text.replace('"5.00000000"', '"0.00010000"').replace('"0.01000000"', '"0.00001000"')
        binance.load([json.loads(text)])


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[TradingHouse]:
    """A house that trades in several quotes."""
    async with a_trading_house(tmp_path / "data", sqlite_template, HouseOfCrosses) as open_house:
        # a new house reads the markets after it is ready: who is compared before that has no conversions to ask for
        await open_house.until(lambda: open_house.app.catalog.listed("binance", "ETH/BTC") is not None)
        yield open_house


def figure(row: Order, name: str) -> Decimal:
    """An amount that a refusal names."""
    return D((row.reason_facts or {})[name])


async def order(house: TradingHouse, trader: Trader, symbol: str, **what: Any) -> Order:
    """A purchase at the market, unless something else is said."""
    wish = PlaceOrder(trader.broker_id, symbol, Side.BUY, OrderType.MARKET, **what)
    return await house.app.desk.place(trader.user_id, wish)


async def buy(house: TradingHouse, trader: Trader, symbol: str, money: str) -> Order:
    """Buy for so much of the quote."""
    return await order(house, trader, symbol, quote_quantity=D(money))


async def lose(house: TradingHouse, trader: Trader, money: str, fall_to: str) -> None:
    """Buy ether for so many bitcoins, and sell it when its price has fallen from 0.05."""
    ended = await house.alert(trader, action="BuyMarket", symbol="ETHBTC", quote_amount=money)
    assert ended.outcome == "ordered", ended.reason
    house.price(fall_to, "ETH/BTC")
    ended = await house.alert(trader, action="SellMarket", symbol="ETHBTC", percent=100)
    assert ended.outcome == "ordered", ended.reason
    house.price("0.05", "ETH/BTC")
    house.app.prices.note("binance", "ETH/BTC", D("0.05"))


async def hold(house: TradingHouse, trader: Trader, symbol: str = "BTC/TUSD", **differences: Any) -> None:
    """Hold something that the exchange lists no more."""
    broker = await house.app.floor.brokers.get(trader.broker_id)
    base, quote = symbol.split("/")
    row = a_position(broker.broker, symbol=symbol, base=base, quote=quote, owner="manual", **differences)
    await house.app.db.write(SYSTEM, lambda session: session.add(row))
    house.app.floor.positions.changed(trader.broker_id)


async def test_a_loss_in_bitcoins_stops_entries_in_dollars(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "1000", "BTC": "0.1"}, limits={"daily_loss_percent": "5"})
    await lose(house, trader, money="0.09", fall_to="0.045")
    row = await buy(house, trader, "SOL/USDT", "100")
    assert (row.status, row.reason) == (OrderStatus.DENIED, "daily_loss")
    assert 500 < figure(row, "lost") < 600
    assert 300 < figure(row, "maximum") < 330


async def test_a_small_loss_in_bitcoins_is_measured_by_the_bitcoins_too(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "300", "BTC": "0.1"}, limits={"daily_loss_percent": "5"})
    await lose(house, trader, money="0.009", fall_to="0.048")
    row = await buy(house, trader, "SOL/USDT", "100")
    assert row.status is OrderStatus.FILLED, (row.reason, row.reason_facts)


async def test_positions_in_bitcoins_count_in_dollars_against_the_most_that_may_be_held(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "9000", "BTC": "0.1"}, limits={"max_total_notional": "5000"})
    assert (await buy(house, trader, "ETH/BTC", "0.08")).status is OrderStatus.FILLED
    refused = await buy(house, trader, "SOL/USDT", "300")
    assert (refused.status, refused.reason) == (OrderStatus.DENIED, "max_total_notional")
    assert 5050 < figure(refused, "value") < 5150
    assert (await buy(house, trader, "SOL/USDT", "100")).status is OrderStatus.FILLED


async def test_a_share_of_the_account_is_counted_of_what_is_held_in_bitcoins_too(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "2000", "BTC": "0.1"}, limits={"max_order_percent": "50"})
    assert (await buy(house, trader, "ETH/BTC", "0.04")).status is OrderStatus.FILLED
    assert (await buy(house, trader, "SOL/USDT", "1900")).status is OrderStatus.FILLED  # half of 2000 and of 0.04 bitcoins


async def test_dollars_count_in_euros_when_there_is_no_pair_of_the_two(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "9000", "EUR": "9000"}, limits={"max_total_notional": "5000"})
    assert (await buy(house, trader, "SOL/USDT", "4900")).status is OrderStatus.FILLED
    refused = await buy(house, trader, "BTC/EUR", "600")
    assert refused.reason == "max_total_notional"
    assert 5050 < figure(refused, "value") < 5200  # 4900 / 1.08 + 600


async def test_after_a_restart_the_prices_that_limits_need_are_known_before_the_first_entry(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "9000", "BTC": "0.1"}, limits={"max_total_notional": "5000"})
    assert (await buy(house, trader, "ETH/BTC", "0.08")).status is OrderStatus.FILLED
    await house.restart()
    await house.until(lambda: trader.broker_id in house.app.floor.reconciled)
    refused = await buy(house, trader, "SOL/USDT", "300")
    assert refused.reason == "max_total_notional"


async def test_what_nobody_can_convert_refuses_an_entry_whose_limit_needs_it_and_stops_nothing_else(house: TradingHouse) -> None:
    trader = await house.trader(limits={"max_total_notional": "5000"})
    assert (await buy(house, trader, "BTC/USDT", "600")).status is OrderStatus.FILLED
    await hold(house, trader)
    refused = await buy(house, trader, "SOL/USDT", "100")
    assert (refused.status, refused.reason) == (OrderStatus.DENIED, "no_conversion")
    assert refused.reason_facts == {"assets": "TUSD", "quote": "USDT"}
    assert house.app.kill_switch.level(trader.user_id, trader.broker_id) is None
    sold = await house.alert(trader, action="SellMarket", percent=100)
    assert sold.outcome != "refused"


async def test_a_loss_that_nobody_can_convert_refuses_entries_and_lets_exits_out(house: TradingHouse) -> None:
    trader = await house.trader(limits={"daily_loss_percent": "5"})
    bought = await house.buy(trader)
    await hold(house, trader, realised=D(-1), opened_at=house.clock.now())
    refused = await house.alert(trader, action="BuyMarket", symbol="SOLUSDT", quote_amount="100")
    assert (refused.outcome, (await house.rows(trader))[-1].reason) == ("refused", "no_conversion")
    await house.alert(trader, action="SellMarket", percent=100)
    assert (await house.rows(trader))[-1].status is OrderStatus.FILLED
    assert trader.total("BTC") < bought.quantity / 1000


@pytest.mark.parametrize(
    ("limits", "forgotten"),
    [
        ({"max_total_notional": "5000", "daily_loss_percent": "5"}, {"is_dust": True}),
        ({"daily_loss_percent": "5"}, {}),
    ],
    ids=["dust", "no limit needs it"],
)
async def test_what_nobody_can_convert_does_not_stand_in_the_way_where_it_does_not_matter(
    house: TradingHouse, limits: dict[str, str], forgotten: dict[str, Any]
) -> None:
    trader = await house.trader(limits=limits)
    await hold(house, trader, **forgotten)
    assert (await buy(house, trader, "SOL/USDT", "100")).status is OrderStatus.FILLED


async def test_an_account_in_one_quote_asks_for_no_other_price(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader)
    account = await house.app.floor.brokers.get(trader.broker_id)
    held = await house.app.floor.positions.of(account)
    assert held.summed("BTC/USDT").elsewhere == held.summed("SOL/USDT").elsewhere == {}
    await house.clock.sleep(60)
    known = {symbol for symbol in ("BTC/EUR", "BTC/USDC", "ETH/BTC") if house.app.prices.last("binance", symbol) is not None}
    assert known == set()
