"""One open websocket on which questions carry an id and so do their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from aristobot.errors import ConnectionLost, DataError, OutcomeUnknown
from services.exchanges.connection import Connection
from services.exchanges.transport import Link


class Envelope(Protocol):
    """What a frame must show: the id of the question it answers, None when nobody asked."""

    @property
    def id(self) -> int | None:
        """The question's id."""


#: A clock that rings a moment early rings once more (seconds).
_EARLY = 0.001

E_co = TypeVar("E_co", bound=Envelope)


class RequestSocket(Generic[E_co]):
    """Questions and answers over one connection, any number at once; what nobody asked for goes to `on_push`."""

    def __init__(
        self, connection: Connection, link: Link, decode: Callable[[bytes], E_co], on_push: Callable[[E_co], None]
    ) -> None:
        self._connection = connection
        self._link = link
        self._decode = decode
        self._on_push = on_push
        self._waiting: dict[int, asyncio.Future[E_co]] = {}
        #: Of those that wait, oldest first: since when, and how much had been heard by then.
        self._since: dict[int, tuple[float, int]] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._outbox: list[tuple[int, bytes]] = []
        self._last_id = 0
        self._patience = link.timeouts.silence(order=True)
        self._heard = 0
        self._loop = asyncio.get_running_loop()
        self.born = link.clock.monotonic()
        self.closed = asyncio.create_task(self._listen())

    @property
    def is_open(self) -> bool:
        """Whether a question could be sent at this moment."""
        return self._connection.state is State.OPEN and not self.closed.done()

    @property
    def in_flight(self) -> int:
        """Questions without an answer yet."""
        return len(self._waiting)

    def next_id(self) -> int:
        """An id that no other question on this connection has."""
        self._last_id += 1
        return self._last_id

    async def ask(self, request_id: int, frame: bytes) -> E_co:
        """Send one frame and wait for its answer.

        Raises ConnectionLost when it certainly was not sent, OutcomeUnknown when it was, or may have been, and no answer came.
        """
        if not self.is_open:
            raise ConnectionLost(exchange=self._link.exchange, detail="socket is closed")
        answer: asyncio.Future[E_co] = self._loop.create_future()
        self._waiting[request_id] = answer
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append((request_id, frame))
        self._since[request_id] = self._loop.time(), self._heard
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._patience, self._look)
        started = self._link.clock.monotonic()
        try:
            envelope = await answer
        except (ConnectionLost, OutcomeUnknown):
            self._link.meter.failed()
            raise
        finally:
            del self._waiting[request_id], self._since[request_id]
        self._link.meter.answered(self._link.clock.monotonic() - started)
        return envelope

    async def close(self) -> None:
        """Close the connection; whoever still waits gets OutcomeUnknown."""
        await self._connection.close()
        await self.closed

    def _flush(self) -> None:
        """Send what was asked within this turn of the loop with one write; what was given up meanwhile stays here."""
        asked = [(self._waiting.get(request_id), frame) for request_id, frame in self._outbox]
        leaving = [(answer, frame) for answer, frame in asked if answer is not None and not answer.done()]
        self._outbox.clear()
        if not self.is_open:
            for answer, _ in leaving:
                answer.set_exception(ConnectionLost(exchange=self._link.exchange, detail="socket is closed"))
            return
        self._connection.send_texts([frame for _, frame in leaving])

    def _look(self) -> None:
        """Wait no longer for answers that are due; a connection on which nothing at all came meanwhile is not asked again.

        One alarm serves all questions, for all of them may wait equally long.
        """
        self._alarm = None
        now = self._loop.time()
        for request_id, (since, heard) in self._since.items():
            left = since + self._patience - now
            if left > _EARLY:
                self._alarm = self._loop.call_later(left, self._look)
                return
            self._fail(request_id, "no answer in time")
            if self._heard == heard:
                self._connection.transport.abort()

    def _fail(self, request_id: int, detail: str) -> None:
        answer = self._waiting[request_id]
        if not answer.done():
            answer.set_exception(OutcomeUnknown("no_answer", exchange=self._link.exchange, detail=detail))

    def _hear(self, frame: bytes) -> None:
        self._heard += 1
        try:
            envelope = self._decode(frame)
        except DataError:
            return  # an answer that cannot be read leaves its question without one
        question = envelope.id
        answer = self._waiting.get(question) if question is not None else None
        if answer is None:
            self._on_push(envelope)
        elif not answer.done():
            answer.set_result(envelope)

    async def _listen(self) -> None:
        try:
            self._connection.on_text = self._hear
            while True:  # what came before is read without a pause, so nothing overtakes it; then this waits for the end
                self._hear(await self._connection.recv(decode=False))
        except ConnectionClosed:
            pass
        finally:
            for request_id in self._waiting:
                self._fail(request_id, "socket closed")
