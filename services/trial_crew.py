"""Who plays the trials: threads here that each look after a strategy process, or a Dask cluster. The same executor either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aristobot.errors import ConfigurationError
from services.trial_bench import end_benches

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.candle_rows import Rows


@dataclass(frozen=True, slots=True)
class Crew:
    """An executor and how many play at once. `share` puts candles where its workers find them, `end` ends what a search left."""

    executor: Executor
    size: int
    share: Callable[[Rows], Any]
    end: Callable[[str], object]


@contextmanager
def crew(workers: int, scheduler: str = "", patience: float = 10.0) -> Iterator[Crew]:
    """So many processes on this machine; with a scheduler's address all workers of its cluster instead. Blocks while it connects,
    at most `patience` seconds.

    Raises ConfigurationError when the cluster cannot be used.
    """
    if scheduler:
        with _cluster(scheduler, patience) as found:
            yield found
        return
    pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="trials")
    try:
        yield Crew(pool, max(1, workers), lambda rows: rows, end_benches)
    finally:
        pool.shutdown(cancel_futures=True)


def cluster_size(address: str, patience: float) -> int:
    """How many tasks the workers of a cluster play at once. Blocks as `crew` does, and raises as it does."""
    with _cluster(address, patience) as found:
        return found.size


@contextmanager
def _cluster(address: str, patience: float) -> Iterator[Crew]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise ConfigurationError("cluster_not_installed") from None
    try:
        client = distributed.Client(address, timeout=patience, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigurationError("scheduler_out_of_reach", address=address, detail=type(error).__name__) from None
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise ConfigurationError("scheduler_without_workers", address=address)
        share = partial(client.scatter, broadcast=True, hash=False)
        with client.get_executor(pure=False) as executor:
            yield Crew(executor, threads, share, partial(client.run, end_benches))
    finally:
        client.close()
