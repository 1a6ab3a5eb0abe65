"""What an exchange should never do: orders that are over rest again, and orders that rest are forgotten."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.errors import UnknownOrder
from aristobot.exchange import Credentials
from aristobot.market import Symbol
from aristobot.orders import OrderReport, OrderRequest, OrderStatus, OrderType, Side
from services.order_draft import PlaceOrder
from services.simulator.records import Order as VenueOrder
from services.vanished_orders import VanishedOrders
from tests.services.trading import QuickBinance, Trader, TradingHouse, a_trading_house

D = Decimal
S = OrderStatus


def a_resting_buy(trader: Trader) -> PlaceOrder:
    """A hundredth of a coin, far below the market."""
    return PlaceOrder(trader.broker_id, "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity=D("0.01"), price=D(59000))


def rest_again(house: TradingHouse, trader: Trader, client_order_id: str) -> None:
    """The exchange takes an order under this id, and tells nobody."""
    request = OrderRequest(client_order_id, "BTC/USDT", Side.BUY, OrderType.LIMIT, D("0.01"), price=D(59000))
    house.simulator.venue.place(trader.account, request)


async def test_an_order_that_was_given_up_and_rests_after_all_is_taken_up_again(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults({"on": "user.message", "do": "drop_message", "times": 0}, {"on": "order.place", "do": "-1007", "accept": False})
    row = await house.app.desk.place(trader.user_id, a_resting_buy(trader))
    assert row.status is S.NOT_ACCEPTED
    rest_again(house, trader, row.client_order_id)
    await house.settled(trader, 1, status=S.OPEN)
    house.price("58900")
    await house.holds(trader, "0.00999")


async def test_an_order_that_is_over_and_rests_all_the_same_is_taken_back(house: TradingHouse) -> None:
    trader = await house.trader()
    row = await house.app.desk.place(trader.user_id, a_resting_buy(trader))
    assert (await house.app.desk.cancel(trader.user_id, row.id)).status is S.CANCELED
    house.faults({"on": "user.message", "do": "drop_message", "times": 0})
    rest_again(house, trader, row.client_order_id)
    await house.until(lambda: not trader.account.open_orders)
    assert [order.filled for order in trader.orders()] == [0, 0]


async def test_a_stop_that_its_exchange_forgot_is_put_up_again_and_lets_its_position_go(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="59000")
    (stop,) = trader.orders(type=OrderType.STOP_LOSS)
    await house.clock.sleep(15)
    forget(house, trader, stop)
    await house.settled(trader, 1, status=S.CANCELED)
    await house.guarded(trader, ("stop", "0.08324", "59000"))
    assert (await house.alert(trader, action="SellMarket")).outcome == "ordered"
    await house.closed(trader)


async def test_beside_a_stop_that_its_exchange_took_and_never_listed_no_other_is_put(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="59000")
    (stop,) = trader.orders(type=OrderType.STOP_LOSS)
    forget(house, trader, stop)
    await house.clock.sleep(150)
    assert trader.orders(type=OrderType.STOP_LOSS) == []
    (row,) = await house.rows(trader, type=OrderType.STOP_LOSS)
    assert row.status is S.OPEN


@pytest.mark.parametrize("shown", [True, False], ids=["shown", "never shown"])
async def test_a_stop_that_was_forgotten_while_the_house_was_down_is_put_up_again(house: TradingHouse, shown: bool) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="59000")
    (stop,) = trader.orders(type=OrderType.STOP_LOSS)
    await house.clock.sleep(15 if shown else 0)
    await house.restart(meanwhile=lambda: forget(house, trader, stop))
    (row,) = await house.settled(trader, 1, status=S.CANCELED)
    assert (row.client_order_id, row.reason) == (stop.client_id, "order_not_found")
    await house.guarded(trader, ("stop", "0.08324", "59000"))
    assert (await house.alert(trader, action="SellMarket")).outcome == "ordered"
    await house.closed(trader)


class ArchivingBinance(QuickBinance):
    """It puts away at once what it puts away after ninety days: of such an order it says that it is too old to be shown."""

    async def find_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """As Binance's, with its word for what was put away."""
        if (found := await super().find_order(keys, symbol, client_order_id)) is None:
            raise UnknownOrder("order_archived", exchange="binance")
        return found


class ArchivingHouse(TradingHouse):
    """The house in front of it."""

    client = ArchivingBinance


@pytest.mark.parametrize("kind", [TradingHouse, ArchivingHouse], ids=["forgotten", "put away"])
async def test_an_entry_that_its_exchange_lost_while_the_house_was_down_gives_its_money_back(
    tmp_path: Path, sqlite_template: Path, leaping: None, kind: type[TradingHouse]
) -> None:
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=kind) as house:
        trader = await house.trader()
        row = await house.app.desk.place(trader.user_id, a_resting_buy(trader))
        (entry,) = trader.orders()
        await house.restart(meanwhile=lambda: forget(house, trader, entry))
        (ended,) = await house.settled(trader, 1, status=S.CANCELED)
        assert (ended.id, ended.reason) == (row.id, "order_not_found")
        account = await house.app.floor.brokers.get(trader.broker_id)
        assert await house.app.floor.accounts.free(account, "USDT") == D(10000)


async def test_an_order_that_its_exchange_forgot_ends_once_when_two_looks_come_to_it_together(house: TradingHouse) -> None:
    trader = await house.trader()
    row = await house.app.desk.place(trader.user_id, a_resting_buy(trader))
    account = await house.app.floor.brokers.get(trader.broker_id)
    vanished = VanishedOrders(house.app.floor, house.app.records)
    vanished.seen(row)
    assert await vanished.not_seen(account, row) is None
    await house.clock.sleep(61)
    assert await asyncio.gather(*(vanished.not_seen(account, row) for _ in range(2))) == [S.CANCELED, S.CANCELED]


def forget(house: TradingHouse, trader: Trader, order: VenueOrder) -> None:
    """The exchange knows nothing of an order any more, and holds nothing for it."""
    listeners, trader.account.listeners = trader.account.listeners, []
    house.simulator.venue.cancel(order)
    trader.account.listeners = listeners
    account = trader.account
    account.orders = {key: one for key, one in account.orders.items() if one is not order}
    account.latest = {key: one for key, one in account.latest.items() if one is not order}
    account.numbered = {key: one for key, one in account.numbered.items() if one is not order}
