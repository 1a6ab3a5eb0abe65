"""One HTTP connection: whole answers only, however they are cut on the way, and never another question's."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchanges.line import Answer, Line, LineBroken
from services.exchanges.lines import Lines
from services.exchanges.transport import Timeouts

ASKED = b"GET /x HTTP/1.1\r\n\r\n"
PATIENT = (5.0, 10.0)
BODY = b'{"price":"50000.01","symbol":"BTCUSDT"}'


class Wire(asyncio.Transport):
    """The other end of a line: what was written to it, and whether it was cut."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_cut = False
        self.unsent = 0

    def get_write_buffer_size(self) -> int:
        """How much of what was written has not left."""
        return self.unsent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what is sent."""
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        """Whether it was cut."""
        return self.is_cut

    def abort(self) -> None:
        """Cut it."""
        self.is_cut = True


def with_length(body: bytes, head: str = "") -> bytes:
    """An answer that says how long it is."""
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


def in_chunks(body: bytes) -> bytes:
    """An answer in two chunks and the last one."""
    parts = (body[:7], body[7:])
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def packed(body: bytes) -> bytes:
    """A compressed answer."""
    return with_length(gzip.compress(body, mtime=0), "Content-Encoding: gzip\r\n")


def hinted(body: bytes) -> bytes:
    """An answer behind one that is none yet."""
    return b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + with_length(body)


WHOLE = [with_length(BODY), in_chunks(BODY), packed(BODY), hinted(BODY)]


def pieces(text: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    """A text cut at some places."""
    places = sorted({0, len(text), *(one % (len(text) + 1) for one in cuts)})
    return (text[start:end] for start, end in pairwise(places))


async def told(line: Line, parts: Iterator[bytes], *, ends: bool = False) -> Answer:
    """The answer that a line makes of some pieces."""
    asking = asyncio.ensure_future(line.ask(ASKED, *PATIENT))
    await asyncio.wait([asking], timeout=0)
    for part in parts:
        line.data_received(part)
    if ends:
        line.eof_received()
        line.connection_lost(None)
    return await asking


def on_a_line(parts: Iterator[bytes], *, ends: bool = False) -> Answer:
    """The answer on a line of its own."""

    async def alone() -> Answer:
        line, wire = a_line()
        answer = await told(line, parts, ends=ends)
        assert wire.written == [ASKED]
        return answer

    return asyncio.run(alone())


def a_line() -> tuple[Line, Wire]:
    """An open line and its other end."""
    line, wire = Line(asyncio.get_running_loop()), Wire()
    line.connection_made(wire)
    return line, wire


@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 400), max_size=8))
def test_an_answer_is_the_same_however_it_is_cut_on_the_way(text: bytes, cuts: list[int]) -> None:
    answer = on_a_line(pieces(text, cuts))
    assert (answer.status, answer.body) == (200, BODY)


@given(st.sampled_from(WHOLE), st.integers(min_value=0))
def test_an_answer_that_breaks_off_is_never_half_believed(text: bytes, length: int) -> None:
    with pytest.raises(LineBroken):
        on_a_line(iter([text[: length % len(text)]]), ends=True)


@given(st.binary(max_size=200), st.booleans())
def test_nothing_but_an_answer_or_its_lack_comes_of_any_bytes(text: bytes, begun: bool) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" if begun else b""
    try:
        on_a_line(iter([start + text]), ends=True)
    except LineBroken:
        return


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    answer = on_a_line(iter([b"HTTP/1.1 200 OK\r\n\r\n" + BODY[:9], BODY[9:]]), ends=True)
    assert answer.body == BODY


def test_names_of_headers_are_found_however_they_are_written() -> None:
    answer = on_a_line(iter([with_length(BODY, "X-Mbx-USED-Weight-1m: 77\r\nRETRY-AFTER: 3\r\n")]))
    assert answer.headers[b"x-mbx-used-weight-1m"] == b"77"
    assert answer.headers[b"retry-after"] == b"3"


@pytest.mark.parametrize("surplus", [with_length(b"{}"), b"H", b"what is this"])
async def test_what_comes_behind_an_answer_is_never_that_to_the_next_question(surplus: bytes) -> None:
    line, wire = a_line()
    answer = await told(line, iter([with_length(BODY) + surplus]))
    assert (answer.body, b"content-length" in answer.headers) == (BODY, True)
    assert not line.is_usable
    assert wire.is_cut


async def test_what_nobody_asked_for_cuts_the_line() -> None:
    line, wire = a_line()
    assert (await told(line, iter([with_length(BODY)]))).body == BODY
    assert line.is_usable
    line.data_received(with_length(b"{}"))
    assert wire.is_cut
    assert not line.is_usable


async def test_a_line_that_the_other_side_will_close_is_not_used_again() -> None:
    line, _ = a_line()
    await told(line, iter([with_length(BODY, "Connection: close\r\n")]))
    assert not line.is_usable


async def test_whoever_does_not_wait_any_more_leaves_no_line_on_which_the_answer_could_still_come() -> None:
    line, wire = a_line()
    asking = asyncio.ensure_future(line.ask(ASKED, *PATIENT))
    await asyncio.wait([asking], timeout=0)
    asking.cancel()
    await asyncio.wait([asking])
    assert wire.is_cut


@pytest.mark.parametrize(("silence", "longest"), [(0.05, 10.0), (3600.0, 0.05)])
async def test_neither_silence_nor_drops_now_and_then_last_for_ever(silence: float, longest: float) -> None:
    line, wire = a_line()
    asking = asyncio.ensure_future(line.ask(ASKED, silence, longest))
    for drop in (b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n\r\n", b"1"):
        await asyncio.wait([asking], timeout=0.001)
        line.data_received(drop)
    with pytest.raises(TimeoutError):
        await asking
    assert wire.is_cut


@pytest.mark.parametrize("bomb", [packed(b"\0" * (65 * 1024 * 1024)), b"HTTP/1.1 200 OK\r\n" + b"X-Y: " + b"z" * 300_000])
async def test_an_endless_answer_is_cut_off(bomb: bytes) -> None:
    line, wire = a_line()
    with pytest.raises(LineBroken):
        await told(line, iter([bomb]))
    assert wire.is_cut


class Counting:
    """A server that answers and counts its connections."""

    def __init__(self) -> None:
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the other side goes."""
        self.connections += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(with_length(BODY))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def counting() -> AsyncIterator[tuple[Counting, str]]:
    """Such a server and its address."""
    server = Counting()
    running = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    yield server, f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
    running.close()


