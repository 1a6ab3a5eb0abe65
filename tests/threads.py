"""What the threads of this process still have to do: for clocks that are not to run ahead of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from aristobot.errors import StoreError
from aristobot.store.workers import Workers

_Submit = Callable[..., "Future[Any]"]
_Give = Callable[..., None]


class Threads:
    """Counts what the threads of every pool have still to do; what they have done was told to the loop before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.busy = 0

    def watch(self, submit: _Submit) -> _Submit:
        """The same way to hand a job in, counted."""

        def counted(pool: ThreadPoolExecutor, *job: Any, **options: Any) -> Future[Any]:
            self.add(1)
            try:
                future = submit(pool, *job, **options)
            except RuntimeError:
                self.add(-1)
                raise
            future.add_done_callback(lambda _: self.add(-1))
            return future

        return counted

    def watch_jobs(self, give: _Give) -> _Give:
        """The same for the memory's own threads, whose jobs tell the loop themselves."""

        def counted(workers: Workers, job: Callable[[], None], **options: Any) -> None:
            def done() -> None:
                try:
                    job()
                finally:
                    self.add(-1)

            self.add(1)
            try:
                give(workers, done, **options)
            except StoreError:
                self.add(-1)
                raise

        return counted

    def add(self, jobs: int) -> None:
        """So many more, or fewer, are under way."""
        with self._lock:
            self.busy += jobs


THREADS = Threads()


@contextmanager
def counted_threads() -> Iterator[Threads]:
    """Whatever any pool of threads is given to do meanwhile is counted."""
    submit, give = ThreadPoolExecutor.submit, Workers.give
    ThreadPoolExecutor.submit = THREADS.watch(submit)  # type: ignore[method-assign]  # the only place that all pools share
    Workers.give = THREADS.watch_jobs(give)  # type: ignore[method-assign]  # and the only one of the memory's threads
    try:
        yield THREADS
    finally:
        ThreadPoolExecutor.submit, Workers.give = submit, give  # type: ignore[method-assign]  # as they were
