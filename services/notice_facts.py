"""What is worth telling: from an event and the rows behind it to a notice, or to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from aristobot.events import (
    BackupFailed,
    ExchangeHealthChanged,
    ServiceStateChanged,
    SessionOpened,
    StopMissing,
    TradingHalted,
)
from aristobot.key_events import KeyJudged
from aristobot.kinds import HaltScope, LotStatus, OrderOrigin, WebhookStatus
from aristobot.language import FALLBACK, catalogue
from aristobot.money import ZERO, divided, plain, round_nearest
from aristobot.notices import Notice, NoticeKind, Outlet
from aristobot.orders import OrderStatus, Side
from aristobot.store.tables import Broker
from aristobot.store.trading_tables import Order, PositionRow, Webhook
from aristobot.strategy_events import StrategyFailed, StrategySpoke
from services.device_names import browser_words

#: What is older when we hear of it is history: an imported account must not ring for every order of its past.
FRESH = timedelta(minutes=10)
#: What ended while the house was away is told for a day.
LATE = timedelta(days=1)
ORDERS, POSITIONS, ALERTS, ACCOUNT, LOG = "/manual-trading", "/webhooks", "/webhooks", "/account", "/log"
ROBOTS = "/trading-bot"
#: Whose refusals are told elsewhere: the alert tells its own, the keeper raises an alarm when it cannot help itself.
_TOLD_ELSEWHERE = frozenset({OrderOrigin.KEEPER, OrderOrigin.WEBHOOK, OrderOrigin.MONITOR})
_PLACES = 8
_FINEST, _CENT = Decimal("0.00000001"), Decimal("0.01")
#: Who sets halts by themselves, and is no person.
HOUSE_HANDS = frozenset({"bracket_keeper", "disk_guard", "risk"})
_LEVELS: Mapping[str, str] = MappingProxyType(
    {"halt": "reason.level_halt", "reduce": "reason.level_reduce", "flatten": "reason.level_flatten"}
)
#: Why something stopped by itself, in words; what a person typed is said as it is.
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "naked_position": "reason.halt_naked_position",
        "disk_low": "reason.halt_disk_low",
        "repeated_entries": "reason.halt_repeated_entries",
        "too_many_refusals": "reason.halt_too_many_refusals",
        "daily_loss": "reason.halt_daily_loss",
        "halt_file": "reason.halt_file",
        "screen": "",
        "telegram": "reason.halt_telegram",
    }
)


def of_order(row: Order, broker: Broker, now: datetime) -> Notice | None:
    """A filled, refused or doubtful order; None while it only waits, rests, or was cancelled untouched."""
    if row.dry_run:
        return None
    if row.status is OrderStatus.UNKNOWN:
        return _about_order(row, broker, NoticeKind.ORDER_UNKNOWN, "reason.told_order_unknown", {"symbol": row.symbol})
    if row.status.is_refused:
        if row.origin in _TOLD_ELSEWHERE:
            return None
        facts = {"symbol": row.symbol, **_reason(row.reason, row.reason_facts)}
        return _about_order(row, broker, NoticeKind.ORDER_REFUSED, "reason.told_order_refused", facts)
    ended = row.done_at or row.updated_at
    if not row.status.is_final or row.filled <= ZERO or now - ended > (FRESH if row.origin is OrderOrigin.MONITOR else LATE):
        return None
    base, _, quote = row.symbol.partition("/")
    facts = {"quantity": plain(row.filled), "base": base, "quote": quote, "price": plain(_average(row))}
    if row.status is OrderStatus.FILLED:
        code = "reason.told_bought" if row.side is Side.BUY else "reason.told_sold"
    else:
        code, facts["wanted"] = "reason.told_partly", plain(row.quantity)
    return _about_order(row, broker, NoticeKind.ORDER_FILLED, code, facts)


def _about_order(row: Order, broker: Broker, kind: NoticeKind, code: str, facts: dict[str, Any]) -> Notice:
    return Notice(kind, code, {**facts, "broker": broker.name}, subject=f"order:{row.id}:{kind}", once=True, page=ORDERS)


def _average(row: Order) -> Decimal:
    """The price per unit, to the eight decimals that are shown."""
    return divided(row.quote_filled, row.filled, _PLACES) if row.quote_filled else row.price


def of_position(row: PositionRow, broker: Broker, now: datetime) -> Notice | None:
    """A position that has just been opened, or that is out, with what it brought."""
    facts = {"symbol": row.symbol, "base": row.base, "quote": row.quote, "broker": broker.name}
    if row.status is LotStatus.OPEN:
        if now - row.opened_at > FRESH or row.quantity <= ZERO:
            return None
        facts |= {"quantity": plain(row.quantity), "price": plain(round_nearest(row.entry, _FINEST))}
        subject = f"position:{row.id}:opened"
        return Notice(NoticeKind.POSITION_OPENED, "reason.told_opened", facts, subject=subject, once=True, page=POSITIONS)
    if row.closed_at is None or now - row.closed_at > LATE or not row.sold:
        return None
    facts["profit"] = plain(round_nearest(row.realised, _CENT))
    code = "reason.told_closed_loss" if row.realised < ZERO else "reason.told_closed_gain"
    return Notice(NoticeKind.POSITION_CLOSED, code, facts, subject=f"position:{row.id}:closed", once=True, page=POSITIONS)


def of_alert(row: Webhook, broker: Broker) -> Notice | None:
    """An alert that was refused or stayed away; many of the same kind from one broker are one line."""
    facts: dict[str, Any] = {"broker": broker.name, **_reason(row.reason, row.reason_facts)}
    if row.status is WebhookStatus.MISS:
        subject = f"miss:{row.id}"
        return Notice(NoticeKind.ALERT_MISSED, "reason.told_alert_missed", facts, subject=subject, once=True, page=ALERTS)
    if row.status is not WebhookStatus.ERROR:
        return None
    facts |= {"action": row.action or "?", "symbol": row.symbol or row.symbol_in_payload or "?"}
    subject = f"alert:{row.broker_id}:{row.reason}"[:128]
    return Notice(NoticeKind.ALERT_REFUSED, "reason.told_alert_refused", facts, subject=subject, page=ALERTS)


def of_stop(event: StopMissing, broker: Broker) -> Notice:
    """A position that nothing guards."""
    facts = {"symbol": event.symbol, "seconds": event.seconds, "broker": broker.name}
    subject = f"naked:{event.position_id}"
    return Notice(NoticeKind.STOP_MISSING, "reason.told_stop_missing", facts, subject=subject, page=POSITIONS)


def of_halt(event: TradingHalted, name: str) -> Notice:
    """The kill switch: what stands still from now on, or goes on, and who wanted it. `name` is that of whom it concerns."""
    scope = "reason.scope_all" if event.scope == HaltScope.ALL else name or event.scope
    facts: dict[str, Any] = {"scope": scope, "by": _person(event.by)}
    if event.level:
        facts["level"] = _LEVELS[event.level]
        facts["why"] = halt_reason(event.reason)
    code = "reason.told_halt" if event.level else "reason.told_released"
    subject = f"halt:{event.halt_id or event.scope}:{'set' if event.level else 'released'}:{event.level}"
    again = event.by == "HALT" or event.reason == "halt_file"  # the file may come and go; a row is set once
    return Notice(NoticeKind.HALT, code, facts, subject=subject, once=not again)


def _person(by: str) -> str:
    """Who acted: a person, or the house itself."""
    return "Aristobot" if by in HOUSE_HANDS else by or "?"


def halt_reason(reason: str) -> str:
    """Why a halt was set: a code for what the house finds by itself, what a person wrote, or nothing."""
    return _REASONS.get(reason, reason)


def of_exchange(event: ExchangeHealthChanged) -> Notice:
    """An exchange that does not answer any more, or answers again."""
    facts: dict[str, Any] = {"exchange": event.exchange.capitalize()}
    if event.reachable:
        return Notice(NoticeKind.EXCHANGE, "reason.told_exchange_back", facts, subject=f"exchange:{event.exchange}:back")
    facts |= _reason(event.detail, {"exchange": event.exchange.capitalize()})
    return Notice(NoticeKind.EXCHANGE, "reason.told_exchange_away", facts, subject=f"exchange:{event.exchange}:away")


def of_key(event: KeyJudged, broker: Broker) -> Notice:
    """A key that its exchange does not take any more, or that lacks a right; or one that is in order again."""
    facts: dict[str, Any] = {"broker": broker.name, "exchange": broker.exchange.capitalize()}
    subject = f"key:{broker.id}"
    if not event.code:
        return Notice(NoticeKind.KEY, "reason.told_key_good", facts, subject=f"{subject}:good", page=ACCOUNT)
    facts = _reason(event.code, event.facts) | facts
    return Notice(NoticeKind.KEY, "reason.told_key_bad", facts, subject=f"{subject}:bad", page=ACCOUNT)


def of_session(event: SessionOpened) -> Notice:
    """A login from a browser that the user never used."""
    facts = {"device": browser_words(event.device), "address": event.address or "?"}
    subject = f"session:{event.session_id}"
    return Notice(NoticeKind.NEW_DEVICE, "reason.told_new_device", facts, subject=subject, once=True, page=ACCOUNT)


def of_backup(event: BackupFailed) -> Notice:
    """No copy of the memory."""
    return Notice(NoticeKind.BACKUP, "reason.told_backup_failed", {"detail": event.detail[:200]}, subject="backup", page=LOG)


def of_service(event: ServiceStateChanged) -> Notice:
    """A service that fell; it is started again, and counted when it falls again."""
    facts = {"service": event.service.replace("_", " "), "detail": event.detail[:200]}
    return Notice(NoticeKind.SERVICE, "reason.told_service_fallen", facts, subject=f"service:{event.service}", page=LOG)


def of_fallen_strategy(event: StrategyFailed) -> Notice:
    """A strategy that does not enter any more, or is not even asked any more."""
    facts = {"strategy": event.strategy, "symbol": event.symbol, **_reason(event.code, event.facts)}
    code = "reason.told_strategy_paused" if event.paused else "reason.told_strategy_failed"
    return Notice(NoticeKind.STRATEGY_FAILED, code, facts, subject=f"strategy:{event.activation_id}", page=ROBOTS)


def of_word(event: StrategySpoke) -> Notice:
    """What a strategy wants its owner to know."""
    facts = {"strategy": event.strategy, "symbol": event.symbol, "text": event.text[:500]}
    subject = f"word:{event.activation_id}"
    return Notice(NoticeKind.STRATEGY_SAYS, "reason.told_strategy_says", facts, subject=subject, page=ROBOTS)


def of_channel(outlet: Outlet, code: str, facts: Mapping[str, Any]) -> Notice:
    """A way out of the house that does not work; it is not told of it itself."""
    names = {
        Outlet.TELEGRAM: "reason.outlet_telegram",
        Outlet.EMAIL: "reason.outlet_email",
        Outlet.WEBHOOK: "reason.outlet_webhook",
    }
    told = {"channel": names[outlet], **_reason(code, facts)}
    subject, without = f"channel:{outlet}", frozenset({outlet})
    return Notice(NoticeKind.CHANNEL, "reason.told_channel_failed", told, subject=subject, page=ACCOUNT, without=without)


def _reason(code: str, facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """The facts of a reason beside its code, which is said in words when the line is read."""
    known = {name: str(value)[:200] for name, value in (facts or {}).items()}
    bare = code.removeprefix("reason.").removeprefix("error.")
    full = next((one for one in (code, f"error.{bare}", f"reason.{bare}") if one in catalogue(FALLBACK)), bare)
    return {**known, "why": full}
