"""A loop on which waiting takes no time: when nobody has anything to do, its clock leaps to whoever wakes up next.

Sockets and threads are real, and whatever they still have to say is heard before the clock leaps; so what is measured on it
is what was waited for, neither how fast this machine is nor what else it has to do.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aristobot.clock import SystemClock

Result = TypeVar("Result")
_Submit = Callable[..., "Future[Any]"]
#: Real seconds for which a thread that still works is waited for before it is looked at again.
_A_MOMENT = 0.01
_INSTANT = timedelta(microseconds=1)


class _Threads:
    """Counts what the threads of every pool have still to do; what they have done was told to the loop before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.busy = 0

    def watch(self, submit: _Submit) -> _Submit:
        """The same way to hand a job in, counted."""

        def counted(pool: ThreadPoolExecutor, *job: Any, **options: Any) -> Future[Any]:
            self._add(1)
            try:
                future = submit(pool, *job, **options)
            except RuntimeError:
                self._add(-1)
                raise
            future.add_done_callback(lambda _: self._add(-1))
            return future

        return counted

    def _add(self, jobs: int) -> None:
        with self._lock:
            self.busy += jobs


class _LeapingSelector(selectors.DefaultSelector):
    """Waits for sockets and threads only; for the clock it leaps."""

    def __init__(self, threads: _Threads) -> None:
        super().__init__()
        self._threads = threads
        self.leapt = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """What happened; when nothing can happen any more, the time until `timeout` has passed."""
        if timeout == 0:
            return super().select(0)
        while True:
            busy = self._threads.busy
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

    def __init__(self, threads: _Threads) -> None:
        self._leaping = _LeapingSelector(threads)
        super().__init__(self._leaping)

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


_THREADS = _Threads()


@contextmanager
def counted_threads() -> Iterator[_Threads]:
    """Whatever any pool of threads is given to do meanwhile is counted."""
    submit = ThreadPoolExecutor.submit
    ThreadPoolExecutor.submit = _THREADS.watch(submit)  # type: ignore[method-assign]  # the only place that all pools share
    try:
        yield _THREADS
    finally:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]  # as it was


@contextmanager
def nobody_leaps() -> Iterator[None]:
    """Somebody outside of this process is at work: the clock waits for them."""
    _THREADS._add(1)
    try:
        yield
    finally:
        _THREADS._add(-1)


def a_leaping_loop() -> LeapingLoop:
    """One for a test whose threads are counted."""
    return LeapingLoop(_THREADS)


def run_leaping(main: Coroutine[Any, Any, Result]) -> Result:
    """Run something to its end on such a loop."""
    with counted_threads(), asyncio.Runner(loop_factory=a_leaping_loop) as runner:
        return runner.run(main)
