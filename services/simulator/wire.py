"""Requests, answers and sockets, bare ASGI: what every dialect needs to speak, and to fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
#: Bytes that may wait for a slow reader before it is cut off.
MOST_WAITING = 64 * 1024 * 1024


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, with the transport at hand: a simulator must be able to hang up in the middle of a word."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself narrows it
        """Remember the transport for the application."""
        self.app_state = {"transport": transport}
        super().connection_made(transport)


class SocketProtocol(WebSocketsSansIOProtocol):
    """The same for sockets; and once somebody listens, texts go straight to them and straight out, without a task in between."""

    hear: Callable[[str], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember ourselves for the application."""
        self.app_state = {"protocol": self}
        self._told: list[Callable[[], None]] = []
        self._leaving = False
        super().connection_made(transport)

    def send_receive_event_to_app(self) -> None:
        """A whole message came in."""
        if self.hear is None:
            super().send_receive_event_to_app()
            return
        text = b"".join(self.frames).decode("utf-8", "replace")
        self.frames = []
        self.hear(text)

    def say(self, text: str, told: Callable[[], None] | None) -> None:
        """Send a text; all that is said in one turn of the loop leaves together, and then `told` is called."""
        if self.transport.is_closing():
            return
        try:
            self.conn.send_text(text.encode())
        except InvalidState:
            return
        if told is not None:
            self._told.append(told)
        if not self._leaving:
            self._leaving = True
            self.loop.call_soon(self._leave)

    def _leave(self) -> None:
        self._leaving = False
        if self.transport.is_closing():
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.get_write_buffer_size() > MOST_WAITING:
            self.transport.abort()
        told, self._told = self._told, []
        for tell in told:
            tell()


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
    #: The no of an exchange that says it with a good status; empty when it is none, or the status tells.
    refusal: str = ""


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
        self._protocol: SocketProtocol = scope["state"]["protocol"]
        self._receive = receive
        self._send = send

    def push(self, text: str, told: Callable[[], None] | None = None) -> None:
        """Send a text; `told` is called when it has left."""
        if not self.silent:
            self._protocol.say(text, told)

    def cut(self) -> None:
        """Hang up without a word."""
        self._protocol.transport.abort()

    async def serve(self, hear: Callable[[str], None], opened: Callable[[], None] | None = None) -> None:
        """Accept, tell `opened`, and give every text that comes to `hear`, until the other side is gone."""
        await self._receive()
        await self._send({"type": "websocket.accept"})
        self._protocol.hear = hear
        if opened is not None:
            opened()
        while (message := await self._receive())["type"] != "websocket.disconnect":
            hear(message.get("text") or "")

    async def refuse(self) -> None:
        """Do not accept."""
        await self._receive()
        await self._send({"type": "websocket.close"})
