"""Many strategies at work: one that misbehaves falls alone, is started again, and after its third fall waits for a human."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import StrategyError
from aristobot.language import explain
from aristobot.templates import TEMPLATES, Template
from services.strategy_host import MOST_STRIKES, Program, StrategyHost, isolation_here
from services.strategy_process import Limits, StrategyProcess
from tests.aristobot.test_candle_files import minutes
from tests.services.test_strategy_walls import PLAIN, a_strategy

GOOD = Program(PLAIN, a_strategy("print(request['n'])\nreturn request['n'] * 2"))
#: Computes for ever whenever it is asked for an odd number.
MOODY = Program(PLAIN, a_strategy("while request['n'] % 2: pass\nreturn request['n']"))
SHORT = Limits(wall_seconds=20, cpu_seconds=0.3)


@pytest.fixture
async def host(clock: ManualClock) -> AsyncIterator[StrategyHost]:
    """A host that gives its strategies a third of a second."""
    opened = StrategyHost(clock, SHORT)
    yield opened
    await opened.close()


async def test_while_one_loops_for_ever_the_others_go_on_deciding(host: StrategyHost) -> None:
    await asyncio.gather(host.seat("good", GOOD), host.seat("moody", MOODY))
    looping = asyncio.ensure_future(host.ask("moody", {"n": 1}))

    answered = 0
    while not looping.done():
        assert (await host.ask("good", {"n": 21})).value == 42
        answered += 1

    assert isinstance(looping.exception(), StrategyError)
    assert answered > 5
    assert host.strikes("good") == ()


async def test_two_hosts_know_nothing_of_each_other(host: StrategyHost, clock: ManualClock) -> None:
    other = StrategyHost(clock, SHORT)
    await asyncio.gather(host.seat("one", MOODY), other.seat("one", GOOD))

    fallen, fine = await asyncio.gather(host.ask("one", {"n": 1}), other.ask("one", {"n": 1}), return_exceptions=True)
    await other.close()

    assert isinstance(fallen, StrategyError)
    assert not isinstance(fine, BaseException)
    assert fine.value == 2


async def test_after_a_fall_it_is_started_again_and_after_three_it_waits_for_a_human(host: StrategyHost) -> None:
    await host.seat("moody", MOODY)
    for _ in range(MOST_STRIKES - 1):
        with pytest.raises(StrategyError, match="strategy_too_busy"):
            await host.ask("moody", {"n": 1})
        assert (await host.ask("moody", {"n": 4})).value == 4

    with pytest.raises(StrategyError, match="strategy_disabled"):
        await host.ask("moody", {"n": 1})
    with pytest.raises(StrategyError, match="strategy_disabled") as refused:
        await host.ask("moody", {"n": 4})

    assert "3" in explain(refused.value, language="en")
    assert [one.error.code for one in host.strikes("moody")] == ["strategy_too_busy"] * 3
    await host.seat("moody", MOODY)
    assert host.strikes("moody") == ()
    assert (await host.ask("moody", {"n": 4})).value == 4


async def test_a_text_that_cannot_run_takes_no_seat_for_long(host: StrategyHost) -> None:
    with pytest.raises(StrategyError, match="no_strategy_class"):
        await host.seat("empty", Program(PLAIN, "x = 1"))
    assert (await host.seat("empty", GOOD)).value == {"name": "S"}


async def test_what_it_prints_is_kept_for_its_author(host: StrategyHost) -> None:
    await host.seat("good", GOOD)
    for n in range(3):
        await host.ask("good", {"n": n})
    assert host.printed("good") == "0\n1\n2\n"


async def test_a_caller_that_gives_up_leaves_no_process_behind(host: StrategyHost) -> None:
    process = await StrategyProcess.start(PLAIN, MOODY.text, SHORT)
    asking = asyncio.ensure_future(process.ask({"n": 1}))
    await asyncio.wait([asking], timeout=0.05)
    asking.cancel()
    await asyncio.wait([asking])

    assert not process.alive
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


async def test_a_dismissed_strategy_is_gone(host: StrategyHost) -> None:
    await host.seat("good", GOOD)
    await host.dismiss("good")
    with pytest.raises(KeyError):
        await host.ask("good", {"n": 1})


async def test_one_that_is_dismissed_while_it_starts_leaves_no_process(host: StrategyHost) -> None:
    starting = asyncio.ensure_future(host.seat("good", GOOD))
    await ManualClock().sleep(0)  # its process is asked for, and cannot be there yet
    await host.dismiss("good")

    with pytest.raises(StrategyError, match="strategy_ended"):
        await starting


async def test_the_walls_of_this_system_can_be_asked_for() -> None:
    assert (await isolation_here()).walls


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
async def test_our_own_examples_decide_behind_the_walls(host: StrategyHost, template: Template) -> None:
    facts = {
        "exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1m", "base": "BTC", "quote": "USDT", "tick": 0.01,
        "step": 1e-5, "min_quantity": 1e-5, "min_notional": 5.0, "fee_rate": 0.001, "mode": "live",
    }  # fmt: skip
    request = {"do": "decide", "facts": facts, "candles": "window", "standing": {"balance": 1000.0, "allotted": 1000.0}}
    told = await host.seat("one", Program("services.strategy_job", template.text))

    first = await host.ask("one", request, {"window": minutes(300)})
    again = await host.ask("one", {**request, "state": first.value["state"]}, {"window": minutes(301)})

    assert told.value["name"] in template.text
    assert again.value["state"]["stopped"] == ""
    assert {"entries", "close"} <= first.value["decision"].keys()
