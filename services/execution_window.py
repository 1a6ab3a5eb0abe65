"""The window between *Validate* and *Execute*: fifteen seconds, measured here and not on anybody's screen.

What goes out is what was validated; its cause is the window itself, so that a window sends once however often it is asked.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from aristobot.clock import Clock
from aristobot.errors import Conflict, NotFound

#: How long a validated order may be executed, in seconds.
OPEN_FOR = 15.0
#: A closed window is remembered for so long, to answer a late click with words.
_REMEMBERED_FOR = 600.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window:
    """An open window: its id is the cause of whatever it sends."""

    id: uuid.UUID
    user_id: uuid.UUID
    closes_at: float


class ExecutionWindows(Generic[T]):
    """The windows of everybody, in memory: a restart closes them all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[uuid.UUID, Window] = {}
        self._doing: dict[uuid.UUID, Callable[[uuid.UUID], Awaitable[T]]] = {}
        self._begun: dict[uuid.UUID, asyncio.Future[T]] = {}

    def open(self, user_id: uuid.UUID, do: Callable[[uuid.UUID], Awaitable[T]]) -> Window:
        """Open a window on `do`, which gets the window's id as its cause. It replaces no other: each has its own order."""
        now = self._clock.monotonic()
        for old in [one for one in self._windows.values() if now - one.closes_at > _REMEMBERED_FOR]:
            self._forget(old.id)
        window = Window(uuid.uuid4(), user_id, now + OPEN_FOR)
        self._windows[window.id], self._doing[window.id] = window, do
        return window

    def left(self, window_id: uuid.UUID) -> float:
        """Seconds for which it is still open; zero once it is closed, used or unknown."""
        if window_id not in self._doing:
            return 0.0
        return max(self._windows[window_id].closes_at - self._clock.monotonic(), 0.0)

    def close(self, user_id: uuid.UUID, window_id: uuid.UUID) -> None:
        """Take the order back: nothing is sent from here any more."""
        if self._owned(user_id, window_id):
            self._doing.pop(window_id, None)

    async def execute(self, user_id: uuid.UUID, window_id: uuid.UUID) -> T:
        """Do what the window holds, once; asked again, wait for the same. Raises NotFound, Conflict when it is closed."""
        if not self._owned(user_id, window_id):
            raise NotFound(kind="window")
        begun = self._begun.get(window_id)
        if begun is None:
            if not self.left(window_id):
                self._doing.pop(window_id, None)
                raise Conflict("window_closed", seconds=int(OPEN_FOR))
            begun = asyncio.ensure_future(self._doing.pop(window_id)(window_id))
            self._begun[window_id] = begun
        return await asyncio.shield(begun)  # the page may go: the order does not stop half-way

    def _owned(self, user_id: uuid.UUID, window_id: uuid.UUID) -> bool:
        window = self._windows.get(window_id)
        return window is not None and window.user_id == user_id

    def _forget(self, window_id: uuid.UUID) -> None:
        del self._windows[window_id]
        self._doing.pop(window_id, None)
        self._begun.pop(window_id, None)
