"""One key's private socket at Bitget: logged on once, told what to push, and for unified accounts a way for orders.

Protocol: Bitget API, "WebSocket". It wants to hear the text `ping` every 30 seconds and answers `pong`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence

import msgspec
from loguru import logger
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from aristobot.errors import ConnectionLost, OutcomeUnknown, TryAgain
from services.exchanges.bitget_errors import Complaint, verdict
from services.exchanges.bitget_sign import Signer
from services.exchanges.bitget_wire import decoded
from services.exchanges.connection import Connection
from services.exchanges.request_socket import RequestSocket
from services.exchanges.sockets import open_socket
from services.exchanges.transport import Link, checked, growing_pauses

#: Seconds: between two of our pings; without a word the connection is dead; unused for so long it is closed.
PING_EVERY = 25.0
SILENCE = 60.0
IDLE = 600.0
#: Seconds an opening may take while an order waits for it, and after which a connection that ends was a good one.
_OPENING = 2.5
_SETTLED = 30.0
_EVENTS_WAITING = 2000
_LOG_ON = 0

Subscription = dict[str, str]


class Channel(msgspec.Struct, rename="camel"):
    """What a frame is about: a channel in the classic protocol, a topic in the unified one."""

    channel: str = ""
    topic: str = ""

    @property
    def name(self) -> str:
        """The name, in either."""
        return self.channel or self.topic


class Frame(msgspec.Struct):
    """Anything they say: an acknowledgement, an answer to an order, a push."""

    event: str = ""
    id_text: str | int | None = msgspec.field(default=None, name="id")
    code: str | int = ""
    msg: str | None = ""
    arg: Channel | None = None
    args: msgspec.Raw = msgspec.Raw(b"null")
    data: msgspec.Raw = msgspec.Raw()

    @property
    def id(self) -> int | None:
        """The question that it answers: a log-on is question 0, a subscription has a negative number made of its name."""
        if self.id_text is not None:
            text = str(self.id_text)
            return int(text) if text.isdecimal() else None
        if not self.event:
            return None
        return _question_of(self.arg.name) if self.arg is not None else _LOG_ON

    @property
    def refusal(self) -> Complaint | None:
        """Its complaint, when it is one."""
        if self.event != "error" and str(self.code) in ("", "0", "00000"):
            return None
        return Complaint(code=str(self.code), msg=self.msg)


_frames = msgspec.json.Decoder(Frame)
Line = RequestSocket[Frame]


def read_frame(frame: bytes) -> Frame:
    """What a frame says. Raises DataError, also for a bare `pong`."""
    return decoded(_frames, frame)


class KeySocket:
    """The connection of one key. The secret is never kept: whoever calls brings it."""

    def __init__(self, url: str, link: Link) -> None:
        self._url = checked(url)
        self._link, self._clock = link, link.clock
        self._line: Line | None = None
        self._subscribed: Line | None = None
        self._turn = asyncio.Lock()
        self._pauses, self._not_before = growing_pauses(), float("-inf")
        self._heard = self._used = 0.0
        self._closed = False
        self.takes_orders = True
        self._inboxes: set[asyncio.Queue[Frame | None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def line(self, signer: Signer) -> Line | None:
        """The open, logged-on connection, opened now when need be; None while there is none to be had. Raises Refused."""
        self._used = self._clock.monotonic()
        if self._line is not None and self._line.is_open:
            return self._line
        async with self._turn:
            if self._line is not None and self._line.is_open:
                return self._line
            if self._closed or self._clock.monotonic() < self._not_before:
                return None
            try:
                async with asyncio.timeout(_OPENING):
                    self._line = await self._logged_on(signer)
            except (TryAgain, TimeoutError) as problem:
                if self._not_before == float("-inf"):
                    logger.warning("{} private socket cannot be opened: {!r}", self._link.exchange, problem)
                self._not_before = self._clock.monotonic() + max(1.0, next(self._pauses))
                return None
            self._pauses, self._not_before = growing_pauses(), float("-inf")
            return self._line

    async def order(self, line: Line, topic: str, order: dict[str, str]) -> Frame:
        """One change of an order over an open line. Raises ConnectionLost (certainly not sent), Refused, OutcomeUnknown."""
        number = line.next_id()
        question = {"op": "trade", "id": str(number), "category": "spot", "topic": topic, "args": [order]}
        answer = await line.ask(number, msgspec.json.encode(question))
        if answer.refusal is not None:
            raise verdict(200, answer.refusal, order=True)
        return answer

    async def events(self, signer: Signer, wanted: Sequence[Subscription]) -> AsyncIterator[Frame | None]:
        """The account's pushes, for ever; None first and whenever some may have been missed. Raises Refused."""
        inbox: asyncio.Queue[Frame | None] = asyncio.Queue(_EVENTS_WAITING)
        self._inboxes.add(inbox)
        pauses, first = growing_pauses(), True
        try:
            while True:
                await self._clock.sleep(next(pauses))
                _empty(inbox)
                if not await self._subscribe(signer, wanted):
                    continue
                begun = self._clock.monotonic()
                yield None
                while (frame := await inbox.get()) is not None:
                    yield frame
                if first or self._clock.monotonic() - begun >= _SETTLED:
                    pauses, first = growing_pauses(), False
        finally:
            self._inboxes.discard(inbox)

    async def close(self) -> None:
        """Close the connection and all that tends it, for good."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def _logged_on(self, signer: Signer) -> Line:
        self._link.budget.take(1, read=False)
        connection = await open_socket(self._url, self._link, Connection)
        line = Line(connection, self._link, self._hear, self._pushed)
        try:
            await self._command(line, _LOG_ON, signer.log_on(self._link.server_clock.timestamp()))
        except BaseException:
            await line.close()
            raise
        line.closed.add_done_callback(lambda _: self._ended(line))
        self._tend(self._keep_alive(connection, line))
        return line

    async def _command(self, line: Line, number: int, frame: bytes) -> None:
        """Something to do with the connection itself. Raises TryAgain, also without an answer, and Refused."""
        try:
            answer = await line.ask(number, frame)
        except OutcomeUnknown as silence:
            raise ConnectionLost(exchange=self._link.exchange, detail=str(silence.facts.get("detail", ""))) from None
        if answer.refusal is not None:
            raise verdict(200, answer.refusal, order=False)

    async def _subscribe(self, signer: Signer, wanted: Sequence[Subscription]) -> bool:
        """Whether the account's pushes come in on the present line from now on."""
        line = await self.line(signer)
        if line is None:
            return False
        async with self._turn:
            if self._subscribed is line and line.is_open:
                return True
            try:
                await asyncio.gather(*(self._subscribe_to(line, one) for one in wanted))
            except TryAgain as problem:
                logger.warning("{} private socket was not told what to push: {}", self._link.exchange, problem)
                await line.close()
                return False
            self._subscribed = line
            return line.is_open

    async def _subscribe_to(self, line: Line, one: Subscription) -> None:
        name = one.get("channel") or one["topic"]
        await self._command(line, _question_of(name), msgspec.json.encode({"op": "subscribe", "args": [one]}))

    async def _keep_alive(self, connection: ClientConnection, line: Line) -> None:
        """Say ping, notice silence, and close a line that nobody uses."""
        while line.is_open:
            await self._clock.sleep(PING_EVERY)
            now = self._clock.monotonic()
            if now - self._heard >= SILENCE:
                logger.warning("{} private socket is silent: cutting it", self._link.exchange)
                connection.transport.abort()
            elif not self._inboxes and not line.in_flight and now - self._used >= IDLE:
                await line.close()
            else:
                try:
                    await connection.send("ping")
                except ConnectionClosed:
                    return

    def _hear(self, frame: bytes) -> Frame:
        self._heard = self._clock.monotonic()
        return read_frame(frame)

    def _pushed(self, frame: Frame) -> None:
        if not frame.data or frame.arg is None:
            return
        for inbox in self._inboxes:
            if inbox.full():
                _empty(inbox)
                inbox.put_nowait(None)
            else:
                inbox.put_nowait(frame)

    def _ended(self, line: Line) -> None:
        """Pushes may be missing from here on: every reader starts over."""
        self._link.meter.reconnects += 1
        if self._subscribed is line:
            self._subscribed = None
            for inbox in self._inboxes:
                _empty(inbox)
                inbox.put_nowait(None)

    def _tend(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _question_of(channel: str) -> int:
    """A number for the acknowledgement of a subscription, the same in question and answer, below those of orders."""
    return -1 - int.from_bytes(channel.encode()[:16], "big")


def _empty(inbox: asyncio.Queue[Frame | None]) -> None:
    while not inbox.empty():
        inbox.get_nowait()
