"""The ingress's own port: slow heads, taken ports, stops, and nonsense on the wire."""

from __future__ import annotations

import asyncio
import random
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from aristobot.clock import ManualClock
from aristobot.store.database import Database
from services.listener import Listener, PatientProtocol
from tests.loopback import AUTHORITIES
from tests.services.gate import Gate, a_gate

#: What contract and HTTP allow; 503 is for a store that fails, and none fails here.
SOUND = {200, 400, 404, 405, 408, 413, 429}


@pytest.fixture
async def gate(db: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Gate]:
    """A receiver as it is installed, on both databases."""
    async with a_gate(db, clock, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("sent", [b"", b"POST /webhook/x HT", b"POST /health HTTP/1.1\r\nHost: x\r\nX-Slow"])
async def test_a_head_that_never_ends_is_not_waited_for(sent: bytes) -> None:
    class Hasty(PatientProtocol):
        head_patience = 0.05

    async def nothing(scope: object, receive: object, send: object) -> None:
        raise AssertionError("no request came")

    listener = Listener(nothing, "127.0.0.1", 0, Hasty)
    port = int(listener.bind().rpartition(":")[2])
    serving = asyncio.create_task(listener.run())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    serving.cancel()
    await asyncio.wait({serving})


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
