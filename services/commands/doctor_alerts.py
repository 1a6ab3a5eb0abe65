"""The way of TradingView's alerts, looked at beside a running house or without one: nothing is stored by it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from aristobot.clock import Clock, SystemClock, iso_milliseconds
from aristobot.errors import AristobotError
from aristobot.kinds import BrokerMode
from aristobot.language import _, explain
from aristobot.settings import Settings
from aristobot.store import brokers, webhooks
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import Webhook
from services.commands import finding
from services.commands.finding import Finding
from services.public_address import Check, PublicAddress, State
from services.reachability import TRADINGVIEW, MakeAddress, answer_time, genuine_call, way_of
from services.webhook_addresses import knock

_STATES: Mapping[State, finding.State] = {State.OK: "ok", State.UNKNOWN: "warning", State.BROKEN: "failed"}


async def alert_findings(settings: Settings, *, readable: bool, look_at: MakeAddress = PublicAddress) -> list[Finding]:
    """One finding per check, in the order of an alert's way. Where no public address is set, only that is said of the way.

    `readable` says whether there is a memory that tells of tokens and calls.
    """
    clock, public = SystemClock(), settings.webhook_public_url
    memory = await _of_memory(settings, clock) if readable else []
    if not public:
        cure = _("Alerts cannot come in. Open a tunnel or a proxy to the webhook port and name it: ARISTOBOT_WEBHOOK_PUBLIC_URL.")
        return [Finding("webhooks.address", "warning", _("No public address is set."), cure), *memory]
    heard = any(one.check == "webhooks.genuine" and one.state == "ok" for one in memory)
    way = [_finding(check, heard=heard) async for check in _way(settings, clock, look_at(public, clock))]
    return [*way, *memory]


async def _way(settings: Settings, clock: Clock, address: PublicAddress) -> AsyncIterator[Check]:
    async for check in address.looks():
        yield check
    answer = await knock(clock, settings.webhook_public_url)
    yield way_of(answer, settings)
    yield answer_time(answer)


async def _of_memory(settings: Settings, clock: Clock) -> list[Finding]:
    """Who listens without a valid token, and who called last."""

    def work(session: GuardedSession) -> tuple[list[str], list[Webhook], list[Webhook]]:
        rows, now = brokers.tradable(session), clock.now()
        listening = [row for row in rows if row.mode is BrokerMode.WEBHOOKS]
        without = [row.name for row in listening if not brokers.tokens_of(session, row.id, now)]
        calls = [webhooks.last_from(session, row.id, TRADINGVIEW) for row in rows]
        recent = [one for row in rows for one in webhooks.recent(session, row.id, limit=20)]
        return without, [one for one in calls if one is not None], recent

    db = Database(settings.database_url)
    try:
        without, calls, recent = await db.read(SYSTEM, work)
    except AristobotError as error:
        return [Finding("webhooks.token", "failed", explain(error))]
    finally:
        await db.close()
    last = max(calls, key=lambda one: one.received_at, default=None)
    return [_tokens(without), _finding(genuine_call(last, recent), heard=False)]


def _tokens(without: list[str]) -> Finding:
    if not without:
        return Finding("webhooks.token", "ok", _("Every broker that listens to alerts has a valid token."))
    cure = _("Make a webhook address on the account page, and paste it into TradingView.")
    return Finding("webhooks.token", "warning", _("No valid token: {names}", names=", ".join(without)), cure)


def _finding(check: Check, *, heard: bool) -> Finding:
    """A fault of the connection seen from inside is no fault while TradingView's own calls arrive."""
    facts = {key: iso_milliseconds(value) if isinstance(value, datetime) else value for key, value in check.facts.items()}
    state = _STATES[check.state]
    if heard and state == "failed" and check.name in ("port", "token"):
        state = "warning"
    reason = "reason.reach_path_ok" if check.reason == "reason.reach_token_ok" else check.reason
    return Finding(f"webhooks.{'path' if check.name == 'token' else check.name}", state, explain(reason, facts))
