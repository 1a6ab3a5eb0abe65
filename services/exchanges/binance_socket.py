"""One key's connection to Binance's WebSocket API: orders go out on it, the account's events come in.

Protocol: Binance Spot API, "WebSocket API" and "User Data Streams". With an Ed25519 key the session is logged on once
and orders carry no signature; other keys sign each request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine

import msgspec
from loguru import logger

from aristobot.errors import ConnectionLost, DataError, OutcomeUnknown, TryAgain
from services.exchanges.binance_errors import SUBSCRIBED_ALREADY, complaint_of, verdict
from services.exchanges.binance_events import SHUTDOWN, TERMINATED, kind_of
from services.exchanges.binance_sign import Params, Signer
from services.exchanges.binance_wire import decoded
from services.exchanges.connection import Connection
from services.exchanges.request_socket import RequestSocket
from services.exchanges.sockets import open_socket
from services.exchanges.transport import Link, checked, growing_pauses

#: Seconds: cut at 24 hours by the exchange; closed by us when nobody used it for so long; grace for answers on an old one.
LIFETIME = 23 * 3600.0
IDLE = 600.0
GRACE = 15.0
_ROUND = 60.0
_EVENTS_WAITING = 2000
_CONNECTING_WEIGHT = 2
#: A subscription that held so long was a good one: its loss is answered at once. And how long an opening may take.
_SETTLED = 30.0
_OPENING = 2.5
_GAP = None
_LOG_ON = "session.logon"
_SUBSCRIBE = "userDataStream.subscribe"
_SUBSCRIBE_SIGNED = "userDataStream.subscribe.signature"
#: The status of an answer that nobody asked for when a key that is logged on may no more what it is used for.
_UNAUTHORIZED = 401


class Answer(msgspec.Struct):
    """A frame of the WebSocket API: the answer to a question, or an event of the account."""

    id: int | None = None
    status: int = 0
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw()
    event: msgspec.Raw = msgspec.Raw()


class Question(msgspec.Struct):
    """A frame of ours."""

    id: int
    method: str
    params: Params


_ANSWERS = msgspec.json.Decoder(Answer)
_QUESTIONS = msgspec.json.Encoder()


def _read(frame: bytes) -> Answer:
    return decoded(_ANSWERS, frame)


class KeySocket:
    """The connection of one key. Its secret is never kept: whoever calls brings it."""

    def __init__(self, url: str, link: Link) -> None:
        self._url = checked(url)
        self._link = link
        self._clock = link.clock
        self._socket: RequestSocket[Answer] | None = None
        self._logged_on: RequestSocket[Answer] | None = None
        self._subscribed_on: RequestSocket[Answer] | None = None
        self._opening = asyncio.Lock()
        self._pauses = growing_pauses()
        self._not_before = float("-inf")
        self._last_use = 0.0
        self._closed = False
        self._readers: set[asyncio.Queue[msgspec.Raw | None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def ready(self, signer: Signer) -> RequestSocket[Answer] | None:
        """The open connection, opened now when need be; None while it cannot be had. Raises BadKey and its kin."""
        if (open_now := self.at_hand()) is not None:
            return open_now
        async with self._opening:
            if self._usable():
                return self._socket
            if self._closed or self._clock.monotonic() < self._not_before:
                return None
            try:
                async with asyncio.timeout(_OPENING):
                    fresh = await self._open(signer)
            except (TryAgain, TimeoutError) as error:
                if self._not_before == float("-inf"):
                    logger.warning("{} trading socket cannot be opened: {!r}", self._link.exchange, error)
                self._not_before = self._clock.monotonic() + max(1.0, next(self._pauses))
                return None
            self._not_before = float("-inf")
            self._pauses = growing_pauses()
            self._take_over(fresh)
            return fresh

    def at_hand(self) -> RequestSocket[Answer] | None:
        """The connection for whoever is about to send: the open one, None when there is none at this moment."""
        self._last_use = self._clock.monotonic()
        return self._socket if self._usable() else None

    async def ask(self, connection: RequestSocket[Answer], method: str, signer: Signer, params: Params, timestamp: int) -> Answer:
        """One question on an open connection. Raises ConnectionLost (certainly not sent) and OutcomeUnknown."""
        return await connection.ask(*self.question(connection, method, signer, params, timestamp))

    def question(
        self, connection: RequestSocket[Answer], method: str, signer: Signer, params: Params, timestamp: int
    ) -> tuple[int, bytes]:
        """What `connection` is to be asked: the question's id and its frame, signed where the connection is not logged on."""
        if method == _SUBSCRIBE:
            sent: Params = {}
        elif connection is self._logged_on:
            sent = {**params, "timestamp": timestamp}
        else:
            sent = signer.params(params, timestamp)
        request_id = connection.next_id()
        return request_id, _QUESTIONS.encode(Question(request_id, method, sent))

    async def events(self, signer: Signer) -> AsyncIterator[msgspec.Raw | None]:
        """The account's events, for ever; None first and whenever some may have been missed."""
        inbox: asyncio.Queue[msgspec.Raw | None] = asyncio.Queue(_EVENTS_WAITING)
        self._readers.add(inbox)
        pauses, trusted = growing_pauses(), True
        try:
            while True:
                await self._clock.sleep(next(pauses))
                _drain(inbox)
                if not await self._subscribe(signer):
                    continue
                yield _GAP
                since = self._clock.monotonic()
                while (event := await inbox.get()) is not None:
                    yield event
                if trusted or self._clock.monotonic() - since >= _SETTLED:
                    pauses, trusted = growing_pauses(), False
        finally:
            self._readers.discard(inbox)

    async def close(self) -> None:
        """Close the connection and everything that tends it, for good."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._socket is not None:
            socket, self._socket = self._socket, None
            await socket.close()

    def _usable(self) -> bool:
        socket = self._socket
        return socket is not None and socket.is_open and self._clock.monotonic() - socket.born < LIFETIME

    async def _open(self, signer: Signer) -> RequestSocket[Answer]:
        self._link.budget.take(_CONNECTING_WEIGHT, read=False)
        opened = await open_socket(self._url, self._link, Connection)
        connection = RequestSocket(opened, self._link, _read, lambda answer: self._pushed(connection, answer))
        if signer.may_log_on:
            try:
                await self._command(connection, _LOG_ON, signer, {})
                self._logged_on = connection
            except BaseException:
                await connection.close()
                raise
        return connection

    async def _command(self, connection: RequestSocket[Answer], method: str, signer: Signer, params: Params) -> None:
        """Something to do with the session itself. Raises TryAgain, also when no answer came, and Refused."""
        try:
            answer = await self.ask(connection, method, signer, params, self._link.server_clock.timestamp())
        except OutcomeUnknown:
            raise ConnectionLost(exchange=self._link.exchange, detail=f"no answer to {method}") from None
        if answer.status != 200:
            raise verdict(answer.status, complaint_of(answer.error), order=False)

    def _take_over(self, fresh: RequestSocket[Answer]) -> None:
        """The new connection serves from now on; the old one still hears the answers it is owed."""
        old, self._socket = self._socket, fresh
        fresh.closed.add_done_callback(lambda _: self._ended(fresh))
        if old is not None:
            self._link.meter.reconnects += 1
            self._tend(self._retire(old))
        self._tend(self._watch(fresh))

    def _ended(self, socket: RequestSocket[Answer]) -> None:
        if self._subscribed_on is socket:
            self._gap()

    async def _retire(self, old: RequestSocket[Answer]) -> None:
        if old.is_open and old.in_flight:
            await self._clock.sleep(GRACE)
        await old.close()

    async def _watch(self, socket: RequestSocket[Answer]) -> None:
        """Have the readers renew an old connection; close one that nobody uses."""
        while self._socket is socket and socket.is_open:
            await self._clock.sleep(_ROUND)
            now = self._clock.monotonic()
            if now - socket.born >= LIFETIME:
                self._gap()
            elif not self._readers and not socket.in_flight and now - self._last_use >= IDLE:
                await socket.close()

    async def _subscribe(self, signer: Signer) -> bool:
        """Whether the account's events now come in on the present connection. Raises Refused."""
        connection = await self.ready(signer)
        if connection is None:
            return False
        async with self._opening:
            if self._subscribed_on is connection and connection.is_open:
                return True
            method = _SUBSCRIBE if connection is self._logged_on else _SUBSCRIBE_SIGNED
            try:
                await self._command(connection, method, signer, {})
            except TryAgain as answer:
                # an earlier question was taken, though its answer was lost, or nobody waited for it
                if answer.facts.get("native_code") != SUBSCRIBED_ALREADY:
                    return False
            self._subscribed_on = connection
            return connection.is_open

    def _pushed(self, connection: RequestSocket[Answer], answer: Answer) -> None:
        if answer.id is None and answer.status == _UNAUTHORIZED:
            self._leave(connection)
        if not answer.event:
            return
        try:
            kind = kind_of(answer.event)
        except DataError:
            kind = TERMINATED
        if kind == SHUTDOWN and self._socket is not None:
            self._socket.born = float("-inf")
        if kind in (SHUTDOWN, TERMINATED):
            self._gap()
            return
        for inbox in self._readers:
            if inbox.full():
                _drain(inbox)
                inbox.put_nowait(_GAP)
            else:
                inbox.put_nowait(answer.event)

    def _leave(self, connection: RequestSocket[Answer]) -> None:
        """Its key was logged off, as an answer to nobody says: it would be refused for ever, also once it may trade again."""
        logger.warning("{} has logged a key off: its trading socket is closed", self._link.exchange)
        if self._socket is connection:
            self._socket = None
        self._tend(connection.close())

    def _gap(self) -> None:
        """Events may be missing from here on: every reader starts over with a new subscription."""
        self._subscribed_on = None
        for inbox in self._readers:
            _drain(inbox)
            inbox.put_nowait(_GAP)

    def _tend(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _drain(inbox: asyncio.Queue[msgspec.Raw | None]) -> None:
    while not inbox.empty():
        inbox.get_nowait()
