"""An exit for which the market has too few takers is gone on with until all that it meant is sold; the stop rests in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.orders import OrderStatus, OrderType, Side
from tests.services.at_work import WorkingHouse, a_working_house
from tests.services.kraken import KrakenHouse
from tests.services.trading import Trader, TradingHouse, a_trading_house

D = Decimal
S = OrderStatus
PART = {"on": "order.place", "do": "partial_fill", "rest": "expire"}


@pytest.fixture(params=[TradingHouse, KrakenHouse])
async def house(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, leaping: None
) -> AsyncIterator[TradingHouse]:
    """A house that trades, where a bitcoin costs 60,000."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=request.param) as opened:
        yield opened


@pytest.fixture
async def working(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[WorkingHouse]:
    """A house whose strategies may work."""
    async with a_working_house(tmp_path / "working", sqlite_template, WorkingHouse) as opened:
        yield opened


def sold(trader: Trader) -> Decimal:
    """What the exchange sold for them."""
    return sum((order.filled for order in trader.orders(side=Side.SELL)), D(0))


@pytest.mark.parametrize("fraction", ["0.5", "0"])
async def test_an_exit_that_finds_too_few_takers_goes_on_until_all_is_sold(house: TradingHouse, fraction: str) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "3"})
    await house.buy(rich, stop_loss="59000")
    house.faults({**PART, "fraction": fraction})
    ended = await house.alert(rich, action="SellMarket")
    assert ended.outcome == "ordered"
    await house.closed(rich)
    await house.guarded(rich)
    assert 3 <= rich.total("BTC") < D("3.0001")
    sales = await house.rows(rich, side="sell", type=OrderType.MARKET)
    assert [row.id.hex for row in sales if row.filled] == ended.order_ids


async def test_a_share_for_which_there_are_too_few_takers_is_sold_and_no_more(house: TradingHouse) -> None:
    trader = await house.trader()
    held = await house.buy(trader, stop_loss="59000")
    house.faults({**PART, "fraction": "0.5"}, {**PART, "fraction": "0.5"})
    assert (await house.alert(trader, action="SellMarket", percent=40)).outcome == "ordered"
    assert abs(sold(trader) - held.quantity * 2 / 5) < D("0.00003")
    assert [role for role, _, _ in await house.resting(trader)] == ["stop"]


@pytest.mark.parametrize("percent", [100, 40])
async def test_a_restart_between_two_parts_of_an_exit_loses_neither_of_them(
    house: TradingHouse, percent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader = await house.trader()
    held = await house.buy(trader, stop_loss="59000")
    house.faults({**PART, "fraction": "0.5"})
    monkeypatch.setattr("services.webhook_trading._EXIT_PAUSES", (1000.0,))  # it stands still between its rounds
    alert = await house.send(trader, {"symbol": "BTCUSDT", "action": "SellMarket", "percent": percent})
    await house.until(lambda: sold(trader) > 0)
    await house.clock.sleep(1)
    await house.restart()
    assert (await house.ended(alert)).outcome == "ordered"
    assert abs(sold(trader) - held.quantity * percent / 100) < D("0.00003")


async def test_a_market_without_takers_ends_an_exit_as_refused_and_leaves_the_stop(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="59000")
    house.faults({**PART, "fraction": "0", "times": 0})
    ended = await house.alert(trader, action="SellMarket", within=400)
    assert (ended.outcome, ended.reason) == ("refused", "error.nothing_filled")
    assert [role for role, _, _ in await house.resting(trader)] == ["stop"]


async def test_a_strategy_that_finds_too_few_takers_sells_the_rest_as_well(working: WorkingHouse) -> None:
    trader = await working.worker()
    active = await working.activation(trader)
    await working.minute(active)
    await working.minute(active, "61000")
    (bought,) = await working.settled(trader, 1, side="buy", status=S.FILLED)
    working.faults({**PART, "fraction": "0.5"}, {**PART, "fraction": "0"})
    await working.minute(active, "59000")
    assert abs(sold(trader) - bought.quantity) < D("0.00002")
    codes = [one.code for one in await working.lines(active)]
    assert codes.count("reason.run_sold") == 2
