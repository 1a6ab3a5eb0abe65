"""A websocket that hands on whole messages: each once and in order, however its bytes come in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from aristobot.clock import SystemClock
from services.exchanges.connection import LARGEST_FRAME, Connection
from services.exchanges.sockets import open_socket
from services.exchanges.transport import Link
from tests.exchanges.small_server import soon

#: RFC 6455, section 1.3.
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, PING, PONG, CLOSE = 0x81, 0x89, 0x8A, 0x88

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


def frame(kind: int, data: bytes) -> bytes:
    """A frame of a server."""
    size = len(data)
    if size < 126:
        return bytes((kind, size)) + data
    long = b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    return bytes((kind,)) + long + data


@asynccontextmanager
async def speaking(talk: Talk) -> AsyncIterator[str]:
    """The address of a server that upgrades as `talk` writes it, and talks."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")).split(b":")[1].strip()
        accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await talk(reader, writer, upgrade + accept + b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def opened(url: str, heard: list[bytes]) -> Connection:
    """A connection that hands on what it hears, and what came before it could."""
    connection = await open_socket(url, Link("binance", SystemClock(), 6000), Connection)

    async def listen() -> None:
        connection.on_text = heard.append
        with suppress(ConnectionClosed):
            while True:
                heard.append(bytes(await connection.recv(decode=False)))

    connection.listening = asyncio.ensure_future(listen())  # type: ignore[attr-defined] # kept alive with it
    return connection


def cut(text: bytes, places: Sequence[int]) -> list[bytes]:
    """A text cut at some places."""
    marks = sorted({0, len(text), *(one % (len(text) + 1) for one in places)})
    return [text[start:end] for start, end in pairwise(marks)]


messages = st.lists(
    st.sampled_from([b"{}", b"x" * 125, b"y" * 126, b"z" * 70_000, b'{"price":"1"}', None]), min_size=1, max_size=6
)


@settings(max_examples=40)
@given(messages, st.lists(st.integers(0, 80_000), max_size=6))
def test_every_message_is_heard_once_and_in_order_however_it_is_cut(said: list[bytes | None], places: list[int]) -> None:
    texts = [one for one in said if one is not None]
    frames = b"".join(frame(PING, b"hello") if one is None else frame(TEXT, one) for one in said)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upgrade: bytes) -> None:
        for part in cut(upgrade + frames, places):
            writer.write(part)
            await writer.drain()
            await asyncio.wait([asyncio.ensure_future(reader.read(0))])
        await until_gone(reader)

    async def listen() -> list[bytes]:
        heard: list[bytes] = []
        async with speaking(talk) as url:
            connection = await opened(url, heard)
            await soon(lambda: len(heard) >= len(texts))
            connection.transport.abort()
            await connection.wait_closed()
        return heard

    assert asyncio.run(listen()) == texts


async def until_gone(reader: asyncio.StreamReader) -> None:
    """Read until the other side goes."""
    while await reader.read(4096):
        pass


async def test_a_message_in_pieces_is_heard_whole_and_nothing_overtakes_it() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upgrade: bytes) -> None:
        writer.write(
            upgrade + frame(TEXT, b"one") + frame(0x01, b"tw") + frame(PING, b"") + frame(0x80, b"o") + frame(TEXT, b"3")
        )
        await until_gone(reader)

    heard: list[bytes] = []
    async with speaking(talk) as url:
        connection = await opened(url, heard)
        await soon(lambda: len(heard) == 3)
        connection.transport.abort()
    assert heard == [b"one", b"two", b"3"]


@pytest.mark.parametrize(
    "broken",
    [
        bytes((TEXT, 0x85)) + b"abcd" + b"hello",
        bytes((TEXT | 0x40, 1)) + b"x",
        bytes((0x83, 0)),
        bytes((TEXT, 127)) + (LARGEST_FRAME + 1).to_bytes(8),
        bytes((TEXT, 127)) + b"\xff" * 8,
    ],
    ids=["masked", "reserved bit", "unknown kind", "too long", "absurdly long"],
)
async def test_a_frame_against_the_rules_ends_the_connection(broken: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upgrade: bytes) -> None:
        writer.write(upgrade + frame(TEXT, b"before"))
        await writer.drain()
        writer.write(broken + frame(TEXT, b"behind"))
        await reader.read(4096)  # the farewell

    heard: list[bytes] = []
    async with speaking(talk) as url:
        connection = await opened(url, heard)
        await asyncio.wait_for(connection.wait_closed(), 5)
    assert heard == [b"before"]


async def test_pings_are_answered_and_a_farewell_is_returned() -> None:
    got: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upgrade: bytes) -> None:
        writer.write(upgrade)
        writer.write(frame(PING, b"are you there"))
        for _ in range(2):
            kind, size = await reader.readexactly(2)
            mask, data = await reader.readexactly(4), await reader.readexactly(size & 0x7F)
            got.append(bytes((kind,)) + bytes(one ^ mask[n % 4] for n, one in enumerate(data)))
            if kind == PONG:
                writer.write(frame(CLOSE, (1000).to_bytes(2)))

    async with speaking(talk) as url:
        connection = await opened(url, [])
        await asyncio.wait_for(connection.wait_closed(), 5)
    assert got == [bytes((PONG,)) + b"are you there", bytes((CLOSE,)) + (1000).to_bytes(2)]


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
async def test_what_is_sent_arrives_as_it_was_whatever_its_length(size: int) -> None:
    got: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upgrade: bytes) -> None:
        writer.write(upgrade)
        for _ in range(2):
            kind, short = await reader.readexactly(2)
            long = {126: 2, 127: 8}.get(short & 0x7F, 0)
            length = int.from_bytes(await reader.readexactly(long)) if long else short & 0x7F
            mask, data = await reader.readexactly(4), await reader.readexactly(length)
            assert (kind, short & 0x80) == (TEXT, 0x80)
            got.append(bytes(one ^ mask[n % 4] for n, one in enumerate(data)))

    async with speaking(talk) as url:
        connection = await opened(url, [])
        connection.send_texts([b"a" * size, b"second"])
        await soon(lambda: len(got) == 2)
        connection.transport.abort()
    assert got == [b"a" * size, b"second"]
