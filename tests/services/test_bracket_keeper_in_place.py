"""At Kraken and Bitget a stop rests alone and is moved in place: never naked, whatever becomes of the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from aristobot.kinds import LotStatus, Protection
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store import brackets
from services.exit_plan import ExitPlan
from tests.services.bitget import ClassicHouse, UnifiedHouse
from tests.services.kraken import KrakenHouse
from tests.services.naked import NakedMeter
from tests.services.trading import Trader, TradingHouse, a_trading_house

D = Decimal
S = OrderStatus
HOUSES = [KrakenHouse, ClassicHouse, UnifiedHouse]


@pytest.fixture(params=HOUSES)
async def house(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, leaping: None
) -> AsyncIterator[TradingHouse]:
    """A house whose exchange moves stops in place, where a bitcoin costs 60,000."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=request.param) as opened:
        yield opened


async def a_holder(house: TradingHouse, **exits: object) -> tuple[Trader, NakedMeter, str]:
    """Somebody who holds bitcoin above a stop at 59,000 with a watched target at 62,000; the meter beside them, and how much."""
    trader = await house.trader()
    await house.buy(trader, **({"stop_loss": "59000", "take_profit": "62000"} | exits))
    held = {"kraken": "0.08300132", "bitget": "0.083249"}[house.exchange]
    await house.guarded(trader, ("stop", held, "59000"))
    return trader, NakedMeter(house, trader), held


def changes(house: TradingHouse, since: int) -> list[str]:
    """What was asked of the exchange about orders since then."""
    entries = list(house.simulator.world.journal.entries)[since:]
    return [entry.event for entry in entries if entry.event in ("order.place", "order.amend", "order.cancel")]


async def test_a_move_changes_the_stop_in_place_under_its_own_id(house: TradingHouse) -> None:
    holder, meter, held = await a_holder(house)
    asked = len(house.simulator.world.journal.entries)
    (before,) = holder.orders(type=OrderType.STOP_LOSS)
    assert (await house.alert(holder, action="MAJ", stop_loss="59500")).outcome == "updated"
    await house.guarded(holder, ("stop", held, "59500"))
    assert holder.orders(type=OrderType.STOP_LOSS) == [before]
    assert changes(house, asked) == ["order.amend"]
    assert (meter.longest, meter.oversold) == (0, False)
    position = await house.position(holder)
    assert (await house.read(lambda s: brackets.guarded(s, position.id))).protection is Protection.HALF


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
async def test_a_stop_that_arrives_when_the_price_has_passed_it_leaves_nobody_unguarded(
    house: TradingHouse, restarted: bool
) -> None:
    trader = await house.trader()
    await house.buy(trader)
    house.faults({"on": "order.place", "do": "slow", "seconds": 0.4})
    moving = await house.send(trader, {"symbol": "BTCUSDT", "action": "MAJ", "stop_loss": "59500"})
    await house.until(lambda: bool(house.asked("order.place")[1:]))
    house.price("59000")
    if restarted:
        await house.until(lambda: bool(trader.account.open_orders) or bool(trader.orders(side=Side.SELL)))
        await house.restart()
    await house.ended(moving)
    await house.closed(trader)
    assert trader.total("BTC") < D("0.0001")
    assert not trader.account.open_orders


async def test_a_stop_that_sells_when_the_price_passes_it_is_left_to_do_so(house: TradingHouse) -> None:
    holder, meter, held = await a_holder(house)
    house.price("58900")
    await house.closed(holder)
    assert [(order.type, order.filled) for order in holder.orders(side=Side.SELL)] == [(OrderType.STOP_LOSS, D(held))]
    assert not meter.oversold


async def test_a_move_by_less_than_a_tick_asks_nothing(house: TradingHouse) -> None:
    holder, *_ = await a_holder(house)
    asked = len(house.simulator.world.journal.entries)
    ended = await house.alert(holder, action="MAJ", stop_loss="59000.004")
    assert (ended.outcome, changes(house, asked)) == ("no_effect", [])


@pytest.mark.parametrize(
    "lost", ["accept_then_5xx", "accept_then_hang", "disconnect", "short_body", "-1007", "refuse", "refuse_5xx", "delayed_accept"]
)
async def test_a_move_whose_answer_got_lost_is_looked_at_and_finished(house: TradingHouse, lost: str) -> None:
    holder, meter, held = await a_holder(house)
    house.faults({"on": "order.amend", "do": lost})
    assert (await house.alert(holder, action="MAJ", stop_loss="59500")).outcome == "updated"
    await house.guarded(holder, ("stop", held, "59500"))
    assert len(holder.orders(type=OrderType.STOP_LOSS)) == 1
    assert meter.longest == 0


async def test_a_move_that_comes_true_too_late_is_moved_again(house: TradingHouse) -> None:
    holder, meter, _ = await a_holder(house)
    position, target = await house.position(holder), ((D(100), D(62000)),)
    (stop,) = holder.orders(type=OrderType.STOP_LOSS)
    house.faults({"on": "order.amend", "do": "delayed_accept", "seconds": 4})
    await house.app.keeper.guard(holder.user_id, position.id, ExitPlan(D(59500), target))
    await house.app.keeper.guard(holder.user_id, position.id, ExitPlan(D(59300), target))
    assert stop.stop_price == D(59300)
    await house.until(lambda: stop.stop_price == D(59500))
    await house.until(lambda: stop.stop_price == D(59300))
    assert meter.longest == 0


