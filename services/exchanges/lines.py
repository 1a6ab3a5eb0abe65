"""The open connections to one address: who may have one, when a new one is opened, when an idle one is closed."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from urllib.parse import urlsplit

from aiohappyeyeballs import AddrInfoType, start_connection

from services.exchanges.line import Line
from services.exchanges.places import Places
from services.exchanges.sockets import trusted
from services.exchanges.transport import Timeouts

#: Seconds after which an idle connection is not used again, and for which a name is not looked up again.
IDLE = 15.0
_KNOWN = 300.0
#: Seconds after which the next address of a name is tried beside the one before it (RFC 8305).
_NEXT_ADDRESS = 0.25

Known = tuple[float, list[AddrInfoType]]
_NONE_KNOWN: Known = (float("-inf"), [])


class Lines:
    """At most `most` connections at once; the one used last is used next, so that the others may end."""

    def __init__(self, base: str, timeouts: Timeouts, most: int, idle: float = IDLE) -> None:
        parts = urlsplit(base)
        self._host, self._secure = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self.prefix = parts.path
        #: What follows the first line of every request; aiohttp and CCXT ask for compressed answers, too.
        self.greeting = (
            f"\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nUser-Agent: aristobot"
        )
        self._timeouts, self._idle_for = timeouts, idle
        self._places = Places(most)
        self._idle: deque[Line] = deque()
        self._busy: set[Line] = set()
        self._addresses = _NONE_KNOWN
        self._trusted: ssl.SSLContext | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    async def take(self) -> Line:
        """A connection for one question; hand it back. Raises OSError and TimeoutError: then nothing has left."""
        if not self._places.take_now():
            await self._places.take(self._timeouts.pool)
        try:
            line = self._left_open() or await self._opened()
            if self._closed or not line.is_usable:
                line.cut()
                raise ConnectionResetError
        except BaseException:
            self._places.leave()
            raise
        self._busy.add(line)
        return line

    def give_back(self, line: Line) -> None:
        """The question has its answer, or none."""
        self._places.leave()
        self._busy.discard(line)
        if self._closed or not line.is_usable:
            line.cut()
            return
        loop = asyncio.get_running_loop()
        line.idle_since = loop.time()
        self._idle.append(line)
        if self._sweeping is None:
            self._sweeping = loop.call_later(self._idle_for, self._sweep)

    def close(self) -> None:
        """Close all of them, for good; whoever waits for an answer gets none."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for line in (*self._idle, *self._busy):
            line.cut()
        self._idle.clear()

    def _left_open(self) -> Line | None:
        youngest = asyncio.get_running_loop().time() - self._idle_for
        while self._idle:
            line = self._idle.pop()
            if line.is_usable and line.idle_since > youngest and line.is_quiet:
                return line
            line.cut()
        return None

    async def _opened(self) -> Line:
        loop = asyncio.get_running_loop()
        if self._secure and self._trusted is None:
            self._trusted = await asyncio.to_thread(trusted)
        try:
            async with asyncio.timeout(self._timeouts.connect):
                plain = await start_connection(await self._resolved(loop), happy_eyeballs_delay=_NEXT_ADDRESS, loop=loop)
                return await self._upgraded(loop, plain)
        except (RuntimeError, UnicodeError) as error:  # what uvloop makes of some failures, and what no name can be
            self._addresses = _NONE_KNOWN
            raise ConnectionError(type(error).__name__) from None
        except BaseException:
            self._addresses = _NONE_KNOWN  # they may have moved house
            raise

    async def _upgraded(self, loop: asyncio.AbstractEventLoop, plain: socket.socket) -> Line:
        """The line over an open socket. Once begun it ends: of a cancelled one, loops forget the socket or close it twice.

        Raises OSError.
        """
        host, patience = (self._host, self._timeouts.connect) if self._secure else (None, None)
        making = asyncio.ensure_future(
            loop.create_connection(
                lambda: Line(loop, plain), sock=plain, ssl=self._trusted, server_hostname=host, ssl_handshake_timeout=patience
            )
        )
        try:
            _, line = await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_drop)
            raise
        return line

    async def _resolved(self, loop: asyncio.AbstractEventLoop) -> list[AddrInfoType]:
        if self._addresses[0] < loop.time():
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self._addresses = (loop.time() + _KNOWN, list(found))
        return self._addresses[1]

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while self._idle and (not self._idle[0].is_usable or self._idle[0].idle_since <= loop.time() - self._idle_for):
            self._idle.popleft().cut()
        self._sweeping = loop.call_later(self._idle_for, self._sweep) if self._idle else None


def _drop(made: asyncio.Future[tuple[asyncio.Transport, Line]]) -> None:
    """Nobody waits for this one any more."""
    if not made.cancelled() and made.exception() is None:
        made.result()[1].cut()
