"""A server of a few lines that does exactly what a test tells it: REST over raw asyncio, sockets over websockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from aristobot.clock import ManualClock
from aristobot.exchange import Endpoints


@dataclass
class Asked:
    """One REST request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Say:
    """An answer."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def text(self) -> bytes:
        """The answer on the wire."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        lines = [f"HTTP/1.1 {self.status} X", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in self.headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Hang:
    """Take the request and never answer."""


class Reset:
    """Take the request and cut the connection."""


class Half:
    """Begin an answer and cut the connection."""


Answer = Say | Hang | Reset | Half
Rest = Callable[[Asked], Answer]
Talk = Callable[[ServerConnection], Awaitable[None]]


class SmallServer:
    """Both ports of an exchange; `asked` remembers every REST request."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.rest: Rest = lambda _: Say({}, 404)
        self.talk: Talk = until_closed
        self.sockets: list[ServerConnection] = []
        self.endpoints = Endpoints("", "", "")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                method, target, _ = first.split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                parts = urlsplit(target)
                asked = Asked(method, parts.path, dict(parse_qsl(parts.query)), headers, body)
                self.asked.append(asked)
                match self.rest(asked):
                    case Say() as answer:
                        writer.write(answer.text())
                    case Hang():
                        await reader.read()
                        break
                    case Half():
                        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":')
                        await writer.drain()
                        break
                    case Reset():
                        break
        writer.close()

    async def _meet(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        with suppress(ConnectionClosed):
            await self.talk(socket)

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(one.path == path for one in self.asked)


async def until_closed(socket: ServerConnection) -> None:
    """Listen and say nothing."""
    async for _ in socket:
        pass


@asynccontextmanager
async def small_server() -> AsyncIterator[SmallServer]:
    """A server on free ports of this machine."""
    server = SmallServer()
    rest = await asyncio.start_server(server._serve, "127.0.0.1", 0)
    sockets = await serve(server._meet, "127.0.0.1", 0, ping_interval=None)
    port, socket_port = rest.sockets[0].getsockname()[1], next(iter(sockets.sockets)).getsockname()[1]
    url = f"ws://127.0.0.1:{socket_port}"
    server.endpoints = Endpoints(f"http://127.0.0.1:{port}", url, f"{url}/ws-api/v3")
    try:
        yield server
    finally:
        sockets.close()
        rest.close()
        for socket in server.sockets:
            socket.transport.abort()


async def soon(happened: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait, in real time, until something has happened; fail when it does not."""
    async with asyncio.timeout(seconds):
        while not happened():
            await asyncio.wait([asyncio.ensure_future(_turn())])


async def advancing(clock: ManualClock, call: Coroutine[Any, Any, object]) -> None:
    """Wait for a call whose pauses nobody else ends."""
    task = asyncio.ensure_future(call)
    while not task.done():
        await clock.advance(1, settle=5)
        await asyncio.wait({task}, timeout=0.01)
    task.result()


async def _turn() -> None:
    loop = asyncio.get_running_loop()
    later: asyncio.Future[None] = loop.create_future()
    loop.call_later(0.002, later.set_result, None)
    await later
