"""The log for the screen: the newest lines at once, older ones from the files, and a ring when something was said."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from aristobot import logs
from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.events import LogLinesWritten
from aristobot.logs import Logs, log_context
from aristobot.settings import Settings
from services.log_archive import LogQuery
from services.log_tail import LogTail

ANNA = uuid.UUID(int=1)
QUERY = LogQuery(ANNA, administrator=True)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Logs]:
    """The log of the process, for the length of one test."""
    started = logs.start(Settings.load({"data_dir": tmp_path}, {}), console=False)
    yield started
    started.close()


@pytest.fixture
def tail(running: Logs, clock: ManualClock) -> LogTail:
    """What the screen reads it by."""
    made = LogTail(Bus(), clock)
    made.follow(running)
    return made


async def test_what_memory_has_forgotten_comes_from_the_files(tail: LogTail, running: Logs) -> None:
    for number in range(2300):
        logger.info("line {}", number)
    running.flush()
    number, page = await tail.newest(QUERY, 2200)
    shown = [line["msg"] for line in page.lines]
    while page.older is not None:
        page = await tail.older(QUERY, page.older, 60)
        shown += [line["msg"] for line in page.lines]
    assert shown == [f"line {number}" for number in reversed(range(2300))]
    logger.info("and one more")
    running.flush()
    assert [line["msg"] for line in tail.since(number, QUERY)[1]] == ["and one more"]


async def test_a_storm_of_lines_rings_a_few_times_a_second(running: Logs, clock: ManualClock) -> None:
    bus = Bus()
    rung: list[LogLinesWritten] = []
    bus.listen(LogLinesWritten, do=rung.append)
    tail = LogTail(bus, clock)
    tail.follow(running)
    task = asyncio.create_task(tail.run())
    await asyncio.to_thread(running.flush)
    for _burst in range(20):
        logger.info("said")
        await asyncio.to_thread(running.flush)
    assert len(rung) == 1
    await clock.advance(1)
    await asyncio.to_thread(running.flush)
    assert 1 < len(rung) <= 3
    task.cancel()


async def test_services_are_known_from_their_files_and_from_memory(tail: LogTail, running: Logs) -> None:
    with log_context(service="heartbeat"):
        logger.info("said")
    running.flush()
    assert await tail.services() == ["heartbeat"]


async def test_without_a_log_there_is_nothing_to_read(clock: ManualClock) -> None:
    tail = LogTail(Bus(), clock)
    assert tail.since(7, QUERY) == (7, [])
    assert (await tail.newest(QUERY, 10))[1].lines == []
    assert await tail.services() == []
