"""From the bus to the screen, for as long as the page is there."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from typing import Any, Self

from loguru import logger
from nicegui import background_tasks, ui

from aristobot.bus import Bus, Subscription
from aristobot.logs import current_trace_id, log_context
from components.viewer import Viewer, viewing

Do = Callable[[Any], Awaitable[None] | None]

#: Seconds between two looks whether a browser that went away is back.
PATIENCE = 0.5


class Live(ui.element):
    """The only bridge from services to a page: it hears one user's events and lets go when its element is deleted.

    A handler runs in the slot where Live stands, so it may create elements and notify, and in the viewer's language.
    Asynchronous handlers of one Live run one after the other, in the order of their events. A handler's error is logged
    and survived.
    """

    def __init__(self, bus: Bus, viewer: Viewer) -> None:
        super().__init__("template")
        self._bus = bus
        self._viewer = viewer
        self._subscriptions: list[Subscription] = []
        self._newest: dict[tuple[int, type, object], tuple[Do, Any]] = {}
        self._flush_at: asyncio.TimerHandle | None = None
        self._flushed = 0.0
        self._jobs: deque[tuple[Awaitable[None], str]] = deque()
        self._working = False
        self._aside: set[asyncio.Task[None]] = set()

    def each(self, *types: type, do: Do) -> Self:
        """Call `do` with every event of these classes, in order: orders, alerts, log lines."""
        self._subscriptions.append(self._bus.listen(*types, do=lambda event: self._call(do, event), user_id=self._viewer.id))
        return self

    def latest(self, *types: type, do: Do, max_fps: float = 10) -> Self:
        """Call `do` with the newest event per class and key, at most `max_fps` times a second: prices, candles, progress.

        While the browser is away only the newest is kept, instead of a queue of what is stale.
        """
        number = len(self._subscriptions)

        def remember(event: Any) -> None:
            self._newest[(number, type(event), event.key)] = (do, event)
            self._schedule(1 / max_fps)

        self._subscriptions.append(self._bus.listen(*types, do=remember, user_id=self._viewer.id))
        return self

    def beside(self, doing: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None] | None:
        """Do what takes its time in a task of its own, where Live stands; it ends with the page at the latest."""
        slot = self.parent_slot
        if self.is_deleted or slot is None:
            doing.close()
            return None
        task = background_tasks.create(doing, name=name, context=slot)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        task.add_done_callback(lambda _: doing.close())  # one that was cancelled before it began would complain
        return task

    def _schedule(self, interval: float) -> None:
        if self._flush_at is None:
            loop = asyncio.get_running_loop()
            self._flush_at = loop.call_at(max(loop.time(), self._flushed + interval), self._flush)

    def _flush(self) -> None:
        self._flush_at = None
        loop = asyncio.get_running_loop()
        if not self.is_deleted and not self.client.has_socket_connection:
            self._flush_at = loop.call_later(PATIENCE, self._flush)
            return
        self._flushed = loop.time()
        newest, self._newest = self._newest, {}
        for do, event in newest.values():
            self._call(do, event)

    def _call(self, do: Do, event: Any) -> None:
        slot = self.parent_slot
        if self.is_deleted or slot is None:
            return
        with ExitStack() as around:
            around.enter_context(slot)
            around.enter_context(viewing(self._viewer))
            try:
                pending = do(event)
            except Exception:  # one page's fault must not reach the publisher, nor the page's other handlers
                logger.exception("A page handler for {} failed", type(event).__name__)
                return
        if inspect.isawaitable(pending):
            self._jobs.append((pending, getattr(event, "trace_id", "") or current_trace_id()))
            if not self._working:
                self._working = True
                background_tasks.create(self._work(), name="live page handlers", context=slot)

    async def _work(self) -> None:
        try:
            with viewing(self._viewer):
                while self._jobs and not self.is_deleted:
                    pending, trace_id = self._jobs.popleft()
                    with log_context(trace_id=trace_id, user_id=self._viewer.id):
                        await self._survive(pending)
        finally:
            self._working = False
            self._drop_jobs()

    async def _survive(self, pending: Awaitable[None]) -> None:
        try:
            await pending
        except Exception:  # the next event deserves its turn
            if not self.is_deleted:
                logger.exception("An asynchronous page handler failed")

    def _drop_jobs(self) -> None:
        for pending, _ in self._jobs:
            if inspect.iscoroutine(pending):
                pending.close()
        self._jobs.clear()

    def _handle_delete(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()
        if self._flush_at is not None:
            self._flush_at.cancel()
            self._flush_at = None
        self._newest.clear()
        for task in self._aside:
            task.cancel()
        if not self._working:
            self._drop_jobs()
        super()._handle_delete()
