"""A loop on which waiting takes no time: when nobody has anything to do, its clock leaps to whoever wakes up next.

Sockets and threads are real, and whatever they still have to say is heard before the clock leaps; so what is measured on it
is what was waited for, neither how fast this machine is nor what else it has to do.
"""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aristobot.clock import SystemClock
from tests.threads import THREADS, Threads, counted_threads

Result = TypeVar("Result")
#: Real seconds for which a thread that still works is waited for before it is looked at again.
_A_MOMENT = 0.01
_INSTANT = timedelta(microseconds=1)


class _LeapingSelector(selectors.DefaultSelector):
    """Waits for sockets and threads only; for the clock it leaps."""

    def __init__(self, threads: Threads) -> None:
        super().__init__()
        self._threads = threads
        self.awaited = 0
        self.leapt = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """What happened; when nothing can happen any more, the time until `timeout` has passed."""
        if timeout == 0:
            return super().select(0)
        while True:
            busy = self._threads.busy or self.awaited
            happened = super().select(_A_MOMENT if busy or timeout is None else 0)
            if happened:
                return happened
            if not busy and timeout is not None:
                os.sched_yield()
                happened = super().select(0)
                self.leapt += 0.0 if happened else timeout
                return happened


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds pass only while somebody waits for them."""

    def __init__(self, threads: Threads) -> None:
        self._leaping = _LeapingSelector(threads)
        super().__init__(self._leaping)

    def run_in_executor(self, executor: Any, func: Callable[..., Result], *args: Any) -> asyncio.Future[Result]:  # type: ignore[override]  # typeshed knows it with type variables of its own
        """The same, and no leap before its end was heard: a thread is counted off a moment before it tells the loop."""
        future = super().run_in_executor(executor, func, *args)
        self._leaping.awaited += 1
        future.add_done_callback(self._heard)
        return future

    def _heard(self, _: asyncio.Future[Any]) -> None:
        self._leaping.awaited -= 1

    def time(self) -> float:
        """Seconds waited for so far."""
        return self._leaping.leapt


class LoopClock:
    """New Year 2026 plus whatever was waited for on the running loop; its threads may ask too."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wall = SystemClock()
        self._told = datetime(2026, 1, 1, tzinfo=UTC) - _INSTANT

    def now(self) -> datetime:
        """The moment; never twice the same, as on a real clock."""
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())
        self._told = max(moment, self._told + _INSTANT)
        return self._told

    def monotonic(self) -> float:
        """Seconds of the loop."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait, which takes no time."""
        await self._wall.sleep(seconds)


@contextmanager
def nobody_leaps() -> Iterator[None]:
    """Somebody outside of this process is at work: the clock waits for them."""
    THREADS.add(1)
    try:
        yield
    finally:
        THREADS.add(-1)


def a_leaping_loop() -> LeapingLoop:
    """One for a test whose threads are counted."""
    return LeapingLoop(THREADS)


def run_leaping(main: Coroutine[Any, Any, Result]) -> Result:
    """Run something to its end on such a loop."""
    with counted_threads(), asyncio.Runner(loop_factory=a_leaping_loop) as runner:
        return runner.run(main)
