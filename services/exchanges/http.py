"""REST to one exchange: time-outs, repetition of reads, weight, and what a failure means. The only user of aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie
from itertools import islice
from typing import NamedTuple, Protocol

import aiohttp
from aiohttp.hdrs import CONTENT_LENGTH
from aiohttp.http import StreamWriter
from loguru import logger
from yarl import URL

from aristobot.errors import ConnectionLost, ExchangeError, OutcomeUnknown, RateLimited, TryAgain
from services.exchanges.transport import Link, Timeouts, checked, growing_pauses

#: A read is asked at most this often, and a pause the exchange asks for is waited out only when it is this short (seconds).
ATTEMPTS = 3
PATIENCE = 5.0
CONNECTIONS = 32
#: Connections that reads leave free: an order never waits behind them.
KEPT_FOR_ORDERS = 8
_LONGEST_BODY = 64 * 1024 * 1024
#: Bytes that may lie in wait to be read: a whole catalogue comes in without its connection being stopped again and again.
_READ_AHEAD = 4 * 1024 * 1024
#: Seconds of silence after "too many requests" without a hint; where an exchange starts with less, it doubles up to this.
_LONGEST_GUESS = 60.0

#: Raised by aiohttp while it has no connection yet: nothing of the request has left.
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_NO_CLEAR_ANSWER = (aiohttp.ClientError, TimeoutError, OSError)


class Request(NamedTuple):
    """One request: `target` is path and query exactly as signed."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


class Judge(Protocol):
    """Says what an answer other than 2xx means."""

    def __call__(self, status: int, body: bytes, *, order: bool) -> ExchangeError:
        """The error to raise; for an order, doubt unless the answer is a definite no."""


class RestSession:
    """The REST interface of one exchange, for all users together; keys pass through, nothing of them stays."""

    def __init__(
        self,
        base: str,
        link: Link,
        judge: Judge,
        weight_header: str = "",
        accepted: Callable[[bytes], bool] | None = None,
        silence: float = _LONGEST_GUESS,
    ) -> None:
        """`accepted` tells a yes from a no where the exchange puts its refusals into answers with status 200.

        `silence` is how long to leave it alone when it says "too many requests" and not until when, in seconds.
        """
        self._base = checked(base)
        self._link = link
        self._clock, self._budget, self._meter = link.clock, link.budget, link.meter
        self._judge = judge
        self._accepted = accepted
        self._weight_header = weight_header
        self._first_silence = self._next_silence = silence
        self._timeouts = {order: _limits(link.timeouts, link.timeouts.silence(order=order)) for order in (False, True)}
        self._longest = {order: _longest(link.timeouts, link.timeouts.silence(order=order)) for order in (False, True)}
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._reading = asyncio.Semaphore(CONNECTIONS - KEPT_FOR_ORDERS)

    async def read(self, make: Callable[[], Request], weight: int, judge: Judge | None = None) -> bytes:
        """The answer to a question, asked again when that may help; `make` signs each attempt anew, `judge` sees each refusal.

        Raises TryAgain (still no luck, or the exchange wants to be left alone) and Refused.
        """
        for pause in islice(growing_pauses(), ATTEMPTS - 1):
            try:
                return await self._read_once(make, weight, judge)
            except TryAgain as error:
                wait = error.retry_after if isinstance(error, RateLimited) else pause
                if wait > PATIENCE:
                    raise
            await self._clock.sleep(wait)
        return await self._read_once(make, weight, judge)

    async def order(self, request: Request, weight: int, judge: Judge | None = None) -> bytes:
        """The answer to something that changes an order: sent once, never again.

        Raises ConnectionLost (never left), RateLimited, Refused, and OutcomeUnknown for all that leaves doubt.
        """
        return await self._exchange(request, weight, order=True, judge=judge)

    async def _read_once(self, make: Callable[[], Request], weight: int, judge: Judge | None) -> bytes:
        """Wait for a connection first, sign then."""
        if self._reading.locked():
            try:
                async with asyncio.timeout(self._link.timeouts.pool):
                    await self._reading.acquire()
            except TimeoutError:
                raise ConnectionLost("no_free_connection", exchange=self._link.exchange) from None
        else:
            await self._reading.acquire()
        try:
            return await self._exchange(make(), weight, order=False, judge=judge)
        finally:
            self._reading.release()

    async def close(self) -> None:
        """Close every connection, for good."""
        self._closed = True
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _exchange(self, request: Request, weight: int, *, order: bool, judge: Judge | None = None) -> bytes:
        minute = self._budget.take(weight, read=not order)
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._longest[order]):
                response = await self._open().request(
                    request.method,
                    URL(self._base + request.target, encoded=True),
                    headers=request.headers,
                    data=request.body or None,
                    allow_redirects=False,
                    timeout=self._timeouts[order],
                )
                body = await _body_of(response)
        except _NEVER_SENT as error:
            self._meter.failed()
            raise ConnectionLost(exchange=self._link.exchange, detail=_kind_of(error)) from None
        except _NO_CLEAR_ANSWER as error:
            self._meter.failed()
            lost = OutcomeUnknown if order else ConnectionLost
            raise lost("no_answer", exchange=self._link.exchange, detail=_kind_of(error)) from None
        self._meter.answered(self._clock.monotonic() - started)
        status = response.status
        good = 200 <= status < 300 and (self._accepted is None or self._accepted(body))
        if order and good and weight:
            self._budget.refund(weight, minute)
        if self._weight_header or status != 200:
            self._account(status, response.headers, minute)
        else:
            self._next_silence = self._first_silence
        if good:
            return body
        raise self._refusal(request, status, body, (judge or self._judge)(status, body, order=order))

    def _account(self, status: int, headers: Mapping[str, str], minute: int) -> None:
        used = headers.get(self._weight_header, "")
        if used.isdecimal():
            self._budget.heard(int(used), minute)
        if status in (429, 418):
            wait = headers.get("Retry-After", "")
            self._budget.silence(float(wait) if wait.isdecimal() else self._next_silence)
            self._next_silence = min(2 * self._next_silence, _LONGEST_GUESS)
        elif status < 400:
            self._next_silence = self._first_silence

    def _refusal(self, request: Request, status: int, body: bytes, error: ExchangeError) -> ExchangeError:
        if isinstance(error, RateLimited):
            error.retry_after = max(error.retry_after, self._budget.silent_for)
            error.facts["retry_after"] = error.retry_after
        elif isinstance(error, OutcomeUnknown | TryAgain):
            said = body[:500].decode("utf-8", "replace")
            path = request.target.partition("?")[0]
            logger.debug("{} answered {} to {} {}: {}", self._link.exchange, status, request.method, path, said)
        return error

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConnectionLost("client_closed", exchange=self._link.exchange)
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=300, keepalive_timeout=15),
                cookie_jar=_NoCookies(),
                read_bufsize=_READ_AHEAD,
                request_class=_WholeRequest,
                trust_env=False,
            )
            # aiohttp would silently repeat a PUT or DELETE on a fresh connection: whether to ask again is decided here alone.
            self._session._retry_connection = False
        return self._session


