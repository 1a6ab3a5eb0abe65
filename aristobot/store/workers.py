"""Threads of the memory: they do what is urgent first, and ring the loop once for each job.

The standard library's pool takes twice the time to hand a job in and its result back, and between an alert and its order lie two.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from aristobot.errors import StoreError

Result = TypeVar("Result")
_Job = Callable[[], None]


class Workers:
    """As many threads as are needed, `count` at most; they begin with the first jobs and end with `close`."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._threads: list[threading.Thread] = []
        self._urgent: deque[_Job] = deque()
        self._ordinary: deque[_Job] = deque()
        #: One for each job, and at the end one `False` for each thread.
        self._tickets: SimpleQueue[bool] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False

    async def do(self, run: Callable[[], Result]) -> Result:
        """What `run` gives, or raises, in a thread. Whoever is cancelled here leaves; what was handed in is done all the same."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Result] = loop.create_future()
        context = contextvars.copy_context()  # the trace follows into the thread
        self.give(partial(_tell, loop, waiting, partial(context.run, run)))
        return await waiting

    def submit(self, run: Callable[[], Result], *, urgent: bool = False) -> Future[Result]:
        """The job's future, resolved in the thread. Raises StoreError after `close`."""
        future: Future[Result] = Future()
        self.give(partial(_resolve, future, run), urgent=urgent)
        return future

    def give(self, job: _Job, *, urgent: bool = False) -> None:
        """Have a job done that answers for itself: ahead of those that wait, when it is urgent. StoreError after `close`."""
        with self._closing:
            if self._closed:
                raise StoreError("store_closed")
            (self._urgent if urgent else self._ordinary).append(job)
            self._tickets.put(True)
            if len(self._threads) < self._count and not self._tickets.empty():
                self._begin()

    def close(self) -> None:
        """Finish what was handed in."""
        with self._closing:
            self._closed = True
        for _ in self._threads:
            self._tickets.put(False)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _begin(self) -> None:
        thread = threading.Thread(target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while self._tickets.get():
            try:
                job = self._urgent.popleft()
            except IndexError:
                job = self._ordinary.popleft()
            job()
            del job  # and with it all that it holds, until the next one comes


def _tell(loop: asyncio.AbstractEventLoop, waiting: asyncio.Future[Any], run: Callable[[], Any]) -> None:
    try:
        answer = partial(_answer, waiting, run())
    except BaseException as error:  # noqa: BLE001  # it belongs to whoever waits for the job
        answer = partial(_refuse, waiting, error)
    with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
        loop.call_soon_threadsafe(answer)


def _answer(waiting: asyncio.Future[Any], result: Any) -> None:
    if not waiting.done():
        waiting.set_result(result)


def _refuse(waiting: asyncio.Future[Any], error: BaseException) -> None:
    if not waiting.done():
        waiting.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)


def _resolve(future: Future[Any], run: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = run()
    except BaseException as error:  # noqa: BLE001  # it belongs to whoever waits for the job
        future.set_exception(error)
    else:
        future.set_result(result)
