"""Other people's servers as witnesses: whatever their habits, an answer is whole, its own, and once."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import h11
import pytest
import uvicorn
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from aristobot.clock import SystemClock
from aristobot.errors import ConnectionLost
from services.exchanges.binance_errors import judge
from services.exchanges.connection import Connection
from services.exchanges.http import Request, RestSession
from services.exchanges.line import LineBroken
from services.exchanges.sockets import open_socket
from services.exchanges.transport import Link
from tests.exchanges.small_server import soon
from tests.exchanges.test_connection import opened
from tests.exchanges.test_line import a_line

LONG = b'{"rows":[' + b",".join(b'"%d"' % number for number in range(60_000)) + b"]}"


def answer_to(method: str, target: str, body: bytes) -> bytes:
    """What every witness answers: what it heard, or something long."""
    return LONG if target.startswith("/long") else f"{method} {target} ".encode() + body


@asynccontextmanager
async def plain() -> AsyncIterator[str]:
    """The standard library's: one thread for each connection, HTTP/1.1 when it is told to."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            said = answer_to(self.command, self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

    for verb in ("POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{verb}", Handler.do_GET)
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    await asyncio.to_thread(server.shutdown)
    server.server_close()


@asynccontextmanager
async def old() -> AsyncIterator[str]:
    """An old one: HTTP/1.0, one answer for each connection, whose end is that of the answer."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(one.split(":")[1]) for one in head.split("\r\n") if one.lower().startswith("content-length")), 0)
        body = await reader.readexactly(length)
        method, target, _ = head.split(" ", 2)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + answer_to(method, target, body))
        writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@asynccontextmanager
async def aio() -> AsyncIterator[str]:
    """aiohttp's server, which packs what it answers, in chunks."""

    async def heard(request: web.Request) -> web.Response:
        answer = web.Response(body=answer_to(request.method, request.path_qs, await request.read()))
        answer.enable_compression(web.ContentCoding.gzip)
        answer.enable_chunked_encoding()
        return answer

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", heard)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def by_uvicorn(kind: str) -> Callable[[], AbstractAsyncContextManager[str]]:
    """uvicorn, which reads by one of two parsers, and answers in chunks where no length is told."""

    async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        query = "?" + scope["query_string"].decode() if scope["query_string"] else ""
        said = answer_to(scope["method"], scope["raw_path"].decode() + query, body)
        packed = scope["path"] == "/long"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-encoding", b"gzip")] if packed else []})
        await send({"type": "http.response.body", "body": gzip.compress(said, 1) if packed else said})

    @asynccontextmanager
    async def running() -> AsyncIterator[str]:
        server = uvicorn.Server(uvicorn.Config(app, port=0, http=kind, lifespan="off", log_config=None))
        serving = asyncio.ensure_future(server.serve())
        await soon(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        await serving

    return running


WITNESSES: dict[str, Callable[[], AbstractAsyncContextManager[str]]] = {
    "http.server": plain,
    "until its end": old,
    "aiohttp": aio,
    "uvicorn h11": by_uvicorn("h11"),
    "uvicorn httptools": by_uvicorn("httptools"),
}


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("witness", WITNESSES)
async def test_every_question_gets_its_own_answer_from_whatever_server(witness: str) -> None:
    async with WITNESSES[witness]() as address:
        session = RestSession(address, Link("binance", SystemClock(), 1_000_000), judge)

        async def ask(number: int) -> None:
            method = ("POST", "PUT", "DELETE", "GET")[number % 4]
            body = b"" if method == "GET" else b"%d" % number * (1 + number % 50 * 100)
            target = f"/api/x?number={number}&odd=%EF%BC%91"
            if method == "GET":
                got = await session.read(lambda: Request(method, target, {}), 1)
            else:
                got = await session.order(Request(method, target, {"X-Key": "k"}, body), 1)
            assert got == answer_to(method, target, body)

        await asyncio.gather(*(ask(number) for number in range(24)))
        for number in range(6):
            await ask(number)
        assert await session.read(lambda: Request("GET", "/long", {}), 1) == LONG
        big = b"z" * 3_000_000 if witness != "aiohttp" else b"z" * 900_000
        assert await session.order(Request("POST", "/big", {}, big), 1) == b"POST /big " + big
        await session.close()


FIRST = ["HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 400 No", "HTTP/1.1 204 No", "HTTP/1.1 304 Not", "HTTP/1.1 103 Hints"]
HEADERS = [
    *(
        "Content-Length: 5",
        "content-length:\t5 ",
        "Content-Length: 05",
        "Content-Length: 3",
        "Content-Length: 0",
        "Content-Length: 5;",
    ),
    *(
        "Transfer-Encoding: chunked",
        "transfer-encoding:  Chunked ",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
    ),
    *("Connection: close", "Connection: keep-alive", "Trailer: X", "X: y", "X:", "X : y", " folded"),
]
BODIES = [
    *("hello", "", "hel", "hellohello", "5\r\nhello\r\n0\r\n\r\n", "5;x=1\r\nhello\r\n0\r\nX: y\r\n\r\n", "5\nhello\n0\n\n"),
    *("2\r\nhe\r\n03\r\nllo\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n"),
]


def written(first: str, headers: list[str], body: str) -> bytes:
    """An answer, as somebody might write it."""
    return "\r\n".join([first, *headers, "", body]).encode()


def read_by_another(text: bytes, *, ends: bool) -> tuple[int, bytes] | None:
    """What h11 makes of it; None when nothing, or nothing yet."""
    other = h11.Connection(h11.CLIENT)
    other.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    other.send(h11.EndOfMessage())
    other.receive_data(text)
    if ends:
        other.receive_data(b"")
    status, body = 0, b""
    with suppress(h11.RemoteProtocolError):
        while (event := other.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            match event:
                case h11.Response():
                    status = event.status_code
                case h11.Data():
                    body += bytes(event.data)
                case h11.EndOfMessage():
                    return status, body
                case h11.ConnectionClosed():
                    break
    return None


texts = st.builds(written, st.sampled_from(FIRST), st.lists(st.sampled_from(HEADERS), max_size=3), st.sampled_from(BODIES))


@given(st.lists(texts, min_size=1, max_size=2).map(b"".join), st.booleans(), st.integers(0, 200))
def test_another_reader_never_makes_another_answer_of_the_same_bytes(text: bytes, ends: bool, place: int) -> None:
    async def mine() -> tuple[int, bytes] | None:
        line, _ = a_line()
        asking = asyncio.ensure_future(line.ask(b"?", 5.0, 10.0))
        await asyncio.wait([asking], timeout=0)
        for part in (text[:place], text[place:]):
            line.data_received(part)
        if ends:
            line.eof_received()
            line.connection_lost(None)
        line.cut()
        with suppress(LineBroken):
            answer = await asking
            return answer.status, answer.body
        return None

    got, theirs = asyncio.run(mine()), read_by_another(text, ends=ends)
    assert got is None or theirs is None or got == theirs


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_server_that_would_pack_its_messages_is_not_asked_to(compression: str | None) -> None:
    async def talk(socket: ServerConnection) -> None:
        asked.append(socket.request.headers.get("Sec-WebSocket-Extensions") if socket.request else "")
        async for message in socket:
            await socket.send(message)
            await (await socket.ping(b"there?"))
            await socket.send(["in ", "three ", "pieces"] if message == "pieces" else f"again {message!s}")

    asked: list[str | None] = []
    async with serve(talk, "127.0.0.1", 0, compression=compression) as server:
        heard: list[bytes] = []
        connection = await opened(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}", heard)
        connection.send_texts([b"{}", b"x" * 70_000, "é".encode(), b"pieces", b"end"])
        await soon(lambda: len(heard) == 10)
        connection.transport.abort()
    assert asked == [None]
    alone = [b"{}", b"x" * 70_000, "é".encode(), b"end"]
    said = [part for one in alone for part in (one, b"again " + one)]
    assert heard == [*said[:6], b"pieces", b"in three pieces", *said[6:]]


async def test_a_server_that_packs_unasked_is_no_connection() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.wait_closed()

    def insist(_: ServerConnection, __: Any, response: Any) -> None:
        response.headers["Sec-WebSocket-Extensions"] = "permessage-deflate"

    async with serve(talk, "127.0.0.1", 0, process_response=insist) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        with pytest.raises(ConnectionLost):
            await open_socket(url, Link("binance", SystemClock(), 6000), Connection)
