"""A strategy in its own process gives the backtest and the decisions that it gives outside."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest

from aristobot.backtest.session import Session
from aristobot.backtest.settings import Costs, Entrant, Setup
from aristobot.errors import StrategyError
from aristobot.indicators.spec import table
from aristobot.strategies.supertrend_trail import SupertrendTrail
from aristobot.strategy_orders import Decision
from aristobot.strategy_run import Standing, facts_of
from aristobot.templates import template
from services.strategy_process import Limits, StrategyProcess
from tests.backtesting import an_instrument, played, real_history

INSTRUMENT = an_instrument("SOL/USDT")
HISTORY = {"symbol": "SOL/USDT", "timeframe": "4h", "array": "sol"}


@pytest.fixture
async def process() -> AsyncIterator[StrategyProcess]:
    """The SuperTrend template behind its walls."""
    limits = Limits(wall_seconds=30, cpu_seconds=20, answer_bytes=16 * 1024 * 1024)
    started = await StrategyProcess.start("services.strategy_job", template("supertrend_trail").text, limits=limits)
    yield started
    await started.close()


async def test_a_backtest_behind_the_walls_is_the_one_outside(process: StrategyProcess) -> None:
    history = real_history("SOLUSDT")
    told: list[Any] = []
    entrant = {"history": HISTORY, "instrument": msgspec.to_builtins(INSTRUMENT), "parameters": {"period": 12}}
    request = {
        "do": "backtest", "entrants": [entrant], "cash": "2500", "checks": 6, "seed": 5, "variants": 3,
        "costs": {"taker": "0.002", "fee_asset": "base", "slippage_bps": 3.0},
    }  # fmt: skip
    inside = (await process.ask(request, {"sol": history.candles}, told.append)).value
    costs = msgspec.convert(request["costs"], Costs)
    options = {"parameters": {"period": 12}, "warmup": None, "checks": 6, "seed": 5, "variants": 3, "cash": Decimal(2500)}
    outside = played(SupertrendTrail, history, costs, instrument=INSTRUMENT, **options)
    expected = json.loads(json.dumps(outside.as_json()))
    assert inside.pop("code_hash") != expected.pop("code_hash")  # the whole file, and the class alone
    assert inside == expected
    assert inside["closed"]
    assert told[-1] == {"done": 1.0}


async def test_decisions_behind_the_walls_are_those_of_a_backtest(process: StrategyProcess) -> None:
    history = real_history("SOLUSDT")
    session = Session(Setup((Entrant(SupertrendTrail, history, INSTRUMENT),)))
    session.play()
    player = session.players[0]
    expected = dict(player.lane.decisions)
    first = min(expected)
    state: Any = {"vars": {"below": True}}
    facts = msgspec.to_builtins(facts_of(INSTRUMENT, "4h", "live"))
    request = {
        "do": "decide",
        "facts": facts,
        "candles": "sol",
        "standing": msgspec.to_builtins(Standing(10_000.0, 10_000.0)),
        "state": state,
    }
    answer = (await process.ask(request, {"sol": np.asfortranarray(history.candles[: first + 1])})).value
    assert msgspec.convert(answer["decision"], Decision) == expected[first]
    assert answer["state"]["vars"] == {"below": False}


async def test_a_request_that_nobody_knows_is_refused_in_words(process: StrategyProcess) -> None:
    with pytest.raises(StrategyError) as found:
        await process.ask({"do": "dance"})
    assert found.value.code == "unknown_request"


ALL = """
rows = np.arange(1.0, 601.0)
candles = np.asfortranarray(np.column_stack([rows * 3_600_000, rows, rows + 1, rows + 2, rows - 1, rows]))
computed = {}
for name in dir(ta):
    try:
        computed[name] = getattr(ta, name)(candles)
    except (TypeError, ValueError):  # it takes more than candles
        pass


class All(Strategy):
    version = str(len(computed))

    def should_long(self):
        return False
"""


async def test_every_indicator_is_there_behind_the_walls() -> None:
    process = await StrategyProcess.start("services.strategy_job", ALL, Limits(wall_seconds=30, cpu_seconds=20))
    await process.close()
    told = process.described.value
    assert told["name"] == "All"
    assert int(told["version"]) == len(table()) - 1  # one wants periods besides candles
