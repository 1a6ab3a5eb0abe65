"""A pair that closes, opens or changes its minimum is known at once where the exchange says so, and asked for nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aristobot.clock import ManualClock
from aristobot.kinds import WebhookOutcome
from aristobot.market import InstrumentState
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store import instruments
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.live_rules import BEGIN_AGAIN
from services.market_catalog import UNKNOWN_PAUSE, MarketCatalog
from tests.services.kraken import KrakenHouse
from tests.services.market import Market, a_market
from tests.services.trading import Trader, TradingHouse, a_trading_house

BTC, ETH = "BTC/USDT", "ETH/USDT"
OPEN, CLOSED = InstrumentState.TRADING, InstrumentState.CANCEL_ONLY


@pytest.fixture
async def market(lite: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Market]:
    """Simulated exchanges."""
    async with a_market(lite, clock, tmp_path) as opened:
        yield opened


@pytest.fixture
async def catalog(market: Market) -> AsyncIterator[MarketCatalog]:
    """A catalogue at work that has read every list; nobody has asked about a pair yet."""
    opened = MarketCatalog(market.db, market.bus, market.clock, market.gateway)
    working = asyncio.create_task(opened.run())
    await market.until(lambda: all(opened.state(one).at is not None for one in market.gateway.exchanges()), step=0)
    yield opened
    working.cancel()
    await asyncio.wait([working])


def dialect(market: Market) -> Any:
    """The exchange that tells what becomes of its pairs."""
    return market.server.dialects["kraken"]


def state(catalog: MarketCatalog, symbol: str = BTC) -> InstrumentState | None:
    """What is known of a pair."""
    found = catalog.listed("kraken", symbol)
    return found.state if found is not None else None


async def followed(market: Market, catalog: MarketCatalog) -> None:
    """Somebody asks about a pair, and its exchange is listened to."""
    await catalog.instrument("kraken", BTC)
    await market.until(lambda: any(line.alive for line in dialect(market)._lines), step=0.1)


async def test_a_pair_that_closes_is_known_at_once_without_a_question(market: Market, catalog: MarketCatalog) -> None:
    await followed(market, catalog)
    asked = market.asked("exchange_info", "kraken")
    dialect(market).set_status(BTC, "cancel_only")
    await market.until(lambda: state(catalog) is CLOSED, step=0)
    assert (state(catalog, ETH), market.asked("exchange_info", "kraken")) == (OPEN, asked)
    dialect(market).set_status(ETH, "post_only")
    dialect(market).set_status(BTC, "online")
    await market.until(lambda: state(catalog) is OPEN, step=0)
    stored = await market.db.read(SYSTEM, lambda s: instruments.get(s, "kraken", ETH))
    assert stored == catalog.listed("kraken", ETH)
    assert stored is not None
    assert stored.order_types == {OrderType.LIMIT_MAKER.value}


async def test_what_changed_while_the_line_was_cut_is_known_when_it_is_back(market: Market, catalog: MarketCatalog) -> None:
    await followed(market, catalog)
    market.faults({"on": "socket.connect", "do": "refuse", "times": 2, "exchange": "kraken"})
    for socket in list(market.server.world.sockets):
        socket.cut()
    dialect(market).set_status(BTC, "cancel_only")
    await market.until(lambda: state(catalog) is CLOSED, step=0.5)


async def test_a_minimum_that_changes_is_known_and_fees_stay_as_they_were(market: Market, catalog: MarketCatalog) -> None:
    await followed(market, catalog)
    before = await catalog.instrument("kraken", BTC)
    pair = dialect(market).catalogue.pairs[BTC]
    dialect(market).market.change(pair, dict(pair.raw) | {"ordermin": "0.25"})
    dialect(market).set_status(BTC, "online")
    await market.until(lambda: catalog.listed("kraken", BTC) != before, step=0)
    after = await catalog.instrument("kraken", BTC)
    assert (after.min_quantity, after.maker_fee, after.tick) == (Decimal("0.25"), before.maker_fee, before.tick)


async def test_what_is_told_while_the_list_is_read_is_believed_after_it(market: Market, catalog: MarketCatalog) -> None:
    await followed(market, catalog)
    market.faults({"on": "exchange_info", "do": "slow_reply", "seconds": 1, "exchange": "kraken", "times": 2})
    asked = market.asked("exchange_info", "kraken")
    reading = asyncio.ensure_future(catalog.refresh("kraken"))
    await market.until(lambda: market.asked("exchange_info", "kraken") == asked + 2, step=0)
    dialect(market).set_status(BTC, "cancel_only")
    await market.until(reading.done, step=0.5)
    await market.until(lambda: state(catalog) is CLOSED, step=0)


async def test_nobody_listens_where_nobody_asks(market: Market, catalog: MarketCatalog) -> None:
    await catalog.instrument("binance", BTC)
    await market.pass_time(10)
    assert not market.server.world.sockets


async def test_garbage_and_silence_end_nothing(market: Market, catalog: MarketCatalog) -> None:
    await followed(market, catalog)
    for socket in market.server.world.sockets:
        socket.push('{"channel":"instrument","type":"update","data":{"pairs":7}}')
        socket.push('{"channel":"instrument","type":"update","data":{"pairs":[{"symbol":"BTC/USDT"}]}}')
        socket.push("<html>")
    dialect(market).set_status(BTC, "cancel_only")
    await market.until(lambda: state(catalog) is CLOSED, step=0)
    for socket in market.server.world.sockets:
        socket.silent = True
    dialect(market).set_status(BTC, "online")
    await market.until(lambda: state(catalog) is OPEN, step=5, tries=int(BEGIN_AGAIN))


@pytest.mark.parametrize("change", ["ordermin", "costmin", "tick_size", "post_only", "cancel_only", "reduce_only"])
async def test_no_change_of_a_pair_takes_a_stop_back(tmp_path: Path, sqlite_template: Path, leaping: None, change: str) -> None:
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=KrakenHouse) as house:
        holder = await house.trader()
        await house.buy(holder, stop_loss="59000", take_profit="62000")
        await house.guarded(holder, ("stop", "0.08300132", "59000"))
        exchange: Any = house.simulator.dialects["kraken"]
        before = house.app.catalog.listed("kraken", BTC)
        changes = ("order.place", "order.cancel", "order.amend")
        asked = house.asked(*changes)
        pair = exchange.catalogue.pairs[BTC]
        if change.endswith("_only"):
            exchange.set_status(BTC, change)
        else:
            exchange.market.change(pair, dict(pair.raw) | {change: "7000"})
            exchange.set_status(BTC, "online")
        await house.until(lambda: house.app.catalog.listed("kraken", BTC) != before)
        await house.clock.sleep(30)
        (stop,) = holder.orders(type=OrderType.STOP_LOSS)
        assert (stop.status, stop.stop_price) == (OrderStatus.OPEN, Decimal(59000))
        assert house.asked(*changes) == asked


async def test_a_closed_market_keeps_its_stop_and_a_target_reached_meanwhile_is_sold_when_it_opens(
    tmp_path: Path, sqlite_template: Path, leaping: None
) -> None:
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=KrakenHouse) as house:
        holder = await house.trader()
        await house.buy(holder, stop_loss="59000", take_profit="62000")
        await house.guarded(holder, ("stop", "0.08300132", "59000"))
        exchange: Any = house.simulator.dialects["kraken"]
        exchange.set_status(BTC, "cancel_only")
        await house.until(lambda: state(house.app.catalog) is CLOSED)
        cancelled = house.asked("order.cancel")
        house.price("62010")
        await house.alert(holder, action="MAJ", stop_loss="59500")
        await house.clock.sleep(45)
        (stop,) = holder.orders(side=Side.SELL)
        assert (stop.status, house.asked("order.cancel")) == (OrderStatus.OPEN, cancelled)
        exchange.set_status(BTC, "online")
        await house.closed(holder)
        (sale,) = holder.orders(type=OrderType.MARKET, side=Side.SELL)
        assert sale.status is OrderStatus.FILLED


async def test_a_sale_takes_no_stop_back_while_the_market_would_take_no_other_and_is_done_when_it_opens(
    tmp_path: Path, sqlite_template: Path, leaping: None
) -> None:
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=KrakenHouse) as house:
        holder = await house.trader()
        await house.buy(holder, stop_loss="59000")
        await house.guarded(holder, ("stop", "0.08300132", "59000"))
        exchange: Any = house.simulator.dialects["kraken"]
        exchange.set_status(BTC, "cancel_only")
        await house.until(lambda: state(house.app.catalog) is CLOSED)
        sold = await house.send(holder, {"action": "SellMarket", "symbol": "BTCUSDT"})
        await house.clock.sleep(20)
        (stop,) = holder.orders(side=Side.SELL)
        assert stop.status is OrderStatus.OPEN
        exchange.set_status(BTC, "online")
        assert (await house.ended(sold, within=90)).outcome == WebhookOutcome.ORDERED
        await house.closed(holder)


@pytest.mark.parametrize("exits", [{}, {"stop_loss": "59000"}], ids=["bare", "guarded"])
async def test_a_market_that_is_only_thought_to_be_closed_is_looked_at_again_and_sold_in(
    house: TradingHouse, trader: Trader, exits: dict[str, str]
) -> None:
    await house.buy(trader, **exits)
    await house.clock.sleep(UNKNOWN_PAUSE)
    listed = house.app.catalog._catalogues["binance"].instruments
    listed[BTC] = replace(listed[BTC], state=InstrumentState.HALTED)
    sold = await house.send(trader, {"action": "SellMarket", "symbol": "BTCUSDT"})
    assert (await house.ended(sold, within=90)).outcome == WebhookOutcome.ORDERED
    await house.closed(trader)
