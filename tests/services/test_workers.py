"""Heavy work elsewhere: its answer, its errors, its end when it takes too long."""

from __future__ import annotations

import asyncio
import os

import pytest

from aristobot.clock import SystemClock
from aristobot.errors import DataError
from services.workers import WorkCut, Workers


def _double(number: int, *, plus: int = 0) -> tuple[int, int]:
    return number * 2 + plus, os.getpid()


def _refuse() -> None:
    raise DataError("import_empty", file="x.csv")


def _loop() -> None:
    while True:
        pass


def _die() -> None:
    os._exit(3)


async def test_the_answer_comes_from_another_process() -> None:
    number, pid = await Workers().run(_double, 20, 21, plus=1)
    assert number == 43
    assert pid != os.getpid()


async def test_an_error_of_the_work_comes_back_with_its_facts() -> None:
    with pytest.raises(DataError) as raised:
        await Workers().run(_refuse, 20)
    assert raised.value.facts == {"file": "x.csv"}


async def test_work_without_end_is_cut_and_the_next_goes_on() -> None:
    workers, clock = Workers(1), SystemClock()
    before = clock.monotonic()
    with pytest.raises(WorkCut):
        await workers.run(_loop, 1.0)
    assert clock.monotonic() - before < 15
    assert (await workers.run(_double, 20, 1))[0] == 2


async def test_a_process_that_dies_is_said_to_have_died() -> None:
    with pytest.raises(WorkCut):
        await Workers().run(_die, 20)


async def test_a_caller_that_gives_up_ends_the_work() -> None:
    workers = Workers(1)
    waiting = asyncio.ensure_future(workers.run(_loop, 60))
    await asyncio.wait([waiting], timeout=0.3)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (await workers.run(_double, 20, 1))[0] == 2
