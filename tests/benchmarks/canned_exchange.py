"""A server that answers like Binance without thinking, over TLS, in a process of its own: its cost is nobody's."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parent.parent / "exchanges" / "payloads" / "binance"
SYMBOLS = 1700
ASSETS = 500
CANDLES = 1000
#: RFC 6455, section 1.3.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def order() -> dict[str, Any]:
    """The documentation's own answer to an order: filled in five executions."""
    said: dict[str, Any] = json.loads((PAYLOADS / "rest/place-order.json").read_text())
    return said


def catalogue() -> bytes:
    """An exchangeInfo answer of the size of the real one."""
    known = json.loads((PAYLOADS / "catalogue.json").read_text())
    extra = [
        {
            **known["symbols"][index % len(known["symbols"])],
            "symbol": f"C{index}USDT",
            "baseAsset": f"C{index}",
            "quoteAsset": "USDT",
        }
        for index in range(SYMBOLS - len(known["symbols"]))
    ]
    return json.dumps({**known, "symbols": known["symbols"] + extra}, separators=(",", ":")).encode()


def answers() -> dict[str, bytes]:
    """Each path's answer."""
    ticker = json.loads((PAYLOADS / "rest/get-ticker.json").read_text()) | {"symbol": "BTCUSDT"}
    account = json.loads((PAYLOADS / "rest/get-account-info.json").read_text())
    account["balances"] = [
        {"asset": f"C{n}", "free": f"4723{n}.89208129", "locked": f"{n}.08600000"} for n in range(1, ASSETS + 1)
    ]
    start = 1767225600000
    candles = [
        [start + n * 60000, "50000.01", "50100.02", "49900.03", "50050.04", "12.34567", start + n * 60000 + 59999,
         "617283.5", 308, "6.1", "305000.0", "0"]
        for n in range(CANDLES)
    ]  # fmt: skip
    documents = {"/api/v3/order": order(), "/api/v3/ticker/24hr": ticker, "/api/v3/account": account, "/api/v3/klines": candles}
    made = {path: json.dumps(document, separators=(",", ":")).encode() for path, document in documents.items()}
    return {**made, "/api/v3/exchangeInfo": catalogue(), "/api/v3/time": json.dumps({"serverTime": start}).encode()}


class Canned:
    """Serves both kinds of connection."""

    def __init__(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nX-MBX-USED-WEIGHT-1M: 10\r\nContent-Length: "
        self._said = {path: head + str(len(body)).encode() + b"\r\n\r\n" + body for path, body in answers().items()}
        self._order = json.dumps(order()).encode()

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
        """The WebSocket API without a library: everything is an order that was filled."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            key = (
                next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
                .split(b":")[1]
                .strip()
            )
            accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                + accept
                + b"\r\n\r\n"
            )
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
                    reply = b'{"id":%b,"status":200,"result":%b}' % (asked[6 : asked.index(b",")], self._order)
                    writer.write(b"\x81\x7e" + len(reply).to_bytes(2, "big") + reply)
        writer.close()


async def main(certificate: str, key: str) -> None:
    """Serve until killed; print both ports."""
    canned = Canned()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    rest = await asyncio.start_server(canned.rest, "127.0.0.1", 0, ssl=context)
    sockets = await asyncio.start_server(canned.socket, "127.0.0.1", 0, ssl=context)
    ports = [server.sockets[0].getsockname()[1] for server in (rest, sockets)]
    print(json.dumps(ports), flush=True)
    await rest.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
