"""The portfolio: what an account is worth in its quote and in euros, and how it follows prices and balances."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from aristobot.events import BalancesChanged
from aristobot.portfolio import Balance
from services.conversion import path_between
from services.portfolio import Holding, together
from tests.services.trading import HAND, D, Trader, TradingHouse, a_trading_house


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[TradingHouse]:
    """A house that trades."""
    async with a_trading_house(tmp_path / "data", sqlite_template) as open_house:
        yield open_house


@pytest.mark.parametrize(
    ("asset", "target", "path"),
    [
        ("USDT", "USDT", ()),
        ("BTC", "USDT", (("BTC/USDT", False),)),
        ("USDT", "BTC", (("BTC/USDT", True),)),
        ("ETH", "EUR", (("ETH/USDT", False), ("EUR/USDT", True))),
        ("EUR", "ETH", (("EUR/USDT", False), ("ETH/USDT", True))),
        ("NOBODY", "EUR", None),
    ],
)
def test_an_asset_finds_its_price_directly_or_over_one_bridge(asset: str, target: str, path: object) -> None:
    listed = {"BTC/USDT", "ETH/USDT", "EUR/USDT"}
    assert path_between(asset, target, listed.__contains__) == path


async def test_an_account_is_priced_in_one_batch_and_follows_the_prices(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "1000", "BTC": "0.5", "ETH": "2"})
    [found] = await house.app.portfolio.of_user(trader.user_id, "USDT")
    bitcoin, ether = (house.app.prices.last("binance", f"{one}/USDT") or D(0) for one in ("BTC", "ETH"))
    values = {one.balance.asset: one.value for one in found.holdings}
    assert values == {"BTC": bitcoin / 2, "ETH": ether * 2, "USDT": D(1000)}
    worth = sum(value for value in values.values() if value)
    assert found.total == worth
    euros = {one.balance.asset: one.euros for one in found.holdings}
    assert all(euros.values())
    assert found.euros == sum(value for value in euros.values() if value) < worth
    house.app.prices.note("binance", "BTC/USDT", bitcoin + 2)
    assert house.app.portfolio.repriced(found, "USDT").total == worth + 1


async def test_a_change_of_balance_is_told_to_its_owner_alone(house: TradingHouse) -> None:
    trader, other = await house.trader(), await house.trader()
    told: list[BalancesChanged] = []
    house.app.bus.listen(BalancesChanged, do=told.append, user_id=trader.user_id)
    for one in (other, trader):
        await house.buy(one)
    await house.until(lambda: bool(told))
    assert {one.broker_id for one in told} == {trader.broker_id}


async def test_a_broker_that_cannot_be_read_stops_no_other(house: TradingHouse) -> None:
    trader: Trader = await house.trader({"USDT": "1000"})
    await house.app.brokers.add(
        trader.user_id,
        {"exchange": "kraken", "name": "Gone", "api_key": "k" * 56, "api_secret": "c2VjcmV0c2VjcmV0"},
        HAND,
    )
    found = {one.broker.name: one for one in await house.app.portfolio.of_user(trader.user_id, "USDT")}
    assert found["Main"].total == D(1000)
    assert found["Gone"].error is not None
    assert (found["Gone"].total, found["Gone"].euros) == (None, None)
    assert together(one.total for one in found.values()) is None


async def test_coins_of_which_none_has_a_price_are_not_worth_nothing(house: TradingHouse) -> None:
    trader = await house.trader({"USDT": "1000"})
    [found] = await house.app.portfolio.of_user(trader.user_id, "USDT")
    junk = Holding(Balance("JUNK", "5"), None, None, None)
    assert replace(found, holdings=(junk,)).total is None
    assert replace(found, holdings=(*found.holdings, junk)).total == D(1000)
    assert replace(found, holdings=()).total == D(0)
    unpriced = [replace(one, euros=None) for one in found.holdings]
    told = replace(found, holdings=tuple(unpriced))
    assert (told.total, told.euros) == (D(1000), None)
    assert (together([D(1), D(2)]), together([D(1), None]), together([])) == (D(3), None, D(0))
