"""One open websocket on which questions carry an id and so do their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from aristobot.errors import ConnectionLost, DataError, OutcomeUnknown
from services.exchanges.transport import Link


class Envelope(Protocol):
    """What a frame must show: the id of the question it answers, None when nobody asked."""

    @property
    def id(self) -> int | None:
        """The question's id."""


E_co = TypeVar("E_co", bound=Envelope)


class RequestSocket(Generic[E_co]):
    """Questions and answers over one connection, any number at once; what nobody asked for goes to `on_push`."""

    def __init__(
        self, connection: ClientConnection, link: Link, decode: Callable[[bytes], E_co], on_push: Callable[[E_co], None]
    ) -> None:
        self._connection = connection
        self._link = link
        self._decode = decode
        self._on_push = on_push
        self._waiting: dict[int, asyncio.Future[E_co]] = {}
        self._last_id = 0
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
        deadline = self._loop.call_later(self._link.timeouts.read, self._give_up, request_id)
        started = self._link.clock.monotonic()
        try:
            await self._connection.send(frame, text=True)
            envelope = await answer
        except (ConnectionClosed, OutcomeUnknown) as error:
            self._link.meter.failed()
            detail = error.facts["detail"] if isinstance(error, OutcomeUnknown) else "socket closed"
            raise OutcomeUnknown("no_answer", exchange=self._link.exchange, detail=detail) from None
        finally:
            deadline.cancel()
            self._waiting.pop(request_id, None)
            if answer.done() and not answer.cancelled():
                answer.exception()
        self._link.meter.answered(self._link.clock.monotonic() - started)
        return envelope

    async def close(self) -> None:
        """Close the connection; whoever still waits gets OutcomeUnknown."""
        await self._connection.close()
        await self.closed

    def _give_up(self, request_id: int) -> None:
        answer = self._waiting.get(request_id)
        if answer is not None and not answer.done():
            answer.set_exception(OutcomeUnknown(detail="no answer in time"))

    async def _listen(self) -> None:
        try:
            while True:
                frame = await self._connection.recv(decode=False)
                try:
                    envelope = self._decode(frame)
                except DataError:
                    continue  # an answer that cannot be read leaves its question without one
                answer = self._waiting.get(envelope.id) if envelope.id is not None else None
                if answer is None:
                    self._on_push(envelope)
                elif not answer.done():
                    answer.set_result(envelope)
        except ConnectionClosed:
            pass
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(OutcomeUnknown(detail="socket closed"))