async def test_a_move_that_is_refused_leaves_the_stop_where_it_was(house: TradingHouse) -> None:
    holder, meter, held = await a_holder(house)
    allowed, holder.account.permissions = holder.account.permissions, frozenset({"read"})
    ended = await house.alert(holder, action="MAJ", stop_loss="59500")
    holder.account.permissions = allowed
    assert (ended.outcome, ended.reason) == ("refused", "reason.move_refused")
    await house.guarded(holder, ("stop", held, "59000"))
    bracket = await house.bracket(holder)
    assert bracket is not None
    assert (bracket.stop_price, meter.longest) == (D(59000), 0)


@pytest.mark.parametrize("fault", ["slow_reply", "slow"])
async def test_a_restart_in_the_middle_of_a_move_completes_it(house: TradingHouse, fault: str) -> None:
    holder, meter, held = await a_holder(house)
    house.faults({"on": "order.amend", "do": fault, "seconds": 0.4})
    moving = await house.send(holder, {"symbol": "BTCUSDT", "action": "MAJ", "stop_loss": "59500"})
    await house.until(lambda: bool(house.asked("order.amend")))
    await house.restart()
    await house.ended(moving)
    await house.guarded(holder, ("stop", held, "59500"))
    assert meter.longest == 0
    assert all(order.filled == 0 for order in holder.orders(side=Side.SELL))


async def test_a_target_of_a_half_is_sold_while_the_other_half_never_leaves_its_stop(house: TradingHouse) -> None:
    holder, meter, held = await a_holder(house, take_profit=[["50%", "61000"], ["50%", "62000"]])
    asked = len(house.simulator.world.journal.entries)
    house.price("61100")
    half = {"kraken": "0.04150066", "bitget": "0.041625"}[house.exchange]
    await house.guarded(holder, ("stop", half, "59000"))
    await house.until(lambda: changes(house, asked) == ["order.amend", "order.place"])
    assert len(holder.orders(type=OrderType.STOP_LOSS)) == 1
    house.price("62100")
    await house.closed(holder)
    assert sum(order.filled for order in holder.orders(side=Side.SELL)) == D(held)
    assert not meter.oversold


async def test_a_target_whose_sale_is_in_doubt_is_not_sold_once_more_for_a_stop_that_moves(house: TradingHouse) -> None:
    holder, meter, _ = await a_holder(house, take_profit=[["50%", "61000"], ["50%", "62000"]])
    lag = {"kraken": 20, "bitget": 45}[house.exchange]  # shorter than what follows an order's fence
    house.faults(
        {"on": "order.place", "do": "accept_then_hang", "lag": lag}, {"on": "user.message", "do": "drop_message", "times": 50}
    )
    house.price("61100")
    half = {"kraken": "0.04150066", "bitget": "0.041625"}[house.exchange]
    await house.until(lambda: len(holder.orders(side=Side.SELL, type=OrderType.MARKET)) == 1)
    moved = await house.alert(holder, action="MAJ", stop_loss="59500")
    assert moved.reason in ("", "error.exit_in_doubt")  # done once the sale is known, or not at all
    await house.when(lambda: house.rows(holder, side=Side.SELL, status=S.FILLED), within=600)
    if moved.reason:
        assert (await house.alert(holder, action="MAJ", stop_loss="59500")).outcome == "updated"
    await house.guarded(holder, ("stop", half, "59500"))
    assert D("0.99") * D(half) < sum(order.filled for order in holder.orders(side=Side.SELL)) <= D(half)
    assert not meter.oversold


async def test_a_position_that_grows_has_its_stop_grow_in_place(house: TradingHouse) -> None:
    trader = await house.trader(limits={"pyramiding": True})
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    asked = len(house.simulator.world.journal.entries)
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    (stop,) = trader.orders(type=OrderType.STOP_LOSS)
    await house.until(lambda: D("0.99") * trader.total("BTC") <= stop.quantity <= trader.total("BTC"))
    assert changes(house, asked) == ["order.place", "order.amend"]


@pytest.mark.parametrize("moment", ["order.cancel", "order.place"])
async def test_a_restart_in_the_middle_of_a_target_finishes_it(house: TradingHouse, moment: str) -> None:
    holder, _, held = await a_holder(house)
    before = len(house.asked(moment))
    house.faults({"on": moment, "do": "slow_reply", "seconds": 0.4})
    house.price("62010")
    await house.until(lambda: len(house.asked(moment)) > before)
    await house.restart()
    await house.closed(holder)
    assert [order.filled for order in holder.orders(type=OrderType.MARKET, side=Side.SELL)] == [D(held)]


async def test_moves_under_faults_of_every_kind_never_leave_a_position_naked(house: TradingHouse) -> None:
    holder, meter, held = await a_holder(house)
    position = await house.position(holder)
    chance = Random(11)
    house.simulator.world.faults.random(0.45, 11, seconds=1.0, events=("order.amend", "order.status", "orders.open"))
    for _ in range(30):
        stop = D(chance.randrange(580_000, 599_000)) / 10
        await house.app.keeper.guard(holder.user_id, position.id, ExitPlan(stop, ((D(100), D(62000)),)))
    house.no_faults()
    await house.guarded(holder, ("stop", held, str(stop)))
    assert (meter.longest, meter.oversold) == (0, False)
    assert (await house.position(holder)).status is LotStatus.OPEN
    assert len(holder.orders(type=OrderType.STOP_LOSS)) == 1
