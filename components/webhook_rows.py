"""How an alert is written in a table: its status in a word, its reason in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from aristobot.kinds import WebhookOutcome, WebhookStatus
from aristobot.language import _, explain
from aristobot.money import amount
from aristobot.store.trading_tables import Webhook
from components import formats
from components.viewer import zone

ACTION_TONES = {
    "BuyMarket": "good", "BuyLimit": "good", "SellMarket": "bad", "SellLimit": "bad", "MAJ": "primary", "MISS": "warn",
}  # fmt: skip


def webhook_row(webhook: Webhook, exchanges: Mapping[Any, str], now: datetime) -> dict[str, Any]:
    """The row of the webhook table; `exchanges` tells the exchange of each broker."""
    status, tone = status_words(webhook)
    return {
        "id": str(webhook.id),
        "at": when(webhook.received_at, now),
        "exchange": exchanges.get(webhook.broker_id, webhook.exchange_in_payload).capitalize(),
        "symbol": webhook.symbol or webhook.symbol_in_payload or formats.NOTHING,
        "action": webhook.action,
        "action_tone": ACTION_TONES.get(webhook.action, "quiet"),
        "price": formats.price(price_of(webhook)),
        "percent": formats.percent(webhook.percent, 2),
        "status": status,
        "status_tone": tone,
        "status_tip": reason_words(webhook),
        "order": order_words(webhook.order_ids),
        "order_tip": "  ".join(one.replace("-", "") for one in webhook.order_ids or ()),
    }


def price_of(webhook: Webhook) -> Decimal | None:
    """The price that the alert names; without one, the average at which its first order was filled."""
    if webhook.price is not None:
        return webhook.price
    placed = [order for command in (webhook.result or {}).get("commands", []) for order in command.get("orders", [])]
    return next((amount(order["price"]) for order in placed if order.get("price")), None)


def when(moment: datetime, now: datetime) -> str:
    """The hour to the second for today, else day, month and hour."""
    local = moment.astimezone(zone())
    return f"{local:%H:%M:%S}" if local.date() == now.astimezone(zone()).date() else formats.day_short(moment)


def status_words(webhook: Webhook) -> tuple[str, str]:
    """One word for what became of the alert, and its tone."""
    if webhook.status is WebhookStatus.RECEIVED:
        return _("Received"), "primary"
    if webhook.status is WebhookStatus.PROCESSING:
        return _("Under way"), "primary"
    outcome = webhook.outcome
    if webhook.status is WebhookStatus.MISS and outcome is None:
        return _("Missed"), "warn"
    words = {
        WebhookOutcome.ORDERED: (_("Ordered"), "good"),
        WebhookOutcome.UPDATED: (_("Updated"), "good"),
        WebhookOutcome.PING: ("PING", "good"),
        WebhookOutcome.NO_EFFECT: (_("No effect"), "quiet"),
        WebhookOutcome.DUPLICATE: (_("Duplicate"), "quiet"),
        WebhookOutcome.STALE: (_("Too late"), "warn"),
        WebhookOutcome.REFUSED: (_("Refused"), "bad"),
        WebhookOutcome.INVALID: (_("Unreadable"), "bad"),
    }
    if outcome is None:
        return (_("Done"), "good") if webhook.status is WebhookStatus.PROCESSED else (_("Error"), "bad")
    return words[outcome]


def reason_words(webhook: Webhook) -> str:
    """Why it came to this end, in a sentence; empty when there is nothing to say."""
    return explain(webhook.reason, webhook.reason_facts) if webhook.reason else ""


def order_words(order_ids: list[str] | None) -> str:
    """The beginning of the first order's id, and how many more there are."""
    if not order_ids:
        return formats.NOTHING
    more = f" +{len(order_ids) - 1}" if len(order_ids) > 1 else ""
    return order_ids[0].replace("-", "")[:8] + more
