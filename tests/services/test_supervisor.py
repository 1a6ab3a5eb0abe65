"""The supervisor: services fall and stand up again without troubling their neighbours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.events import ServiceStateChanged
from services.supervisor import FALLEN, RUNNING, STOPPED, Supervisor


class Worker:
    """A service that does what its script says, one entry per run, and then works until it is stopped."""

    def __init__(self, name: str, *script: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self.script = list(script)
        self.runs = 0
        self.diary: list[str] = []

    async def run(self) -> None:
        self.runs += 1
        self.diary.append("began")
        try:
            if self.script:
                await self.script.pop(0)()
            else:
                await asyncio.Event().wait()
        finally:
            self.diary.append("cleaned up")


async def falls() -> None:
    raise ConnectionError("the line is dead")


async def ends() -> None:
    return


async def leaks_a_cancellation() -> None:
    raise asyncio.CancelledError


@pytest.fixture
def said() -> object:
    """What is logged while the test runs."""
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), format="{level} {message}", level="INFO")
    yield lines
    logger.remove(sink)


async def test_a_fallen_service_is_run_again_after_one_second() -> None:
    clock, worker = ManualClock(), Worker("heartbeat", falls)
    supervisor = Supervisor(Bus(), clock, [worker])
    await supervisor.start()
    await clock.advance(0.9)
    assert (worker.runs, supervisor.states()[0].state) == (1, FALLEN)
    await clock.advance(0.2)
    assert (worker.runs, supervisor.states()[0].state, supervisor.states()[0].restarts) == (2, RUNNING, 1)
    await supervisor.stop()


async def test_the_pauses_double_up_to_a_minute() -> None:
    clock, worker = ManualClock(), Worker("heartbeat", *[falls] * 12)
    supervisor = Supervisor(Bus(), clock, [worker])
    await supervisor.start()
    await clock.advance(0)
    for pause in (1, 2, 4, 8, 16, 32, 60, 60):
        before = worker.runs
        await clock.advance(pause - 0.5)
        assert worker.runs == before
        await clock.advance(0.5)
        assert worker.runs == before + 1
    await supervisor.stop()


async def test_a_minute_of_health_begins_the_pauses_anew() -> None:
    broken = asyncio.Event()

    async def works_until_broken() -> None:
        await broken.wait()
        raise ConnectionError("later")

    clock, worker = ManualClock(), Worker("heartbeat", falls, falls, works_until_broken)
    supervisor = Supervisor(Bus(), clock, [worker])
    await supervisor.start()
    await clock.advance(3)
    assert worker.runs == 3
    await clock.advance(61)
    broken.set()
    await clock.advance(0)
    await clock.advance(1)
    assert worker.runs == 4
    await supervisor.stop()


@pytest.mark.parametrize("fate", [ends, leaks_a_cancellation])
async def test_a_service_that_ends_by_itself_has_fallen(fate: Callable[[], Awaitable[None]]) -> None:
    clock, worker = ManualClock(), Worker("engine", fate)
    supervisor = Supervisor(Bus(), clock, [worker])
    await supervisor.start()
    await clock.advance(0)
    assert supervisor.states()[0].state == FALLEN
    await clock.advance(1)
    assert worker.runs == 2
    await supervisor.stop()


async def test_a_fall_leaves_the_neighbours_alone() -> None:
    clock, shaky, steady = ManualClock(), Worker("shaky", falls, falls), Worker("steady")
    supervisor = Supervisor(Bus(), clock, [shaky, steady])
    await supervisor.start()
    await clock.advance(10)
    assert steady.diary == ["began"]
    await supervisor.stop()


async def test_services_stop_in_reverse_order_each_after_its_cleaning() -> None:
    order: list[str] = []

    class Tidy(Worker):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await ManualClock().sleep(0)
                order.append(self.name)

    supervisor = Supervisor(Bus(), ManualClock(), [Tidy("first"), Tidy("second"), Tidy("third")])
    await supervisor.start()
    await supervisor.stop()
    assert order == ["third", "second", "first"]
    assert {state.state for state in supervisor.states()} == {STOPPED}


async def test_a_service_that_fails_while_stopping_still_stops() -> None:
    async def fails_at_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("disk full")

    worker = Worker("writer", fails_at_the_end)
    supervisor = Supervisor(Bus(), ManualClock(), [worker])
    await supervisor.start()
    await supervisor.stop()
    assert worker.runs == 1
    assert supervisor.states()[0].state == STOPPED


async def test_a_fallen_service_that_waits_for_its_next_try_stops_at_once() -> None:
    clock, worker = ManualClock(), Worker("heartbeat", falls)
    supervisor = Supervisor(Bus(), clock, [worker])
    await supervisor.start()
    await clock.advance(0)
    await supervisor.stop()
    await clock.advance(120)
    assert worker.runs == 1


async def test_stopped_services_can_be_started_again() -> None:
    worker = Worker("heartbeat")
    supervisor = Supervisor(Bus(), ManualClock(), [worker])
    await supervisor.start()
    await supervisor.start()
    await supervisor.stop()
    await supervisor.start()
    assert worker.runs == 2
    await supervisor.stop()


async def test_every_change_of_state_is_published() -> None:
    bus, clock, worker = Bus(), ManualClock(), Worker("heartbeat", falls)
    seen: list[tuple[str, str]] = []
    bus.listen(ServiceStateChanged, do=lambda event: seen.append((event.state, event.detail)))
    supervisor = Supervisor(bus, clock, [worker])
    await supervisor.start()
    await clock.advance(1)
    await supervisor.stop()
    assert seen == [(RUNNING, ""), (FALLEN, "ConnectionError: the line is dead"), (RUNNING, ""), (STOPPED, "")]


async def test_the_same_fault_is_logged_once_and_so_is_its_end(said: list[str]) -> None:
    clock, worker = ManualClock(), Worker("heartbeat", falls, falls, falls)
    supervisor = Supervisor(Bus(), clock, [worker])
    await supervisor.start()
    await clock.advance(7)
    await clock.advance(61)
    await supervisor.stop()
    assert [line for line in said if "fell" in line] == [said[0]]
    assert sum("heartbeat has recovered" in line for line in said) == 1


def test_two_services_may_not_share_a_name() -> None:
    with pytest.raises(ValueError, match="share a name"):
        Supervisor(Bus(), ManualClock(), [Worker("twin"), Worker("twin")])
