"""What RFC 9112 leaves to a client to get wrong: no answer is longer, shorter or other than the one that was sent."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchanges.line import LineBroken
from tests.exchanges.test_line import a_line, on_a_line, told, with_length

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
ZIPPED = "Content-Encoding: gzip\r\n"


@pytest.mark.parametrize(
    "text",
    [
        OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        OK + b"Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}",
        OK + b"Content-Length: 2, 2\r\n\r\n{}",
        OK + b"Content-Length: +2\r\n\r\n{}",
        OK + b"Content-Length: 1\r\n 2\r\n\r\n" + b"x" * 12,
        OK + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
        OK + b"Content-Length : 2\r\n\r\n{}",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        OK + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + with_length(b"{}"),
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + with_length(b"{}"),
    ],
)
def test_an_answer_of_which_two_readers_could_make_two_is_none(text: bytes) -> None:
    for parts in ([text], [text[place : place + 1] for place in range(len(text))]):
        with pytest.raises(LineBroken):
            on_a_line(iter(parts))


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_an_answer_that_can_have_no_body_waits_for_none(status: bytes) -> None:
    line, _ = a_line()
    answer = await told(line, iter([b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n"]))
    assert answer.body == b""
    assert (await told(line, iter([with_length(b"next")]))).body == b"next"


async def test_what_is_said_behind_a_body_is_no_header_of_this_answer_or_the_next() -> None:
    line, _ = a_line()
    answer = await told(line, iter([CHUNKED + b"X-Used: 1\r\n\r\n2\r\n{}\r\n0\r\nX-Used: 99\r\nRetry-After: 7\r\n\r\n"]))
    assert answer.headers == {b"transfer-encoding": b"chunked", b"x-used": b"1"}
    assert (await told(line, iter([with_length(b"{}")]))).headers == {b"content-length": b"2"}


def test_what_comes_before_the_real_answer_says_nothing_of_how_that_is_packed() -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n"
    assert on_a_line(iter([hint + with_length(b"{}")])).body == b"{}"


def test_a_header_without_a_value_swallows_none_of_the_next() -> None:
    packed = with_length(gzip.compress(b"{}", mtime=0), "X-A:\r\nX-B:  \r\nContent-Encoding: gzip\r\nX-C:\r\n")
    answer = on_a_line(iter([packed[place : place + 1] for place in range(len(packed))]))
    assert (answer.body, answer.headers[b"x-b"], answer.headers[b"x-c"]) == (b"{}", b"", b"")


@pytest.mark.parametrize("head", [b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"])
def test_an_empty_answer_is_one_although_it_is_called_packed(head: bytes) -> None:
    answer = on_a_line(iter([head + b"Content-Encoding: gzip\r\n\r\n"]))
    assert (answer.status, answer.body) == (int(head[9:12]), b"")


def test_a_packed_answer_is_unpacked_however_its_packing_is_spelt() -> None:
    assert on_a_line(iter([with_length(gzip.compress(b"{}"), "Content-Encoding: GZip\r\n")])).body == b"{}"


@pytest.mark.parametrize("packing", ["br", "deflate", "gzip, gzip", "zstd"])
def test_a_packing_that_was_not_asked_for_is_no_answer(packing: str) -> None:
    with pytest.raises(LineBroken):
        on_a_line(iter([with_length(b"{}", f"Content-Encoding: {packing}\r\n")]))


@pytest.mark.parametrize("coding", ["gzip, chunked", "identity", "chunked, identity", "xchunked"])
def test_a_transfer_by_anything_but_plain_chunks_is_no_answer(coding: str) -> None:
    with pytest.raises(LineBroken):
        on_a_line(iter([f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n".encode()]))


@pytest.mark.parametrize("behind", [gzip.compress(b', "more": 1}', mtime=0), b"garbage"], ids=["another part", "garbage"])
def test_a_packed_answer_is_not_cut_where_its_first_part_ends(behind: bytes) -> None:
    with pytest.raises(LineBroken):
        on_a_line(iter([with_length(gzip.compress(b'{"price": 1}') + behind, ZIPPED)]))


@pytest.mark.parametrize(
    "begun",
    [OK + b"X-Y: ", CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX-Y: ", CHUNKED + b"\r\n2;x="],
    ids=["head", "behind the body", "beside a chunk"],
)
async def test_nothing_but_a_body_may_be_long(begun: bytes) -> None:
    line, wire = a_line()
    with pytest.raises(LineBroken):
        await told(line, iter([begun, *[b"z" * 64_000] * 6]))
    assert wire.is_cut


async def test_a_body_in_many_small_chunks_may_be_longer_than_a_head() -> None:
    line, _ = a_line()
    answer = await told(line, iter([CHUNKED + b"\r\n", *[b"1;x=1\r\nz\r\n" * 8000] * 6, b"0\r\n\r\n"]))
    assert len(answer.body) == 48_000


async def test_answers_before_the_real_one_do_not_come_for_ever() -> None:
    line, wire = a_line()
    with pytest.raises(LineBroken):
        await told(line, iter([b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 2000] * 8))
    assert wire.is_cut


async def test_a_line_on_which_part_of_a_question_is_left_is_not_used_again() -> None:
    line, wire = a_line()
    wire.unsent = 10
    answer = await told(line, iter([b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}"]))
    assert answer.status == 413
    assert not line.is_usable


async def test_the_shorter_of_two_patiences_counts() -> None:
    line, _ = a_line()
    async with asyncio.timeout(60):
        with pytest.raises(TimeoutError) as late:
            await line.ask(b"GET / HTTP/1.1\r\n\r\n", 3600.0, 0.01)
    assert late.value.__cause__ is None


troubles = st.sampled_from(["none", "twice", "rubbish", "late", "half late", "unasked", "hints", "farewell"])


@given(st.lists(st.tuples(troubles, st.integers(1, 60))))
def test_no_question_ever_gets_the_answer_to_another(course: list[tuple[str, int]]) -> None:
    async def scene() -> None:
        line, _ = a_line()
        for number, (trouble, place) in enumerate(course):
            mine, other = with_length(b"answer %d" % number), with_length(b"of another")
            if trouble == "unasked":
                line.data_received(other[:place])
            if not line.is_usable:
                line, _ = a_line()
            asking = asyncio.ensure_future(line.ask(b"?", 5.0, 10.0))
            await asyncio.wait([asking], timeout=0)
            if "late" in trouble:
                come = place % len(mine) if trouble == "half late" else 0
                line.data_received(mine[:come])
                asking.cancel()
                await asyncio.wait([asking])
                assert not line.is_usable
                line.data_received(mine[come:])
                continue
            said = {
                "twice": mine + other,
                "rubbish": mine + other[:place],
                "hints": b"HTTP/1.1 103 Hints\r\nContent-Length: 3\r\n\r\n" * (place % 3) + mine,
                "farewell": mine.replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
            }.get(trouble, mine)
            for part in (said[:place], said[place:]):
                line.data_received(part)
            assert (await asking).body == b"answer %d" % number

    asyncio.run(scene())
