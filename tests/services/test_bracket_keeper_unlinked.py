"""Where nothing is linked the stop rests and we watch the targets: through faults, gaps and restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.kinds import BracketStatus, LotStatus, OrderRole, Protection
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store import brackets
from services.exit_plan import ExitPlan
from tests.services.trading import Trader, TradingHouse, a_trading_house
from tests.services.unlinked import UnlinkedHouse

D = Decimal
S = OrderStatus
STOP = ("stop", "0.08324", "59000")
REFUSED = {"do": "wrong_clock", "offset_ms": 60_000}


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[TradingHouse]:
    """A house that trades where nothing is linked."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=UnlinkedHouse) as opened:
        yield opened


async def a_holder(house: TradingHouse, **exits: object) -> Trader:
    """Somebody who holds bitcoin above a stop at 59,000, with a target at 62,000 that nobody but us knows."""
    trader = await house.trader()
    await house.buy(trader, **({"stop_loss": "59000", "take_profit": "62000"} | exits))
    await house.guarded(trader, STOP)
    return trader


async def protection(house: TradingHouse, trader: Trader) -> Protection | None:
    """Who sees to the exits of the newest position."""
    position = await house.position(trader)
    return (await house.read(lambda s: brackets.guarded(s, position.id))).protection


def sold(trader: Trader) -> Decimal:
    """What the exchange sold for them."""
    return sum((order.filled for order in trader.orders(side=Side.SELL)), D(0))


async def test_the_stop_rests_and_the_target_is_shown_although_no_order_carries_it(house: TradingHouse) -> None:
    holder = await a_holder(house)
    state = await house.state(holder)
    assert (state.stop_loss, state.take_profit, state.target_order_id) == (D(59000), D(62000), None)
    assert await protection(house, holder) is Protection.HALF


async def test_a_watched_target_is_sold_as_soon_as_the_price_reaches_it(house: TradingHouse) -> None:
    holder = await a_holder(house)
    house.price("62010")
    position = await house.closed(holder)
    assert position.sold == D("0.08324")
    (stop,) = holder.orders(type=OrderType.STOP_LOSS)
    (sale,) = holder.orders(type=OrderType.MARKET, side=Side.SELL)
    assert (stop.status, sale.filled) == (S.CANCELED, D("0.08324"))


async def test_a_target_of_a_half_is_sold_and_the_other_half_stays_under_the_stop(house: TradingHouse) -> None:
    holder = await a_holder(house, take_profit=[["50%", "61000"], ["50%", "62000"]])
    house.price("61001")
    await house.holds(holder, "0.04162667")
    await house.guarded(holder, ("stop", "0.04162", "59000"))
    house.price("62001")
    await house.closed(holder)
    assert sold(holder) == D("0.08324")


async def test_two_targets_passed_at_once_are_both_sold(house: TradingHouse) -> None:
    holder = await a_holder(house, take_profit=[["50%", "61000"], ["50%", "62000"]])
    house.price("62500")
    await house.closed(holder)
    assert sold(holder) == D("0.08324")
    assert len(holder.orders(type=OrderType.MARKET, side=Side.SELL)) == 2


async def test_when_the_sale_is_refused_the_stop_is_put_back(house: TradingHouse) -> None:
    holder = await a_holder(house)
    house.faults({"on": "order.place", **REFUSED})
    house.price("62010")
    await house.settled(holder, 1, role=OrderRole.TARGET, status=S.REJECTED)
    await house.guarded(holder, STOP)
    await house.closed(holder)
    assert sold(holder) == D("0.08324")


@pytest.mark.parametrize("lost", ["accept_then_5xx", "disconnect", "-1007"])
async def test_a_sale_whose_answer_got_lost_is_found_and_not_doubled(house: TradingHouse, lost: str) -> None:
    holder = await a_holder(house)
    house.faults({"on": "order.place", "do": lost})
    house.price("62010")
    await house.closed(holder)
    assert len(holder.orders(type=OrderType.MARKET, side=Side.SELL)) == 1
    assert len(holder.orders(type=OrderType.STOP_LOSS)) == 1


async def test_a_sale_that_never_arrived_gives_the_position_its_stop_back_within_seconds(house: TradingHouse) -> None:
    holder = await a_holder(house)
    house.faults({"on": "order.place", "do": "-1007", "accept": False})
    began = house.clock.monotonic()
    house.price("62010")
    await house.until(lambda: bool(holder.orders(type=OrderType.STOP_LOSS, status=S.CANCELED)))
    house.price("61000")
    await house.guarded(holder, STOP)
    assert house.clock.monotonic() - began < 15


async def test_a_price_that_ran_away_while_the_stop_was_taken_back_is_not_sold_after(house: TradingHouse) -> None:
    holder = await a_holder(house)
    house.faults({"on": "order.cancel", "do": "slow", "seconds": 0.3})
    house.price("62010")
    await house.until(lambda: bool(house.asked("order.cancel")))
    house.price("60500")
    await house.until(lambda: len(holder.orders(type=OrderType.STOP_LOSS)) == 2)
    await house.guarded(holder, STOP)
    assert sold(holder) == 0