async def asked_on(lines: Lines) -> bytes:
    """What one question brings."""
    line = await lines.take()
    answer = await line.ask(ASKED, *PATIENT)
    lines.give_back(line)
    return answer.body


async def test_a_connection_serves_one_question_after_the_other(counting: tuple[Counting, str]) -> None:
    server, address = counting
    lines = Lines(address, Timeouts(), 2)
    assert [await asked_on(lines) for _ in range(5)] == [BODY] * 5
    assert server.connections == 1
    lines.close()


async def test_a_connection_that_was_idle_for_long_is_not_used_again(counting: tuple[Counting, str]) -> None:
    server, address = counting
    lines = Lines(address, Timeouts(), 2, idle=0.0)
    assert [await asked_on(lines) for _ in range(2)] == [BODY] * 2
    assert server.connections == 2
    lines.close()


async def test_no_more_connections_are_open_than_there_may_be(counting: tuple[Counting, str]) -> None:
    server, address = counting
    lines = Lines(address, Timeouts(), 3)
    assert await asyncio.gather(*(asked_on(lines) for _ in range(20))) == [BODY] * 20
    assert server.connections == 3
    taken = [await lines.take() for _ in range(3)]
    waiting = asyncio.ensure_future(lines.take())
    await asyncio.wait([waiting], timeout=0.01)
    assert not waiting.done()
    lines.give_back(taken[0])
    lines.give_back(await waiting)
    lines.close()
