"""A target that fills in parts sells its share of the position, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.orders import OrderStatus, Side
from tests.services.kraken import KrakenHouse
from tests.services.trading import Trader, TradingHouse, a_trading_house

D = Decimal
S = OrderStatus
HALVES = [["50%", "61000"], ["50%", "64000"]]


@pytest.fixture(params=[TradingHouse, KrakenHouse])
async def house(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, leaping: None
) -> AsyncIterator[TradingHouse]:
    """A house that trades, where targets rest at the exchange and where they are watched."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=request.param) as opened:
        yield opened


def sold(trader: Trader) -> Decimal:
    """What the exchange sold for them."""
    return sum((order.filled for order in trader.orders(side=Side.SELL)), D(0))


async def fills_in_part(house: TradingHouse, trader: Trader, event: str) -> None:
    """The price reaches the first target, which finds takers for a half of what it sells."""
    before = sold(trader)
    house.faults({"on": event, "do": "partial_fill", "fraction": "0.5", "rest": "expire"})
    house.price("61100")
    await house.until(lambda: sold(trader) > before)
    house.price("60500")
    await house.clock.sleep(15)


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
async def test_a_target_that_fills_in_parts_sells_its_share_and_no_more(house: TradingHouse, restarted: bool) -> None:
    trader = await house.trader()
    position = await house.buy(trader, stop_loss="58000", take_profit=HALVES)
    event = "order.fill" if house.exchange == "binance" else "order.place"
    for _ in range(3):
        await fills_in_part(house, trader, event)
    if restarted:
        await house.restart()
    house.no_faults()
    house.price("61200")
    await house.until(lambda: abs(sold(trader) - position.quantity / 2) < D("0.00003"))
    await house.clock.sleep(30)
    assert abs(sold(trader) - position.quantity / 2) < D("0.00003")
    house.price("64100")
    await house.closed(trader)


async def test_what_is_left_of_a_target_stays_its_share_when_the_stop_is_moved(house: TradingHouse) -> None:
    trader = await house.trader()
    position = await house.buy(trader, stop_loss="58000", take_profit=HALVES)
    await fills_in_part(house, trader, "order.fill" if house.exchange == "binance" else "order.place")
    assert (await house.alert(trader, action="MAJ", stop_loss="58500")).outcome == "updated"
    await house.clock.sleep(10)
    house.price("61200")
    await house.until(lambda: abs(sold(trader) - position.quantity / 2) < D("0.00003"))
    await house.clock.sleep(30)
    assert abs(sold(trader) - position.quantity / 2) < D("0.00003")
