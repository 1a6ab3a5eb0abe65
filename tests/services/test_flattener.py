"""Selling out: entries back, positions sold, stops gone; what was begun is finished, and nothing is sold twice."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal

import pytest

from aristobot.kinds import HaltLevel, HaltScope, LotStatus
from aristobot.orders import OrderType, Side
from aristobot.store import halts
from aristobot.store.tenancy import SYSTEM
from tests.services.trading import Trader, TradingHouse

D = Decimal


async def sell_out(house: TradingHouse, scope: HaltScope = HaltScope.ALL, scope_id: uuid.UUID | None = None) -> None:
    """Ask for everything to be sold, and wait until it is."""
    await house.app.kill_switch.set(scope, scope_id, HaltLevel.FLATTEN, by="the test")
    await house.until(lambda: all(halt.completed_at for halt in house.app.kill_switch.active()), within=10)


async def test_a_sell_out_takes_entries_back_sells_positions_and_leaves_no_stop(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    await house.alert(trader, action="BuyLimit", symbol="ETHUSDT", price=2900, percent=20)
    await sell_out(house)
    assert (await house.position(trader)).status is LotStatus.CLOSED
    assert [order for order in trader.orders() if order.is_open] == []
    assert trader.total("BTC") == D("0.00000667")


async def test_a_sell_out_touches_only_its_scope(house: TradingHouse, trader: Trader) -> None:
    neighbour = await house.trader()
    await house.buy(trader, stop_loss="59000")
    await house.buy(neighbour, stop_loss="59000")
    await sell_out(house, HaltScope.BROKER, trader.broker_id)
    assert (await house.position(trader)).status is LotStatus.CLOSED
    await house.guarded(neighbour, ("stop", "0.08324", "59000"))


async def test_a_sell_out_leaves_the_owners_other_coins_alone(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "2"})
    await house.buy(rich, stop_loss="59000", take_profit="62000")
    await sell_out(house)
    assert rich.total("BTC") == D("2.00000667")


async def test_a_sell_out_asked_for_while_the_house_was_down_is_done_at_its_start(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    now = house.clock.now()
    await house.app.db.write(
        SYSTEM,
        lambda s: halts.set_halt(
            s, scope=HaltScope.ALL, scope_id=None, level=HaltLevel.FLATTEN, by="the operator", reason="", now=now
        ),
    )
    await house.restart()
    await house.closed(trader)
    await house.until(lambda: all(halt.completed_at for halt in house.app.kill_switch.active()))


async def test_what_cannot_be_taken_back_or_sold_stops_nothing_else_from_being_sold(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    await house.alert(trader, action="BuyMarket", symbol="SOLUSDT", percent=20, stop_loss="-5%")
    await house.alert(trader, action="BuyLimit", symbol="ETHUSDT", price=2900, percent=20)
    house.faults({"on": "order.cancel", "do": "refuse_5xx", "times": 0})
    await house.app.kill_switch.set(HaltScope.ALL, None, HaltLevel.FLATTEN, by="the test")
    await house.until(lambda: trader.total("BTC") < D("0.00001"), within=30)
    house.no_faults()
    await house.until(lambda: all(halt.completed_at for halt in house.app.kill_switch.active()), within=30)
    assert [order for order in trader.orders() if order.is_open] == []


@pytest.mark.parametrize("moment", ["list.cancel", "order.place"])
async def test_a_sell_out_cut_short_is_finished_after_a_restart_and_sells_once(house: TradingHouse, moment: str) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "2"})
    await house.buy(rich, stop_loss="59000", take_profit="62000")
    house.faults({"on": moment, "do": "slow_reply", "seconds": 0.5})
    await house.app.kill_switch.set(HaltScope.ALL, None, HaltLevel.FLATTEN, by="the test")
    await house.until(lambda: bool(house.asked(moment)))
    await house.restart()
    await house.closed(rich)
    await house.until(lambda: all(halt.completed_at for halt in house.app.kill_switch.active()), within=10)
    assert rich.total("BTC") == D("2.00000667")
    assert len(rich.orders(type=OrderType.MARKET, side=Side.SELL)) == 1


async def test_a_sale_in_doubt_is_not_repeated_by_the_sell_out(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "2"})
    await house.buy(rich, stop_loss="59000", take_profit="62000")
    house.faults({"on": "order.place", "do": "delayed_accept", "seconds": 0.5})
    await sell_out(house)
    assert rich.total("BTC") == D("2.00000667")


async def test_a_broker_that_cannot_be_reached_does_not_keep_the_others_from_being_sold(
    house: TradingHouse, trader: Trader
) -> None:
    silent = await house.trader()
    await house.buy(trader, stop_loss="59000")
    await house.buy(silent, stop_loss="59000")
    house.faults({"on": "any", "do": "refuse_5xx", "key": silent.account.key, "times": 0})
    setting = house.app.kill_switch.set(HaltScope.ALL, None, HaltLevel.FLATTEN, by="the test")
    await asyncio.gather(setting, house.closed(trader))
    assert (await house.position(silent)).status is LotStatus.OPEN
    house.no_faults()
    await house.closed(silent)
