"""The open connections to one address when things happen at the wrong moment: nothing is mixed up, and nothing leaks."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.exchanges.line import Line
from services.exchanges.lines import Lines
from services.exchanges.transport import Timeouts
from tests.exchanges.small_server import soon
from tests.exchanges.test_line import ASKED, BODY, PATIENT, with_length

#: A port at which nobody ever opens.
DEAF = 9
QUICK = Timeouts(pool=0.05, connect=5.0)


class Guests:
    """A server that answers, and knows the connections it has."""

    def __init__(self) -> None:
        self.open: list[asyncio.StreamWriter] = []
        self.asked = 0
        self.answers = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the other side goes."""
        self.open.append(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                if self.answers:
                    writer.write(with_length(BODY))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            self.open.remove(writer)

    def at_once(self, act: Callable[[int], object]) -> None:
        """Do something with the socket of the only guest, before anybody's loop turns."""
        act(self.open[0].get_extra_info("socket").fileno())


@pytest.fixture
async def guests() -> AsyncIterator[tuple[Guests, str]]:
    """Such a server and its address."""
    server = Guests()
    running = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    yield server, f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
    running.close()
    for writer in list(server.open):
        writer.transport.abort()


async def asked_on(lines: Lines) -> bytes:
    """What one question brings."""
    line = await lines.take()
    try:
        return (await line.ask(ASKED, *PATIENT)).body
    finally:
        lines.give_back(line)


def say_more(at: int) -> None:
    """An answer that nobody asked for."""
    os.write(at, with_length(b'{"orderId": 666}'))


def hang_up(at: int) -> None:
    """The end of what this side says."""
    os.write(at, b"")
    with socket.socket(fileno=os.dup(at)) as same:
        same.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("act", [say_more, hang_up])
async def test_what_came_before_a_question_is_not_the_answer_to_it(
    guests: tuple[Guests, str], act: Callable[[int], object]
) -> None:
    server, address = guests
    lines = Lines(address, Timeouts(), 2)
    assert await asked_on(lines) == BODY
    server.at_once(act)
    assert await asked_on(lines) == BODY
    assert server.asked == 2
    lines.close()


async def test_no_question_leaves_once_all_is_closed(guests: tuple[Guests, str]) -> None:
    server, address = guests
    lines = Lines(address, Timeouts(), 1)
    held = await lines.take()
    waiting = asyncio.ensure_future(asked_on(lines))
    await asyncio.wait([waiting], timeout=0.01)
    lines.close()
    lines.give_back(held)
    with pytest.raises(OSError):
        await waiting
    assert server.asked == 0


@pytest.mark.parametrize("turns", range(12))
async def test_whoever_goes_at_any_moment_leaves_his_place_and_no_open_door(guests: tuple[Guests, str], turns: int) -> None:
    server, address = guests
    lines = Lines(address, QUICK, 1)
    going = asyncio.ensure_future(asked_on(lines))
    for _ in range(turns):
        await asyncio.wait([going], timeout=0)
    going.cancel()
    await asyncio.wait([going])
    assert await asked_on(lines) == BODY
    await soon(lambda: len(server.open) == 1)
    lines.close()
    await soon(lambda: not server.open)


async def test_whoever_waits_for_a_place_in_vain_takes_none(guests: tuple[Guests, str]) -> None:
    _, address = guests
    lines = Lines(address, QUICK, 1)
    held = await lines.take()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await lines.take()
    lines.give_back(held)
    assert await asked_on(lines) == BODY
    lines.close()


class Naming(asyncio.SelectorEventLoop):
    """A loop on which a name has the addresses that the test gives it, and on which nobody opens at some."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[list[int]] = []

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connect, or wait for ever."""
        if address[1] == DEAF:
            await self.create_future()
        await super().sock_connect(sock, address)

    async def getaddrinfo(self, *_: Any, **__: Any) -> Any:
        """The next addresses."""
        ports = self.ports.pop(0) if len(self.ports) > 1 else self.ports[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]


async def answering() -> tuple[Guests, int]:
    """A server and its port."""
    server = Guests()
    running = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    return server, running.sockets[0].getsockname()[1]


def test_an_address_at_which_nobody_opens_does_not_keep_from_the_next() -> None:
    async def scene() -> None:
        server, port = await answering()
        loop.ports = [[DEAF, port]]
        lines = Lines("http://some.name", Timeouts(), 1)
        assert await asked_on(lines) == BODY
        lines.close()
        await soon(lambda: not server.open)

    loop = Naming()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scene())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_is_looked_up_again_once_nobody_answers_where_it_was(scheme: str) -> None:
    async def scene() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            known = {"http": DEAF, "https": silent.getsockname()[1]}[scheme]
            loop.ports = [[known], [known], [known]]
            lines = Lines(f"{scheme}://some.name", Timeouts(connect=0.1), 1)
            for _ in range(2):
                with pytest.raises(OSError):
                    await lines.take()
            assert loop.ports == [[known]]

    loop = Naming()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scene())


class Late(asyncio.SelectorEventLoop):
    """A loop that tells of a connection only once that is over."""

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        """One that has ended."""
        made: tuple[asyncio.Transport, Line] = await super().create_connection(*args, **options)
        await soon(made[0].is_closing)
        return made


def test_a_connection_that_is_over_as_soon_as_it_is_open_carries_no_question() -> None:
    async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def scene() -> None:
        server = await asyncio.start_server(slam, "127.0.0.1", 0)
        lines = Lines(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", Timeouts(), 1)
        for _ in range(3):
            with pytest.raises(OSError):
                await lines.take()
        server.close()

    with asyncio.Runner(loop_factory=Late) as runner:
        runner.run(scene())


@pytest.mark.parametrize("address", ["https://a..example", "https://" + "a" * 70 + ".example"])
async def test_a_name_that_cannot_be_one_is_no_connection(address: str) -> None:
    lines = Lines(address, Timeouts(), 1)
    with pytest.raises(OSError):
        await lines.take()
    with pytest.raises(OSError):
        await lines.take()


async def test_the_host_is_told_as_it_is_addressed_and_nothing_more() -> None:
    told = [Lines(one, Timeouts(), 1).greeting.split("\r\n")[1] for one in ("http://me:secret@[::1]:8080/x", "https://a.example")]
    assert told == ["Host: [::1]:8080", "Host: a.example"]
