"""The simulator's own server: one port for the exchanges, one to control it. It runs in any loop, beside anything."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from aristobot.clock import Clock
from aristobot.exchange import Endpoints
from services.simulator import discover
from services.simulator.control import Control
from services.simulator.venue import Venue
from services.simulator.wire import (
    Ending,
    HttpProtocol,
    Message,
    Outcome,
    Receive,
    Reply,
    Send,
    Socket,
    SocketProtocol,
    read_call,
    write_outcome,
)
from services.simulator.world import Dialect, World

#: Seconds that an answer under way has when the server stops; who waited for it was hung up.
_LAST_MOMENT = 0.1


class _InnerServer(uvicorn.Server):
    """A uvicorn that leaves signals to whoever runs the loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._asked_to_stop = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def main_loop(self) -> None:
        """Wait to be stopped, instead of looking ten times a second."""
        await self._asked_to_stop.wait()

    def stop(self) -> None:
        """Close, at once, whatever is connected."""
        self.should_exit = self.force_exit = True
        self._hang_up()
        self._asked_to_stop.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no more; only what is still being answered is waited for, a moment."""
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        self._hang_up()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_MOMENT)

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def bound_socket(host: str, port: int) -> socket.socket:
    """A listening socket; naming the protocol makes asyncio switch Nagle's delay off."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(2048)
    listening.setblocking(False)
    return listening


class SimulatorServer:
    """A small exchange, real on the wire. Port 0 takes a free one; addresses are known after `start`."""

    name = "simulator"

    def __init__(self, clock: Clock, port: int = 0, control_port: int = 0, seed: int = 7, host: str = "127.0.0.1") -> None:
        self.world = World(clock, seed)
        self.dialects: dict[str, Dialect] = {name: make(self.world) for name, make in discover().items()}
        for name, dialect in self.dialects.items():
            self.world.venue.first_modes[name] = dialect.modes[0]
        self._routes = {prefix: dialect for dialect in self.dialects.values() for prefix in dialect.prefixes}
        self._control = Control(self.world, self.dialects)
        self._host = host
        self._ports = (port, control_port)
        self._servers: list[_InnerServer] = []
        self._serving: list[asyncio.Task[None]] = []
        self.url = ""
        self.control_url = ""

    def endpoints(self, exchange: str) -> Endpoints:
        """Where a client of an exchange finds it here, once started."""
        return endpoints_at(self.url, self.dialects[exchange])

    @property
    def venue(self) -> Venue:
        """The venue behind all dialects."""
        return self.world.venue

    async def start(self) -> None:
        """Open both ports; raise OSError when one is taken."""
        sockets = [bound_socket(self._host, port) for port in self._ports]
        self.url, self.control_url = (f"http://{self._host}:{one.getsockname()[1]}" for one in sockets)
        for application, listening in zip((self._application, self._control_application), sockets, strict=True):
            server = _InnerServer(_config(application))
            self._servers.append(server)
            self._serving.append(asyncio.get_running_loop().create_task(server.serve(sockets=[listening])))
        self.world.tasks.start(self.world.feed.run())
        for dialect in self.dialects.values():
            self.world.tasks.start(dialect.run())
        while not all(server.started for server in self._servers):
            await asyncio.wait(self._serving, timeout=0.001)

    async def stop(self) -> None:
        """Close both ports and everything that is connected."""
        await self.world.tasks.stop()
        for server in self._servers:
            server.stop()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._servers.clear()
        self._serving.clear()

    async def run(self) -> None:
        """Serve until cancelled."""
        await self.start()
        try:
            await asyncio.gather(*self._serving)
        finally:
            await self.stop()

    def _dialect(self, path: str) -> Dialect | None:
        return self._routes.get(path.split("/", 2)[1] if "/" in path else "")

    async def _application(self, scope: Message, receive: Receive, send: Send) -> None:
        dialect = self._dialect(scope["path"])
        if scope["type"] == "websocket":
            wanted = Socket(scope, receive, send)
            await (wanted.refuse() if dialect is None else dialect.socket(wanted))
            return
        call = await read_call(scope, receive)
        outcome = Outcome(Ending.ANSWERED, Reply(404, b"{}")) if dialect is None else await dialect.http(call)
        await write_outcome(outcome, scope, receive, send)

    async def _control_application(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await Socket(scope, receive, send).refuse()
            return
        reply = self._control.answer(await read_call(scope, receive))
        await write_outcome(Outcome(Ending.ANSWERED, reply), scope, receive, send)


def endpoints_at(url: str, dialect: Dialect) -> Endpoints:
    """Where a client finds an exchange on a simulator that has this address."""
    (rest, stream, trading), sockets = dialect.paths, url.replace("http", "ws", 1)
    return Endpoints(url + rest, sockets + stream, sockets + trading)


def _config(application: object) -> uvicorn.Config:
    return uvicorn.Config(
        application,  # type: ignore[arg-type]  # uvicorn's ASGI types are closed TypedDicts, ours is open
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ws_ping_timeout=60.0,
        interface="asgi3",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        proxy_headers=False,
    )
