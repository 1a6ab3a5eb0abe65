"""A number of places, given to whoever comes first. `asyncio.Semaphore` does the same at four times the price."""

from __future__ import annotations

import asyncio
from collections import deque


class Places:
    """So many may have one at once."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_now(self) -> bool:
        """Have one if one is free: then nobody waits."""
        if self._free:
            self._free -= 1
            return True
        return False

    async def take(self, patience: float) -> None:
        """Have one, in turn. Raises TimeoutError after `patience` seconds."""
        if self.take_now():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(patience):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.leave()  # it was given at the very moment
            else:
                self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """Let the next one have it."""
        for turn in self._waiting:
            if not turn.done():
                self._waiting.remove(turn)
                turn.set_result(None)
                return
        self._free += 1
