"""An order is filled, and of its fills the exchange says nothing yet: who wants to sell what it brought waits for them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.errors import Conflict
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.orders import Side
from tests.services.bitget import ClassicHouse
from tests.services.trading import Trader, TradingHouse, a_trading_house

D = Decimal


@pytest.fixture(params=[TradingHouse, ClassicHouse])
async def house(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, leaping: None
) -> AsyncIterator[TradingHouse]:
    """A house whose exchange tells of orders before it tells of their fills."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=request.param) as opened:
        yield opened


async def a_buyer(house: TradingHouse, seconds: float) -> Trader:
    """Somebody who has bought, and of whose fills nothing is to be heard for so long."""
    trader = await house.trader()
    house.faults(
        {"on": "order.place", "do": "accept_then_5xx"},
        {"on": "fills", "do": "lagging_reads", "seconds": seconds, "times": 0},
        {"on": "any.message", "do": "drop_message", "times": 0},
    )
    assert (await house.alert(trader, action="BuyMarket", percent=50)).outcome == "ordered"
    (entry,) = await house.rows(trader)
    assert entry.filled
    assert entry.position_id is None
    return trader


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
async def test_an_exit_waits_for_the_fills_of_what_it_sells(house: TradingHouse, restarted: bool) -> None:
    trader = await a_buyer(house, 8)
    if restarted:
        await house.restart()
    assert (await house.alert(trader, action="SellMarket")).outcome == "ordered"
    await house.closed(trader)
    (sale,) = trader.orders(side=Side.SELL)
    assert sale.filled > D("0.0832")


async def test_what_was_sold_is_not_sold_again_while_its_fills_are_missing(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "3"})
    held = await house.buy(rich)
    house.faults(
        {"on": "order.place", "do": "accept_then_5xx"},
        {"on": "fills", "do": "lagging_reads", "seconds": 8, "times": 0},
        {"on": "any.message", "do": "drop_message", "times": 0},
    )
    assert (await house.alert(rich, action="SellMarket")).outcome == "ordered"
    house.app.floor.positions.changed(rich.broker_id)  # something else of this broker has changed
    await house.app.floor.positions.of(await house.app.floor.brokers.get(rich.broker_id))
    with pytest.raises(Conflict, match="position_gone"):
        await house.app.hand.close_position(rich.user_id, held.id, uuid.uuid4())
    await house.closed(rich)
    assert len(rich.orders(side=Side.SELL)) == 1
    assert rich.total("BTC") >= 3


async def test_a_sell_out_is_not_over_while_nobody_knows_what_was_bought(house: TradingHouse) -> None:
    trader = await a_buyer(house, 8)
    await house.app.kill_switch.set(HaltScope.BROKER, trader.broker_id, HaltLevel.FLATTEN, by="the test")
    await house.until(lambda: not [one for one in house.app.kill_switch.active() if one.completed_at is None])
    await house.closed(trader)
    (sale,) = trader.orders(side=Side.SELL)
    assert sale.filled > D("0.0832")


async def test_a_second_entry_does_not_take_the_first_for_nothing(house: TradingHouse) -> None:
    trader = await a_buyer(house, 8)
    ended = await house.alert(trader, action="BuyMarket", percent=50)
    assert (ended.outcome, ended.reason) == ("no_effect", "reason.already_long")
    assert len(trader.orders()) == 1


async def test_nothing_more_is_bought_as_long_as_nobody_knows_what_was_bought(house: TradingHouse) -> None:
    trader = await a_buyer(house, 300)
    ended = await house.alert(trader, action="BuyMarket", percent=50)
    assert (ended.outcome, ended.reason) == ("refused", "error.order_in_doubt")
    assert len(trader.orders()) == 1
