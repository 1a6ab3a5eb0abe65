"""An AI provider of a few lines: it speaks OpenAI's protocol on this machine, and misbehaves as it is told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

KEY = "sk-good-key-of-the-house"
MODELS = ("tiny", "llama3:latest")


@dataclass
class Oracle:
    """What it says, and what it was asked. `mood` is a status, or a misfortune: silent, slow, cut, html, moved, unlisted.

    Slow, it says its first word and waits; `gone` is set when whoever asked has hung up, `go_on` lets it finish.
    """

    port: int = 0
    mood: int | str = 200
    words: Sequence[str] = ("Bon", "jour", " — ", "ça va ?")
    inside: bytes = b""
    needs_key: bool = True
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and hang up."""
        try:
            first = await reader.readexactly(1)
            if first == b"\x16":  # a TLS greeting, where nothing is encrypted
                _fault(writer, 400, "plain HTTP, please")
                return
            head = (first + await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = {name.casefold(): value for name, _, value in (line.partition(": ") for line in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = head[0].split(" ")
            sent = json.loads(body) if body else None
            self.asked.append((method, path, headers, sent))
            answering = asyncio.create_task(self._answer(path, headers, sent or {}, writer))
            hung_up = asyncio.create_task(reader.read())
            await asyncio.wait({answering, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                self.gone.set()
            for one in (answering, hung_up):
                one.cancel()
            await asyncio.gather(answering, hung_up, return_exceptions=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], sent: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if self.mood == "silent":
            await asyncio.Event().wait()
        elif self.mood == "cut":
            writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n{")
        elif self.mood == "html":
            _say(writer, 200, b"<html>hello</html>", "text/html")
        elif self.mood == "moved":
            _say(writer, 301, b"", "text/html", "Location: http://169.254.169.254/\r\n")
        elif isinstance(self.mood, int) and self.mood != 200:
            _fault(writer, self.mood, f"trouble with {headers.get('authorization', 'nobody')}")
        elif self.needs_key and headers.get("authorization") != f"Bearer {KEY}" and path != "/v1/models":
            _fault(writer, 401, f"Incorrect API key provided: {headers.get('authorization')}")
        elif path == "/v1/models":
            listed = [] if self.mood == "unlisted" else [{"id": one} for one in MODELS]
            _say(writer, 200, json.dumps({"object": "list", "data": listed}).encode())
        elif path == "/v1/key":
            _say(writer, 200, b'{"data": {"limit": null}}')
        elif sent["model"] not in (*MODELS, "llama3"):
            _fault(writer, 400, f"{sent['model']} is not a valid model ID")
        elif sent.get("stream"):
            await self._stream(writer)
        else:
            _say(writer, 200, b'{"choices": [{"message": {"role": "assistant", "content": "p"}}]}')

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        """As OpenRouter does: comments first, a piece with the role alone, words cut anywhere, figures at the end."""
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: PROCESSING\r\n\r\n")
        pieces: list[dict[str, Any]] = [{"choices": [{"delta": {"role": "assistant"}}]}]
        pieces += [{"choices": [{"delta": {"content": one}}]} for one in self.words]
        pieces += [{"choices": [{"delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": {"total_tokens": 9}}]
        whole = b"".join(b"data: " + json.dumps(one, ensure_ascii=False).encode() + b"\r\n\r\n" for one in pieces)
        whole += self.inside or b"data: [DONE]\n\n"
        begun = whole.find(b"\r\n\r\n", whole.find(b"content")) + 4 if self.mood == "slow" else 0
        for start in range(0, len(whole), 7):
            if self.mood == "slow" and start >= begun:
                await self.go_on.wait()
            writer.write(whole[start : start + 7])
            await writer.drain()


@asynccontextmanager
async def an_oracle(context: ssl.SSLContext | None = None) -> AsyncIterator[Oracle]:
    """A running one."""
    oracle = Oracle()
    server = await asyncio.start_server(oracle.serve, "127.0.0.1", 0, ssl=context)
    oracle.port = server.sockets[0].getsockname()[1]
    try:
        yield oracle
    finally:
        server.close()


def _say(writer: asyncio.StreamWriter, status: int, body: bytes, kind: str = "application/json", more: str = "") -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)


def _fault(writer: asyncio.StreamWriter, status: int, words: str) -> None:
    _say(writer, status, json.dumps({"error": {"message": words, "code": status}}).encode())
