"""The clock of the tests leaps only over what is waited for, never over what a thread has still to say."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

import pytest

from aristobot.clock import SystemClock
from tests.services.leaping import run_leaping

_LOOKS_EVERY = 0.01  # real seconds after which the loop looks again whether a thread still works


@pytest.fixture
def threads_that_take_turns_often() -> Iterator[None]:
    """Whatever may happen between two steps of a thread does happen."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def _work(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def _late(jobs: int) -> int:
    late = 0
    for number in range(jobs):
        try:
            async with asyncio.timeout(10):
                await asyncio.to_thread(_work, _LOOKS_EVERY - 0.0002 + number % 60 * 1e-5)
        except TimeoutError:
            late += 1
    return late


def test_what_a_thread_did_is_heard_before_time_goes_on(threads_that_take_turns_often: None) -> None:
    assert run_leaping(_late(120)) == 0


def test_what_is_only_waited_for_takes_no_time() -> None:
    began = time.perf_counter()
    run_leaping(SystemClock().sleep(3600))
    assert time.perf_counter() - began < 60
