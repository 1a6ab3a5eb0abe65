"""Requests, answers and sockets, bare ASGI: what every dialect needs to speak, and to fall silent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
#: Messages that may wait for a slow reader before it is cut off.
MOST_WAITING = 100_000


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, with the transport at hand: a simulator must be able to hang up in the middle of a word."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself narrows it
        """Remember the transport for the application."""
        self.app_state = {"transport": transport}
        super().connection_made(transport)


class SocketProtocol(WebSocketsSansIOProtocol):
    """The same for sockets."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport for the application."""
        self.app_state = {"transport": transport}
        super().connection_made(transport)


@dataclass(slots=True)
class HttpCall:
    """One request, exactly as it came: `query` and `body` are the bytes that were sent."""

    method: str
    path: str
    query: bytes
    body: bytes
    headers: dict[bytes, bytes]
    peer: str


@dataclass(slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    media_type: bytes = b"application/json;charset=UTF-8"


class Ending(StrEnum):
    """How an exchange of question and answer ends."""

    ANSWERED = "answered"
    SHORT = "short"
    HUNG = "hung"
    CUT = "cut"


@dataclass(slots=True)
class Outcome:
    """What goes back over the wire, and whom to tell once it has."""

    ending: Ending
    reply: Reply | None = None
    told: Callable[[], None] | None = None


async def read_call(scope: Message, receive: Receive) -> HttpCall:
    """The whole request."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    client = scope.get("client")
    return HttpCall(
        scope["method"], scope["path"], scope["query_string"], body, dict(scope["headers"]), client[0] if client else ""
    )


async def write_outcome(outcome: Outcome, scope: Message, receive: Receive, send: Send) -> None:
    """Answer, fall silent, or hang up."""
    reply = outcome.reply
    if outcome.ending is Ending.HUNG or reply is None:
        if outcome.ending is not Ending.CUT:
            while (await receive())["type"] != "http.disconnect":
                pass
        scope["state"]["transport"].abort()
        return
    size = str(len(reply.body)).encode()
    headers = [(b"content-type", reply.media_type), (b"content-length", size), *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if outcome.ending is Ending.SHORT:
        await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
        scope["state"]["transport"].close()
        return
    await send({"type": "http.response.body", "body": reply.body})
    if outcome.told is not None:
        outcome.told()


class Socket:
    """One websocket. What is pushed leaves in order; a silent one swallows everything."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.exchange = self.path.split("/", 2)[1]
        client = scope.get("client")
        self.peer: str = client[0] if client else ""
        self.silent = False
        self.closed = False
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self._receive = receive
        self._send = send
        self._outbox: deque[tuple[str, Callable[[], None] | None]] = deque()
        self._filled = asyncio.Event()

    def push(self, text: str, told: Callable[[], None] | None = None) -> None:
        """Send a text as soon as possible; `told` is called when it has left."""
        if self.closed or self.silent:
            return
        self._outbox.append((text, told))
        self._filled.set()
        if len(self._outbox) > MOST_WAITING:
            self.cut()

    def cut(self) -> None:
        """Hang up without a word."""
        self.closed = True
        self._transport.abort()

    async def serve(self, hear: Callable[[str], None]) -> None:
        """Accept, and give every text that comes to `hear`, until the other side is gone."""
        await self._receive()
        await self._send({"type": "websocket.accept"})
        writer = asyncio.get_running_loop().create_task(self._write())
        try:
            async for text in self._texts():
                hear(text)
        finally:
            self.closed = True
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def refuse(self) -> None:
        """Do not accept."""
        await self._receive()
        await self._send({"type": "websocket.close"})

    async def _texts(self) -> AsyncIterator[str]:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is not None:
                yield text

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._outbox:
                text, told = self._outbox.popleft()
                await self._send({"type": "websocket.send", "text": text})
                if told is not None:
                    told()
