"""Strategies at work when something goes wrong between two of their steps: nothing lost, nothing doubled, nothing left bare."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aristobot.errors import Conflict
from aristobot.kinds import ActivationStatus, LotStatus, Role
from aristobot.orders import OrderStatus
from aristobot.store import activations
from services.app import App
from services.household import NewUser
from services.strategy_answers import Answer
from services.strategy_host import Program
from tests.services.at_work import PatientHost, WorkingHouse, a_working_house
from tests.services.test_strategy_trading import COUNTING, WAITING, codes
from tests.services.trading import HAND, Trader

D = Decimal
TRIMMING = """
    class Trimming(Strategy):
        def should_long(self):
            return self.price > 60500

        def update_position(self):
            if "trimmed" not in self.vars:
                self.vars["trimmed"] = True
                self.sell = 0.000001, self.price

        def should_exit(self):
            return self.price < 59500
"""
BOUNDLESS = """
    class Boundless(Strategy):
        def should_long(self):
            return True

        def go_long(self):
            self.buy = 0.005, self.price
            self.stop_loss = 0.005, 59000
            self.take_profit = 0.005, 1e21
"""
CHASING = """
    class Chasing(Strategy):
        def should_long(self):
            return True

        def go_long(self):
            self.buy = 0.005, 59000
            self.stop_loss = 0.005, 50000
"""
GROWING = """
    class Growing(Strategy):
        entry_timeout_candles = 30

        def before(self):
            if self.vars.get("asked"):
                self.vars["heavy"] = "x" * 400_000
            self.vars["asked"] = True

        def should_long(self):
            return True

        def go_long(self):
            self.buy = 0.005, 59000
"""
FLOODING = """
    class Flooding(Strategy):
        def should_long(self):
            return True

        def go_long(self):
            self.buy = [(0.0002, 58000 - one) for one in range(300)]
"""
WORDY = """
    class Wordy(Strategy):
        def should_long(self):
            raise RuntimeError("\\0" + "oh no " * 1000)
