"""Group commit: what is handed in while one commit runs shares the next, and its fsync."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from aristobot.errors import AristobotError, StoreError
from aristobot.store.database import Database

LARGEST_BATCH = 256

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class GroupCommit(Generic[Item, Answer]):
    """Hands items to `work(connection, items)`, as many as wait in one transaction; it gives one answer each, in their order."""

    def __init__(self, db: Database, work: Callable[[Any, Sequence[Item]], list[Answer]], *, urgent: bool = False) -> None:
        self._db = db
        self._work = work
        self._urgent = urgent
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Answer:
        """The item's answer, once it is durable. Raises what the database, or `work`, has against this item."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_BATCH))]
                await self._commit(batch)
        finally:
            self._flushing = None
            for _, future in self._waiting:
                _fail(future, StoreError("store_closed"))
            self._waiting.clear()

    async def _commit(self, batch: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        items = [item for item, _ in batch]
        try:
            answers = await self._db.submit_write(lambda connection: self._work(connection, items), urgent=self._urgent)
        except StoreError as error:
            for _, future in batch:
                _fail(future, error)
        except AristobotError as error:
            if len(batch) == 1:
                _fail(batch[0][1], error)
            else:
                for one in batch:  # an item that is refused must not take its neighbours along
                    await self._commit([one])
        except BaseException:
            for _, future in batch:
                _fail(future, StoreError("store_unreachable"))
            raise
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _fail(future: asyncio.Future[Any], error: AristobotError) -> None:
    if not future.done():
        future.set_exception(type(error)(error.code, **error.facts))
