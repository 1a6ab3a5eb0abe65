"""What one strategy's process says is looked at before anything is done with it: a forger is told as one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from aristobot.clock import ManualClock
from aristobot.errors import StrategyError
from aristobot.market import Candle, Timeframe
from aristobot.store.strategy_tables import Activation
from aristobot.strategy_orders import NOTHING, Decision
from aristobot.strategy_run import Memory, Standing
from services.sandbox.frames import ANSWER, encoded, frame
from services.strategy_host import Program, StrategyHost
from services.strategy_process import Limits
from services.strategy_seat import JOB, StrategySeat
from services.strategy_view import view_of
from services.trial_bench import Bench, Package
from tests.backtesting import START, an_instrument
from tests.services.searching import a_definition, waves

NOW = datetime(2024, 1, 1, 3, tzinfo=UTC)
STANDING = msgspec.to_builtins(Standing(1000.0, 1000.0))
FORGER = """
class S(Strategy):
    def should_long(self):
        import statistics
        statistics.sys.modules["posix"].write(4, {frame!r})
        return False

    def watch_list(self):
        return [("price", self.price)] if self.should_long() else []
"""


def forging(answer: Any) -> str:
    """A strategy that writes an answer of its own into the pipe, past all that would check it."""
    return FORGER.format(frame=frame(ANSWER, encoded({"done": answer})))


@pytest.fixture
async def host(clock: ManualClock) -> AsyncIterator[StrategyHost]:
    """A host with time enough for a busy machine."""
    opened = StrategyHost(clock, Limits(wall_seconds=30))
    yield opened
    await opened.close()


async def seated(host: StrategyHost, text: str) -> StrategySeat:
    """A strategy that has seen three candles."""
    row = Activation(
        user_id=uuid.uuid4(), version_id=uuid.uuid4(), broker_id=uuid.uuid4(), symbol="BTC/USDT", timeframe="1h",
        allotted=Decimal(1000), created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    seat = StrategySeat(host, row, an_instrument(), dry_run=True)
    await seat.begin(text)
    opened = [START + 3_600_000 * at for at in range(3)]
    seat.show([Candle("BTC/USDT", Timeframe.H1, at, "100", "100", "100", "100", "1", closed=True) for at in opened])
    return seat


async def test_what_reaches_out_is_not_even_imported_beside_a_strategy(host: StrategyHost) -> None:
    text = "import statistics\nclass S(Strategy):\n    timeframe = ' '.join(statistics.sys.modules)\n"
    told = await host.seat("one", Program(JOB, text))
    modules = set(str(told.value["timeframe"]).split())
    assert {"numpy", "talib"} <= modules
    reaching = {
        "asyncio",
        "socket",
        "ssl",
        "subprocess",
        "multiprocessing",
        "sqlite3",
        "sqlalchemy",
        "http.client",
        "ctypes.util",
    }
    assert not reaching & modules
    assert not [one for one in modules if one.startswith(("aristobot.store", "aristobot.vault", "aristobot.settings"))]


@pytest.mark.parametrize("state", [{"locked_until": "never"}, {"closed": [{"profit": "much"}]}, None])
async def test_a_forged_memory_is_not_believed(host: StrategyHost, state: Any) -> None:
    seat = await seated(host, forging({"decision": {}, "state": state}))
    with pytest.raises(StrategyError, match="strategy_answer_unreadable"):
        await seat.decide(STANDING, None)


async def test_who_answers_and_goes_on_computing_is_ended_and_it_counts(clock: ManualClock) -> None:
    text = forging({"watch": [], "filters": []}).replace(
        "        return False\n", "        statistics.sys.modules['signal'].setitimer(2, 0)\n        while True: pass\n"
    )
    host = StrategyHost(clock, Limits(wall_seconds=30, rest_seconds=0.3))
    seat = await seated(host, text)
    assert await seat.view(STANDING, None) == {"watch": [], "filters": []}
    async with asyncio.timeout(60):
        while (process := host._seats[seat._row.id].process) is not None and process.alive:
            await asyncio.wait({asyncio.create_task(process._process.wait())})
    with pytest.raises(StrategyError, match="strategy_restless"):
        await seat.view(STANDING, None)
    assert [one.error.code for one in host.strikes(seat._row.id)] == ["strategy_restless"]
    await host.close()


@pytest.mark.parametrize("shown", [{"watch": 5}, {"watch": [], "filters": [["x", "y"]]}])
async def test_what_a_forger_shows_is_not_shown(host: StrategyHost, shown: Any) -> None:
    seat = await seated(host, forging(shown))
    assert await seat.view(STANDING, None) == {}


async def test_a_lock_for_ever_is_told_as_one() -> None:
    row = Activation(
        user_id=uuid.uuid4(), version_id=uuid.uuid4(), broker_id=uuid.uuid4(), symbol="BTC/USDT", timeframe="1h",
        allotted=Decimal(1000), created_at=NOW, updated_at=NOW, vars=msgspec.to_builtins(Memory(locked_until=10**18)),
    )  # fmt: skip
    blocks = view_of(row, NOTHING, NOW, {}, None)["blocks"]
    assert [(code, facts["until"]) for code, facts in blocks] == [("reason.run_locked", "9999-01-01T00:00:00.000Z")]


async def test_when_a_strategy_looked_and_decided_is_told_with_milliseconds_and_a_z() -> None:
    row = Activation(
        user_id=uuid.uuid4(), version_id=uuid.uuid4(), broker_id=uuid.uuid4(), symbol="BTC/USDT", timeframe="1h",
        allotted=Decimal(1000), created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    view = view_of(row, Decision(close="done"), NOW, {}, None)
    assert (view["at"], view["last"]["at"]) == ("2024-01-01T03:00:00.000Z", "2024-01-01T03:00:00.000Z")


@pytest.mark.parametrize(
    "answer",
    [
        [{"figures": {"sharpe": "high"}, "fault": ""}],
        [{"figures": {"a\0b": 1.0}, "fault": ""}],
        [{"figures": {}, "fault": "No such code!"}],
        [{"figures": {}, "fault": ""}] * 2,
    ],
)
async def test_the_forged_figures_of_a_trial_are_its_fault(answer: Any) -> None:
    rows = waves(100)
    definition = a_definition(rows)
    bench = Bench(Package("key", forging(answer), definition.setup("candles"), 30.0), 1)
    task = {"do": "trials", "since": int(rows[0, 0]), "until": 2**50, "figures": ["sharpe"], "trials": [{}]}
    try:
        answers = await bench.play(task, rows)
    finally:
        await bench.close()
    assert answers == [{"figures": {}, "fault": "strategy_answer_unreadable"}]
