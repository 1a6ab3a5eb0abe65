"""How a call reaches Binance: public and signed REST, and orders over the trading socket with REST behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple

import msgspec

from aristobot.clock import Clock
from aristobot.errors import ClockSkewed, ConnectionLost, RateLimited
from aristobot.exchange import ClientStats, ClockReading, Credentials, Endpoints
from services.exchanges.answers import NamingSymbol
from services.exchanges.binance_errors import NAME, judge, silence_of
from services.exchanges.binance_orders import Call, Params
from services.exchanges.binance_sign import Signer, encoded
from services.exchanges.binance_socket import Answer, KeySocket
from services.exchanges.binance_wire import SERVER_TIME, decoded
from services.exchanges.http import Request, RestSession
from services.exchanges.request_socket import RequestSocket
from services.exchanges.transport import Link, Timeouts

WEIGHT_LIMIT = 6000
WINDOW_MS = 5000
#: An order signed so long ago (milliseconds) that it might reach the exchange outside its window is not sent at all.
_STALE_MS = 3500
#: An order that waited so long (milliseconds) since it was made ready is signed anew: its window has to last until it is done.
_FRESH_MS = 500


class Change(NamedTuple):
    """One change of an order, by whom and when by the exchange's clock."""

    call: Call
    params: Params
    keys: Credentials
    signer: Signer
    timestamp: int


class Prepared(NamedTuple):
    """A change of an order, signed and written out (its id and its frame) for one open connection; nothing of it was sent."""

    change: Change
    socket: KeySocket
    connection: RequestSocket[Answer]
    question: tuple[int, bytes]


