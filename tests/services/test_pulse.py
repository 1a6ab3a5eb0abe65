"""Whether the house notices that its event loop stands still, and says where."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from loguru import logger

from services.pulse import Pulse
from tests.services.trading import TradingHouse

_EVERY = 0.02


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What the pulse writes into the log."""
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), filter="services.pulse", format="{level} {message}")
    yield lines
    logger.remove(sink)


async def test_a_loop_that_stands_still_is_told_with_the_line_where_it_stands_and_that_it_goes_on(said: list[str]) -> None:
    pulse = Pulse(_EVERY, patience=5)
    pulse.start()
    _a_page_that_computes_on_the_loop(lambda: bool(said))
    await asyncio.to_thread(_wait_until, lambda: len(said) == 2)
    pulse.stop()
    stood, went_on = said
    assert stood.startswith("ERROR The event loop has stood still for")
    assert "_a_page_that_computes_on_the_loop" in stood
    assert went_on.startswith("WARNING The event loop goes on after")


async def test_a_loop_that_is_only_busy_is_left_alone(said: list[str]) -> None:
    pulse = Pulse(_EVERY, patience=500)
    pulse.start()
    over = time.monotonic() + 10 * _EVERY
    _a_page_that_computes_on_the_loop(lambda: time.monotonic() > over)
    await asyncio.to_thread(time.sleep, 10 * _EVERY)
    pulse.stop()
    assert said == []


def test_a_loop_that_was_closed_is_not_asked_any_more() -> None:
    pulse = Pulse(_EVERY)

    async def begin() -> None:
        pulse.start()

    asyncio.run(begin())
    (thread,) = _pulses()
    thread.join(timeout=30)
    assert not thread.is_alive()


async def test_a_house_has_a_pulse_until_its_end(house: TradingHouse) -> None:
    (thread,) = _pulses()
    await house.app.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()


def _a_page_that_computes_on_the_loop(is_done: Callable[[], bool]) -> None:
    _wait_until(is_done)


def _wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(_EVERY)


def _pulses() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "pulse"]
