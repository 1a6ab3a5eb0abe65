"""A market stream that stays: it reconnects, subscribes again, notices silence, and moves house before it is cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from loguru import logger
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from aristobot.errors import ConnectionLost, TryAgain
from services.exchanges.sockets import open_socket
from services.exchanges.transport import Link, checked, growing_pauses

#: Frames that may wait for a slow reader before the socket is read no further.
_FRAMES_WAITING = 1000


@dataclass(frozen=True, slots=True)
class Habits:
    """How the streams of an exchange behave. Times in seconds.

    silence   no message for so long means that the connection is dead, whatever TCP thinks
    lifetime  the exchange cuts a connection at some age: a new one takes over before
    settled   a connection that lived so long was a good one: its loss is answered at once, not after a grown pause
    ping      what we say four times per `silence` where it is not the exchange that asks whether we are there
    """

    silence: float = 40.0
    lifetime: float = 23 * 3600.0
    settled: float = 30.0
    ping: bytes = b""


class Stream:
    """One subscription, for ever. Leaving the loop over `frames()` closes everything.

    `greeting` makes the first messages anew for every connection: a signature in them would grow old.
    """

    def __init__(
        self,
        url: str,
        link: Link,
        greeting: Callable[[], Iterable[bytes]],
        is_farewell: Callable[[bytes], bool],
        habits: Habits | None = None,
    ) -> None:
        self._url = checked(url)
        self._link = link
        self._clock = link.clock
        self._greeting = greeting
        self._is_farewell = is_farewell
        self._habits = habits or Habits()
        self._connection: ClientConnection | None = None
        self._successor: ClientConnection | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._heard = 0.0

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Every frame of every connection in turn. What was sent while none was open is lost: the reader fills the gap."""
        pauses, trusted = growing_pauses(), True
        try:
            while True:
                self._connection = connection = self._successor or await self._open(pauses)
                self._successor = None
                born = self._heard = self._clock.monotonic()
                guard = asyncio.create_task(self._guard(connection))
                try:
                    async for frame in self._until_closed(connection):
                        yield frame
                finally:
                    guard.cancel()
                self._link.meter.reconnects += 1
                if trusted or self._clock.monotonic() - born >= self._habits.settled:
                    pauses, trusted = growing_pauses(), False
        finally:
            for left in (self._connection, self._successor):
                if left is not None:
                    left.transport.abort()

    async def frames_and_ticks(self, every: float) -> AsyncGenerator[bytes | None, None]:
        """As `frames`, and None after every so many seconds: some things are over, or too old, without a word."""
        inbox: asyncio.Queue[bytes | None] = asyncio.Queue(_FRAMES_WAITING)

        async def listen() -> None:
            async for frame in self.frames():
                await inbox.put(frame)

        async def tick() -> None:
            while True:
                await self._clock.sleep(every)
                await inbox.put(None)

        tasks = [asyncio.create_task(listen()), asyncio.create_task(tick())]
        try:
            while not tasks[0].done():
                yield await inbox.get()
            tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def say(self, message: bytes) -> None:
        """Tell the open connection something more. One that is not open learns it by its greeting, which is read as it opens."""
        for connection in (self._connection, self._successor):
            if connection is not None:
                with suppress(ConnectionClosed):
                    await connection.send(message, text=True)

    async def _until_closed(self, connection: ClientConnection) -> AsyncIterator[bytes]:
        try:
            while True:
                frame = await connection.recv(decode=False)
                self._heard = self._clock.monotonic()
                if self._is_farewell(frame):
                    await self._hand_over(connection)
                yield frame
        except ConnectionClosed:
            return

    async def _open(self, pauses: Iterator[float]) -> ClientConnection:
        """The next connection that works, however long that takes; the first failure and the recovery are logged."""
        failed = False
        while True:
            await self._clock.sleep(next(pauses))
            try:
                connection = await self._greeted()
            except TryAgain as error:
                if not failed:
                    logger.warning("{} stream cannot be opened: {}", self._link.exchange, error)
                failed = True
                continue
            if failed:
                logger.info("{} stream is open again", self._link.exchange)
            return connection

    async def _greeted(self) -> ClientConnection:
        """A new connection that has been told what we want."""
        connection = await open_socket(self._url, self._link, ClientConnection)
        try:
            for message in self._greeting():
                await connection.send(message, text=True)
        except ConnectionClosed:
            raise ConnectionLost(exchange=self._link.exchange, detail="closed while subscribing") from None
        return connection

    async def _guard(self, connection: ClientConnection) -> None:
        """Cut a silent connection; replace an old one."""
        born = self._clock.monotonic()
        while True:
            await self._clock.sleep(self._habits.silence / 4)
            now = self._clock.monotonic()
            if now - self._heard >= self._habits.silence:
                logger.warning("{} stream is silent: cutting it", self._link.exchange)
                connection.transport.abort()
                return
            if now - born >= self._habits.lifetime:
                await self._hand_over(connection)
            elif self._habits.ping:
                with suppress(ConnectionClosed):
                    await connection.send(self._habits.ping, text=True)

    async def _hand_over(self, connection: ClientConnection) -> None:
        """Open the successor first, then close this one; when none can be had yet, this one goes on while it lives."""
        if self._successor is not None:
            return
        try:
            self._successor = await self._greeted()
        except TryAgain as error:
            logger.warning("{} stream cannot be renewed yet: {}", self._link.exchange, error)
            return
        closing = asyncio.create_task(connection.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
