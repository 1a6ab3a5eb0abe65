"""Strategies at work: candles in, decisions, orders through the desk, exits at the exchange, everything remembered."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.errors import Conflict, StrategyError
from aristobot.kinds import ActivationStatus, HaltLevel, HaltScope, LotStatus
from aristobot.language import use_language
from aristobot.orders import OrderStatus
from aristobot.store import activations, notifications, positions
from services import strategy_books
from services.halt_desk import Hand, Wish
from services.notice_words import sentence
from tests.builders import an_instrument
from tests.services.at_work import WorkingHouse, a_working_house
from tests.services.trading import HAND, Trader

D = Decimal
GUARDED = """
    class Guarded(Strategy):
        def should_long(self):
            return self.price > 60500

        def stop_loss_price(self):
            return 59000

        def take_profit_price(self):
            return [(0.5, 63000), (0.5, 65000)]
"""
WAITING = """
    class Waiting(Strategy):
        entry_timeout_candles = 3

        def should_long(self):
            return self.vars.get("bought", 0) == 0

        def go_long(self):
            self.buy = 0.01, 59000
            self.stop_loss = 0.01, 58000

        def on_open_position(self, order):
            self.vars["bought"] = order.price
            self.notify(f"bought at {order.price:.0f}")

        def on_close_position(self, order, closed):
            self.vars["reason"] = closed.reason

        def watch_list(self):
            return [("bought", self.vars.get("bought", 0))]
"""
FALLING = """
    class Falling(Strategy):
        def should_long(self):
            return True

        def stop_loss_price(self):
            return 55000

        def update_position(self):
            raise RuntimeError("oh no")
"""
HEAVY = """
    class Heavy(Strategy):
        def before(self):
            self.vars["heavy"] = "x" * 400_000
"""
COUNTING = """
    class Counting(Strategy):
        protections = ({"method": "CooldownPeriod", "stop_duration_candles": 5},)

        def before(self):
            self.vars["asked"] = self.vars.get("asked", 0) + 1

        def should_long(self):
            return self.price > 60500

        def filters(self):
            return [self.it_is_day]

        def it_is_day(self):
            return self.price < 70000

        def should_exit(self):
            return self.price < 59500
