"""A port of our own inside the process: an ASGI app served by uvicorn as a service that can fall and be restarted.

Uvicorn alone would take the process's signals, end the whole process when the port is taken, and wait for ever for the
rest of a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Seconds a client may take for its request head, and bytes the head may have.
HEAD_PATIENCE = 10.0
LARGEST_HEAD = 32_768
#: Seconds in which a body that is waited for must bring at least so many bytes.
BODY_PATIENCE = 20.0
LEAST_BODY = 10_000
#: Bytes of a refused body that are read and thrown away, so that the client reads our answer instead of a reset.
LARGEST_WASTE = 16_777_216
#: Seconds an idle connection is kept for the next request, and an open one may take to end when we stop.
KEEP_ALIVE = 75
LAST_WORDS = 1
GIVE_UP = 3.0
BACKLOG = 2048

#: What a request's scope holds besides when its body has come to its end.
WHOLE = "aristobot.whole"
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


class PatientProtocol(HttpToolsProtocol):
    """HTTP with an end to patience: for a request head, for a body that trickles, and for the rest of one already answered."""

    head_patience = HEAD_PATIENCE
    body_patience = BODY_PATIENCE
    #: Connections that one address may hold; None where a proxy stands for everybody.
    most_from_one: int | None = None
    _in_head = True
    _ended_now = _upgraded = False
    _unasked = _came = 0
    _give_up: asyncio.TimerHandle | None = None
    _look_again: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Begin to wait for the first head."""
        super().connection_made(transport)
        if self.most_from_one is not None and self._from_here() > self.most_from_one:
            transport.abort()
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._forget()
        self._stop_looking()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """From here on it is another protocol's connection."""
        self._upgraded = True
        super().handle_websocket_upgrade()

    def on_headers_complete(self) -> None:
        """The head has come."""
        self._in_head, self._unasked = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body has come."""
        self._came += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """What comes now is the next head."""
        self._in_head = self._ended_now = True
        self._stop_looking()
        cast(dict[str, Any], self.scope)[WHOLE] = True
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; count what nobody waits for, and keep an eye on what is waited for."""
        self._ended_now = False
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if self.transport.is_closing() or self._upgraded:
            self._forget()
        elif answering and not self._in_head:
            self._forget()
            self._keep_looking()
        elif not self._too_long(0 if self._ended_now else len(data)):
            self._forget() if answering else self._watch()

    def _from_here(self) -> int:
        """Open connections from this address, this one among them."""
        here = self.client[0] if self.client is not None else None
        peers = (getattr(one, "client", None) for one in self.connections)
        return sum(peer is not None and peer[0] == here for peer in peers)

    def _too_long(self, size: int) -> bool:
        self._unasked += size
        if self._unasked <= (LARGEST_HEAD if self._in_head else LARGEST_WASTE):
            return False
        self._forget()
        self.send_400_response("Request too long.")
        return True

    def _watch(self) -> None:
        if self._give_up is None:
            self._give_up = self.loop.call_later(self.head_patience, self.transport.close)

    def _forget(self) -> None:
        if self._give_up is not None:
            self._give_up.cancel()
            self._give_up = None

    def _keep_looking(self) -> None:
        if self._look_again is None:
            self._came = 0
            self._look_again = self.loop.call_later(self.body_patience, self._look)

    def _look(self) -> None:
        self._look_again = None
        if self._came < LEAST_BODY and not self.flow.read_paused:
            self.transport.close()
        else:
            self._keep_looking()

    def _stop_looking(self) -> None:
        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None


def listening_socket(host: str, port: int) -> socket.socket:
    """A port taken at once: until it listens, Linux would give it away a second time. Raises OSError when it is taken."""
    family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
    # the protocol is named, so that accepted sockets count as TCP and get TCP_NODELAY from the loop
    bound = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let a stranger share the port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield


class Listener:
    """Serves one ASGI app on one address until `run` is cancelled. `url` is known once it listens; port 0 takes a free one."""

    def __init__(self, app: AsgiApp, host: str, port: int, protocol: type[HttpToolsProtocol] = PatientProtocol) -> None:
        self._app, self._host, self._port, self._protocol = app, host, port, protocol
        self._socket: socket.socket | None = None

    @property
    def url(self) -> str:
        """`http://host:port` as bound; empty while nothing listens."""
        if self._socket is None:
            return ""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def bind(self) -> str:
        """Take the port and return the address; who connects before `run` waits for it. Raises OSError when it is taken."""
        if self._socket is None:
            self._socket = listening_socket(self._host, self._port)
        return self.url

    async def run(self) -> None:
        """Listen and serve; when cancelled, finish the open requests and let the port go."""
        self.bind()
        config = uvicorn.Config(
            self._app,
            http=self._protocol,
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            log_level="error",  # uvicorn warns of each request that is none: strangers could fill the logs
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=LAST_WORDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[self._socket] if self._socket else None))
        try:
            await asyncio.wait({serving})
            serving.result()
        finally:
            server.should_exit = True
            await asyncio.wait({serving}, timeout=GIVE_UP)
            if self._socket is not None:
                self._socket.close()
                self._socket = None
