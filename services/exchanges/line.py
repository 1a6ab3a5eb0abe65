"""One HTTP/1.1 connection: a request leaves with one write, its answer comes back whole. llhttp reads it, nothing else does.

Rules: RFC 9112. A library's client costs two to four times what the wire and TLS do; of one, an exchange needs this much.
"""

from __future__ import annotations

import asyncio
import socket
import zlib
from typing import NamedTuple, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

_LONGEST_HEAD = 256 * 1024
_LONGEST_BODY = 64 * 1024 * 1024
#: What tells zlib to expect the head of a gzip file.
_GZIP = 16 + zlib.MAX_WBITS
#: A clock that rings a moment early rings once more (seconds).
_EARLY = 0.001


class Answer(NamedTuple):
    """What came back; the names of headers are written small."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class LineBroken(ConnectionError):
    """No whole answer came. The text says why, and holds nothing of the request."""


class Line(asyncio.Protocol):
    """One connection, for one question at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, plain: socket.socket | None = None) -> None:
        self._loop, self._plain = loop, plain
        self._parser = HttpResponseParser(self)
        self._waiting: asyncio.Future[Answer] | None = None
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._size = self._head = 0
        self._inflate: zlib._Decompress | None = None
        self._in_body = False
        self._heard = self._latest = self._silence = 0.0
        self._keeps = True
        self.idle_since = 0.0

    @property
    def is_usable(self) -> bool:
        """Whether another question may go out on it."""
        return self._keeps and self._waiting is None and not self._transport.is_closing()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits to be read: it would be taken for the answer to the next question, or it is the end."""
        if self._plain is None:
            return True
        try:
            self._plain.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    async def ask(self, request: bytes, silence: float, longest: float) -> Answer:
        """Send a request and return its answer. However it ends but with one, the connection is cut.

        Raises LineBroken, and TimeoutError after `silence` seconds without a byte or `longest` seconds in all.
        """
        self._begin()
        self._silence, self._heard = silence, self._loop.time()
        self._latest = self._heard + longest
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting = answer
        self._watch = self._loop.call_later(min(silence, longest), self._look)
        self._transport.write(request)
        try:
            return await answer
        finally:
            if self._waiting is not None:  # whoever asked does not wait any more
                self.cut()
            self._watch.cancel()

    def cut(self) -> None:
        """Drop the connection at once; whoever waits gets LineBroken."""
        self._fail(LineBroken("cut"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Some bytes of an answer."""
        if self._waiting is None:
            self.cut()  # nobody has asked
            return
        self._heard = self._loop.time()
        self._head += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fail(LineBroken("unreadable"))
        else:
            if self._head > _LONGEST_HEAD:
                self._fail(LineBroken("endless head"))

    def eof_received(self) -> None:
        """They say no more; an answer without a length ends by it."""
        self._keeps = False
        if self._in_body and b"content-length" not in self._headers and b"transfer-encoding" not in self._headers:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if exc is None:
            self.eof_received()
        self._fail(LineBroken("closed" if exc is None else type(exc).__name__))

    def on_message_begin(self) -> None:
        """The parser: an answer begins; of a second one to the same question nothing is believed."""
        if self._in_body:
            raise HttpParserError("surplus")

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser: one header; those behind a body are not merged with those before it (RFC 9112, 7.1.2)."""
        if not self._in_body:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The parser: the body is next."""
        self._in_body = True
        packing = self._headers.get(b"content-encoding", b"identity").lower()
        if packing == b"gzip":
            self._inflate = zlib.decompressobj(_GZIP)
        elif packing != b"identity" or self._headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise HttpParserError("packing")

    def on_body(self, piece: bytes) -> None:
        """The parser: a piece of the body."""
        self._head = 0
        if self._inflate is not None:
            try:
                piece = self._inflate.decompress(piece, _LONGEST_BODY - self._size + 1)
            except zlib.error:
                raise HttpParserError("gzip") from None
            if self._inflate.unused_data:
                raise HttpParserError("surplus")
        self._size += len(piece)
        if self._size > _LONGEST_BODY:
            raise HttpParserError("too long")
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """The parser: that was all. What comes before the real answer (status 1xx) is none."""
        if self._parser.get_status_code() < 200:
            self._headers, self._in_body, self._inflate = {}, False, None
            return
        if not self._pieces:
            self._inflate = None
        if not self._parser.should_keep_alive() or self._transport.get_write_buffer_size():
            self._keeps = False
        self._finish()

    def _begin(self) -> None:
        self._headers = {}
        self._pieces.clear()
        self._size = self._head = 0
        self._inflate = None
        self._in_body = False

    def _finish(self) -> None:
        if self._inflate is not None and not self._inflate.eof:
            self._fail(LineBroken("cut short"))
            return
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            waiting.set_result(Answer(self._parser.get_status_code(), self._headers, body))

    def _fail(self, error: Exception) -> None:
        waiting, self._waiting = self._waiting, None
        self._keeps = False
        self._transport.abort()
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)

    def _look(self) -> None:
        """Whether they have been silent for too long, or have taken too long in all."""
        left = min(self._heard + self._silence, self._latest) - self._loop.time()
        if left > _EARLY:
            self._watch = self._loop.call_later(left, self._look)
        else:
            self._fail(TimeoutError())
