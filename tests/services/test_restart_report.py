"""After a start everybody is told, before anything trades, what happened to their own while the house was away."""

from __future__ import annotations

import pytest

from services.restart_report import CANCELLED, FILLED
from tests.services.trading import Trader, TradingHouse


async def told(house: TradingHouse, trader: Trader) -> list[tuple[str, str, str]]:
    """Kind, role and symbol of what the report says."""
    found = await house.app.monitor.reports.newest(trader.user_id)
    assert found is not None
    return sorted((one["kind"], one["role"], one["symbol"]) for one in found.row.items or ())


async def test_a_stop_that_was_reached_meanwhile_is_reported(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    await house.restart(meanwhile=lambda: house.price("58000"))
    assert await told(house, trader) == [(CANCELLED, "target", "BTC/USDT"), (FILLED, "stop", "BTC/USDT")]


async def test_an_order_cancelled_by_hand_meanwhile_is_reported_to_its_owner_alone(house: TradingHouse, trader: Trader) -> None:
    other = await house.trader()
    await house.alert(trader, action="BuyLimit", price=59000, percent=50)
    (order,) = [one for one in trader.orders() if one.is_open]
    await house.restart(meanwhile=lambda: house.simulator.venue.cancel(order))
    assert await told(house, trader) == [(CANCELLED, "entry", "BTC/USDT")]
    assert await told(house, other) == []


async def test_a_report_that_was_put_away_is_not_shown_again(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="-2%")
    await house.restart(meanwhile=lambda: house.price("58000"))
    reports = house.app.monitor.reports
    found = await reports.newest(trader.user_id)
    assert found is not None
    assert found.worth_showing
    other = await house.trader()
    await reports.put_away(other.user_id, found.row.id)
    still = await reports.newest(trader.user_id)
    assert still is not None
    assert still.worth_showing
    await reports.put_away(trader.user_id, found.row.id)
    after = await reports.newest(trader.user_id)
    assert after is not None
    assert not after.worth_showing


async def test_a_broker_that_cannot_be_compared_stays_closed_and_the_report_says_so(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "account", "do": "refuse_5xx", "times": 0})
    await house.restart()
    found = await house.app.monitor.reports.newest(trader.user_id)
    assert found is not None
    assert [one.id for one in found.closed] == [trader.broker_id]
    assert found.worth_showing
    house.no_faults()
    await house.until(lambda: trader.broker_id in house.app.floor.reconciled, within=15)
    found = await house.app.monitor.reports.newest(trader.user_id)
    assert found is not None
    assert found.closed == ()


@pytest.mark.parametrize("silent", ["any", "order.status"])
async def test_what_a_broker_tells_only_later_is_added_to_the_report_and_shown_again(
    house: TradingHouse, trader: Trader, silent: str
) -> None:
    await _away_and_stopped_out(house, trader, silent)
    reports = house.app.monitor.reports
    early = await reports.newest(trader.user_id)
    assert early is not None
    assert (CANCELLED, "target", "BTC/USDT") not in await told(house, trader)
    await reports.put_away(trader.user_id, early.row.id)
    await _answers_again(house, trader)
    await house.when(lambda: _is_told_of(house, trader, 2), within=15)
    assert await told(house, trader) == [(CANCELLED, "target", "BTC/USDT"), (FILLED, "stop", "BTC/USDT")]
    late = await reports.newest(trader.user_id)
    assert late is not None
    assert late.row.id == early.row.id
    assert late.worth_showing


async def test_what_was_told_before_a_broker_was_wholly_compared_is_not_told_twice(house: TradingHouse, trader: Trader) -> None:
    await _away_and_stopped_out(house, trader, "account")
    assert await told(house, trader) == [(CANCELLED, "target", "BTC/USDT"), (FILLED, "stop", "BTC/USDT")]
    await _answers_again(house, trader)
    await house.clock.sleep(30)
    assert await told(house, trader) == [(CANCELLED, "target", "BTC/USDT"), (FILLED, "stop", "BTC/USDT")]


async def _away_and_stopped_out(house: TradingHouse, trader: Trader, silent: str) -> None:
    """The stop is reached while the house is away; when it is back, the exchange does not answer such questions."""
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")

    def meanwhile() -> None:
        house.price("58000")
        house.faults({"on": silent, "do": "refuse_5xx", "times": 0})

    await house.restart(meanwhile=meanwhile)
    assert trader.broker_id not in house.app.floor.reconciled


async def _answers_again(house: TradingHouse, trader: Trader) -> None:
    house.no_faults()
    await house.until(lambda: trader.broker_id in house.app.floor.reconciled, within=60)


async def _is_told_of(house: TradingHouse, trader: Trader, count: int) -> bool:
    return len(await told(house, trader)) == count
