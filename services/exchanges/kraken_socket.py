"""One key's connection to Kraken's private socket: orders go out on it, what becomes of them and of the funds comes in.

Protocol: Kraken WebSocket API v2. A token, fetched before each connection, stands for the key; the subscriptions made with
it keep it alive as long as the connection lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from itertools import count

import msgspec
from loguru import logger

from aristobot.errors import ConnectionLost, DataError, OutcomeUnknown, TryAgain
from aristobot.exchange import AccountUpdate, StreamReset
from services.exchanges.connection import Connection
from services.exchanges.kraken_account_feed import AccountFeed, Frame
from services.exchanges.kraken_errors import verdict
from services.exchanges.kraken_limits import KeyLimits, tier_of
from services.exchanges.kraken_orders import Change
from services.exchanges.kraken_wire import read
from services.exchanges.request_socket import RequestSocket
from services.exchanges.sockets import open_socket
from services.exchanges.transport import Link, checked, growing_pauses

#: Seconds: closed by us when nobody used it for so long; silence after which it is asked whether it lives; time to open it.
IDLE = 600.0
QUIET = 20.0
_OPENING = 2.5
_SETTLED = 30.0
_GRACE = 5.0
#: A token serves for fifteen minutes until it is first used.
_SPARE = 600.0
_UPDATES_WAITING = 2000
_GAP = None

Fetch = Callable[[], Awaitable[str]]


class Subscribed(msgspec.Struct):
    """What is said of a subscription: the highest order counter tells the tier."""

    maxratecount: int = 0


class Question(msgspec.Struct, omit_defaults=True):
    """A frame of ours."""

    method: str
    req_id: int
    params: msgspec.Struct | dict[str, object] | None = None


_FRAMES = msgspec.json.Decoder(Frame)
_SUBSCRIBED = msgspec.json.Decoder(Subscribed)
_QUESTIONS = msgspec.json.Encoder()


def _frame(text: bytes) -> Frame:
    return read(_FRAMES, text)


class KeySocket:
    """The connection of one key, and the token that opened it. The secret stays with whoever calls."""

    def __init__(self, url: str, link: Link, limits: KeyLimits) -> None:
        self._url = checked(url)
        self._link = link
        self._clock = link.clock
        self._limits = limits
        self._token = ""
        self._spare: tuple[str, float] | None = None
        self._socket: RequestSocket[Frame] | None = None
        self._opening = asyncio.Lock()
        self._pauses = growing_pauses()
        self._not_before = float("-inf")
        self._last_use = 0.0
        self._heard = 0.0
        self._closed = False
        self._generation = count(1)
        self._listening_to = 0
        self._readers: set[asyncio.Queue[AccountUpdate | None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.feed = AccountFeed()

    @property
    def is_open(self) -> bool:
        """Whether it would tell what happens at this moment."""
        return self._socket is not None and self._socket.is_open

    async def ready(self, fetch: Fetch) -> RequestSocket[Frame] | None:
        """The open connection, opened now when need be; None while it cannot be had. Raises Refused, of the token."""
        self._last_use = self._clock.monotonic()
        if self.is_open:
            return self._socket
        async with self._opening:
            if self.is_open:
                return self._socket
            if self._closed or self._clock.monotonic() < self._not_before:
                return None
            try:
                async with asyncio.timeout(_OPENING):
                    fresh = await self._open(fetch)
            except (TryAgain, TimeoutError) as error:
                if self._not_before == float("-inf"):
                    logger.warning("{} private socket cannot be opened: {!r}", self._link.exchange, error)
                self._not_before = self._clock.monotonic() + max(1.0, next(self._pauses))
                return None
            self._not_before, self._pauses = float("-inf"), growing_pauses()
            self._serve(fresh)
            return fresh

    async def change(self, connection: RequestSocket[Frame], change: Change, deadline: str) -> Frame:
        """Ask for a change of an order. Raises ConnectionLost (certainly not sent) and OutcomeUnknown.

        A connection that did not answer gets no more orders: the snapshot of the next one shows what became of this one.
        """
        request_id = connection.next_id()
        question = Question(change.method, request_id, change.spoken(self._token, deadline))
        try:
            return await connection.ask(request_id, _QUESTIONS.encode(question))
        except OutcomeUnknown:
            if connection.is_open:
                self.leave(connection)
            raise

    async def updates(self, fetch: Fetch) -> AsyncIterator[AccountUpdate]:
        """The account's orders and funds as they change, for ever; StreamReset first and whenever some may have been missed."""
        inbox: asyncio.Queue[AccountUpdate | None] = asyncio.Queue(_UPDATES_WAITING)
        self._readers.add(inbox)
        pauses, trusted = growing_pauses(), True
        try:
            while True:
                await self._clock.sleep(next(pauses))
                _empty(inbox)
                connection = await self.ready(fetch)
                if connection is None:
                    continue
                yield StreamReset()
                since = self._clock.monotonic()
                while connection is self._socket and (update := await inbox.get()) is not _GAP:
                    yield update
                if trusted or self._clock.monotonic() - since >= _SETTLED:
                    pauses, trusted = growing_pauses(), False
        finally:
            self._readers.discard(inbox)

    def leave(self, connection: RequestSocket[Frame]) -> None:
        """Believe a connection no longer, if it is still in use: the next question opens another."""
        if self._socket is connection:
            self._renew()

    def _renew(self) -> None:
        socket, self._socket, self._listening_to = self._socket, None, 0
        if socket is not None:
            self._link.meter.reconnects += 1
            self._tend(self._retire(socket))
        self._tell_all(_GAP)

    async def close(self) -> None:
        """Close the connection and everything that tends it, for good."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def _open(self, fetch: Fetch) -> RequestSocket[Frame]:
        token = await self._unused(fetch)
        number = next(self._generation)
        connection = RequestSocket(
            await open_socket(self._url, self._link, Connection), self._link, _frame, lambda frame: self._pushed(number, frame)
        )
        self.feed.begin()
        self._listening_to = number
        try:
            await self._subscribe(connection, token)
        except BaseException:
            self._spare = None
            await connection.close()
            raise
        if self._listening_to != number:  # what it said at once could not be believed
            await connection.close()
            raise ConnectionLost(exchange=self._link.exchange, detail="its first words cannot be read")
        self._token, self._spare = token, None
        return connection

    async def _unused(self, fetch: Fetch) -> str:
        """A token for the next connection: the last one, when no connection came of it, or a new one."""
        now = self._clock.monotonic()
        if self._spare is None or now >= self._spare[1]:
            self._spare = (await fetch(), now + _SPARE)
        return self._spare[0]

    async def _subscribe(self, connection: RequestSocket[Frame], token: str) -> None:
        wanted = {"snap_orders": True, "snap_trades": False, "order_status": True, "ratecounter": True}
        answer, _ = await asyncio.gather(
            self._command(connection, {"channel": "executions", **wanted, "token": token}),
            self._command(connection, {"channel": "balances", "snapshot": True, "token": token}),
        )
        with suppress(DataError):  # then the tier is not told, and stays what it was
            self._limits.become(tier_of(read(_SUBSCRIBED, answer.result).maxratecount))

    async def _command(self, connection: RequestSocket[Frame], params: dict[str, object], method: str = "subscribe") -> Frame:
        """Something to do with the connection itself. Raises TryAgain, also when no answer came, and Refused."""
        request_id = connection.next_id()
        try:
            answer = await connection.ask(request_id, _QUESTIONS.encode(Question(method, request_id, params or None)))
        except OutcomeUnknown:
            raise ConnectionLost(exchange=self._link.exchange, detail=f"no answer to {method}") from None
        if answer.success is False:
            raise verdict([answer.error], order=False)
        return answer

    def _serve(self, fresh: RequestSocket[Frame]) -> None:
        old, self._socket = self._socket, fresh
        self._heard = self._clock.monotonic()
        fresh.closed.add_done_callback(lambda _: self._ended(fresh))
        if old is not None:
            self._link.meter.reconnects += 1
            self._tend(self._retire(old))
        self._tend(self._watch(fresh))

    async def _retire(self, socket: RequestSocket[Frame]) -> None:
        """Close it once the answers it owes had time to come."""
        if socket.is_open and socket.in_flight:
            await self._clock.sleep(_GRACE)
        await socket.close()

    def _ended(self, socket: RequestSocket[Frame]) -> None:
        if self._socket is socket:
            self._tell_all(_GAP)

    async def _watch(self, socket: RequestSocket[Frame]) -> None:
        """Ask a silent connection whether it lives, and leave one that does not answer; close one that nobody uses."""
        while self._socket is socket and socket.is_open:
            await self._clock.sleep(QUIET)
            now = self._clock.monotonic()
            if not self._readers and not socket.in_flight and now - self._last_use >= IDLE:
                await socket.close()
            elif now - self._heard >= QUIET and self._socket is socket and socket.is_open:
                try:
                    await self._command(socket, {}, "ping")
                    self._heard = self._clock.monotonic()
                except TryAgain:
                    logger.warning("{} private socket is silent: leaving it", self._link.exchange)
                    self.leave(socket)

    def _pushed(self, number: int, frame: Frame) -> None:
        """What nobody asked for. After a message was lost nothing of this connection is believed any more."""
        self._heard = self._clock.monotonic()
        if number != self._listening_to or not frame.channel:
            return
        try:
            updates = self.feed.heard(frame)
        except DataError as error:
            logger.error("{} said of an account what cannot be: {}", self._link.exchange, error)
            updates = None
        if updates is None:
            self._renew()
            return
        for update in updates:
            self._tell_all(update)

    def _tell_all(self, update: AccountUpdate | None) -> None:
        for inbox in self._readers:
            if update is _GAP or inbox.full():
                _empty(inbox)
                inbox.put_nowait(_GAP)
            else:
                inbox.put_nowait(update)

    def _tend(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _empty(inbox: asyncio.Queue[AccountUpdate | None]) -> None:
    while not inbox.empty():
        inbox.get_nowait()