"""


@pytest.fixture
async def house(tmp_path: Path, sqlite_template: Path, leaping: None) -> AsyncIterator[WorkingHouse]:
    """A house whose strategies may work, where a bitcoin costs 60,000."""
    async with a_working_house(tmp_path / "house", sqlite_template, WorkingHouse) as opened:
        yield opened


async def codes(house: WorkingHouse, active: uuid.UUID) -> list[str]:
    """What the log of an activation tells, the oldest first."""
    return [one.code or one.text for one in await house.lines(active)]


async def told(house: WorkingHouse, trader: Trader, code: str) -> None:
    """Wait until the owner is told."""

    async def look() -> bool:
        rows = await house.app.db.read(trader.user_id, lambda s: notifications.recent(s, 50))
        return code in [row.code for row in rows]

    await house.when(look)


async def test_a_strategy_buys_when_its_candle_closes_holds_lots_of_its_own_and_sells_them(house: WorkingHouse) -> None:
    trader = await house.worker()
    active, other = await house.activation(trader), await house.activation(trader, allotted=D(2000))
    await house.minute(active)
    assert trader.orders() == []
    await house.minute(active, "61000")
    rows = await house.settled(trader, 2, status=OrderStatus.FILLED)
    assert {(row.owner, row.origin.value, row.quantity) for row in rows} == {
        (activations.owner_of(active), "strategy", D("0.00818")),
        (activations.owner_of(other), "strategy", D("0.01637")),
    }
    await house.app.runner.stop(trader.user_id, other)
    await house.minute(active, "59000")
    sold = await house.settled(trader, 1, side="sell", status=OrderStatus.FILLED)
    assert sold[0].owner == activations.owner_of(active)
    held = await house.read(positions.open_ones)
    assert [(row.owner, row.quantity) for row in held if not row.is_dust] == [(activations.owner_of(other), D("0.01635363"))]
    assert await codes(house, active) == ["reason.run_started", "reason.run_bought", "reason.run_sold"]
    assert (await codes(house, other))[-1] == "reason.run_stopped"
    with pytest.raises(Conflict) as refused:
        await house.app.runner.remove(trader.user_id, other)
    assert refused.value.code == "activation_holds"


async def test_exits_rest_at_the_exchange_and_a_reached_one_is_told_to_the_strategy(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, GUARDED)
    await house.minute(active, "61000")
    await house.guarded(
        trader,
        ("stop", "0.00817", "59000"),
        ("stop", "0.00818", "59000"),
        ("target", "0.00817", "63000"),
        ("target", "0.00818", "65000"),
    )
    house.price("63000.5")
    row = await house.minute(active)
    assert row.vars is not None
    assert (row.vars["reduced"], row.vars["closed"]) == (1, [])
    books = await house.read(lambda s: strategy_books.read(s, active))
    seen = strategy_books.standing(books, an_instrument(), D(1000))
    assert [(one["price"], one["quantity"]) for one in seen["targets"]] == [(65000.0, seen["held"])]
    house.price("58900")
    await house.closed(trader)
    row = await house.minute(active)
    assert row.vars is not None
    assert [one["reason"] for one in row.vars["closed"]] == ["stop_loss"]
    assert row.plan is None


async def test_an_entry_that_waits_is_guarded_and_told_when_it_is_filled_between_candles(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, WAITING)
    row = await house.minute(active)
    assert (await codes(house, active))[-1] == "reason.run_entry_rests"
    assert row.view is not None
    house.price("58990")
    await house.guarded(trader, ("stop", "0.00999", "58000"))
    assert (await house.said(active, "bought at 59000")).level == "info"
    await told(house, trader, "reason.told_strategy_says")
    row = await house.minute(active)
    assert row.view["watch"] if row.view else False
    house.price("57900")
    await house.closed(trader)
    row = await house.minute(active)
    assert row.vars is not None
    assert row.vars["vars"] == {"bought": 59000.0, "reason": "stop_loss"}


async def test_an_entry_that_is_filled_while_a_candle_is_being_shown_is_told_before_the_strategy_decides(
    house: WorkingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader = await house.worker()
    active = await house.activation(trader, WAITING)
    await house.minute(active)
    assert (await codes(house, active))[-1] == "reason.run_entry_rests"
    seat = house.app.runner._runs[active].seat
    is_warm = seat.is_warm

    async def filled_meanwhile() -> bool:
        monkeypatch.undo()
        house.price("58990")
        await house.settled(trader, 1, status=OrderStatus.FILLED)
        return await is_warm()

    monkeypatch.setattr(seat, "is_warm", filled_meanwhile)
    row = await house.minute(active)
    assert row.vars is not None
    assert row.vars["vars"] == {"bought": 59000.0}
    assert [one for one in await codes(house, active) if one == "bought at 59000"] == ["bought at 59000"]
    await house.guarded(trader, ("stop", "0.00999", "58000"))


async def test_after_a_restart_it_takes_its_position_up_and_repeats_nothing(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, COUNTING)
    await house.minute(active, "61000")
    before = await house.row(active)
    assert before.vars is not None
    await house.restart()
    await house.until(lambda: active in house.app.runner._runs)
    await house.minute(active)
    row = await house.row(active)
    assert row.vars is not None
    assert row.vars["vars"]["asked"] == before.vars["vars"]["asked"] + 1
    assert len(trader.orders()) == 1
    await house.minute(active, "59000")
    assert (await house.closed(trader)).owner == activations.owner_of(active)
    row = await house.minute(active, "61000")  # its own protection holds it back now
    assert row.view is not None
    assert [code for code, _ in row.view["blocks"]] == ["reason.run_locked"]
    assert row.view["filters"] == [["it_is_day", True]]
    assert len(trader.orders()) == 2


@pytest.mark.parametrize("minutes", [0, 10])
async def test_a_decision_that_a_crash_cut_short_is_finished_once_and_an_old_entry_is_not(
    house: WorkingHouse, minutes: int
) -> None:
    trader = await house.worker()
    active = await house.activation(trader)
    row = await house.minute(active)
    entry = {"side": "buy", "type": "market", "quantity": 0.01, "price": 60000.0, "tag": "entry"}
    until = house.clock.now().replace(microsecond=0)
    until = until.replace(year=until.year + 1) if not minutes else until
    work = {"decision": {"entries": [entry]}, "turn": row.turns + 1, "until": until.isoformat()}
    await house.app.db.write(trader.user_id, lambda s: activations.change(s, active, work=work, turns=row.turns + 1))
    await house.restart()
    await house.said(active, "reason.run_entry_void" if minutes else "reason.run_bought")
    assert len(trader.orders()) == (0 if minutes else 1)
    await house.app.db.write(trader.user_id, lambda s: activations.change(s, active, work=work))
    await house.restart()

    async def done() -> bool:
        return (await house.row(active)).work is None

    await house.when(done)
    assert len(trader.orders()) == (0 if minutes else 1)


async def test_candles_that_closed_while_the_house_was_down_are_history(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader, COUNTING)
    await house.minute(active)
    await house.app.stop()
    house.price("61000")
    await house.clock.sleep(200)
    house.price("60000")
    assert house._lock is not None
    house._lock.release()
    house.app = house._built()
    await house.open()
    row = await house.minute(active)
    assert row.vars is not None
    assert row.vars["vars"] == {"asked": 2}
    assert "reason.run_missed" in await codes(house, active)
    assert trader.orders() == []


async def test_what_raises_enters_no_more_and_what_breaks_its_limits_is_paused_with_its_exits(house: WorkingHouse) -> None:
    trader = await house.worker()
    falling, heavy = await house.activation(trader, FALLING), await house.activation(trader, HEAVY)
    await house.minute(falling)
    await house.guarded(trader, ("stop", "0.01663", "55000"))
    await house.until_status(falling, ActivationStatus.FAILED)
    await told(house, trader, "reason.told_strategy_failed")
    row = await house.until_status(heavy, ActivationStatus.PAUSED)
    assert row.reason == "strategy_disabled"
    await told(house, trader, "reason.told_strategy_paused")
    assert [code for code in await codes(house, heavy) if code != "reason.run_started"] == [
        "reason.run_fell", "reason.run_fell", "reason.run_paused",
    ]  # fmt: skip
    await house.guarded(trader, ("stop", "0.01663", "55000"))
    row = await house.row(falling)
    assert row.vars is not None
    assert row.vars["stopped"].startswith("RuntimeError: oh no")
    assert (await house.app.runner.start(trader.user_id, falling)).status is ActivationStatus.RUNNING


async def test_a_halt_of_a_strategy_stops_its_entries_alone_and_can_sell_it_out(house: WorkingHouse) -> None:
    trader = await house.worker()
    halted, free = await house.activation(trader), await house.activation(trader)
    posted = await house.app.db.read(trader.user_id, lambda s: activations.posted(s, halted))
    hand = Hand(trader.user_id, (await house.app.accounts.household.get(trader.user_id)).role, HAND)
    whole, active = await house.app.halts.robots(hand)
    assert whole[posted.strategy.id] == posted.strategy.name
    assert active[halted] == f"{posted.strategy.name} · BTC/USDT"
    halt = await house.app.halts.halt(hand, Wish(HaltScope.STRATEGY, posted.strategy.id))
    assert [one.id for one in await house.app.halts.concerning(hand)] == [halt.id]
    await house.minute(halted, "61000")
    (bought,) = await house.settled(trader, 1, status=OrderStatus.FILLED)
    assert bought.owner == activations.owner_of(free)
    row = await house.row(halted)
    assert row.view is not None
    assert row.view["blocks"][0][0] == "error.halted"
    await house.app.halts.release(hand, halt.id)
    await house.minute(halted)
    await house.settled(trader, 2, status=OrderStatus.FILLED)
    await house.app.halts.halt(hand, Wish(HaltScope.STRATEGY, halted, HaltLevel.FLATTEN))

    async def flat() -> bool:
        opened = await house.read(positions.open_ones)
        return [one.owner for one in opened if not one.is_dust] == [activations.owner_of(free)]

    await house.when(flat)


async def test_only_a_broker_for_strategies_takes_entries_and_every_broker_takes_exits(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader)
    await house.minute(active, "61000")
    await house.app.brokers.change(trader.user_id, trader.broker_id, {"mode": "OFF"}, HAND)
    await house.minute(active, "59000")
    assert (await house.closed(trader)).status is LotStatus.CLOSED
    await house.minute(active, "61000")
    assert (await codes(house, active))[-1] == "reason.run_entry_refused"
    await house.app.runner.stop(trader.user_id, active)
    with pytest.raises(Conflict) as refused:
        await house.app.runner.start(trader.user_id, active)
    assert refused.value.code == "broker_not_for_strategies"


async def test_an_indicator_that_looks_back_further_than_usual_is_waited_for(house: WorkingHouse) -> None:
    trader = await house.worker()
    text = """
        class Slow(Strategy):
            timeframe = "1m"

            def should_long(self):
                return ta.sma(self.candles, 1300) > 0

            def should_exit(self):
                return False
    """
    active = await house.activation(trader, text)
    await house.minute(active)
    (bought,) = await house.settled(trader, 1, status=OrderStatus.FILLED)
    assert bought.owner == activations.owner_of(active)


async def test_what_cannot_run_is_said_before_it_runs(house: WorkingHouse) -> None:
    trader = await house.worker()
    for code, parameters, expected in (
        ("x = 1", {}, "no_strategy_class"),
        (COUNTING, {"depth": 3}, "unknown_parameter"),
        (COUNTING.replace("protections =", "warmup_candles = 10**9; protections ="), {}, "warmup_too_long"),
    ):
        active = await house.activation(trader, code, start=False, parameters=parameters)
        with pytest.raises(StrategyError) as refused:
            await house.app.runner.start(trader.user_id, active)
        assert refused.value.code == expected
        assert (await house.row(active)).status is ActivationStatus.STOPPED


async def test_an_order_whose_answer_gets_lost_is_not_sent_twice(house: WorkingHouse) -> None:
    trader = await house.worker()
    active = await house.activation(trader)
    house.faults({"on": "order.place", "do": "accept_then_hang", "times": 1})
    await house.minute(active, "61000")
    (row,) = await house.settled(trader, 1, status=OrderStatus.FILLED)
    assert row.owner == activations.owner_of(active)
    await house.minute(active)
    assert len(trader.orders()) == 1


def test_the_prices_of_exits_are_written_as_their_reader_writes_them() -> None:
    facts = {"symbol": "BTC/USDT", "stop": "59961.41", "target": "61000, 62500.5"}
    with use_language("fr"):
        said = sentence("reason.run_exits", facts)
        assert said == "Sorties de BTC/USDT posées\u00a0: stop 59\u202f961,41, objectif 61\u202f000,00 / 62\u202f500,50."
        assert "objectif –." in sentence("reason.run_exits", facts | {"target": "–"})
