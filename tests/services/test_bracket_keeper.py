"""A position stays guarded: through refusals, doubt, partial fills, crossings and emergencies."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal
from typing import Any

import pytest

from aristobot.kinds import BracketStatus, HaltLevel, LotStatus, WebhookStatus
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store import brackets, positions
from aristobot.store.tenancy import GuardedSession
from services.exit_plan import ExitPlan
from tests.services.trading import Trader, TradingHouse

D = Decimal
S = OrderStatus
GUARDED = (("stop", "0.08324", "59000"), ("target", "0.08324", "62000"))
#: Business is refused for certain: the exchange takes our clock to be a minute slow.
REFUSED = {"do": "wrong_clock", "offset_ms": 60_000}


@pytest.fixture
async def holder(house: TradingHouse, trader: Trader) -> Trader:
    """Somebody who holds bitcoin between a stop at 59,000 and a target at 62,000."""
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    await house.guarded(trader, *GUARDED)
    return trader


async def test_a_move_that_is_refused_puts_the_old_exits_up_again(house: TradingHouse, holder: Trader) -> None:
    house.faults({"on": "list.place", **REFUSED})
    ended = await house.alert(holder, action="MAJ", stop_loss="59500")
    assert (ended.outcome, ended.reason) == ("refused", "reason.move_refused")
    await house.guarded(holder, *GUARDED)
    bracket = await house.bracket(holder)
    assert bracket is not None
    assert (bracket.status, bracket.stop_price) == (BracketStatus.ACTIVE, D(59000))


async def test_a_refused_move_does_not_take_a_target_once_more_that_was_reached(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="58000", take_profit=[["50%", "61000"], ["50%", "64000"]])
    await house.settled(trader, 2, role="stop", status=S.OPEN)
    house.price("61100")
    await house.settled(trader, 1, role="stop", status=S.OPEN)
    await house.clock.sleep(6)  # moves keep a distance of five seconds
    house.faults({"on": "list.place", **REFUSED})
    ended = await house.alert(trader, action="MAJ", stop_loss="59500")
    assert (ended.outcome, ended.reason) == ("refused", "reason.move_refused")
    await house.guarded(trader, ("stop", "0.04162", "58000"), ("target", "0.04162", "64000"))
    assert trader.total("BTC") > D("0.0416")


async def test_a_move_whose_rollback_is_refused_too_is_tried_until_it_succeeds(house: TradingHouse, holder: Trader) -> None:
    house.faults({"on": "list.place", **REFUSED, "times": 2})
    await house.alert(holder, action="MAJ", stop_loss="59500")
    await house.guarded(holder, ("stop", "0.08324", "59500"), ("target", "0.08324", "62000"))


async def test_a_position_that_cannot_be_guarded_alarms_and_is_sold_after_half_a_minute(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    began = house.clock.monotonic()
    house.faults({"on": "list.place", **REFUSED, "times": 0})
    await house.alert(trader, action="MAJ", stop_loss="59500")
    await house.closed(trader)
    assert 30 <= house.clock.monotonic() - began < 45
    level = house.app.kill_switch.level(trader.user_id, trader.broker_id)
    assert level is HaltLevel.REDUCE


async def test_entries_are_stopped_for_want_of_a_stop_although_the_memory_refused_it_at_first(house: TradingHouse) -> None:
    trader = await house.trader()
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    house.faults({"on": "list.place", **REFUSED, "times": 0})
    await house.alert(trader, action="MAJ", stop_loss="59500")
    with house.unwritable("halts"):
        await house.clock.sleep(20)
    await house.closed(trader)
    assert house.app.kill_switch.level(trader.user_id, trader.broker_id) is HaltLevel.REDUCE


async def test_a_fault_of_the_house_leaves_no_position_to_itself(house: TradingHouse, trader: Trader) -> None:
    position = await house.buy(trader)

    def work(session: GuardedSession) -> None:
        brackets.ask(session, position.id, D(59000), [], house.clock.now()).targets = [["100"]]  # nobody can read that

    await house.app.db.write(trader.user_id, work)
    house.app.keeper.price_met(trader.user_id, position.id)
    await house.until(lambda: house.app.kill_switch.level(trader.user_id, trader.broker_id) is HaltLevel.REDUCE)
    assert await house.resting(trader) == []
    await house.app.db.write(trader.user_id, lambda s: mended(s, position.id))
    await house.until(lambda: not house.app.keeper.is_in_gap(position.id))


def mended(session: GuardedSession, position_id: uuid.UUID) -> None:
    """What nobody could make anything of is gone."""
    bracket = positions.bracket_of(session, position_id)
    assert bracket is not None
    bracket.targets, bracket.rollback = [], None
    session.add(bracket)


@pytest.mark.parametrize("lost", ["accept_then_5xx", "accept_then_hang", "disconnect", "short_body", "-1007"])
async def test_exits_whose_answer_got_lost_are_found_and_not_doubled(house: TradingHouse, trader: Trader, lost: str) -> None:
    house.faults({"on": "list.place", "do": lost})
    await house.buy(trader, stop_loss="59000", take_profit=[["50%", "61000"], ["50%", "62000"]])
    await house.guarded(
        trader,
        ("stop", "0.04162", "59000"),
        ("stop", "0.04162", "59000"),
        ("target", "0.04162", "61000"),
        ("target", "0.04162", "62000"),
    )
    assert len(trader.orders(type=OrderType.STOP_LOSS)) == 2


async def test_an_entry_with_exits_whose_answer_got_lost_is_found_with_them(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "list.place", "do": "accept_then_5xx"})
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    await house.guarded(trader, *GUARDED)
    assert len(trader.orders()) == 3


async def test_a_cancel_whose_answer_got_lost_does_not_leave_two_stops(house: TradingHouse, holder: Trader) -> None:
    house.faults({"on": "list.cancel", "do": "accept_then_5xx"})
    ended = await house.alert(holder, action="MAJ", stop_loss="59500")
    assert ended.outcome == "updated"
    await house.guarded(holder, ("stop", "0.08324", "59500"), ("target", "0.08324", "62000"))


async def test_moves_that_follow_each_other_at_once_are_done_as_one_five_seconds_later(house: TradingHouse) -> None:
    trader = await house.trader()
    position = await house.buy(trader, stop_loss="59000", take_profit="62000")
    for stop in (59100, 59200, 59300, 59400):
        await house.app.keeper.guard(trader.user_id, position.id, ExitPlan(D(stop), ((D(100), D(62000)),)))
    await house.guarded(trader, ("stop", "0.08324", "59400"), ("target", "0.08324", "62000"))
    first, second = (entry.at for entry in house.simulator.world.journal.entries if entry.event == "list.cancel")
    assert second - first >= 4900


async def test_an_exit_that_crosses_the_stop_sells_only_once(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "5"})
    await house.buy(rich, stop_loss="59000", take_profit="62000")
    house.faults({"on": "list.cancel", "do": "slow", "seconds": 0.15})
    leaving = asyncio.ensure_future(house.alert(rich, action="SellMarket"))
    await house.until(lambda: bool(house.asked("list.cancel")))
    house.price("58000")
    ended = await leaving
    assert (ended.outcome, ended.reason) == ("no_effect", "reason.exit_already_filled")
    assert rich.total("BTC") == D("5.00000667")
    await house.closed(rich)


async def test_nobody_puts_the_stop_up_again_while_an_exit_is_under_way(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "5"})
    position = await house.buy(rich, stop_loss="59000", take_profit="62000")
    house.faults({"on": "order.place", "do": "slow", "seconds": 0.3})
    leaving = asyncio.ensure_future(house.alert(rich, action="SellMarket"))
    await house.until(lambda: bool(house.asked("order.place")))
    looking = asyncio.ensure_future(house.app.keeper.resume(rich.user_id, position.id))
    assert (await leaving).outcome == "ordered"
    await looking
    assert rich.total("BTC") == D("5.00000667")
    assert len(rich.orders(type=OrderType.STOP_LOSS)) == 1


async def test_an_exit_whose_answer_got_lost_is_not_repeated_and_no_stop_is_put_beside_it(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "5"})
    await house.buy(rich, stop_loss="59000", take_profit="62000")
    house.faults({"on": "order.place", "do": "delayed_accept", "seconds": 0.4})
    assert (await house.alert(rich, action="SellMarket")).outcome == "ordered"
    assert rich.total("BTC") == D("5.00000667")
    assert len(rich.orders(type=OrderType.STOP_LOSS)) == 1


async def test_an_exit_that_the_exchange_refuses_for_a_while_is_tried_again(house: TradingHouse, holder: Trader) -> None:
    house.faults({"on": "order.place", **REFUSED, "times": 6})
    ended = await house.alert(holder, action="SellMarket", within=15)
    assert ended.outcome == "ordered"
    assert len(holder.orders(type=OrderType.MARKET, status=S.FILLED)) == 1
    await house.closed(holder)


async def test_a_target_that_fills_in_part_leaves_the_rest_guarded(house: TradingHouse, holder: Trader) -> None:
    house.faults({"on": "order.fill", "do": "partial_fill", "fraction": "0.5"})
    house.price("62000")
    house.price("61000")
    await house.holds(holder, "0.04162667")
    await house.guarded(holder, ("stop", "0.04162", "59000"), ("target", "0.04162", "62000"))


async def test_a_stop_that_fills_in_part_and_expires_leaves_the_rest_to_be_sold(house: TradingHouse, holder: Trader) -> None:
    house.faults({"on": "order.fill", "do": "partial_fill", "fraction": "0.5", "rest": "expire"})
    house.price("58500")
    position = await house.closed(holder)
    assert position.sold == D("0.08324")


async def test_half_a_bracket_is_completed_without_touching_the_half_that_stands(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit=[["50%", "61000"], ["50%", "62000"]])
    first, second = trader.orders(type=OrderType.STOP_LOSS)
    house.simulator.venue.cancel(second)
    await house.until(lambda: len(trader.orders(type=OrderType.STOP_LOSS)) == 3)
    await house.settled(trader, 4, status=S.OPEN)
    assert first.is_open


async def test_two_halves_move_one_after_the_other(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit=[["50%", "61000"], ["50%", "62000"]])
    before = len(house.simulator.world.journal.entries)
    await house.alert(trader, action="MAJ", stop_loss="59500")
    events = [entry.event for entry in list(house.simulator.world.journal.entries)[before:] if entry.event.startswith("list.")]
    assert events == ["list.cancel", "list.place", "list.cancel", "list.place"]


async def test_a_target_passed_while_nothing_rested_is_sold_at_once(house: TradingHouse, trader: Trader) -> None:
    position = await house.buy(trader, stop_loss="59000", take_profit=[["50%", "61000"], ["50%", "63000"]])
    house.faults({"on": "any.message", "do": "drop_message", "times": 0})
    for stop in trader.orders(type=OrderType.STOP_LOSS):
        house.simulator.venue.cancel(stop)
    house.price("61500")
    house.no_faults()
    await house.app.monitor.reconcile(trader.user_id)
    await house.app.keeper.resume(trader.user_id, position.id)
    await house.holds(trader, "0.04162667")
    await house.guarded(trader, ("stop", "0.04162", "59000"), ("target", "0.04162", "63000"))


async def test_dust_that_no_exchange_would_guard_is_left_in_peace(house: TradingHouse, trader: Trader) -> None:
    position = await house.buy(trader, percent=1, stop_loss="2000")
    bracket = await house.bracket(trader)
    assert bracket is not None
    assert (bracket.status, bracket.unprotected_since, await house.resting(trader)) == (BracketStatus.ACTIVE, None, [])
    before = await house.rows(trader)
    await house.app.keeper.resume(trader.user_id, position.id)
    again = await house.bracket(trader)
    assert again is not None
    assert (again.attempt, await house.rows(trader)) == (bracket.attempt, before)


async def test_a_stop_in_doubt_is_replaced_within_seconds_where_funds_suffice_for_one(house: TradingHouse) -> None:
    trader = await house.trader()
    house.faults({"on": "list.place", "do": "-1007", "accept": False})
    began = house.clock.monotonic()
    await house.buy(trader, stop_loss="59000", take_profit=[["50%", "61000"], ["50%", "62000"]])
    await house.guarded(
        trader,
        ("stop", "0.04162", "59000"),
        ("stop", "0.04162", "59000"),
        ("target", "0.04162", "61000"),
        ("target", "0.04162", "62000"),
    )
    assert house.clock.monotonic() - began < 10


async def test_a_stop_in_doubt_is_waited_for_where_funds_would_suffice_for_two(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "2"})
    house.faults({"on": "list.place", "do": "delayed_accept", "seconds": 4.5})
    await house.buy(rich, stop_loss="59000", take_profit=[["50%", "61000"], ["50%", "62000"]])
    await house.settled(rich, 4, status=S.OPEN)
    assert len(rich.orders(type=OrderType.STOP_LOSS)) == 2


async def test_a_late_stop_finds_no_funds_beside_the_one_that_replaced_it(house: TradingHouse) -> None:
    trader = await house.trader()
    position = await house.buy(trader)
    house.faults({"on": "list.place", "do": "delayed_accept", "seconds": 4.5})
    await house.app.keeper.guard(trader.user_id, position.id, ExitPlan(D(59000), ((D(100), D(62000)),)))
    await house.guarded(trader, *GUARDED)
    await house.clock.sleep(40)
    assert await house.resting(trader) == [("stop", D("0.08324"), D(59000)), ("target", D("0.08324"), D(62000))]

    async def nothing_is_in_doubt() -> bool:
        return {row.status for row in await house.rows(trader)} <= {S.OPEN, S.FILLED, S.NOT_ACCEPTED}

    await house.when(nothing_is_in_doubt)


async def test_exits_asked_for_by_hand_stand_beside_those_of_alerts(house: TradingHouse, holder: Trader) -> None:
    position = await house.position(holder)
    plan = ExitPlan(D(58000), ((D(100), D(65000)),))
    guarded = await house.app.keeper.guard(holder.user_id, position.id, plan)
    assert {order.role.value for order in guarded.resting} == {"stop", "target"}
    await house.guarded(holder, ("stop", "0.08324", "58000"), ("target", "0.08324", "65000"))


@pytest.mark.parametrize("moment", ["list.cancel", "list.place"])
async def test_a_move_cut_short_by_a_restart_is_completed_at_the_start(house: TradingHouse, holder: Trader, moment: str) -> None:
    fault: dict[str, Any] = {"on": moment, "do": "slow_reply", "seconds": 0.6}
    house.faults(fault)
    moving = await house.send(holder, {"symbol": "BTCUSDT", "action": "MAJ", "stop_loss": "59500"})
    await house.until(lambda: len(house.asked(moment)) >= (1 if moment == "list.cancel" else 2))
    await house.restart()
    assert (await house.ended(moving)).status is WebhookStatus.PROCESSED
    await house.guarded(holder, ("stop", "0.08324", "59500"), ("target", "0.08324", "62000"))
    assert (await house.position(holder)).status is LotStatus.OPEN
    assert all(order.filled == 0 for order in holder.orders(side=Side.SELL))
