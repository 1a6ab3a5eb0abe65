"""Orders whose answer got lost: looked for until found, and given up only after the fence and every proof."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

from aristobot.orders import OrderStatus, OrderType, Side
from services.order_draft import PlaceOrder
from services.order_resolver import CLOCK_SKEW, ENGINE_MAX, REPLICA_LAG, fence
from tests.builders import MIDNIGHT
from tests.services.trading import Trader, TradingHouse

D = Decimal
S = OrderStatus


def a_buy(trader: Trader, symbol: str = "BTC/USDT") -> PlaceOrder:
    """A hundredth of a coin at the market."""
    return PlaceOrder(broker_id=trader.broker_id, symbol=symbol, side=Side.BUY, type=OrderType.MARKET, quantity=D("0.01"))


def test_the_fence_lies_behind_every_delay_an_exchange_may_cause() -> None:
    assert fence(MIDNIGHT, 5.0) == MIDNIGHT + timedelta(seconds=5 + ENGINE_MAX + CLOCK_SKEW + REPLICA_LAG)


async def test_an_order_that_is_not_found_is_not_given_up_before_its_fence(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults({"on": "order.place", "do": "-1007", "accept": False})
    row = await house.app.desk.place(trader.user_id, a_buy(trader))
    assert row.status is S.NOT_ACCEPTED
    assert row.fence_at is not None
    assert row.done_at is not None
    assert row.done_at > row.fence_at
    assert len(house.asked("order.status")) >= 2
    assert house.asked("orders.open")
    assert house.asked("orders.all")


async def test_an_order_that_appears_just_before_the_fence_is_found(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults({"on": "order.place", "do": "delayed_accept", "seconds": 4.5})
    row = await house.app.desk.place(trader.user_id, a_buy(trader))
    assert (row.status, row.filled) == (S.FILLED, D("0.01"))
    assert len(trader.orders()) == 1


async def test_reads_that_lag_behind_prove_nothing(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults(
        {"on": "any.message", "do": "drop_message", "times": 0},
        {"on": "order.place", "do": "accept_then_5xx"},
        {"on": "order.status", "do": "lagging_reads", "seconds": 9, "times": 8},
    )
    row = await house.app.desk.place(trader.user_id, a_buy(trader))
    assert (row.status, row.filled) == (S.FILLED, D("0.01"))


async def test_what_was_proven_is_not_asked_again_when_the_exchange_puts_the_rest_off(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults(
        {"on": "order.place", "do": "-1007", "accept": False},
        {"on": "orders.all", "do": "429", "retry_after": 1, "times": 2},
    )
    row = await house.app.desk.place(trader.user_id, a_buy(trader))
    assert row.status is S.NOT_ACCEPTED
    search = ("order.status", "orders.all")
    asked = [entry.event for entry in house.simulator.world.journal.entries if entry.event in search]
    assert asked[-3:] == ["orders.all"] * 3


async def test_searching_through_an_outage_ends_with_the_truth(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults(
        {"on": "any.message", "do": "drop_message", "times": 0},
        {"on": "order.place", "do": "accept_then_5xx"},
        {"on": "order.status", "do": "refuse_5xx", "times": 12},
    )
    row = await house.app.desk.place(trader.user_id, a_buy(trader))
    assert (row.status, row.filled) == (S.FILLED, D("0.01"))


async def test_no_entry_goes_out_on_a_symbol_whose_last_order_is_in_doubt(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "order.place", "do": "-1007", "accept": False})
    lost = asyncio.ensure_future(house.app.desk.place(trader.user_id, a_buy(trader)))
    await house.settled(trader, 1, status=S.UNKNOWN)
    second = await house.app.desk.place(trader.user_id, a_buy(trader))
    assert (second.status, second.reason) == (S.DENIED, "order_in_doubt")
    elsewhere = await house.app.desk.place(trader.user_id, a_buy(trader, "ETH/USDT"))
    assert elsewhere.status is S.FILLED
    lost.cancel()


async def test_doubt_outlives_a_restart_and_so_does_its_fence(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults({"on": "order.place", "do": "-1007", "accept": False})
    lost = asyncio.ensure_future(house.app.desk.place(trader.user_id, a_buy(trader)))
    (before,) = await house.settled(trader, 1, status=S.UNKNOWN)
    lost.cancel()
    await house.restart()
    (after,) = await house.settled(trader, 1, status=S.NOT_ACCEPTED)
    assert after.fence_at == before.fence_at
    assert after.done_at is not None
    assert before.fence_at is not None
    assert after.done_at > before.fence_at
    assert trader.orders() == []


async def test_fills_that_cannot_be_read_are_asked_for_until_they_come(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults(
        {"on": "any.message", "do": "drop_message", "times": 0},
        {"on": "order.place", "do": "accept_then_5xx"},
        {"on": "fills", "do": "lagging_reads", "seconds": 30, "times": 12},
    )
    row = await house.app.desk.place(trader.user_id, a_buy(trader))
    assert row.status is S.FILLED
    await house.holds(trader, "0.00999")


async def test_fills_that_cannot_be_written_are_asked_for_until_they_can(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults(
        {"on": "any.message", "do": "drop_message", "times": 0},
        {"on": "order.place", "do": "accept_then_5xx"},
        {"on": "fills", "do": "lagging_reads", "seconds": 5, "times": 12},
    )
    await house.app.desk.place(trader.user_id, a_buy(trader))
    with house.unwritable("fills"):
        await house.clock.sleep(30)
    await house.holds(trader, "0.00999")


async def test_fills_that_were_missing_at_a_stop_are_asked_for_at_the_next_start(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults(
        {"on": "any.message", "do": "drop_message", "times": 0},
        {"on": "order.place", "do": "accept_then_5xx"},
        {"on": "fills", "do": "lagging_reads", "seconds": 300, "times": 0},
    )
    await house.app.desk.place(trader.user_id, a_buy(trader))
    await house.restart(meanwhile=house.no_faults)
    await house.holds(trader, "0.00999")
