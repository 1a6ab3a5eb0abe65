"""Whether TradingView's alerts can arrive: each thing on their way, looked at one after the other, named with its cure."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING

from aristobot.clock import Clock
from aristobot.payloads import excerpt
from aristobot.settings import Settings
from aristobot.settings_values import is_loopback
from aristobot.signals import Action
from aristobot.store import webhooks
from aristobot.store.database import Database
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Webhook
from services.public_address import Check, PublicAddress, State, after
from services.webhook_addresses import WebhookAddresses, WebhookTest

if TYPE_CHECKING:
    from services.exchange_gateway import ExchangeGateway

#: In the order in which they are looked at.
NAMES = ("address", "dns", "port", "tls", "token", "answer_time", "clock", "genuine")
#: Where TradingView sends from (TV 43000529348).
TRADINGVIEW = ("52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7")
#: TradingView cancels a request after so many milliseconds, and never sends it again.
LONGEST_ANSWER_MS = 3000
#: Beyond this the age of alerts is misjudged: an alert from the future is refused after five seconds.
LARGEST_OFFSET_MS = 2000

MakeAddress = Callable[[str, Clock], PublicAddress]


class Reachability:
    """The doctor for the way of alerts. It changes nothing but one PING, sent through the public address."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: Settings,
        gateway: ExchangeGateway,
        addresses: WebhookAddresses,
        *,
        look_at: MakeAddress = PublicAddress,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._gateway = gateway
        self._addresses = addresses
        self._look_at = look_at

    async def examine(self, user_id: uuid.UUID, broker_id: uuid.UUID) -> AsyncIterator[Check]:
        """Each check as soon as it is done, in the order of NAMES. Raises NotFound for a broker that is not the user's.

        A connection that fails from here while TradingView's own calls arrive is not called broken: many boxes do not let
        their own house call itself.
        """
        genuine = await self._genuine(user_id, broker_id)
        way = State.OK
        async for check in self._look_at(self._settings.webhook_public_url, self._clock).looks():
            if check.name == "port" and check.state is State.BROKEN and genuine.state is State.OK:
                check = Check("port", State.UNKNOWN, "reason.reach_port_from_inside", check.facts)
            if check.name in ("dns", "port", "tls") and check.state is not State.OK and check.reason not in _PASSABLE:
                way = State.BROKEN
            yield check
        if way is State.BROKEN and self._settings.webhook_public_url:
            yield after("token")
            yield after("answer_time")
        else:
            answer = await self._addresses.send_test(user_id, broker_id)
            yield way_of(answer, self._settings)
            yield answer_time(answer)
        yield self._clock_check()
        yield genuine

    def _clock_check(self) -> Check:
        known = [one for one in map(self._gateway.health, self._gateway.exchanges()) if one.reachable]
        certain = [one for one in known if self._gateway.clock_certain(one.exchange)]
        if not certain:
            return Check("clock", State.UNKNOWN, "reason.reach_clock_unknown")
        offset = min((one.clock_offset_ms for one in certain), key=abs)
        if abs(offset) > LARGEST_OFFSET_MS:
            return Check("clock", State.BROKEN, "reason.reach_clock", {"offset": offset})
        return Check("clock", State.OK, "reason.reach_clock_ok", {"offset": offset})

    async def _genuine(self, user_id: uuid.UUID, broker_id: uuid.UUID) -> Check:
        """The last call of this broker's from one of TradingView's own addresses."""

        def work(session: GuardedSession) -> tuple[Webhook | None, list[Webhook]]:
            return webhooks.last_from(session, broker_id, TRADINGVIEW), webhooks.recent(session, broker_id, limit=20)

        return genuine_call(*await self._db.read(user_id, work))


#: Faults after which a test through the address still makes sense.
_PASSABLE = frozenset({"reason.reach_private", "reason.reach_tls_none"})


def way_of(answer: WebhookTest, settings: Settings) -> Check:
    """Whether what was sent to the address came to our own ingress."""
    facts = {"status": answer.status, "detail": excerpt(answer.detail)}
    if answer.ok:
        public = bool(settings.webhook_public_url)
        return Check("token", State.OK, "reason.reach_token_ok" if public else "reason.reach_token_local")
    if answer.status == 0:
        return Check("token", State.BROKEN, "reason.reach_no_answer", facts)
    if 300 <= answer.status < 400:
        return Check("token", State.BROKEN, "reason.reach_redirect", facts)
    if answer.status == 404:
        return Check("token", State.BROKEN, "reason.reach_not_ours", facts)
    return Check("token", State.BROKEN, "reason.reach_other_answer", facts)


def genuine_call(last: Webhook | None, recent: Iterable[Webhook]) -> Check:
    """What the last call from one of TradingView's own addresses says, or why none may be known among the `recent` ones."""
    if last is not None:
        return Check("genuine", State.OK, "reason.reach_genuine_ok", {"moment": last.received_at, "source": last.source})
    if any(is_loopback(row.source) and row.action != Action.PING.value for row in recent):
        return Check("genuine", State.UNKNOWN, "reason.reach_behind_proxy")
    return Check("genuine", State.UNKNOWN, "reason.reach_never")


def answer_time(answer: WebhookTest) -> Check:
    """Whether the answer came before TradingView would have given up."""
    if not answer.status:
        return after("answer_time")
    facts = {"milliseconds": round(answer.milliseconds)}
    if answer.milliseconds >= LONGEST_ANSWER_MS:
        return Check("answer_time", State.BROKEN, "reason.reach_slow", facts)
    return Check("answer_time", State.OK, "reason.reach_quick", facts)
