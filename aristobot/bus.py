"""The one bus: facts come up, in order, without ever making their publisher wait.

The row in the store is the truth and the event is the bell: a reader that fell behind is told so (`InboxOverflow`), and
looks into the store.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, Self, overload

from loguru import logger
from typing_extensions import TypeVar

from aristobot.errors import AristobotError
from aristobot.logs import LogBinding, log_context, new_trace_id

Keep = Literal["all", "latest"]
E = TypeVar("E", default=Any)


class InboxOverflow(AristobotError):
    """A reader was too slow and events were dropped: what it needs is in the store."""

    default_code = "inbox_overflow"


class _Reader(Protocol):
    types: tuple[type, ...]
    user_id: uuid.UUID | None

    def offer(self, event: Any) -> None:
        """Take one event; never raise, never wait."""


class Inbox(Generic[E]):
    """The events of one reader, in order, one at a time, at the reader's own speed.

    While an event is handled, the logs of the reading task carry the event's trace and user. An inbox with keep="all"
    raises InboxOverflow once when it had to drop events, and can be read on; with keep="latest" it holds only the newest
    event of each class and key. One task reads one inbox.
    """

    def __init__(self, bus: Bus, types: tuple[type[E], ...], *, keep: Keep, size: int, user_id: uuid.UUID | None) -> None:
        self.types: tuple[type, ...] = types
        self.user_id = user_id
        self._bus = bus
        self._keep = keep
        self._size = size
        self._queue: deque[E] = deque()
        self._latest: dict[tuple[type, object], E] = {}
        self._lost = 0
        self._closed = False
        self._wake = asyncio.Event()
        self._binding = LogBinding()

    def __len__(self) -> int:
        return len(self._queue) or len(self._latest)

    def offer(self, event: Any) -> None:
        """Take one event from the bus."""
        if self._keep == "latest":
            self._latest[(type(event), getattr(event, "key", None))] = event
            if len(self._latest) > self._size:
                del self._latest[next(iter(self._latest))]
        elif self._lost or len(self._queue) >= self._size:
            self._lost += 1 + len(self._queue)
            self._queue.clear()
        else:
            self._queue.append(event)
        self._wake.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        self._binding.release()
        self._bus.adopt_loop()
        while not self._closed:
            if self._lost:
                lost, self._lost = self._lost, 0
                raise InboxOverflow(lost=lost, events=_names(self.types))
            event = self._take()
            if event is not None:
                self._binding.bind(trace_id=getattr(event, "trace_id", "") or new_trace_id(), user_id=_owner(event))
                return event
            self._wake.clear()
            await self._wake.wait()
        raise StopAsyncIteration

    def _take(self) -> E | None:
        if self._queue:
            return self._queue.popleft()
        if self._latest:
            return self._latest.pop(next(iter(self._latest)))
        return None

    def close(self) -> None:
        """Leave the bus; whoever iterates comes to the end."""
        self._closed = True
        self._queue.clear()
        self._latest.clear()
        self._bus.leave(self)
        self._wake.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Subscription:
    """A callback on the bus; `close()` ends it."""

    def __init__(self, bus: Bus, types: tuple[type, ...], do: Callable[[Any], None], user_id: uuid.UUID | None) -> None:
        self.types = types
        self.user_id = user_id
        self._bus = bus
        self._do = do
        self._closed = False

    def offer(self, event: Any) -> None:
        """Call the callback; its error is logged and survived."""
        if self._closed:
            return
        with log_context(trace_id=getattr(event, "trace_id", "") or None, user_id=_owner(event)):
            try:
                self._do(event)
            except Exception:  # a listener's fault may neither stop its publisher nor the listeners after it
                logger.exception("A listener for {} failed", type(event).__name__)

    def close(self) -> None:
        """Leave the bus."""
        self._closed = True
        self._bus.leave(self)


class Bus:
    """Publish and subscribe, inside one process. A subscription to a class receives its subclasses as well."""

    def __init__(self) -> None:
        self._readers: list[_Reader] = []
        self._by_class: dict[type, tuple[_Reader, ...]] = {}
        self._pending: deque[Any] = deque()
        self._delivering = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def publish(self, event: object) -> None:
        """Hand `event` to every reader; never wait, never raise. From another thread it is delivered on the readers' loop."""
        loop = self._loop
        if loop is not None and threading.get_ident() != self._thread and loop.is_running():
            with suppress(RuntimeError):  # the loop closed between the question and the call: nobody reads any more
                loop.call_soon_threadsafe(self._deliver, event)
            return
        self._deliver(event)

    def _deliver(self, event: object) -> None:
        self._pending.append(event)
        if self._delivering:  # published by a listener: everybody sees the first event before the second
            return
        self._delivering = True
        try:
            while self._pending:
                current = self._pending.popleft()
                owner = _owner(current)
                for reader in self._readers_of(type(current)):
                    if reader.user_id is None or owner is None or reader.user_id == owner:
                        reader.offer(current)
        finally:
            self._delivering = False

    def _readers_of(self, kind: type) -> tuple[_Reader, ...]:
        found = self._by_class.get(kind)
        if found is None:
            found = tuple(reader for reader in self._readers if issubclass(kind, reader.types))
            self._by_class[kind] = found
        return found

    def subscribe(self, *types: type[E], keep: Keep = "all", size: int = 10_000, user_id: uuid.UUID | None = None) -> Inbox[E]:
        """Open an inbox for events of these classes; nothing published after this call is missed.

        With a `user_id` it receives the events of that user and those that concern everybody.
        """
        inbox = Inbox(self, types, keep=keep, size=size, user_id=user_id)
        self._join(inbox)
        return inbox

    @overload
    def listen(self, kind: type[E], /, *, do: Callable[[E], None], user_id: uuid.UUID | None = None) -> Subscription: ...
    @overload
    def listen(self, *types: type, do: Callable[[Any], None], user_id: uuid.UUID | None = None) -> Subscription: ...
    def listen(self, *types: type, do: Callable[[Any], None], user_id: uuid.UUID | None = None) -> Subscription:
        """Call `do(event)` at once, inside `publish`: for short synchronous work."""
        subscription = Subscription(self, types, do, user_id)
        self._join(subscription)
        return subscription

    def waiting(self) -> dict[str, int]:
        """How many events wait in the inboxes, by the names of what they read."""
        counts: dict[str, int] = {}
        for reader in self._readers:
            if isinstance(reader, Inbox):
                name = _names(reader.types)
                counts[name] = counts.get(name, 0) + len(reader)
        return counts

    def _join(self, reader: _Reader) -> None:
        if not reader.types:
            raise TypeError("a subscription names the classes of its events")
        self._readers.append(reader)
        self._by_class.clear()

    def leave(self, reader: _Reader) -> None:
        """Forget a reader; forgetting it twice is no fault."""
        with suppress(ValueError):
            self._readers.remove(reader)
        self._by_class.clear()

    def adopt_loop(self) -> None:
        """Remember the loop on which inboxes are read, so that threads may publish too."""
        if self._loop is None or self._loop.is_closed():
            self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()


def _owner(event: object) -> uuid.UUID | None:
    owner: uuid.UUID | None = getattr(event, "user_id", None)
    return owner


def _names(types: tuple[type, ...]) -> str:
    return ", ".join(kind.__name__ for kind in types)
