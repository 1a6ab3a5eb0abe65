"""The websocket that takes frames apart itself against the library's own reader: the same bytes, the same messages and replies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.uri import parse_uri
from websockets.utils import accept_key, apply_mask

from services.exchanges.connection import LARGEST_FRAME, Connection
from tests.exchanges.test_connection import cut, frame
from tests.exchanges.test_line import Wire


class Played(NamedTuple):
    """What came of some bytes: messages, what was replied, and why it ended."""

    messages: list[bytes]
    replies: list[bytes]
    codes: tuple[int | None, int | None]
    was_cut: bool


class Socket(Wire):
    """What a websocket wants of a wire beyond."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Any."""

    def pause_reading(self) -> None:
        """Whoever plays the server does not care."""

    def resume_reading(self) -> None:
        """Nor here."""

    def can_write_eof(self) -> bool:
        """As over TLS."""
        return False

    def close(self) -> None:
        """Cut it."""
        self.is_cut = True


class Ear:
    """Whoever listens on a connection, from some moment on, the way orders' sockets do."""

    def __init__(self, connection: ClientConnection) -> None:
        self.heard: list[bytes] = []
        self._connection = connection

    async def listen(self) -> None:
        """Until the end."""
        if isinstance(self._connection, Connection):
            self._connection.on_text = self.heard.append
        with suppress(ConnectionClosed):
            while True:
                self.heard.append(bytes(await self._connection.recv(decode=False)))


async def turns(number: int) -> None:
    """Let the loop turn."""
    for _ in range(number):
        await asyncio.wait([asyncio.ensure_future(_nothing())])


async def _nothing() -> None:
    pass


async def played(
    kind: type[ClientConnection], stream: bytes, cuts: Sequence[int], late: int, pauses: int, *, leaves: bool
) -> Played:
    """Play a server's bytes to a connection, cut at some places, to somebody who listens from some piece on."""
    wire = Socket()
    connection = kind(ClientProtocol(parse_uri("ws://some.where/"), max_size=LARGEST_FRAME), ping_interval=None)
    connection.connection_made(wire)
    shaking = asyncio.ensure_future(connection.handshake())
    await turns(1)
    accept = accept_key(connection.request.headers["Sec-WebSocket-Key"]) if connection.request else ""
    upgrade = f"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    wire.written.clear()
    ear, listening = Ear(connection), None
    for number, piece in enumerate(cut(upgrade + stream, [place if place < 0 else place + len(upgrade) for place in cuts])):
        if wire.is_cut:
            break
        if number >= late and listening is None and connection.response is not None:
            listening = asyncio.ensure_future(ear.listen())
            await turns(1)
        connection.data_received(piece)
        await turns(pauses)
    await shaking
    listening = listening or asyncio.ensure_future(ear.listen())
    await turns(2)
    if leaves:
        closing = asyncio.ensure_future(connection.close())
        await turns(2)
        connection.data_received(frame(0x81, b"behind our farewell") + frame(0x88, (1000).to_bytes(2)) + frame(0x81, b"too late"))
        await turns(2)
    connection.eof_received()
    connection.connection_lost(None)
    await listening
    if leaves:
        await closing
    return Played(
        ear.heard, replies_in(b"".join(wire.written)), (connection.close_code, connection.protocol.close_code), wire.is_cut
    )


def replies_in(written: bytes) -> list[bytes]:
    """The frames of a client, unmasked."""
    found = []
    while written:
        size = written[1] & 0x7F
        found.append(written[:1] + apply_mask(written[6 : 6 + size], written[2:6]))
        written = written[6 + size :]
    return found


def is_whole(stream: bytes) -> bool:
    """Whether it ends with a frame: of a broken one the library complains at its first byte, and we at its last."""
    while len(stream) > 1:
        size = stream[1] & 0x7F
        head = 2 + {126: 2, 127: 8}.get(size, 0)
        end = head + (int.from_bytes(stream[2:head]) if head > 2 else size)
        if len(stream) < max(head, end):
            return False
        stream = stream[end:]
    return not stream


def long_headed(kind: int, data: bytes) -> bytes:
    """A frame that says its length with more bytes than it must."""
    return bytes((kind, 127)) + len(data).to_bytes(8) + data


texts = st.sampled_from([b"", b"{}", b"x" * 125, b"y" * 126, b"z" * 1000, b"w" * 65_536, b"\xff\xfe no text"])
usual = st.builds(frame, st.just(0x81), texts)
odd = st.one_of(
    st.builds(frame, st.sampled_from([0x01, 0x80, 0x00, 0x82, 0x02]), texts),
    st.builds(frame, st.sampled_from([0x89, 0x8A]), st.sampled_from([b"", b"ping", b"p" * 125])),
    st.builds(long_headed, st.sampled_from([0x81, 0x82, 0x89]), texts),
)
broken = st.one_of(
    st.builds(
        frame, st.sampled_from([0x88]), st.sampled_from([b"", (1000).to_bytes(2), (1012).to_bytes(2) + b"bye", b"1", b"\0\0"])
    ),
    st.builds(frame, st.sampled_from([0xC1, 0xA1, 0x91, 0xF1, 0x83, 0x8B, 0x09, 0x08]), texts),
    st.sampled_from(
        [bytes((0x81, 0x85)) + b"abcdhello", bytes((0x81, 127)) + (LARGEST_FRAME + 1).to_bytes(8), b"\x81\xff" + b"\xff" * 9]
    ),
    st.binary(max_size=40),
)
streams = st.lists(st.one_of(usual, usual, usual, odd, odd, broken), max_size=8).map(b"".join)
places = st.lists(st.integers(-150, 70_000) | st.integers(-4, 40), max_size=10)


@settings(max_examples=150)
@given(streams, places, st.integers(0, 12), st.integers(0, 2), st.booleans())
@example(frame(0x01, b"o") + frame(0x80, b"ne") + frame(0x81, b"two"), [3], 1, 0, False)
@example(frame(0x01, b"o") + frame(0x81, b"a whole one within one in pieces"), [3], 1, 1, False)
@example(frame(0x82, b"one") + frame(0x81, b"two"), [0], 1, 0, False)
def test_it_hears_and_says_what_the_library_does(stream: bytes, cuts: list[int], late: int, pauses: int, leaves: bool) -> None:
    mine, theirs = (
        asyncio.run(played(kind, stream, cuts, late, pauses, leaves=leaves)) for kind in (Connection, ClientConnection)
    )
    if not is_whole(stream):
        mine, theirs = mine._replace(replies=[]), theirs._replace(replies=[])
    assert mine == theirs


def test_it_hears_what_the_library_does_wherever_the_bytes_are_cut() -> None:
    stream = (
        frame(0x81, b"one")
        + frame(0x89, b"?")
        + long_headed(0x81, b"two")
        + frame(0x81, b"x" * 130)
        + frame(0x88, b"\x03\xe8bye")
    )
    for place in range(-20, len(stream)):
        mine, theirs = (
            asyncio.run(played(kind, stream, [place, 0], 1, 1, leaves=False)) for kind in (Connection, ClientConnection)
        )
        assert mine == theirs
        assert mine.messages == [b"one", b"two", b"x" * 130]
        assert mine.replies == [b"\x8a?", b"\x88\x03\xe8bye"]
