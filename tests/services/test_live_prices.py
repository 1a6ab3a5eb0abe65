"""Prices that an exchange tells by itself: believed while they are young, asked for when they are not, sold for in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import DataError
from aristobot.events import CandleClosed, CandleUpdated, PricesUpdated
from aristobot.market import Symbol, Ticker
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store.database import Database
from services.price_book import MAX_AGE, ROUND, PriceBook
from tests.builders import a_candle
from tests.services.kraken import KrakenHouse, QuickKraken
from tests.services.market import Market, a_market
from tests.services.trading import a_trading_house

D = Decimal
BTC = "BTC/USDT"
#: A shout and the moments it takes to be heard, in seconds of the test's clock.
SOON = 0.25


@pytest.fixture
async def market(lite: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Market]:
    """Simulated exchanges; where prices are told by themselves, a bitcoin costs 60,000."""
    async with a_market(lite, clock, tmp_path) as opened:
        opened.server.world.feed.move(BTC, "60000")
        await opened.gateway.client("kraken").synchronise()
        yield opened


@pytest.fixture
async def book(market: Market) -> AsyncIterator[PriceBook]:
    """A price book at work that watches bitcoin, of which it has heard."""
    opened = PriceBook(market.bus, market.clock, market.gateway)
    working = asyncio.create_task(opened.run())
    opened.watch("kraken", [BTC])
    await market.until(lambda: bool(public_sockets(market)), step=SOON)
    await moved(market, opened, "60100")
    yield opened
    working.cancel()
    await asyncio.wait([working])


def public_sockets(market: Market) -> list[object]:
    """Connections over which prices are told."""
    return [one for one in market.server.world.sockets if one.path.endswith("/v2")]


def asked(market: Market) -> int:
    """How often prices were asked for."""
    return market.asked("ticker", "kraken")


async def moved(market: Market, book: PriceBook, price: str, step: float = SOON) -> None:
    """Move the market until that is known, however it becomes known; without a step no time passes in which one could ask."""
    market.server.world.feed.move(BTC, price)
    await market.until(lambda: book.last("kraken", BTC) == D(price), step=step)


async def test_a_price_that_is_told_is_not_asked_for(market: Market, book: PriceBook) -> None:
    await moved(market, book, "60150", step=0)
    before = asked(market)
    for step in range(20):
        await market.clock.advance(SOON)
        await moved(market, book, str(60_200 + step), step=0)
    assert asked(market) == before
    assert await book.price(market.gateway.client("kraken"), BTC) == D(60_219)
    assert asked(market) == before


async def test_what_is_told_is_told_on_with_every_other_price_that_is_young(market: Market, book: PriceBook) -> None:
    told: list[PricesUpdated] = []
    market.bus.listen(PricesUpdated, do=told.append)
    book.watch("kraken", ["ETH/USDT"])
    await market.until(lambda: book.last("kraken", "ETH/USDT") is not None, step=SOON)
    await moved(market, book, "61000")
    await market.until(lambda: told[-1].prices.get(BTC) == D(61_000), step=SOON)
    assert told[-1].exchange == "kraken"
    assert "ETH/USDT" in told[-1].prices


@pytest.mark.parametrize("mishap", ["silent_socket", "disconnect"])
async def test_prices_are_asked_for_while_nobody_tells_them(market: Market, book: PriceBook, mishap: str) -> None:
    refused = {"on": "socket.connect", "do": "refuse", "times": 0, "exchange": "kraken"}
    market.faults({"on": "ticker.message", "do": mishap}, refused)
    before = asked(market)
    market.server.world.feed.move(BTC, "60150")  # this word is the last
    for step in range(5):
        await moved(market, book, str(60_200 + step))
    assert asked(market) > before
    market.server.world.faults.clear()
    await market.until(lambda: bool(public_sockets(market)), step=1)


async def test_who_watches_nothing_listens_to_nothing(market: Market) -> None:
    book = PriceBook(market.bus, market.clock, market.gateway)
    working = asyncio.create_task(book.run())
    book.watch("binance", [BTC])
    await market.until(lambda: market.asked("ticker") > 1, step=SOON)
    assert public_sockets(market) == []
    working.cancel()
    await asyncio.wait([working])


async def test_an_answer_that_was_overtaken_by_a_younger_price_undoes_it_not(market: Market, book: PriceBook) -> None:
    client = market.gateway.client("kraken")
    await market.clock.advance(MAX_AGE + ROUND)
    market.faults({"on": "ticker", "do": "slow_reply", "seconds": 1.0, "times": 0})
    before = asked(market)
    asking = asyncio.create_task(book.price(client, BTC, 0.0))
    await market.until(lambda: asked(market) > before, step=0)
    await market.clock.advance(SOON)
    market.server.world.feed.move(BTC, "50000")
    await market.until(lambda: book.last("kraken", BTC) == D(50_000), step=0)
    await market.until(asking.done, step=SOON)
    assert await asking == D(50_000)
    assert book.last("kraken", BTC) == D(50_000)
    market.server.world.faults.clear()
    await market.clock.advance(1.5)  # whoever still waits gets its answer


async def test_a_candle_that_is_made_up_for_is_no_price_of_today(market: Market, book: PriceBook) -> None:
    now = market.clock.now()
    old = a_candle(close=D(40_000), open_time=now - timedelta(hours=3))
    market.bus.publish(CandleClosed(at=now, exchange="kraken", candle=old, received_at=now))
    assert book.last("kraken", BTC) == D(60_100)
    market.bus.publish(CandleUpdated(at=now, exchange="elsewhere", candle=old, received_at=now))
    assert book.last("elsewhere", BTC, MAX_AGE) is None


@pytest.mark.parametrize("price", ["0", "-1"])
async def test_nothing_is_ever_worth_nothing(market: Market, price: str) -> None:
    book = PriceBook(market.bus, market.clock, market.gateway)
    book.note("kraken", BTC, D(60_000))
    book.note("kraken", BTC, D(price))
    assert book.last("kraken", BTC) == D(60_000)


class LateKraken(QuickKraken):
    """What it tells waited on the line for half a minute; and what it is asked it answers with nothing traded."""

    async def stream_prices(self, wanted: Callable[[], Collection[Symbol]]) -> AsyncIterator[Ticker]:
        """One old price, and no more."""
        now = self._clock.now()
        yield Ticker(BTC, last=D(70_000), bid=D(70_000), ask=D(70_000), at=now - timedelta(seconds=30))
        await self._clock.sleep(1e6)

    async def tickers(self, symbols: Collection[Symbol]) -> list[Ticker]:
        """No price at all."""
        return [Ticker(one, last=D(0), bid=D(0), ask=D(0), at=self._clock.now()) for one in symbols]


async def test_a_price_that_waited_on_the_line_is_as_old_as_it_is(market: Market) -> None:
    market.gateway._factories["kraken"] = LateKraken
    await market.gateway.close()
    book = PriceBook(market.bus, market.clock, market.gateway)
    working = asyncio.create_task(book.run())
    book.watch("kraken", [BTC])
    await market.until(lambda: book.last("kraken", BTC) is not None, step=SOON)
    assert book.last("kraken", BTC, 29.0) is None
    with pytest.raises(DataError):
        await book.price(market.gateway.client("kraken"), BTC)
    working.cancel()
    await asyncio.wait([working])


async def test_a_watched_target_is_sold_by_what_is_told_alone(tmp_path: Path, sqlite_template: Path, leaping: None) -> None:
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=KrakenHouse) as house:
        holder = await house.trader()
        await house.buy(holder, stop_loss="59000", take_profit="62000")
        await house.guarded(holder, ("stop", "0.08300132", "59000"))
        house.faults({"on": "ticker", "do": "refuse_5xx", "exchange": "kraken", "times": 0})
        house.price("61990")
        await house.clock.sleep(3)
        assert holder.orders(type=OrderType.MARKET, side=Side.SELL) == []
        house.price("62010")
        await house.closed(holder)
        (sale,) = holder.orders(type=OrderType.MARKET, side=Side.SELL)
        assert sale.status is OrderStatus.FILLED