async def test_nothing_is_sold_for_a_price_that_is_gone(house: TradingHouse) -> None:
    holder = await a_holder(house)
    position = await house.position(holder)
    await house.clock.sleep(0.5)  # nobody looks at the position of itself for some seconds now
    for old in ("62500", "58000"):
        house.app.prices.note("binance", "BTC/USDT", D(old))
        await house.clock.sleep(1.2)
        await house.app.keeper.resume(holder.user_id, position.id)
    await house.guarded(holder, STOP)
    assert (sold(holder), house.asked("order.cancel")) == (D(0), [])


async def test_a_stop_that_is_hit_while_it_is_taken_back_sells_only_once(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "5"})
    await house.buy(rich, stop_loss="59000", take_profit="62000")
    house.faults({"on": "order.cancel", "do": "slow", "seconds": 0.3})
    house.price("62010")
    await house.until(lambda: bool(house.asked("order.cancel")))
    house.price("58000")
    await house.closed(rich)
    assert rich.total("BTC") == D("5.00000667")


async def test_a_price_below_the_stop_while_nothing_rests_is_sold_at_the_market(house: TradingHouse) -> None:
    holder = await a_holder(house)
    house.faults({"on": "order.place", "do": "slow", "seconds": 0.4})
    moving = asyncio.ensure_future(house.alert(holder, action="MAJ", stop_loss="59500"))
    await house.until(lambda: len(house.asked("order.place")) == 3)
    house.price("58000")
    await moving
    await house.closed(holder)
    assert sold(holder) == D("0.08324")


async def test_only_the_target_is_moved_without_a_word_to_the_exchange(house: TradingHouse) -> None:
    holder = await a_holder(house)
    asked = len(house.simulator.world.journal.entries)
    ended = await house.alert(holder, action="MAJ", take_profit="63000")
    assert ended.outcome == "updated"
    changes = {entry.event for entry in list(house.simulator.world.journal.entries)[asked:]}
    assert not changes & {"order.cancel", "order.place", "order.replace", "order.amend"}
    assert (await house.state(holder)).take_profit == D(63000)
    house.price("62010")
    house.price("63010")
    await house.closed(holder)
    assert holder.orders(type=OrderType.MARKET, side=Side.SELL)[0].quote_filled > D("5240")


async def test_a_target_without_a_stop_rests_at_the_exchange(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader, take_profit="62000")
    await house.guarded(trader, ("target", "0.08324", "62000"))
    assert await protection(house, trader) is Protection.EXCHANGE


async def test_an_entry_that_fills_in_parts_is_guarded_part_by_part(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults({"on": "order.fill", "do": "partial_fill", "fraction": "0.5"})
    await house.alert(trader, action="BuyLimit", price="59900", percent=50, stop_loss="59000", take_profit="62000")
    house.price("59900")
    await house.guarded(trader, ("entry", "0.08347", "59900"), ("stop", "0.04168", "59000"))
    house.price("59950")
    house.price("59890")
    await house.guarded(trader, ("stop", "0.08338", "59000"))


@pytest.mark.parametrize("moment", ["order.cancel", "order.place"])
async def test_a_restart_in_the_middle_of_a_target_finishes_it(house: TradingHouse, moment: str) -> None:
    holder = await a_holder(house)
    before = len(house.asked(moment))
    house.faults({"on": moment, "do": "slow_reply", "seconds": 0.6})
    house.price("62010")
    await house.until(lambda: len(house.asked(moment)) > before)
    await house.restart()
    await house.closed(holder)
    assert len(holder.orders(type=OrderType.MARKET, side=Side.SELL)) == 1
    assert sold(holder) == D("0.08324")


async def test_a_restart_with_the_stop_taken_back_and_the_price_gone_puts_the_stop_back(house: TradingHouse) -> None:
    holder = await a_holder(house)
    house.faults({"on": "order.cancel", "do": "slow_reply", "seconds": 0.6})
    house.price("62010")
    await house.until(lambda: bool(holder.orders(type=OrderType.STOP_LOSS, status=S.CANCELED)))
    await house.restart(meanwhile=lambda: house.price("60000"))
    await house.guarded(holder, STOP)
    assert (sold(holder), (await house.position(holder)).status) == (D(0), LotStatus.OPEN)


async def test_a_target_reached_while_the_house_was_away_is_sold_at_its_start(house: TradingHouse) -> None:
    holder = await a_holder(house)
    await house.restart(meanwhile=lambda: house.price("62500"))
    await house.closed(holder)
    assert sold(holder) == D("0.08324")


async def test_without_its_stop_a_position_is_watched_by_the_bot_alone(house: TradingHouse) -> None:
    trader = await house.trader()
    position = await house.buy(trader)
    house.faults({"on": "order.place", **REFUSED, "times": 0})
    await house.app.keeper.guard(trader.user_id, position.id, ExitPlan(D(59000), ((D(100), D(62000)),)))
    assert await protection(house, trader) is Protection.BOT
    house.no_faults()
    await house.guarded(trader, STOP)

    async def is_at_rest() -> bool:
        bracket = await house.bracket(trader)
        return bracket is not None and (bracket.status, bracket.unprotected_since) == (BracketStatus.ACTIVE, None)

    await house.when(is_at_rest)
    assert await protection(house, trader) is Protection.HALF
