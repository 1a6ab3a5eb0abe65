"""What the house remembers of one key, for as long as it runs: its counters, its last nonce, its socket. Never its secret."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

from services.exchanges.kraken_limits import KeyLimits
from services.exchanges.kraken_sign import Nonces
from services.exchanges.kraken_socket import KeySocket
from services.exchanges.transport import Link


class Lane:
    """Private calls of one key leave one after the other: numbers that overtake each other on the way are refused.

    A call waits for the one before it, though not for ever. One that goes beside another risks a refused number, which
    does no harm.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    def turn(self, patience: float) -> _Turn:
        """One's turn, or the end of one's patience (seconds)."""
        return _Turn(self._lock, patience)


class _Turn:
    """The time between getting the lane, or being tired of waiting for it, and leaving it."""

    __slots__ = ("_has_lane", "_lock", "_patience")

    def __init__(self, lock: asyncio.Lock, patience: float) -> None:
        self._lock = lock
        self._patience = patience
        self._has_lane = True

    async def __aenter__(self) -> None:
        if not self._lock.locked():
            await self._lock.acquire()
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._lock.acquire()
        except TimeoutError:
            self._has_lane = False

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._has_lane:
            self._lock.release()


class SharedRead:
    """One answer for everybody who asked before the question left."""

    def __init__(self) -> None:
        self._waiting: asyncio.Task[bytes] | None = None

    async def ask(self, read: Callable[[Callable[[], None]], Awaitable[bytes]]) -> bytes:
        """The answer to a question that leaves after this call; `read` calls what it is given when it leaves."""
        if self._waiting is None:
            task = asyncio.ensure_future(self._run(read))
            self._waiting = task
            task.add_done_callback(lambda done: self._left(done))
        return await asyncio.shield(self._waiting)

    async def _run(self, read: Callable[[Callable[[], None]], Awaitable[bytes]]) -> bytes:
        task = asyncio.current_task()
        return await read(lambda: self._left(task))

    def _left(self, task: asyncio.Task[bytes] | None) -> None:
        if self._waiting is task:
            self._waiting = None


class KeyRecord:
    """One key's state."""

    def __init__(self, url: str, link: Link) -> None:
        self.limits = KeyLimits(link.clock)
        self.nonces = Nonces(link.server_clock)
        self.lane = Lane()
        self.open_orders = SharedRead()
        self.socketless_until = float("-inf")
        self.socket = KeySocket(url, link, self.limits)
