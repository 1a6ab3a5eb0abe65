"""Where an alert is carried out, seen in a house whose broker trades in another quote."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from aristobot.errors import RiskRefused, UnknownSymbol
from aristobot.signals import Action, PriceSpec, Signal
from services.broker_book import Account
from services.market_choice import MarketChoice
from services.simulator.binance import BinanceDialect
from services.simulator.binance_catalogue import default_symbols
from tests.services.trading import TradingHouse

D = Decimal


async def a_broker(house: TradingHouse, quote: str) -> Account:
    """Somebody whose broker trades in this quote; bitcoin costs 60,000 USDT, 55,000 EUR, and a euro 1.09 USDT."""
    trader = await house.trader(quote=quote)
    (euro,) = (one for one in default_symbols() if one["symbol"] == "BTCEUR")
    pair = {"symbol": "EURUSDT", "baseAsset": "EUR", "quoteAsset": "USDT"}
    dialect = house.simulator.dialects["binance"]
    assert isinstance(dialect, BinanceDialect)
    dialect.load([{**euro, **pair}])
    await house.app.catalog.refresh("binance")
    house.price("55000", "BTC/EUR")
    house.price("1.09", "EUR/USDT")
    return await house.app.floor.brokers.get(trader.broker_id)


def an_alert(text: str = "BTCUSDT", **differences: Any) -> Signal:
    """Buy with a stop at 58,800."""
    wanted: dict[str, Any] = {"symbol_text": text, "price": D(60000), "stop_loss": PriceSpec(D(58800))}
    return Signal(Action.BUY_MARKET, **wanted | differences)


async def test_a_broker_without_a_quote_of_its_own_follows_the_alert(house: TradingHouse) -> None:
    alert = an_alert()
    assert await house.app.markets.of(await a_broker(house, ""), alert) == ("BTC/USDT", alert)


async def test_a_broker_that_trades_in_euros_gets_its_stop_in_euros(house: TradingHouse) -> None:
    symbol, signal = await house.app.markets.of(await a_broker(house, "EUR"), an_alert())
    assert (symbol, signal.stop_loss) == ("BTC/EUR", PriceSpec(D(53900)))


async def test_percentages_need_no_price_at_all(house: TradingHouse) -> None:
    broker = await a_broker(house, "EUR")
    house.faults({"on": "any", "do": "refuse", "times": 0})
    alert = an_alert(stop_loss=PriceSpec(D(-2), relative=True))
    assert await house.app.markets.of(broker, alert) == ("BTC/EUR", alert)


async def test_markets_that_do_not_agree_with_the_rate_between_their_quotes_are_refused(house: TradingHouse) -> None:
    broker = await a_broker(house, "EUR")
    house.price("1.2", "EUR/USDT")
    with pytest.raises(RiskRefused, match="remap_diverged"):
        await house.app.markets.of(broker, an_alert())


async def test_a_base_that_is_not_sold_for_that_quote_is_an_unknown_symbol(house: TradingHouse) -> None:
    with pytest.raises(UnknownSymbol):
        await house.app.markets.of(await a_broker(house, "XYZ"), an_alert())


async def test_a_pair_that_only_another_exchange_lists_has_its_price_from_there(house: TradingHouse) -> None:
    broker = await a_broker(house, "USDT")
    with pytest.raises(UnknownSymbol):
        await house.app.markets.of(await a_broker(house, ""), an_alert("KRAKEN:BTCUSD", exchange="KRAKEN"))
    named = await house.app.markets.of(broker, an_alert("KRAKEN:BTCUSD", exchange="KRAKEN"))
    helped = await MarketChoice(house.app.floor, reference="kraken").of(broker, an_alert("BTCUSD"))
    assert named.signal.stop_loss == helped.signal.stop_loss
    assert (named.symbol, named.signal.stop_loss) == ("BTC/USDT", PriceSpec(D(58800)))
    with pytest.raises(UnknownSymbol):
        await MarketChoice(house.app.floor).of(broker, an_alert("BTCUSD"))
