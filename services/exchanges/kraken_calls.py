"""How a call reaches Kraken: public and private REST, and orders over the key's socket with REST behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta

import msgspec
from loguru import logger

from aristobot.clock import Clock, from_milliseconds
from aristobot.errors import (
    ConnectionLost,
    DataError,
    ExchangeError,
    MissingRight,
    RateLimited,
    TryAgain,
)
from aristobot.exchange import AccountUpdate, ClientStats, ClockReading, Credentials, Endpoints
from aristobot.market import Symbol
from services.exchanges.answers import AnswersDoubt, NamingSymbol
from services.exchanges.http import Request, RestSession
from services.exchanges.kraken_account_feed import Frame
from services.exchanges.kraken_errors import NAME, NONCE_REFUSED, accepted, judge, verdict
from services.exchanges.kraken_key import KeyRecord
from services.exchanges.kraken_limits import PUBLIC_BURST, PUBLIC_DECAY, Counter
from services.exchanges.kraken_orders import Change, Placing
from services.exchanges.kraken_sign import Form, Signer
from services.exchanges.kraken_wire import RESULT, TAKEN, TIME, Taken, read, result_of
from services.exchanges.request_socket import RequestSocket
from services.exchanges.transport import Link, Timeouts

#: Seconds after which an order that still waits is refused by the exchange, and after which we do not send it any more.
WINDOW = 5.0
_WINDOW = timedelta(seconds=WINDOW)
_STALE_MS = 2500
#: Seconds for which a question, and a change of an order, waits for the private call before it.
READ_PATIENCE, ORDER_PATIENCE = 10.0, 0.5
#: Their clock tells whole seconds: so far off may a reading be, in milliseconds.
_HALF_A_SECOND = 500
#: Seconds for which a key that may not have a socket is not asked for one again.
_SOCKETLESS = 600.0
_TOKEN = "/0/private/GetWebSocketsToken"  # a path


class Token(msgspec.Struct):
    """What stands for the key on its socket."""

    token: str


_TOKENS = msgspec.json.Decoder(Token)


class KrakenCalls:
    """The ways to Kraken for all users together. What is remembered of a key is found by a hash of it, secret included."""

    def __init__(self, clock: Clock, endpoints: Endpoints, timeouts: Timeouts | None) -> None:
        self.link = Link(NAME, clock, int(PUBLIC_BURST), timeouts)
        self.pace = Counter(clock, PUBLIC_BURST, PUBLIC_DECAY)
        self._rest = RestSession(endpoints.rest, self.link, judge, accepted=accepted)
        self._private = endpoints.trading
        self._keys: dict[bytes, KeyRecord] = {}

    async def public(self, target: str, symbol: Symbol = "") -> bytes:
        """A question that needs no key."""
        request = Request("GET", target, {})

        def make() -> Request:
            self.pace.take(1)
            return request

        with NamingSymbol(symbol):
            return await self._rest.read(make, 0)

    async def private(
        self,
        path: str,
        form: Form,
        keys: Credentials,
        *,
        points: int = 1,
        leaves: Callable[[], None] | None = None,
        patience: float = READ_PATIENCE,
    ) -> bytes:
        """A question about an account, of so many points. A refused nonce is asked again with a larger one.

        `leaves` is called when it is signed; it waits `patience` seconds for the private call before it.
        """
        signer = Signer(keys)
        record = self._record(signer)
        await self._settle_clock()

        def make() -> Request:
            record.limits.calls.take(points)
            if leaves is not None:
                leaves()
            return signer.request(path, form, record.nonces.next())

        def judged(status: int, body: bytes, *, order: bool) -> ExchangeError:
            error = judge(status, body, order=order)
            if error.code == NONCE_REFUSED:
                record.nonces.leap()
            return error

        async with record.lane.turn(patience):
            try:
                with NamingSymbol(form.get("pair", "")):
                    return await self._rest.read(make, 0, judged)
            except RateLimited as error:
                record.limits.heard(error)
                raise

    async def change(self, change: Change, client_order_id: str, keys: Credentials) -> Taken:
        """What was taken of one change of an order, sent once: over the key's socket, or over REST when there certainly was none.

        Raises ConnectionLost and RateLimited (never sent, or not taken), Refused (a definite no), OutcomeUnknown (the rest).
        """
        signer = Signer(keys)
        record = self._record(signer)
        await self._settle_clock()
        self._count(record, change, client_order_id)
        try:
            with NamingSymbol(change.symbol):
                answer = await self._sent(record, change, signer, keys)
            with AnswersDoubt(NAME):
                return read(TAKEN, answer)
        except RateLimited as error:
            record.limits.heard(error, change.symbol)
            raise
        except TryAgain as error:
            if error.code == NONCE_REFUSED:
                record.nonces.leap()
            raise

    async def updates(self, keys: Credentials) -> AsyncIterator[AccountUpdate]:
        """The account's orders and funds as they change; StreamReset first, and whenever some may have been missed."""
        record = self.record_of(keys)
        async for update in record.socket.updates(lambda: self._token(keys)):
            yield update

    def record_of(self, keys: Credentials) -> KeyRecord:
        """What is remembered of a key."""
        return self._record(Signer(keys))

    def _record(self, signer: Signer) -> KeyRecord:
        identity = signer.identity
        found = self._keys.get(identity)
        if found is None:
            found = self._keys[identity] = KeyRecord(self._private, self.link)
        return found

    async def server_time(self) -> int:
        """The exchange's clock in milliseconds: the middle of the second that it names."""
        return result_of(TIME, await self.public("/0/public/Time")).unixtime * 1000 + _HALF_A_SECOND

    async def synchronise(self) -> ClockReading:
        """Measure how far our clock is from theirs, to half a second."""
        return await self.link.server_clock.measure(self.server_time, _HALF_A_SECOND)

    def stats(self) -> ClientStats:
        """Counters since the start; of the exchange's own counters the one that is nearest to full."""
        counters = [self.pace, *(record.limits.calls for record in self._keys.values())]
        fullest = max(counters, key=lambda one: one.count / one.most)
        return self.link.meter.stats(round(fullest.count), int(fullest.most))

    async def close(self) -> None:
        """Close every connection."""
        for record in self._keys.values():
            await record.socket.close()
        self._keys.clear()
        await self._rest.close()

    async def _settle_clock(self) -> None:
        """Have the clock measured when nobody knows it."""
        if self.link.server_clock.doubtful:
            await self.synchronise()

    def _count(self, record: KeyRecord, change: Change, client_order_id: str) -> None:
        limits = record.limits
        if isinstance(change, Placing):
            limits.placing(change.symbol, client_order_id)
        elif change.method == "amend_order":
            limits.amending(change.symbol, client_order_id)
        else:
            limits.cancelling(change.symbol, client_order_id)

    async def _sent(self, record: KeyRecord, change: Change, signer: Signer, keys: Credentials) -> msgspec.Raw:
        timestamp = self.link.server_clock.timestamp()
        connection = await self._connection(record, keys)
        if connection is not None:
            with suppress(ConnectionLost):
                answer = await record.socket.change(connection, change, deadline_of(timestamp))
                if answer.success:
                    return answer.result
                if answer.error.startswith("ESession"):
                    record.socket.leave(connection)
                raise verdict([answer.error], order=True)
        return await self._over_rest(record, change, signer, timestamp)

    async def _connection(self, record: KeyRecord, keys: Credentials) -> RequestSocket[Frame] | None:
        """The key's socket; None where there is none to be had, or the key may not have one."""
        now = self.link.clock.monotonic()
        if now < record.socketless_until:
            return None
        try:
            return await record.socket.ready(lambda: self._token(keys))
        except MissingRight as error:
            logger.warning("{} gives this key no private socket, its orders go over REST: {}", NAME, error)
            record.socketless_until = now + _SOCKETLESS
            return None

    async def _over_rest(self, record: KeyRecord, change: Change, signer: Signer, timestamp: int) -> msgspec.Raw:
        async with record.lane.turn(ORDER_PATIENCE):
            if self.link.server_clock.timestamp() - timestamp > _STALE_MS:
                raise ConnectionLost("too_slow_to_send", exchange=NAME)
            request = signer.request(change.path, change.written(deadline_of(timestamp)), record.nonces.next())
            body = await self._rest.order(request, 0)
        with AnswersDoubt(NAME):
            return result_of(RESULT, body)

    async def _token(self, keys: Credentials) -> str:
        try:
            return read(_TOKENS, result_of(RESULT, await self.private(_TOKEN, {}, keys, patience=ORDER_PATIENCE))).token
        except DataError:
            raise ConnectionLost(exchange=NAME, detail="the token cannot be read") from None


def deadline_of(timestamp: int) -> str:
    """The moment after which a change of an order is refused unexecuted, as the exchange writes it."""
    return f"{(from_milliseconds(timestamp) + _WINDOW).isoformat(timespec='milliseconds')[:-6]}Z"