"""
UNREACHABLE = {"do": "refuse_5xx", "times": 0}


class Gate(PatientHost):
    """A host whose processes take as long to begin as the test likes."""

    opened = asyncio.Event()

    async def seat(self, key: Any, program: Program) -> Answer:
        """As it is, once the gate is open."""
        await self.opened.wait()
        return await super().seat(key, program)


class GatedHouse(WorkingHouse):
    """A house whose strategies begin when the test lets them."""

    def _built(self, **options: Any) -> App:
        app = super()._built(**options)
        app.runner._tools = replace(app.runner._tools, host=Gate(self.clock, self.limits))
        return app


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[GatedHouse]:
    """A house whose strategies may work, where a bitcoin costs 60,000."""
    Gate.opened = asyncio.Event()
    Gate.opened.set()
    async with a_working_house(tmp_path / "house", sqlite_template, GatedHouse) as opened:
        yield opened


async def asked(house: WorkingHouse, active: Any) -> int:
    """How often it was asked, by its own count."""
    row = await house.row(active)
    assert row.vars is not None
    return int(row.vars["vars"]["asked"])


def bought(trader: Trader) -> list[Any]:
    """Its purchases at the exchange."""
    return trader.orders(side="buy")


async def test_a_candle_whose_decision_could_not_be_made_at_once_is_decided_on_when_it_can(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, COUNTING)
    before = await house.minute(active)
    await house.restart()
    assert before.decided_at is not None
    house.faults({"on": "klines", "do": "refuse_5xx", "times": 4})
    row = await house.minute(active, "61000")
    assert row.decided_at == before.decided_at + timedelta(minutes=1)
    assert len(bought(trader)) == 1


async def test_a_fresh_candle_on_which_a_crash_left_no_decision_is_decided_on_at_the_next_start(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, COUNTING)
    await house.minute(active)
    row = await house.minute(active)
    assert row.decided_at is not None
    before, earlier = await asked(house, active), row.decided_at - timedelta(minutes=1)
    await house.app.db.write(trader.user_id, lambda s: activations.change(s, active, decided_at=earlier))
    await house.restart()

    async def decided() -> bool:
        return (await house.row(active)).decided_at == row.decided_at

    await house.when(decided, 15)
    assert await asked(house, active) == before + 1
    await house.minute(active)
    assert await asked(house, active) == before + 2


async def test_a_part_that_is_less_than_a_lot_is_not_sold_and_holds_up_nothing(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, TRIMMING)
    await house.minute(active, "61000")
    await house.settled(trader, 1, status=OrderStatus.FILLED)
    await house.minute(active)
    await house.minute(active, "59000")
    assert (await house.closed(trader)).status is LotStatus.CLOSED


async def test_a_price_that_cannot_be_is_no_decision(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, BOUNDLESS)
    await house.until_status(active, ActivationStatus.FAILED)
    assert trader.orders() == []


async def test_a_strategy_that_falls_with_many_words_has_failed_with_the_first_of_them(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, WORDY)
    row = await house.until_status(active, ActivationStatus.FAILED)
    assert row.vars is not None
    assert row.vars["stopped"].startswith("RuntimeError: \ufffdoh no")


async def test_a_flood_of_orders_is_no_decision(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, FLOODING)
    await house.clock.sleep(100)
    row = await house.until_status(active, ActivationStatus.PAUSED)
    assert row.reason == "strategy_disabled"
    assert await house.rows(trader) == []


async def test_an_entry_that_was_filled_unheard_is_not_followed_by_the_one_in_its_place(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, CHASING)
    row = await house.minute(active)
    assert row.decided_at is not None
    house.faults({"on": "user.message", "do": "drop_message", "times": 0})
    await house.clock.sleep((row.decided_at + timedelta(seconds=59) - house.clock.now()).total_seconds())
    house.price("58990")
    await house.clock.sleep(0.3)
    house.price("60000")
    await house.minute(active)
    house.no_faults()
    assert [one.status for one in bought(trader)] == ["FILLED"]
    assert (await codes(house, active))[-1] == "reason.run_entry_void"
    await house.guarded(trader, ("stop", "0.00499", "50000"))


async def test_a_decision_finished_after_a_crash_does_not_take_its_own_entry_back(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader)
    row = await house.minute(active)
    entry = {"side": "buy", "type": "limit", "quantity": 0.005, "price": 59000.0, "tag": "entry"}
    until = (house.clock.now() + timedelta(days=1)).isoformat()
    work = {"decision": {"cancel_entries": True, "entries": [entry]}, "turn": row.turns + 1, "until": until}
    for _ in range(2):
        await house.app.db.write(trader.user_id, lambda s: activations.change(s, active, work=work, turns=row.turns + 1))
        await house.restart()

        async def done() -> bool:
            return (await house.row(active)).work is None

        await house.when(done)
    assert [one.is_open for one in trader.orders()] == [True]


async def test_a_memory_that_was_put_back_to_an_earlier_day_gives_new_orders_new_names(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader)
    turns = (await house.row(active)).turns
    await house.minute(active, "61000")
    await house.minute(active, "59000")
    await house.closed(trader)
    await house.app.db.write(trader.user_id, lambda s: activations.change(s, active, turns=turns))
    await house.minute(active, "61000")
    assert len(bought(trader)) == 2


async def test_what_was_filled_while_the_house_was_down_is_guarded_before_any_strategy_begins(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, WAITING)
    await house.minute(active)
    Gate.opened.clear()
    await house.restart(meanwhile=lambda: house.price("58990"))
    await house.guarded(trader, ("stop", "0.00999", "58000"))
    Gate.opened.set()
    await house.said(active, "bought at 59000")


async def test_an_entry_that_cannot_be_taken_back_at_a_stop_is_taken_back_later_and_guarded_meanwhile(
    house: WorkingHouse,
) -> None:
    trader = await house.worker()
    filled, waiting = await house.activation(trader, WAITING), await house.activation(trader, CHASING)
    await house.minute(filled)
    house.faults({"on": "order.cancel", **UNREACHABLE})
    for active in (filled, waiting):
        assert (await house.app.runner.stop(trader.user_id, active)).status is ActivationStatus.STOPPED
        with pytest.raises(Conflict):
            await house.app.runner.remove(trader.user_id, active)
    house.price("58990")
    await house.guarded(trader, ("stop", "0.00499", "50000"), ("stop", "0.00999", "58000"))
    house.price("60000")


async def test_a_paused_strategy_leaves_no_entry_waiting(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, GROWING)
    await house.minute(active)
    house.faults({"on": "order.cancel", **UNREACHABLE})
    await house.clock.sleep(100)
    await house.until_status(active, ActivationStatus.PAUSED)
    await house.clock.sleep(5)
    assert [one.is_open for one in trader.orders()] == [True]
    house.no_faults()

    async def gone() -> bool:
        return not any(one.is_open for one in trader.orders())

    await house.when(gone)


async def test_who_stops_a_strategy_stops_what_it_had_not_done_yet(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader)
    await house.minute(active, "61000")
    house.faults({"on": "order.place", **UNREACHABLE})
    house.price("59000")

    async def selling() -> bool:
        return (await house.row(active)).work is not None

    await house.when(selling)
    await house.app.runner.stop(trader.user_id, active)
    house.no_faults()
    await house.restart()
    await house.clock.sleep(60)
    assert (await house.position(trader)).status is LotStatus.OPEN


async def test_the_strategies_of_a_user_who_was_disabled_enter_no_more(house: WorkingHouse) -> None:
    head = NewUser("head", "", role=Role.ADMINISTRATOR)
    await house.app.accounts.household.add_without_password(head, HAND)
    trader = await house.worker()
    active = await house.activation(trader)
    await house.minute(active, "61000")
    await house.settled(trader, 1, status=OrderStatus.FILLED)
    await house.app.accounts.household.change(trader.user_id, HAND, active=False)
    await house.minute(active, "59000")
    await house.closed(trader)
    await house.minute(active, "61000")
    assert (await codes(house, active))[-1] == "reason.run_entry_refused"
    assert len(bought(trader)) == 1


async def test_a_strategy_whose_broker_went_with_the_house_down_is_paused_and_says_why(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader)
    await house.app.brokers.remove(trader.user_id, trader.broker_id, HAND)
    await house.restart()
    row = await house.until_status(active, ActivationStatus.PAUSED)
    assert row.reason == "strategy_homeless"
    assert active not in house.app.runner._runs
