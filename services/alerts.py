"""An alert under work, and the verdict it comes to: what is common to all that signals may ask for."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from loguru import logger

from aristobot.clock import iso_milliseconds
from aristobot.kinds import BrokerMode, WebhookOutcome, WebhookStatus
from aristobot.money import divided, plain
from aristobot.orders import OrderStatus
from aristobot.signals import Signal, longest_lag
from aristobot.store.intents import Progress
from aristobot.store.trading_tables import Order
from aristobot.store.webhooks import AlertMissing
from services.broker_book import Account

OWNER = "webhooks"
NOTHING_DONE = (OrderStatus.REJECTED, OrderStatus.NOT_ACCEPTED)
#: The ends of a sale at the market that has not sold all: the exchange did nothing, or found no takers for the rest.
SOLD_TOO_LITTLE = (*NOTHING_DONE, OrderStatus.EXPIRED, OrderStatus.CANCELED)


class Alert(msgspec.Struct, frozen=True):
    """One alert under work; `recovered` when an earlier run of the house may have begun it.

    With `stored` it was begun while it was being stored, which brings a yes, or a no for a duplicate or a failure.
    """

    id: uuid.UUID
    account: Account
    received_at: datetime
    recovered: bool = False
    order_ids: list[str] = msgspec.field(default_factory=list)
    stored: asyncio.Future[bool] | None = None

    @property
    def is_stored(self) -> bool:
        """Whether it is durable, as far as is known now."""
        return self.stored is None or (self.stored.done() and not self.stored.cancelled() and self.stored.result())

    async def durable(self) -> None:
        """Return once it is stored: to be awaited before anything is done that leaves a trace. Raises AlertMissing."""
        if self.stored is not None and not await asyncio.shield(self.stored):
            raise AlertMissing


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of one command: outcome, reason with facts, and the orders it caused."""

    outcome: WebhookOutcome
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    symbol: str = ""
    missed: bool = False

    @property
    def status(self) -> WebhookStatus:
        """The row's status that goes with the outcome."""
        if self.missed:
            return WebhookStatus.MISS
        failed = (WebhookOutcome.INVALID, WebhookOutcome.REFUSED, WebhookOutcome.STALE)
        return WebhookStatus.ERROR if self.outcome in failed else WebhookStatus.PROCESSED


def not_for_us(account: Account, signal: Signal) -> Verdict | None:
    """Why this broker does not follow this signal at all; None when it may."""
    if account.broker.mode is not BrokerMode.WEBHOOKS:
        return Verdict(WebhookOutcome.REFUSED, "reason.broker_mode", {"mode": account.broker.mode.value})
    claims = (("user_id", signal.user_id, account.user_id), ("broker_id", signal.broker_id, account.id))
    for name, said, true in claims:
        if said and said.replace("-", "").lower() != true.hex:
            return Verdict(WebhookOutcome.REFUSED, "reason.not_the_tokens", {"field": name, "value": said})
    return None


def longest_age(account: Account, signal: Signal) -> timedelta:
    """How old an entry may be: by its chart's interval, and by the broker's own limit, never under 20 s."""
    return min(longest_lag(signal.interval_seconds), timedelta(seconds=max(account.limits.max_entry_age_seconds, 20)))


def progress(alert: Alert, symbol: str) -> Callable[[Order], Progress]:
    """What an order means for its alert's row: under work, and it names the order."""

    def note(row: Order) -> Progress:
        if row.id.hex not in alert.order_ids:
            alert.order_ids.append(row.id.hex)
        return Progress(alert.id, symbol, tuple(alert.order_ids), being_stored=not alert.is_stored)

    return note


def why_nothing(row: Order) -> str:
    """Why an order came to nothing, as a code. What an exchange says of one that it took and that found no takers is no code."""
    if row.status is OrderStatus.NOT_ACCEPTED:
        return row.reason or "not_accepted"
    return (row.reason if row.status.is_refused else "") or "nothing_filled"


def failed(row: Order, symbol: str) -> Verdict:
    """The end of a command whose order came to nothing: for the order's own reason."""
    reason = why_nothing(row)
    facts = dict(row.reason_facts or {}) or {"symbol": symbol}
    return Verdict(WebhookOutcome.REFUSED, f"error.{reason}", facts, orders=(row,), symbol=symbol)


def note_taken_up(alert_id: uuid.UUID, at: datetime) -> None:
    """Say in the log when an alert's turn came."""
    logger.bind(step="taken_up", at=iso_milliseconds(at)).info("Alert {} is taken up", alert_id)


def told(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the alert's row keeps it."""
    return {
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "symbol": verdict.symbol,
        "orders": [_told_order(row) for row in verdict.orders],
    }


def _told_order(row: Order) -> dict[str, str]:
    """`price` is the average at which it was filled."""
    known = {"id": str(row.id), "side": row.side.value, "status": row.status.value, "filled": plain(row.filled)}
    return known | ({"price": plain(divided(row.quote_filled, row.filled))} if row.filled else {})
