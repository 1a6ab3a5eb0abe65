"""Group commit: what is handed in while one commit runs shares the next, and its fsync.

An alert waits here twice, so there is no task in between: the writer's thread rings the loop once for a whole batch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from itertools import compress
from typing import Any, Generic, TypeVar

from aristobot.errors import AristobotError, StoreError
from aristobot.store.database import Database

LARGEST_BATCH = 256

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class GroupCommit(Generic[Item, Answer]):
    """Hands items to `work(connection, items)`, as many as wait in one transaction; it gives one answer each, in their order.

    Items of the class `first` are told two turns of the loop before all others: what they send then has left.
    """

    def __init__(
        self,
        db: Database,
        work: Callable[[Any, Sequence[Item]], list[Answer]],
        *,
        urgent: bool = False,
        first: type | None = None,
    ) -> None:
        self._db = db
        self._work = work
        self._urgent = urgent
        self._first = first
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._alone: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._meanwhile: list[Callable[[], None]] = []
        self._busy = False

    async def add(self, item: Item, meanwhile: Callable[[], None] | None = None) -> Answer:
        """The item's answer, once it is durable. Raises what the database, or `work`, has against this item.

        An answer that is an exception is raised for its own item: all others of the transaction stand. `meanwhile` is called on
        the loop, at most once, while the transaction waits for the disk: nobody knows then whether it will stand.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((item, future))
        if meanwhile is not None:
            self._meanwhile.append(meanwhile)
        if not self._busy:
            self._busy = True
            loop.call_soon(self._gather, loop, 0)
        return await future

    def _gather(self, loop: asyncio.AbstractEventLoop, waited: int) -> None:
        """Begin when a turn of the loop brought nobody new: who comes alone waits for nobody, and many go together."""
        waits = len(self._waiting)
        if waited < waits < LARGEST_BATCH:
            loop.call_soon(self._gather, loop, waits)
        else:
            self._next(loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the next batch to the writer; one item at a time while those of a refused batch are tried again."""
        batch = [self._alone.popleft()] if self._alone else self._of_those_waiting()
        self._busy = bool(batch)
        if not batch:
            return
        items = [item for item, _ in batch]
        meanwhile, self._meanwhile = self._meanwhile, []

        def work(connection: Any) -> list[Answer]:
            answers = self._work(connection, items)
            if meanwhile:  # what is left is the disk's: the interpreter is free for the loop until then
                _ring(loop, _do_each, loop, meanwhile)
            return answers

        try:
            job = self._db.hand_in(work, urgent=self._urgent)
        except StoreError as error:
            self._refuse(batch, error)
            self._next(loop)
        else:
            job.add_done_callback(partial(_ring, loop, self._end, loop, batch))

    def _of_those_waiting(self) -> list[tuple[Item, asyncio.Future[Answer]]]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_BATCH))]

    def _end(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[tuple[Item, asyncio.Future[Answer]]], job: Future[list[Answer]]
    ) -> None:
        """On the loop: give everybody their answer, and go on with those who came meanwhile."""
        error = job.exception()
        if error is None:
            self._tell(loop, batch, job.result())
        elif not isinstance(error, AristobotError):
            self._refuse(batch, StoreError("store_unreachable"))
        elif isinstance(error, StoreError) or len(batch) == 1:
            self._refuse(batch, error)
        else:
            self._alone.extend(batch)  # an item that is refused must not take its neighbours along
        self._next(loop)
        if error is not None and not isinstance(error, AristobotError):
            raise error

    def _tell(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[tuple[Item, asyncio.Future[Answer]]], told: list[Answer]
    ) -> None:
        answered = [(future, answer) for (_, future), answer in zip(batch, told, strict=True)]
        hurried = [self._first is not None and isinstance(item, self._first) for item, _ in batch]
        if any(hurried):
            _answer(compress(answered, hurried))
            patient = [one for one, is_first in zip(answered, hurried, strict=True) if not is_first]
            loop.call_soon(loop.call_soon, _answer, patient)
        else:
            _answer(answered)

    @staticmethod
    def _refuse(batch: Sequence[tuple[Item, asyncio.Future[Answer]]], error: AristobotError) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(type(error)(error.code, **error.facts))


def _answer(answered: Iterable[tuple[asyncio.Future[Answer], Answer]]) -> None:
    for future, answer in answered:
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _do_each(loop: asyncio.AbstractEventLoop, meanwhile: Iterable[Callable[[], None]]) -> None:
    for one in meanwhile:  # each for itself: what is wrong with one must not hold up the others
        loop.call_soon(one)


def _ring(loop: asyncio.AbstractEventLoop, do: Callable[..., None], *given: Any) -> None:
    with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
        loop.call_soon_threadsafe(do, *given)
