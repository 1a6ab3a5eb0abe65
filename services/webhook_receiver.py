"""The ingress: TradingView's alerts come in here, are stored durably, and only then answered.

A bare ASGI app, without validation framework or session. It serves its own port, and stands before the screen's port for
the paths of `takes`. Nothing but the token, the size and the rate is judged: what an alert asks for is the engine's matter.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import math
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from loguru import logger

from aristobot import __version__
from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.events import BrokerUpdated, SignalReceived, UserChanged
from aristobot.logs import log_context
from aristobot.payloads import LARGEST_BODY
from aristobot.settings import Settings
from aristobot.signals import Parsed, parse
from aristobot.store.database import Database
from aristobot.store.inbox import Alert, AlertInbox, Stored, TokenOwner, new_row_id, note_use, token_owners
from aristobot.store.tenancy import SYSTEM
from services.listener import Listener
from services.tokens import hash_of

PATH = "/webhook"
#: Seconds a client may take for its body; TradingView itself gives up after three.
BODY_PATIENCE = 10.0
MOST_AT_ONCE = 1024
#: Above so many open requests, single alerts are logged at DEBUG only.
BUSY = 16
USE_NOTED_EVERY = timedelta(minutes=1)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOBODY = "0" * 64

Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]
Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Counters:
    """Alerts since the start: answered 200 (`duplicates` among them), turned away, and such as could not be stored."""

    received: int = 0
    rejected: int = 0
    duplicates: int = 0
    not_stored: int = 0


class _Answer(Exception):
    """Ends a request that is turned away."""

    def __init__(self, status: int, code: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(code)
        self.status, self.code, self.headers = status, code, headers


class _Allowance:
    """How many alerts a token may still send: `burst` at once, refilled at `per_second`."""

    def __init__(self, burst: int, now: float) -> None:
        self.left, self.at = float(burst), now
        self.refusing = False

    def take(self, burst: int, per_second: float, now: float) -> float:
        """Zero when one was taken, else the seconds until there is one."""
        self.left = min(burst, self.left + (now - self.at) * per_second)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / per_second


class WebhookReceiver:
    """Checks the token, remembers the alert, answers, and rings the bell (SignalReceived)."""

    name = "webhook_receiver"

    def __init__(
        self,
        db: Database,
        bus: Bus,
        clock: Clock,
        settings: Settings,
        *,
        inbox: AlertInbox | None = None,
        body_patience: float = BODY_PATIENCE,
    ) -> None:
        self._db, self._bus, self._clock, self._settings = db, bus, clock, settings
        self._inbox = inbox or AlertInbox(db)
        self._listener = Listener(self.asgi, settings.webhook_host, settings.webhook_port)
        self._proxies = [ipaddress.ip_network(one, strict=False) for one in settings.trusted_proxies]
        self._body_patience = body_patience
        self._owners: dict[str, TokenOwner] = {}
        self._owners_known = False
        self._loading = asyncio.Lock()
        self._allowances: dict[str, _Allowance] = {}
        self._open_requests = 0
        self._store_failing = False
        self._used_at: dict[str, datetime] = {}
        self._aside: set[asyncio.Task[None]] = set()
        self.counters = Counters()
        #: What the start still waits for; the App replaces it.
        self.waiting_for: Callable[[], Sequence[str]] = tuple
        bus.listen(BrokerUpdated, UserChanged, do=self._forget_owners)

    @property
    def address(self) -> str:
        """Where the own port listens; empty while it does not."""
        return self._listener.url

    def bind(self) -> str:
        """Take the own port now, to say its address before `run` serves it. Raises OSError when it is taken."""
        return self._listener.bind()

    async def run(self) -> None:
        """Serve the own port until cancelled."""
        with suppress(_Answer):  # said already; the first alert tries again
            await self._known_owners()
        await self._listener.run()

    @staticmethod
    def takes(path: str) -> bool:
        """Whether a request for this path is ours, on a port that we share."""
        return path == PATH or path.startswith(PATH + "/")

    async def asgi(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        self._open_requests += 1
        try:
            await self._route(scope, receive, send)
        except _Answer as answer:
            self.counters.rejected += self.takes(scope["path"])
            await _respond(send, answer.status, {"error": {"code": answer.code}}, *answer.headers)
        except _Disconnected:
            pass
        finally:
            self._open_requests -= 1

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"].removesuffix("/"), scope["method"]
        if self.takes(path):
            _allow(method, "POST")
            await self._take_alert(scope, path.removeprefix(PATH).removeprefix("/"), receive, send)
        elif path == "/health":
            _allow(method, "GET", "HEAD")
            counts = self.counters
            shown = {"received": counts.received, "rejected": counts.rejected, "duplicates": counts.duplicates}
            await _respond(send, 200, {"status": "ok", "version": __version__, **shown})
        elif path == "/ready":
            _allow(method, "GET", "HEAD")
            waiting = list(self.waiting_for())
            await _respond(send, 503 if waiting else 200, {"ready": not waiting, "waiting_for": waiting})
        else:
            raise _Answer(404, "not_found")

    async def _take_alert(self, scope: Scope, token: str, receive: Receive, send: Send) -> None:
        if self._open_requests > MOST_AT_ONCE:
            raise _Answer(429, "too_many_requests", (b"retry-after", b"1"))
        headers: Headers = scope["headers"]
        token = token or _header(headers, b"x-webhook-token")
        parsed: Parsed | None = None
        if token:
            owner, token_hash = await self._owner_of(token)
            body = await self._body(headers, receive)
        else:
            body = await self._body(headers, receive)
            parsed = parse(body)
            owner, token_hash = await self._owner_of(parsed.token)
        row_id = new_row_id()
        with log_context(service=self.name, trace_id=row_id.hex, user_id=owner.user_id):
            self._check_rate(token_hash)
            alert = self._alert(row_id, owner, token_hash, body, parsed or parse(body), self._source(scope))
            stored = await self._store(alert)
            try:
                shown = {"id": str(stored.id), "trace_id": stored.trace_id, "duplicate": stored.duplicate}
                await _respond(send, 200, shown)
            finally:  # the sender may be gone: the alert is stored all the same
                self._ring(alert, stored)
                self._note_use(token_hash)

    async def _owner_of(self, token: str) -> tuple[TokenOwner, str]:
        """Whose token it is, and its hash. The same work and the same answer for every token that is nobody's."""
        owners = await self._known_owners()
        token_hash = hash_of(token)
        owner = owners.get(token_hash)
        genuine = hmac.compare_digest(token_hash, token_hash if owner else NOBODY)
        expired = owner is not None and owner.expires_at is not None and owner.expires_at <= self._clock.now()
        if owner is None or not genuine or expired:
            raise _Answer(404, "not_found")
        return owner, token_hash

    async def _known_owners(self) -> dict[str, TokenOwner]:
        while not self._owners_known:
            async with self._loading:
                if self._owners_known:
                    break
                self._owners_known = True  # before the read: a change that comes meanwhile asks for another one
                try:
                    self._owners = await self._db.read(SYSTEM, token_owners)
                except AristobotError as error:
                    self._owners_known = False
                    raise self._not_stored(error) from error
        return self._owners

    def _forget_owners(self, _: BrokerUpdated | UserChanged) -> None:
        self._owners_known = False

    def _check_rate(self, token_hash: str) -> None:
        now = self._clock.monotonic()
        burst, per_second = self._settings.webhook_burst, self._settings.webhook_rate / 60
        allowance = self._allowances.get(token_hash) or self._allowances.setdefault(token_hash, _Allowance(burst, now))
        wait = allowance.take(burst, per_second, now)
        if wait and not allowance.refusing:
            logger.warning("Alerts come faster than {} a minute: they are turned away", self._settings.webhook_rate)
        allowance.refusing = wait > 0
        if wait:
            raise _Answer(429, "too_many_requests", (b"retry-after", b"%d" % math.ceil(wait)))

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        announced = _header(headers, b"content-length")
        if announced.isdecimal() and int(announced[:20]) > LARGEST_BODY:
            raise _Answer(413, "too_large")
        try:
            async with asyncio.timeout(self._body_patience):
                return await _read_body(receive)
        except TimeoutError:
            raise _Answer(408, "too_slow", (b"connection", b"close")) from None

    def _alert(self, row_id: uuid.UUID, owner: TokenOwner, token_hash: str, body: bytes, parsed: Parsed, source: str) -> Alert:
        return Alert(
            id=row_id,
            user_id=owner.user_id,
            broker_id=owner.broker_id,
            received_at=self._clock.now(),
            payload=body.replace(parsed.token.encode(), b"***") if parsed.token else body,
            token_hash=token_hash,
            source=source,
            identity=parsed.identity,
            has_time=parsed.has_time,
            row=parsed.row,
        )

    async def _store(self, alert: Alert) -> Stored:
        try:
            stored = await self._inbox.add(alert)
        except AristobotError as error:
            raise self._not_stored(error) from error
        if self._store_failing:
            self._store_failing = False
            logger.info("Alerts can be stored again")
        return stored

    def _not_stored(self, error: AristobotError) -> _Answer:
        self.counters.not_stored += 1
        if not self._store_failing:
            self._store_failing = True
            logger.error("An alert could not be stored: {}", error)
        return _Answer(503, "not_stored", (b"retry-after", b"5"))

    def _ring(self, alert: Alert, stored: Stored) -> None:
        self.counters.received += 1
        if stored.duplicate:
            self.counters.duplicates += 1
            logger.info("Alert from {} came before, trace {}", alert.source, stored.trace_id)
            return
        # a storm must not be slowed down by its own log
        level = "INFO" if self._open_requests <= BUSY else "DEBUG"
        action, symbol = alert.row.get("action", "?"), alert.row.get("symbol_in_payload", "?")
        logger.log(level, "Alert from {} stored: {} {}", alert.source, action, symbol)
        self._bus.publish(
            SignalReceived(
                at=alert.received_at,
                trace_id=stored.trace_id,
                user_id=alert.user_id,
                webhook_id=stored.id,
                broker_id=alert.broker_id,
                payload=alert.payload,
            )
        )

    def _note_use(self, token_hash: str) -> None:
        """Write down, at most once a minute and aside, that the token is in use."""
        now = self._clock.now()
        if now - self._used_at.get(token_hash, _LONG_AGO) < USE_NOTED_EVERY:
            return
        self._used_at[token_hash] = now
        task = asyncio.create_task(self._write_use(token_hash, now))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _write_use(self, token_hash: str, now: datetime) -> None:
        try:
            await self._db.write(SYSTEM, lambda s: note_use(s, token_hash, now))
        except AristobotError as error:
            logger.debug("The use of a token was not noted: {}", error)

    def _source(self, scope: Scope) -> str:
        """The sender's address: the peer, or behind trusted proxies the right-most forwarded address that is none of them."""
        source = str(scope["client"][0]) if scope.get("client") else ""
        if not self._is_proxy(source):
            return source
        forwarded = _header(scope["headers"], b"x-forwarded-for").split(",")
        for hop in reversed([one.strip() for one in forwarded if one.strip()]):
            source = hop[:64]
            if not self._is_proxy(hop):
                break
        return source

    def _is_proxy(self, text: str) -> bool:
        if not self._proxies:
            return False
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


class _Disconnected(Exception):
    """The client went away before its request was complete."""


async def _read_body(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            raise _Answer(413, "too_large")
    return body


def _allow(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise _Answer(405, "method_not_allowed", (b"allow", ", ".join(allowed).encode()))


def _header(headers: Headers, name: bytes) -> str:
    """The first header of that name, empty when there is none."""
    return next((value.decode("latin-1").strip() for key, value in headers if key == name), "")


async def _respond(send: Send, status: int, content: dict[str, Any], *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps(content, separators=(",", ":")).encode()
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": own})
    await send({"type": "http.response.body", "body": body})
