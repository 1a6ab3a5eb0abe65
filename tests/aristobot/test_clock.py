"""Clocks: the one that runs by itself and the one that is moved by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.clock import ManualClock, SystemClock, from_milliseconds, iso_milliseconds, to_milliseconds

MOMENTS = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1900 < moment.year < 2200)


async def sleepers(clock: ManualClock, *lengths: float) -> tuple[list[float], list[asyncio.Task[None]]]:
    """Tasks that sleep so long; the list tells in which order, and the tasks are to be awaited."""
    woken: list[float] = []

    async def sleeper(length: float) -> None:
        await clock.sleep(length)
        woken.append(length)

    tasks = [asyncio.create_task(sleeper(length)) for length in lengths]
    await clock.sleep(0)
    return woken, tasks


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock = ManualClock()
    woken, tasks = await sleepers(clock, 30, 10, 20)
    await clock.advance(60)
    assert woken == [10, 20, 30]
    await asyncio.gather(*tasks)


async def test_nobody_wakes_early() -> None:
    clock = ManualClock()
    woken, tasks = await sleepers(clock, 10)
    await clock.advance(9.999)
    assert woken == []
    await clock.advance(0.001)
    assert woken == [10]
    await asyncio.gather(*tasks)


async def test_who_sleeps_again_while_time_passes_wakes_at_the_right_moments() -> None:
    clock = ManualClock()
    moments: list[datetime] = []

    async def every_ten_seconds() -> None:
        for _ in range(3):
            await clock.sleep(10)
            moments.append(clock.now())

    start = clock.now()
    task = asyncio.create_task(every_ten_seconds())
    await clock.sleep(0)
    await clock.advance(35)
    await task
    assert moments == [start + timedelta(seconds=after) for after in (10, 20, 30)]
    assert clock.now() == start + timedelta(seconds=35)
    assert clock.monotonic() == 35


async def test_ten_tenths_of_a_second_are_a_second() -> None:
    clock = ManualClock()
    woken, tasks = await sleepers(clock, 1)
    for _ in range(10):
        await clock.advance(0.1)
    assert woken == [1]
    assert clock.monotonic() == 1
    await asyncio.gather(*tasks)


async def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="back"):
        await ManualClock().advance(-1)


async def test_a_cancelled_sleeper_troubles_nobody() -> None:
    clock = ManualClock()
    woken, tasks = await sleepers(clock, 10, 20)
    tasks[0].cancel()
    await clock.advance(30)
    assert woken == [20]
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("seconds", [0, -1])
async def test_not_sleeping_lets_others_run_and_takes_no_time(seconds: float) -> None:
    for clock in (ManualClock(), SystemClock()):
        ran: list[bool] = []
        asyncio.get_running_loop().call_soon(ran.append, True)
        await asyncio.wait_for(clock.sleep(seconds), timeout=1)
        assert ran == [True]


async def test_the_systems_clock_is_aware_and_moves_on() -> None:
    clock = SystemClock()
    before, began = clock.now(), clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - began >= 0.009
    assert clock.now().tzinfo is UTC
    assert clock.now() >= before


@given(moment=MOMENTS)
def test_milliseconds_go_there_and_back_exactly(moment: datetime) -> None:
    milliseconds = to_milliseconds(moment)
    back = from_milliseconds(milliseconds)
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)
    assert to_milliseconds(back) == milliseconds


@given(moment=MOMENTS)
def test_times_are_written_in_utc_with_milliseconds(moment: datetime) -> None:
    text = iso_milliseconds(moment.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert datetime.fromisoformat(text) == from_milliseconds(to_milliseconds(moment))
    assert text.endswith("Z")
    assert len(text) == len("2026-01-01T00:00:00.000Z")