class BinanceCalls:
    """The ways to Binance for all users together. A key's socket is found by a hash of the key, secret included."""

    def __init__(self, clock: Clock, endpoints: Endpoints, timeouts: Timeouts | None) -> None:
        self.link = Link(NAME, clock, WEIGHT_LIMIT, timeouts)
        self._rest = RestSession(endpoints.rest, self.link, judge, "X-MBX-USED-WEIGHT-1M")
        self._trading = f"{endpoints.trading}?returnRateLimits=false"
        self._sockets: dict[bytes, KeySocket] = {}
        self._closed = False

    async def public(self, path: str, params: Params, weight: int) -> bytes:
        """A question that needs no key."""
        request = Request("GET", f"{path}?{encoded(params)}" if params else path, {})
        with _naming(params):
            return await self._rest.read(lambda: request, weight)

    async def signed(self, path: str, params: Params, keys: Credentials, weight: int) -> bytes:
        """A question about an account; when our clock is refused it is measured, and the question asked once more."""
        signer = Signer(keys)
        await self._settle_clock()

        def make() -> Request:
            query = signer.query(params, self.link.server_clock.timestamp())
            return Request("GET", f"{path}?{query}", {"X-MBX-APIKEY": signer.api_key})

        with _naming(params):
            try:
                return await self._rest.read(make, weight)
            except ClockSkewed:
                await self.synchronise()
                return await self._rest.read(make, weight)

    async def order(self, call: Call, params: Params, keys: Credentials) -> bytes | msgspec.Raw:
        """One change of an order, sent once: over the key's socket, or over REST when there certainly was no socket.

        Raises ConnectionLost and RateLimited (never sent), Refused (a definite no), OutcomeUnknown (all that leaves doubt).
        """
        await self._settle_clock()
        return await self._sent(self._change(call, params, keys))

    def prepared(self, call: Call, params: Params, keys: Credentials) -> Prepared | None:
        """A change of an order made ready for `send`; None when its key has no open socket, or nobody knows the clock."""
        change = self._change(call, params, keys)
        socket = self._sockets.get(change.signer.identity)
        connection = socket.at_hand() if socket is not None else None
        if socket is None or connection is None or self.link.server_clock.doubtful:
            return None
        return _written(socket, connection, change)

    async def send(self, prepared: Prepared) -> bytes | msgspec.Raw:
        """What was made ready, sent once, as `order` sends and raises; made anew when it waited, or its connection is gone."""
        if self._still_holds(prepared):
            return await self._sent(prepared.change, prepared)
        return await self.order(prepared.change.call, prepared.change.params, prepared.change.keys)

    async def events(self, keys: Credentials) -> AsyncIterator[msgspec.Raw | None]:
        """The account's events; None first, and whenever some may have been missed."""
        signer = Signer(keys)
        await self._settle_clock()
        async for event in self._socket_of(signer).events(signer):
            yield event

    async def server_time(self) -> int:
        """The exchange's clock, in milliseconds."""
        return decoded(SERVER_TIME, await self.public("/api/v3/time", {}, 1)).server_time

    async def synchronise(self) -> ClockReading:
        """Measure how far our clock is from theirs."""
        return await self.link.server_clock.measure(self.server_time)

    def stats(self) -> ClientStats:
        """Counters since the start."""
        budget = self.link.budget
        return self.link.meter.stats(budget.used, budget.limit)

    async def close(self) -> None:
        """Close every connection, for good."""
        self._closed = True
        for socket in self._sockets.values():
            await socket.close()
        self._sockets.clear()
        await self._rest.close()

    async def _settle_clock(self) -> None:
        if self.link.server_clock.doubtful:
            await self.synchronise()

    def _socket_of(self, signer: Signer) -> KeySocket:
        if self._closed:
            raise ConnectionLost("client_closed", exchange=NAME)
        identity = signer.identity
        if identity not in self._sockets:
            self._sockets[identity] = KeySocket(self._trading, self.link)
        return self._sockets[identity]

    def _change(self, call: Call, params: Params, keys: Credentials) -> Change:
        return Change(call, params, keys, Signer(keys), self.link.server_clock.timestamp())

    def _still_holds(self, prepared: Prepared) -> bool:
        clock = self.link.server_clock
        is_fresh = not clock.doubtful and abs(clock.timestamp() - prepared.change.timestamp) <= _FRESH_MS
        return is_fresh and prepared.socket.at_hand() is prepared.connection

    async def _sent(self, change: Change, prepared: Prepared | None = None) -> bytes | msgspec.Raw:
        try:
            with _naming(change.params):
                prepared = prepared or await self._for_the_socket(change)
                if prepared is not None:
                    with suppress(ConnectionLost):
                        return await self._over_socket(prepared)
                return await self._over_rest(change)
        except ClockSkewed:
            self.link.server_clock.distrust()
            raise

    async def _for_the_socket(self, change: Change) -> Prepared | None:
        socket = self._socket_of(change.signer)
        connection = await socket.ready(change.signer)
        return _written(socket, connection, change) if connection is not None else None

    async def _over_socket(self, prepared: Prepared) -> msgspec.Raw:
        call, budget = prepared.change.call, self.link.budget
        minute = budget.take(call.weight, read=False)
        answer = await prepared.connection.ask(*prepared.question)
        if answer.status == 200:
            budget.refund(call.weight, minute)
            return answer.result
        error = call.judge(answer.status, answer.error, order=True)
        if isinstance(error, RateLimited):
            error.retry_after = silence_of(answer.error, self.link.server_clock.timestamp())
            budget.silence(error.retry_after)
        raise error

    async def _over_rest(self, change: Change) -> bytes:
        call, signer, timestamp = change.call, change.signer, change.timestamp
        if self.link.server_clock.timestamp() - timestamp > _STALE_MS:
            raise ConnectionLost("too_slow_to_send", exchange=NAME)
        request = Request(call.method, f"{call.path}?{signer.query(change.params, timestamp)}", {"X-MBX-APIKEY": signer.api_key})
        return await self._rest.order(request, call.weight, call.judge)


def _written(socket: KeySocket, connection: RequestSocket[Answer], change: Change) -> Prepared:
    question = socket.question(connection, change.call.socket, change.signer, change.params, change.timestamp)
    return Prepared(change, socket, connection, question)


def _naming(params: Params) -> NamingSymbol:
    return NamingSymbol(params.get("symbol", params.get("symbols", "")))
