"""REST to one exchange: time-outs, repetition of reads, weight, and what a failure means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple, Protocol

from loguru import logger

from aristobot.errors import BadKey, ConnectionLost, DataError, ExchangeError, OutcomeUnknown, RateLimited, TryAgain
from services.exchanges.line import Answer, LineBroken
from services.exchanges.lines import Lines
from services.exchanges.places import Places
from services.exchanges.transport import Link, Timeouts, checked, growing_pauses

#: A read is asked at most this often, and a pause the exchange asks for is waited out only when it is this short (seconds).
ATTEMPTS = 3
PATIENCE = 5.0
CONNECTIONS = 32
#: Connections that reads leave free: an order never waits behind them.
KEPT_FOR_ORDERS = 8
#: Seconds of silence after "too many requests" without a hint; where an exchange starts with less, it doubles up to this.
_LONGEST_GUESS = 60.0
#: A weight has no more digits.
_LONGEST_NUMBER = 9
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


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
        self._link = link
        self._clock, self._budget, self._meter = link.clock, link.budget, link.meter
        self._judge = judge
        self._accepted = accepted
        self._weight_header = weight_header.lower().encode()
        self._first_silence = self._next_silence = silence
        self._lines = Lines(checked(base), link.timeouts, CONNECTIONS)
        self._patience = {order: _patience(link.timeouts, order=order) for order in (False, True)}
        self._closed = False
        self._reading = Places(CONNECTIONS - KEPT_FOR_ORDERS)

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
        if not self._reading.take_now():
            try:
                await self._reading.take(self._link.timeouts.pool)
            except TimeoutError:
                raise ConnectionLost("no_free_connection", exchange=self._link.exchange) from None
        try:
            return await self._exchange(make(), weight, order=False, judge=judge)
        finally:
            self._reading.leave()

    async def close(self) -> None:
        """Close every connection, for good."""
        self._closed = True
        self._lines.close()

    async def _exchange(self, request: Request, weight: int, *, order: bool, judge: Judge | None = None) -> bytes:
        minute = self._budget.take(weight, read=not order)
        started = self._clock.monotonic()
        status, headers, body = await self._answer(request, order=order)
        self._meter.answered(self._clock.monotonic() - started)
        good = 200 <= status < 300 and (self._accepted is None or self._accepted(body))
        if order and good and weight:
            self._budget.refund(weight, minute)
        if self._weight_header or status != 200:
            self._account(status, headers, minute)
        else:
            self._next_silence = self._first_silence
        if good:
            return body
        raise self._refusal(request, status, body, (judge or self._judge)(status, body, order=order))

    async def _answer(self, request: Request, *, order: bool) -> Answer:
        if self._closed:
            raise ConnectionLost("client_closed", exchange=self._link.exchange)
        written = self._written(request)
        try:
            line = await self._lines.take()
        except (OSError, TimeoutError) as error:
            self._meter.failed()
            raise ConnectionLost(exchange=self._link.exchange, detail=type(error).__name__) from None
        try:
            return await line.ask(written, *self._patience[order])
        except (OSError, TimeoutError) as error:
            self._meter.failed()
            detail = str(error) if isinstance(error, LineBroken) else type(error).__name__
            lost, code = (OutcomeUnknown, "no_answer") if order else (ConnectionLost, "unanswered")
            raise lost(code, exchange=self._link.exchange, detail=detail) from None
        finally:
            self._lines.give_back(line)

    def _written(self, request: Request) -> bytes:
        """The request as it leaves. Raise BadKey for a key, and DataError for a target, that would not stay within its line."""
        method, target, headers, body = request
        if not target.isascii() or not target.isprintable() or " " in target:
            raise DataError(exchange=self._link.exchange, path=target.partition("?")[0])
        lines = [f"{method} {self._lines.prefix}{target} HTTP/1.1{self._lines.greeting}"]
        for name, value in headers.items():
            if not value.isprintable():
                raise BadKey(exchange=self._link.exchange)
            lines.append(f"{name}: {value}")
        if body or method not in _WITHOUT_BODY:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _account(self, status: int, headers: Mapping[bytes, bytes], minute: int) -> None:
        used = headers.get(self._weight_header, b"")
        if used.isdigit() and len(used) <= _LONGEST_NUMBER:
            self._budget.heard(int(used), minute)
        if status in (429, 418):
            wait = headers.get(b"retry-after", b"")
            self._budget.silence(float(wait) if wait.isdigit() else self._next_silence)
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


def _patience(timeouts: Timeouts, *, order: bool) -> tuple[float, float]:
    """How long an exchange may be silent, and how long an answer may take in all."""
    silence = timeouts.silence(order=order)
    return silence, timeouts.pool + timeouts.connect + timeouts.send + silence
