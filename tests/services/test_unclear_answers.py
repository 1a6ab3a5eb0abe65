"""Answers that nobody understands: they are taken like none at all, and whom they do not concern hears nothing of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest

from aristobot.errors import DataError
from aristobot.exchange import ClockReading, Credentials
from aristobot.market import Instrument, Symbol, Ticker
from aristobot.orders import OrderReport, OrderStatus
from tests.services.test_order_resolver import a_buy
from tests.services.test_returned_orders import a_resting_buy
from tests.services.trading import QuickBinance, Trader, TradingHouse, a_trading_house

D = Decimal
S = OrderStatus


class MumblingBinance(QuickBinance):
    """Some of its answers have words that nobody knows, so often: about orders, prices, its clock, its markets, or an account."""

    unclear: ClassVar[dict[str, int]] = {}

    async def open_orders(self, keys: Credentials, symbol: Symbol | None = None) -> list[OrderReport]:
        """What rests, if it can be understood."""
        self._mumble(keys.api_key)
        return await super().open_orders(keys, symbol)

    async def find_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """One order, if it can be understood."""
        self._mumble("orders")
        return await super().find_order(keys, symbol, client_order_id)

    async def tickers(self, symbols: Sequence[Symbol]) -> list[Ticker]:
        """Prices, if they can be understood."""
        self._mumble("prices")
        return await super().tickers(symbols)

    async def server_time(self) -> datetime:
        """What its clock shows, if it can be understood."""
        self._mumble("clock")
        return await super().server_time()

    async def synchronise(self) -> ClockReading:
        """How far its clock is from ours, if it can be understood."""
        self._mumble("clock")
        return await super().synchronise()

    async def instruments(self) -> list[Instrument]:
        """Its markets, if they can be understood."""
        self._mumble("markets")
        return await super().instruments()

    def _mumble(self, what: str) -> None:
        if self.unclear.get(what, 0):
            self.unclear[what] -= 1
            raise DataError("unknown_exchange_word", exchange="binance", field="status", value="MUMBLED")


class FaultyBinance(QuickBinance):
    """A client with a mistake of ours in it, which shows so often."""

    mistakes: ClassVar[int] = 0

    async def synchronise(self) -> ClockReading:
        """How far its clock is from ours, unless the mistake shows."""
        if FaultyBinance.mistakes:
            FaultyBinance.mistakes -= 1
            raise RuntimeError("a mistake of ours")
        return await super().synchronise()


class FaultyHouse(TradingHouse):
    """The house that has it."""

    client = FaultyBinance


class MumblingHouse(TradingHouse):
    """The house in front of it."""

    client = MumblingBinance

    def restarts(self, service: str) -> int:
        """How often a service fell."""
        return next(one for one in self.app.supervisor.states() if one.name == service).restarts


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[MumblingHouse]:
    """A house whose exchange cannot always be understood."""
    MumblingBinance.unclear.clear()
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=MumblingHouse) as opened:
        assert isinstance(opened, MumblingHouse)
        yield opened
    MumblingBinance.unclear.clear()


async def enter_ether(house: MumblingHouse, trader: Trader) -> None:
    """Buy what no heartbeat tells the price of."""
    assert (await house.alert(trader, symbol="ETHUSDT", action="BuyMarket", percent=50)).outcome == "ordered"


async def test_an_answer_that_nobody_understands_does_not_end_a_search(house: MumblingHouse) -> None:
    trader = await house.trader()
    house.faults({"on": "user.message", "do": "drop_message", "times": 0}, {"on": "order.place", "do": "accept_then_5xx"})
    MumblingBinance.unclear["orders"] = 3
    row = await house.app.desk.place(trader.user_id, a_buy(trader))
    assert (row.status, row.filled) == (S.FILLED, D("0.01"))
    await house.holds(trader, "0.00999")


async def test_an_account_that_nobody_understands_stops_no_other(house: MumblingHouse) -> None:
    unclear, clear = await house.trader(), await house.trader()
    row = await house.app.desk.place(clear.user_id, a_resting_buy(clear))
    MumblingBinance.unclear[unclear.account.key] = 10_000
    house.faults({"on": "user.message", "do": "drop_message", "times": 0})
    await house.clock.sleep(30)
    house.simulator.venue.cancel(next(iter(clear.account.open_orders.values())))
    (seen,) = await house.settled(clear, 1, status=S.CANCELED)
    assert seen.id == row.id
    assert house.restarts("order_monitor") == 0


async def test_trading_begins_although_a_clock_cannot_be_understood_at_the_start(house: MumblingHouse) -> None:
    trader = await house.trader()
    await house.restart(meanwhile=lambda: MumblingBinance.unclear.update(clock=3, markets=2))
    await house.until(lambda: house.app.gateway.clock_certain("binance"))
    await house.buy(trader)
    assert (house.restarts("exchange_gateway"), house.restarts("market_catalog")) == (0, 0)


async def test_trading_begins_although_a_mistake_of_ours_shows_at_the_start(
    tmp_path: Path, sqlite_template: Path, leaping: None
) -> None:
    FaultyBinance.mistakes = 2
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=FaultyHouse) as house:
        await house.buy(await house.trader())


async def test_a_stop_is_put_up_although_prices_cannot_be_understood(house: MumblingHouse) -> None:
    trader = await house.trader()
    await enter_ether(house, trader)
    MumblingBinance.unclear["prices"] = 10_000
    await house.clock.sleep(10)
    assert (await house.alert(trader, symbol="ETHUSDT", action="MAJ", stop_loss="2900")).outcome == "updated"
    await house.guarded(trader, ("stop", "1.6649", "2900"))
    assert house.restarts("price_book") == 0


async def test_an_exit_waits_until_prices_can_be_understood(house: MumblingHouse) -> None:
    trader = await house.trader()
    await enter_ether(house, trader)
    await house.clock.sleep(10)
    MumblingBinance.unclear["prices"] = 6
    house.app.floor.prices._quotes.clear()
    assert (await house.alert(trader, symbol="ETHUSDT", action="SellMarket")).outcome == "ordered"
