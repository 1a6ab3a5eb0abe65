"""A server that answers like an exchange without thinking, over TLS, in a process of its own: its cost is nobody's."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
import sys
from contextlib import suppress

from tests.benchmarks.canned_answers import Canned, canned

#: RFC 6455, section 1.3.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Server:
    """Serves both kinds of connection."""

    def __init__(self, answers: Canned) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\n{answers.head}Content-Length: ".encode()
        self._said = {path: head + str(len(body)).encode() + b"\r\n\r\n" + body for path, body in answers.rest.items()}
        self._reply = answers.reply

    async def rest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """HTTP, kept alive."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].partition(b"?")[0].decode()
                marker = head.lower().find(b"content-length:")
                if marker >= 0:
                    await reader.readexactly(int(head[marker + 15 : head.index(b"\r\n", marker)]))
                writer.write(self._said[path])
        writer.close()

    async def socket(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """WebSocket without a library: text frames, answered at once."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            writer.write(_upgraded(await reader.readuntil(b"\r\n\r\n")))
            while True:
                kind, size = await reader.readexactly(2)
                size &= 0x7F
                if size == 126:
                    size = int.from_bytes(await reader.readexactly(2), "big")
                data = await reader.readexactly(4 + size)
                if kind & 0x0F == 8:
                    break
                if kind & 0x0F == 1:
                    mask = (data[:4] * (size // 4 + 1))[:size]
                    asked = (int.from_bytes(data[4:], "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")
                    for reply in self._reply(asked):
                        writer.write(b"\x81" + _length(len(reply)) + reply)
        writer.close()


def _upgraded(head: bytes) -> bytes:
    lines = (line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    key = next(lines).split(b":")[1].strip()
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    return upgrade + accept + b"\r\n\r\n"


def _length(size: int) -> bytes:
    return bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")


async def main(exchange: str, certificate: str, key: str) -> None:
    """Serve until killed; print both ports."""
    server = Server(canned(exchange))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    rest = await asyncio.start_server(server.rest, "127.0.0.1", 0, ssl=context)
    sockets = await asyncio.start_server(server.socket, "127.0.0.1", 0, ssl=context)
    print(json.dumps([one.sockets[0].getsockname()[1] for one in (rest, sockets)]), flush=True)
    await rest.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
