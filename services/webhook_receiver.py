"""The ingress: TradingView's alerts come in here, are stored durably, and only then answered.

A bare ASGI app, without validation framework or session. It serves its own port, and stands before the screen's port for
the paths of `takes`. Nothing but the token, the size and the rate is judged: what an alert asks for is the engine's matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from loguru import logger

from aristobot import __version__
from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError, NotFound, RateLimited
from aristobot.events import SignalReceived
from aristobot.logs import log_context
from aristobot.payloads import LARGEST_BODY, masked
from aristobot.settings import Settings
from aristobot.signals import parse
from aristobot.store.database import Database
from aristobot.store.inbox import Alert, AlertInbox, Stored, TokenOwner, new_row_id
from services.ingress_gate import IngressGate
from services.ingress_http import Disconnected, Receive, Scope, Send, Senders, TurnedAway, allow, header, read_body, respond
from services.listener import WHOLE, Listener

PATH = "/webhook"
#: Seconds a client may take for its body; TradingView itself gives up after three.
BODY_PATIENCE = 10.0
MOST_AT_ONCE = 1024
#: An alert that came, or was answered, among more open requests is logged at DEBUG only: a storm must not be slowed down by
#: its own log.
BUSY = 32


@dataclass(slots=True)
class Counters:
    """Alerts since the start: answered 200 (`duplicates` among them), turned away, and such as could not be stored."""

    received: int = 0
    rejected: int = 0
    duplicates: int = 0
    not_stored: int = 0


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
        self._bus, self._clock = bus, clock
        self._inbox = inbox or AlertInbox(db)
        self._gate = IngressGate(db, bus, clock, settings)
        self._senders = Senders(settings.trusted_proxies)
        self._listener = Listener(self.asgi, settings.webhook_host, settings.webhook_port)
        self._body_patience = body_patience
        self._open_requests = 0
        self._store_failing = False
        self.counters = Counters()
        #: What the start still waits for; the App replaces it.
        self.waiting_for: Callable[[], Sequence[str]] = tuple
        #: Begins with an alert while it is being stored, and is told whether it is stored and new; the App replaces it.
        self.begin: Callable[[Alert], Callable[[bool], None] | None] = lambda alert: None
        #: Is told of an alert that is answered 503 and may be stored all the same; the App replaces it.
        self.doubt: Callable[[Alert], None] = lambda alert: None

    @property
    def address(self) -> str:
        """Where the own port listens; empty while it does not."""
        return self._listener.url

    def bind(self) -> str:
        """Take the own port now, to say its address before `run` serves it. Raises OSError when it is taken."""
        return self._listener.bind()

    async def run(self) -> None:
        """Serve the own port until cancelled."""
        with suppress(AristobotError):  # the first alert tries again, and says so
            await self._gate.load()
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
        except TurnedAway as answer:
            self.counters.rejected += self.takes(scope["path"])
            with suppress(Disconnected):
                await respond(send, answer.status, {"error": {"code": answer.code}}, *answer.headers)
        except Disconnected:
            pass
        finally:
            self._open_requests -= 1

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"].removesuffix("/"), scope["method"]
        if self.takes(path):
            allow(method, "POST")
            await self._take_alert(scope, path.removeprefix(PATH).removeprefix("/"), receive, send)
        elif path == "/health":
            allow(method, "GET", "HEAD")
            counts = self.counters
            shown = {"received": counts.received, "rejected": counts.rejected, "duplicates": counts.duplicates}
            await respond(send, 200, {"status": "ok", "version": __version__, **shown})
        elif path == "/ready":
            allow(method, "GET", "HEAD")
            waiting = list(self.waiting_for())
            await respond(send, 503 if waiting else 200, {"ready": not waiting, "waiting_for": waiting})
        else:
            raise TurnedAway(404, "not_found")

    async def _take_alert(self, scope: Scope, token: str, receive: Receive, send: Send) -> None:
        if (crowd := self._open_requests) > MOST_AT_ONCE:
            raise _too_many(1.0)
        token = token or header(scope["headers"], b"x-webhook-token")
        if token:
            owner, token_hash = await self._owner_of(token)
            body = await self._body(scope, receive)
        else:
            body = await self._body(scope, receive)
            token = parse(body).token
            owner, token_hash = await self._owner_of(token)
        now = self._clock.now()
        row_id = new_row_id(now)
        with log_context(service=self.name, trace_id=row_id.hex, user_id=owner.user_id):
            self._let_in(token_hash)
            parsed = parse(body)
            alert = Alert(
                id=row_id,
                user_id=owner.user_id,
                broker_id=owner.broker_id,
                received_at=now,
                payload=masked(masked(body, token, read_from_it=False), parsed.token, read_from_it=True),
                token_hash=token_hash,
                source=self._senders.of(scope),
                identity=parsed.identity,
                has_time=parsed.has_time,
                row=parsed.row,
            )
            stored = await self._store(alert)
            try:
                shown = {"id": str(stored.id), "trace_id": stored.trace_id, "duplicate": stored.duplicate}
                await respond(send, 200, shown)
            finally:  # the sender may be gone: the alert is stored all the same
                self._ring(alert, stored, max(crowd, self._open_requests))
                self._gate.note_use(token_hash)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        seconds = None if WHOLE in scope else self._body_patience
        return await read_body(scope["headers"], receive, limit=LARGEST_BODY, seconds=seconds)

    async def _owner_of(self, token: str) -> tuple[TokenOwner, str]:
        try:
            return await self._gate.owner_of(token)
        except NotFound:
            raise TurnedAway(404, "not_found") from None
        except AristobotError as error:
            raise self._not_stored(error) from error

    def _let_in(self, token_hash: str) -> None:
        try:
            self._gate.let_in(token_hash)
        except RateLimited as error:
            raise _too_many(error.retry_after) from None

    async def _store(self, alert: Alert) -> Stored:
        tell, is_new = self._begun(alert), False
        try:
            stored = await self._inbox.add(alert)
            is_new = not stored.duplicate
        except AristobotError as error:
            self.doubt(alert)
            raise self._not_stored(error) from error
        finally:
            if tell is not None:
                tell(is_new)
        if self._store_failing:
            self._store_failing = False
            logger.info("Alerts can be stored again")
        return stored

    def _begun(self, alert: Alert) -> Callable[[bool], None] | None:
        try:
            return self.begin(alert)
        except Exception:  # whatever is wrong there must not cost the alert: it is taken up when its bell rings
            logger.exception("Alert {} could not be begun while it is stored", alert.id)
            return None

    def _not_stored(self, error: AristobotError) -> TurnedAway:
        self.counters.not_stored += 1
        if not self._store_failing:
            self._store_failing = True
            logger.error("An alert could not be stored: {}", error)
        return TurnedAway(503, "not_stored", (b"retry-after", b"5"))

    def _ring(self, alert: Alert, stored: Stored, crowd: int) -> None:
        self.counters.received += 1
        if stored.duplicate:
            self.counters.duplicates += 1
            logger.info("Alert from {} came before, trace {}", alert.source, stored.trace_id)
            return
        action, symbol = alert.row.get("action", "?"), alert.row.get("symbol_in_payload", "?")
        level = "INFO" if crowd <= BUSY else "DEBUG"
        logger.bind(step="stored").log(level, "Alert from {} stored: {} {}", alert.source, action, symbol)
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


def _too_many(seconds: float) -> TurnedAway:
    return TurnedAway(429, "too_many_requests", (b"retry-after", b"%d" % math.ceil(seconds)))
