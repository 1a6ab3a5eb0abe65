"""The address to which TradingView sends its alerts: one secret per broker, rotated with an overlap, tried with a PING."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import InvalidInput
from aristobot.events import BrokerUpdated
from aristobot.logs import hide
from aristobot.settings import Settings
from aristobot.store import brokers
from aristobot.store.database import Database
from aristobot.store.tables import WebhookToken
from aristobot.store.tenancy import GuardedSession
from services.audit_trail import Actor, AuditTrail
from services.rights import for_traders
from services.tokens import hash_of, new_token

OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=30)
_TEST_LIFE = timedelta(minutes=1)
_TEST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WebhookTest:
    """What the ingress answered to a PING. `status` is 0 when nobody answered; `webhook_id` names the row it became."""

    ok: bool
    status: int
    milliseconds: float
    reason: str = ""
    detail: str = ""
    webhook_id: str = ""


@for_traders("of_broker")
class WebhookAddresses:
    """Rotates, writes out and tries the addresses.

    `ingress` tells on which address the receiver listens, "" while it does not; whoever starts the receiver sets it.
    """

    def __init__(self, db: Database, bus: Bus, clock: Clock, trail: AuditTrail, settings: Settings) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._trail = trail
        self._settings = settings
        self.ingress: Callable[[], str] = str

    async def rotate(self, user_id: uuid.UUID, broker_id: uuid.UUID, by: Actor, *, overlap: timedelta = OVERLAP) -> str:
        """A new token, told this once; those before it stay valid for `overlap`, so that alerts can be changed at leisure."""
        if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
            raise InvalidInput("out_of_range", field="overlap_hours", minimum=0, maximum=LONGEST_OVERLAP.days * 24)
        token, now = new_token(), self._clock.now()
        hide(token)

        def work(session: GuardedSession) -> None:
            broker = brokers.get(session, broker_id)
            brokers.add_token(session, broker, hash_of(token), token[-4:], now, overlap)
            self._trail.record(session, "webhook_token.rotated", by, subject=f"broker:{broker_id}", after={"token": token[-4:]})

        await self._db.write(user_id, work)
        self._bus.publish(BrokerUpdated(at=now, user_id=user_id, broker_id=broker_id))
        return token

    async def of_broker(self, user_id: uuid.UUID, broker_id: uuid.UUID) -> list[WebhookToken]:
        """The tokens valid now, the newest first: their last four characters, since when, until when, last used when."""
        now = self._clock.now()

        def work(session: GuardedSession) -> list[WebhookToken]:
            return brokers.tokens_of(session, brokers.get(session, broker_id).id, now)

        return await self._db.read(user_id, work)

    def url(self, token: str) -> str:
        """The whole address for TradingView: the public one when it is set, else where the ingress listens."""
        return f"{self._settings.webhook_public_url or self._local()}/webhook/{token}"

    async def send_test(
        self, user_id: uuid.UUID, broker_id: uuid.UUID, written: Callable[[str], str] | None = None
    ) -> WebhookTest:
        """Send a PING through the real address with a token of one minute, and tell the answer and the time it took.

        `written` makes another harmless body for the identity it is given: whoever passes it answers for its being a PING.
        """
        token, now = new_token(), self._clock.now()
        hide(token)
        await self._db.write(
            user_id,
            lambda s: brokers.add_passing_token(s, brokers.get(s, broker_id), hash_of(token), token[-4:], now, _TEST_LIFE),
        )
        self._bus.publish(BrokerUpdated(at=now, user_id=user_id, broker_id=broker_id))  # the receiver learns the token by it
        status, text, took = await post(self._clock, self.url(token), (written or _ping)(f"test-{uuid.uuid4().hex}"))
        return _judged(status, text, took)

    def _local(self) -> str:
        """Every address that is listened on includes this machine's own."""
        listens = self.ingress() or f"http://{self._settings.webhook_host}:{self._settings.webhook_port}"
        return listens.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


async def knock(clock: Clock, address: str) -> WebhookTest:
    """Call at an address with a token that nobody has: a house of ours turns it away in its own words. Nothing is stored."""
    status, text, took = await post(clock, f"{address}/webhook/{new_token()}", "{}")
    error = _said(text).get("error")
    if status == 404 and isinstance(error, dict) and error.get("code") == "not_found":
        return WebhookTest(True, status, took)
    return WebhookTest(False, status, took, detail=text[:200])


async def post(clock: Clock, url: str, body: str) -> tuple[int, str, float]:
    """Send a body; the status of the answer, its text, and the milliseconds. Without an answer: 0, and why."""
    import httpx  # a tenth of a second at the start, for a button that is pressed now and then

    begun = clock.monotonic()
    try:
        async with httpx.AsyncClient(timeout=_TEST_SECONDS, trust_env=False) as client:
            answer = await client.post(url, content=body.encode(), headers={"content-type": "application/json"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return 0, type(error).__name__, (clock.monotonic() - begun) * 1000
    return answer.status_code, answer.text, (clock.monotonic() - begun) * 1000


def _ping(identity: str) -> str:
    return json.dumps({"action": "PING", "id": identity})


def _said(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _judged(status: int, text: str, took: float) -> WebhookTest:
    if not status:
        return WebhookTest(False, 0, took, "reason.ingress_unreachable", text)
    webhook_id = str(_said(text).get("id", ""))
    if status == 200 and webhook_id:
        return WebhookTest(True, 200, took, webhook_id=webhook_id)
    return WebhookTest(False, status, took, "reason.ingress_refused", text[:200])
