"""Prices in memory: fresh enough to order by, asked for in one batch, and never made up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from aristobot.errors import ExchangeError
from aristobot.events import CandleUpdated, PricesUpdated
from services.price_book import MAX_AGE
from tests.builders import MIDNIGHT, a_candle
from tests.services.trading import TradingHouse

D = Decimal


async def test_a_price_is_asked_for_once_and_then_known_for_a_while(house: TradingHouse) -> None:
    book, client = house.app.prices, house.app.gateway.client("binance")
    asked = len(house.asked("ticker"))
    assert [await book.price(client, "SOL/USDT") for _ in range(3)] == [D(150)] * 3
    assert len(house.asked("ticker")) == asked + 1


async def test_a_price_that_grew_old_is_asked_for_anew(house: TradingHouse) -> None:
    book, client = house.app.prices, house.app.gateway.client("binance")
    await book.price(client, "SOL/USDT")
    house.faults({"on": "ticker", "do": "refuse_5xx", "times": 3})
    house.price("160", "SOL/USDT")
    await house.clock.sleep(MAX_AGE + 1)
    house.no_faults()
    assert await book.price(client, "SOL/USDT") == D(160)


async def test_who_sells_for_a_price_asks_for_a_younger_one(house: TradingHouse) -> None:
    book, client = house.app.prices, house.app.gateway.client("binance")
    book.note("binance", "SOL/USDT", D(170))
    await house.clock.sleep(1.5)
    assert await book.price(client, "SOL/USDT") == D(170)
    assert await book.price(client, "SOL/USDT", 1.0) == D(150)


async def test_no_old_price_is_given_when_the_exchange_does_not_answer(house: TradingHouse) -> None:
    book, client = house.app.prices, house.app.gateway.client("binance")
    await book.price(client, "SOL/USDT")
    house.faults({"on": "ticker", "do": "refuse_5xx", "times": 0})
    await house.clock.sleep(MAX_AGE + 3)
    with pytest.raises(ExchangeError):
        await book.price(client, "SOL/USDT")
    assert book.last("binance", "SOL/USDT") == D(150)


async def test_what_is_watched_is_refreshed_together_and_told(house: TradingHouse) -> None:
    told: list[PricesUpdated] = []
    house.app.bus.listen(PricesUpdated, do=told.append)
    house.app.prices.watch("binance", ["SOL/USDT", "ETH/USDT"])
    house.price("2900", "ETH/USDT")
    await house.until(lambda: bool(told))
    assert (told[0].prices["SOL/USDT"], told[0].prices["ETH/USDT"]) == (D(150), D(2900))


async def test_a_candle_brings_its_price(house: TradingHouse) -> None:
    assert house.app.prices.last("elsewhere", "BTC/USDT") is None
    candle = a_candle(close=D(61234))
    house.app.bus.publish(CandleUpdated(at=MIDNIGHT, exchange="elsewhere", candle=candle, received_at=MIDNIGHT))
    assert house.app.prices.last("elsewhere", "BTC/USDT") == D(61234)


async def test_a_symbol_that_is_listed_no_more_takes_no_other_price_along(house: TradingHouse) -> None:
    book = house.app.prices
    told: list[PricesUpdated] = []
    house.app.bus.listen(PricesUpdated, do=told.append)
    book.watch("binance", ["SOL/USDT", "GONE/USDT", "ETH/USDT"])
    await house.until(lambda: bool(told))
    assert {"SOL/USDT", "ETH/USDT"} <= told[0].prices.keys()
    asked = len(house.asked("ticker"))
    await house.clock.sleep(10.5)
    assert len(house.asked("ticker")) - asked <= 6  # one batch a round, without the one that is gone


async def test_an_exchange_that_hangs_keeps_no_other_exchanges_prices_waiting(house: TradingHouse) -> None:
    told: list[str] = []
    house.app.bus.listen(PricesUpdated, do=lambda event: told.append(event.exchange))
    house.faults({"on": "ticker", "do": "accept_then_hang", "exchange": "bitget", "times": 0})
    for exchange in ("bitget", "kraken"):
        house.app.prices.watch(exchange, ["BTC/USDT"])
    await house.clock.sleep(20)
    assert told.count("kraken") >= 4
    assert "bitget" not in told
