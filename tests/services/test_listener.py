"""The ingress's own port: slow heads, taken ports, stops, and nonsense on the wire."""

from __future__ import annotations

import asyncio
import random
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from aristobot.clock import ManualClock
from aristobot.store.database import Database
from services.ingress_http import respond
from services.listener import AsgiApp, Listener, PatientProtocol
from tests.loopback import AUTHORITIES
from tests.services.gate import Gate, a_gate

#: What contract and HTTP allow; 503 is for a store that fails, and none fails here.
SOUND = {200, 400, 404, 405, 408, 413, 429}


@pytest.fixture
async def gate(db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Gate]:
    """A receiver as it is installed, on both databases."""
    async with a_gate(db, clock, tmp_path) as opened:
        yield opened


class Hasty(PatientProtocol):
    """Does not wait as long as the house does."""

    head_patience = body_patience = 0.05


@asynccontextmanager
async def a_port(app: AsgiApp, protocol: type[PatientProtocol] = Hasty) -> AsyncIterator[int]:
    """The port on which an app is served."""
    listener = Listener(app, "127.0.0.1", 0, protocol)
    port = int(listener.bind().rpartition(":")[2])
    serving = asyncio.create_task(listener.run())
    async with asyncio.timeout(60):
        yield port
    serving.cancel()
    await asyncio.wait({serving})


async def nothing(scope: object, receive: object, send: object) -> None:
    """Answers no request, because none comes."""
    raise AssertionError("no request came")


@pytest.mark.parametrize("sent", [b"", b"POST /webhook/x HT", b"POST /health HTTP/1.1\r\nHost: x\r\nX-Slow"])
async def test_a_head_that_never_ends_is_not_waited_for(sent: bytes) -> None:
    async with a_port(nothing) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert await reader.read() == b""
        writer.close()


async def test_a_body_that_trickles_is_not_waited_for() -> None:
    ends: list[str] = []

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive()).get("more_body"):
            pass
        ends.append(message["type"])

    async with a_port(reading) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n{")
        assert await reader.read() == b""
        writer.close()
    assert ends == ["http.disconnect"]


async def test_a_head_sent_ahead_of_an_answer_has_an_end_as_well() -> None:
    begun = asyncio.Event()

    async def pondering(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        begun.set()
        assert (await receive())["type"] == "http.disconnect"

    async with a_port(pondering) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        await begun.wait()
        writer.write(b"GET /y HTTP/1.1\r\nX-Junk: " + b"j" * 40_000)
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_one_address_cannot_take_every_connection() -> None:
    class Narrow(PatientProtocol):
        most_from_one = 2

    async def greeting(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, 200, {})

    async with a_port(greeting, Narrow) as port:
        kept = []
        for _ in range(2):
            kept.append(await asyncio.open_connection("127.0.0.1", port))
            kept[-1][1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await kept[-1][0].readuntil(b"{}")
        surplus, _ = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionResetError):
            assert await surplus.read() == b""
        for _, writer in kept:
            writer.close()


async def test_a_head_without_end_is_cut_off(gate: Gate) -> None:
    said = await gate.raw(b"POST /health HTTP/1.1\r\n" + b"X-Junk: " + b"j" * 40_000)

    assert said.startswith(b"HTTP/1.1 400 ")


async def test_a_taken_port_is_an_error_that_can_be_tried_again(gate: Gate) -> None:
    second = Listener(gate.receiver.asgi, "127.0.0.1", int(gate.receiver.address.rpartition(":")[2]))

    with pytest.raises(OSError, match="in use"):
        await second.run()


async def test_the_port_is_free_again_after_a_stop(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    async with a_gate(db, clock, tmp_path) as first:
        await first.post()
        address = first.receiver.address

    assert first.receiver.address == ""
    listener = Listener(first.receiver.asgi, "127.0.0.1", int(address.rpartition(":")[2]))
    assert listener.bind() == address
    listening = asyncio.create_task(listener.run())
    async with httpx.AsyncClient(base_url=address, trust_env=False, verify=AUTHORITIES) as client:
        assert (await client.get("/health")).status_code == 200
    listening.cancel()
    await asyncio.wait({listening})


METHODS = (*[b"POST "] * 6, b"GET ", b"PUT ", b"OPTIONS ", b"post ", b"\x00")
PATHS = (b"/webhook/", b"/webhook", b"/webhook/x", b"/health", b"/../webhook", b"?a=b", b"/%2e%ff%00", b"*", b"http://x/webhook")
VERSIONS = (*[b" HTTP/1.1\r\n"] * 6, b" HTTP/1.0\r\n", b" HTTP/9.9\r\n", b"\r\n")
HEADERS = (
    *(b"Content-Length: %s\r\n" % size for size in (b"2", b"2", b"-1", b"99999999", b"18446744073709551616", b"\xb2")),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n", b"Host: x\r\n"),
    *(b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"X-Webhook-Token: \xff\xfe\r\n", b"X-Forwarded-For: ,,;\r\n"),
    *(b"Expect: 100-continue\r\n", b"\x00: \x00\r\n", b"Content-Type: multipart/form-data; boundary=\xff\r\n", b"no colon\r\n"),
)
BODIES = (b"{}", b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n", b"ffffffffffff\r\n", b"\x00", b"action=PING", b'{"token": 1}')


async def test_no_bytes_on_the_wire_bring_it_down(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    chance = random.Random(20260101)
    async with a_gate(db, clock, tmp_path, body_patience=0.02, webhook_burst=100_000) as gate:
        paths = (*PATHS, *[f"/webhook/{gate.token}".encode()] * 9)

        def nonsense() -> bytes:
            head = chance.choice(METHODS) + chance.choice(paths) + chance.choice(VERSIONS)
            return head + b"".join(chance.choices(HEADERS, k=chance.randint(0, 3))) + b"\r\n" + chance.choice(BODIES)

        requests = [nonsense() * chance.randint(1, 2) for _ in range(500)]
        requests += [chance.randbytes(chance.randint(1, 200)) for _ in range(100)]
        said = b"".join(await asyncio.gather(*(gate.raw(one, idle=0.1) for one in requests)))
        answer = await gate.post(uuid.uuid4().hex.encode())

        statuses = {int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)}
        assert statuses - {100} <= SOUND
        assert {200, 400, 404, 405} <= statuses
        assert answer.status_code == 200
