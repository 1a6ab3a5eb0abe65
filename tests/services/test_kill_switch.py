"""Trading stops by four routes, at once, for whom it shall; exits work on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from aristobot.bus import Bus
from aristobot.clock import ManualClock, SystemClock
from aristobot.errors import NotFound
from aristobot.events import TradingHalted
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.orders import OrderStatus
from aristobot.store.database import Database
from services.kill_switch import HALT_FILE, KillSwitch
from tests.builders import a_stored_broker
from tests.services.late import LateReader, Outage
from tests.services.trading import Trader, TradingHouse

D = Decimal
S = OrderStatus
Result = TypeVar("Result")


async def by_the_switch(house: TradingHouse) -> None:
    """As the screen and the API do."""
    await house.app.kill_switch.set(HaltScope.ALL, None, HaltLevel.HALT, by="the test")


async def by_a_file(house: TradingHouse) -> None:
    """When nothing else answers."""
    (house.folder / HALT_FILE).touch()


async def by_another_process(house: TradingHouse) -> None:
    """As the command line does: another switch on the same store, which this house must notice by itself."""
    other = KillSwitch(house.app.db, Bus(), house.clock, house.folder)
    await other.set(HaltScope.ALL, None, HaltLevel.HALT, by="the operator")
    await house.until(lambda: bool(house.app.kill_switch.active()), within=2)


async def before_the_start(house: TradingHouse) -> None:
    """It was set before the house started again."""
    await by_the_switch(house)
    await house.restart()


ROUTES: dict[str, Callable[[TradingHouse], Awaitable[None]]] = {
    "the switch": by_the_switch,
    "a file": by_a_file,
    "another process": by_another_process,
    "before the start": before_the_start,
}


@pytest.mark.parametrize("route", ROUTES)
async def test_a_halt_stops_entries_by_every_route_and_lets_exits_pass(house: TradingHouse, trader: Trader, route: str) -> None:
    await house.buy(trader, stop_loss="59000")
    await ROUTES[route](house)
    refused = await house.alert(trader, action="BuyMarket", symbol="ETHUSDT")
    assert (refused.outcome, refused.reason) == ("refused", "error.halted")
    moved = await house.alert(trader, action="MAJ", stop_loss="59500")
    assert moved.outcome == "updated"
    assert (await house.alert(trader, action="SellMarket")).outcome == "ordered"


async def test_trading_goes_on_when_the_halt_is_released(house: TradingHouse, trader: Trader) -> None:
    halt = await house.app.kill_switch.set(HaltScope.ALL, None, HaltLevel.HALT, by="the test")
    await house.app.kill_switch.release(halt.id, by="the test")
    assert (await house.alert(trader, action="BuyMarket", percent=20)).outcome == "ordered"
    with pytest.raises(NotFound):
        await house.app.kill_switch.release(halt.id, by="the test")


async def test_a_removed_file_lets_trading_go_on(house: TradingHouse, trader: Trader) -> None:
    await by_a_file(house)
    assert (await house.alert(trader, action="BuyMarket", percent=20)).outcome == "refused"
    (house.folder / HALT_FILE).unlink()
    assert (await house.alert(trader, action="BuyMarket", percent=20)).outcome == "ordered"


async def test_a_halt_concerns_only_its_broker_or_user(house: TradingHouse, trader: Trader) -> None:
    neighbour = await house.trader()
    await house.app.kill_switch.set(HaltScope.BROKER, trader.broker_id, HaltLevel.HALT, by="the test")
    assert (await house.alert(trader, action="BuyMarket", percent=20)).outcome == "refused"
    assert (await house.alert(neighbour, action="BuyMarket", percent=20)).outcome == "ordered"
    await house.app.kill_switch.set(HaltScope.USER, neighbour.user_id, HaltLevel.HALT, by="the test")
    assert (await house.alert(neighbour, action="BuyMarket", symbol="ETHUSDT")).outcome == "refused"


async def test_the_severest_of_several_halts_counts(house: TradingHouse, trader: Trader) -> None:
    switch = house.app.kill_switch
    assert switch.level(trader.user_id, trader.broker_id) is None
    await switch.set(HaltScope.ALL, None, HaltLevel.HALT, by="the test")
    await switch.set(HaltScope.USER, trader.user_id, HaltLevel.REDUCE, by="the test")
    assert switch.level(trader.user_id, trader.broker_id) is HaltLevel.REDUCE


async def test_repeated_entries_halt_the_broker_until_somebody_looks(house: TradingHouse) -> None:
    hasty = await house.trader(limits={"repeated_entries": "2", "pyramiding": True})
    for _ in range(2):
        assert (await house.alert(hasty, action="BuyMarket", percent=10)).outcome == "ordered"
    third = await house.alert(hasty, action="BuyMarket", percent=10)
    fourth = await house.alert(hasty, action="BuyMarket", percent=10, symbol="ETHUSDT")
    assert (third.reason, fourth.reason) == ("error.repeated_entries", "error.halted")
    assert house.app.kill_switch.active()[0].reason == "repeated_entries"


async def look_on(clock: ManualClock, looking: asyncio.Task[None], seen: Callable[[], bool]) -> None:
    """Let time pass until it is seen, or nobody looks any more."""
    async with asyncio.timeout(60):
        while not seen() and not looking.done():
            await clock.advance(0.5)
            await SystemClock().sleep(0.002)


@pytest.mark.parametrize("answers", [0, 1], ids=["before it is read", "between reading it and telling of it"])
async def test_halts_that_were_set_during_an_outage_are_in_force_and_told_after_it(
    lite: Database, tmp_path: Path, answers: int
) -> None:
    broker, store, bus, clock = await a_stored_broker(lite), Outage(lite.url), Bus(), ManualClock()
    told: list[TradingHalted] = []
    bus.listen(TradingHalted, do=told.append)
    switch = KillSwitch(store, bus, clock, tmp_path)
    looking = asyncio.create_task(switch.run())
    elsewhere = KillSwitch(lite, Bus(), clock, tmp_path)
    await elsewhere.set(HaltScope.BROKER, broker.id, HaltLevel.FLATTEN, by="the operator")
    await elsewhere.set(HaltScope.USER, broker.user_id, HaltLevel.REDUCE, by="the operator")
    store.answers = answers
    await look_on(clock, looking, lambda: store.refused >= 3)
    store.answers = float("inf")
    await look_on(clock, looking, lambda: len(told) == 2)
    assert {(event.user_id, event.level) for event in told} == {(broker.user_id, "flatten"), (broker.user_id, "reduce")}
    assert {halt.level for halt in switch.active()} == {HaltLevel.FLATTEN, HaltLevel.REDUCE}
    assert not looking.done()
    looking.cancel()
    await store.close()


async def test_a_halt_in_force_is_not_forgotten_for_an_older_look(lite: Database, tmp_path: Path) -> None:
    store = LateReader(lite.url)
    switch, asked = KillSwitch(store, Bus(), SystemClock(), tmp_path), store.keep_back()
    looking = asyncio.create_task(switch.load())
    await asked.wait()
    setting = asyncio.create_task(switch.set(HaltScope.ALL, None, HaltLevel.HALT, by="the test"))
    await store.let_go()
    await asyncio.gather(looking, setting)
    assert [halt.level for halt in switch.active()] == [HaltLevel.HALT]
    await store.close()