def _limits(timeouts: Timeouts, silence: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None,  # one of ours, which costs less
        connect=timeouts.pool + timeouts.connect,
        sock_connect=timeouts.connect,
        sock_read=silence,
    )


def _longest(timeouts: Timeouts, silence: float) -> float:
    return timeouts.pool + timeouts.connect + timeouts.send + silence


class _NoCookies(aiohttp.DummyCookieJar):
    """A jar that stays empty, and need not be made anew for every request."""

    def __init__(self) -> None:
        super().__init__()
        self._nothing: SimpleCookie = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> SimpleCookie:
        """None."""
        return self._nothing


class _WholeRequest(aiohttp.ClientRequest):
    """A request that leaves with one write: its body is bytes and needs no task that feeds it."""

    _said: bytes = b""

    def update_body_from_data(self, body: bytes | None, _stacklevel: int = 3) -> None:
        """Take over the body."""
        self._said = body or b""
        if body or self.method not in self.GET_METHODS:
            self.headers[CONTENT_LENGTH] = str(len(self._said))

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Send all of it; the answer is read from the response."""
        protocol = conn.protocol
        if protocol is None:
            raise aiohttp.ClientConnectionError("closed")
        writer = StreamWriter(protocol, self.loop)
        await writer.write_headers(f"{self.method} {self.url.raw_path_qs} HTTP/1.1", self.headers)
        await writer.write_eof(self._said)
        protocol.start_timeout()
        return self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=[],
            loop=self.loop,
            session=self.session,
            stream_writer=writer,
        )


async def _body_of(response: aiohttp.ClientResponse) -> bytes:
    if (response.content_length or 0) > _LONGEST_BODY:
        response.close()
        raise aiohttp.ClientPayloadError("too long")
    return await response.read()


def _kind_of(error: Exception) -> str:
    """The error's class alone: texts and request details of aiohttp may hold the signed address."""
    return type(error).__name__
