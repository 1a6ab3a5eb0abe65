"""One alert in full: what arrived, what became of it, which orders it brought."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.orders import Side
from aristobot.payloads import laid_out
from aristobot.store import orders, webhooks
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order, Webhook
from components import formats
from components.alert_timeline import show_path
from components.buttons import quiet_button
from components.confirm import complain, dialog_card, take_away
from components.order_words import order_details, order_status_words
from components.viewer import Viewer
from components.webhook_rows import ACTION_TONES, reason_words, status_words
from components.words import Words

if TYPE_CHECKING:
    from services.app import App

LONGEST_PAYLOAD = 20_000


async def show_webhook(app: App, user: Viewer, webhook_id: uuid.UUID) -> None:
    """Open the dialog of one alert of this user."""

    def work(session: GuardedSession) -> tuple[Webhook, list[Order]]:
        return webhooks.get(session, webhook_id), orders.of_webhook(session, webhook_id)

    try:
        webhook, brought = await app.db.read(user.id, work)
    except AristobotError as error:
        complain(error)
        return
    title = _("Alert of {moment}", moment=formats.moment(webhook.received_at))
    with dialog_card(title, wide=True) as dialog:
        with ui.element("div").classes("dialog-body").props("tabindex=0"):
            _summary(webhook)
            _facts(webhook)
            _orders(brought)
            Words("h2", _("What arrived"))
            Words("pre", payload_words(webhook.payload), "code mono").props("tabindex=0")
        with ui.element("div").classes("dialog-foot"):
            follow = quiet_button(_("Path of the alert"), icon="route", on_click=lambda: show_path(app, user, webhook.trace_id))
            follow.mark("path")
    dialog.on("hide", lambda: take_away(dialog))
    dialog.open()


def payload_words(payload: bytes) -> str:
    """The body as it came, or as much of it as fits."""
    text = laid_out(payload)
    return text if len(text) <= LONGEST_PAYLOAD else text[:LONGEST_PAYLOAD] + "…"


def _summary(webhook: Webhook) -> None:
    status, tone = status_words(webhook)
    with ui.element("div").classes("line"):
        if webhook.action:
            Words("span", webhook.action, f"tag {ACTION_TONES.get(webhook.action, 'quiet')}")
        Words("span", webhook.symbol or webhook.symbol_in_payload, "item-title")
        Words("span", status, f"tag {tone}")
    if webhook.reason:
        ui.label(reason_words(webhook))


def _facts(webhook: Webhook) -> None:
    lines = [
        (_("Received"), formats.whole_moment(webhook.received_at)),
        (_("Sent by TradingView"), formats.whole_moment(webhook.sent_at)),
        (_("Candle"), formats.whole_moment(webhook.bar_time)),
        (_("Finished"), formats.whole_moment(webhook.finished_at)),
        (_("Interval"), webhook.interval),
        (_("Price"), formats.price(webhook.price)),
        (_("Share"), formats.percent(webhook.percent, 2)),
        (_("Stop loss"), webhook.stop_loss),
        (_("Take profit"), webhook.take_profit),
        (_("Source"), webhook.source),
        (_("Trace"), webhook.trace_id),
    ]
    _list_of(lines)


def _list_of(lines: list[tuple[str, str]]) -> None:
    with ui.element("dl").classes("facts"):
        for name, value in lines:
            if value and value != formats.NOTHING:
                Words("dt", name)
                Words("dd", value)


def _orders(brought: list[Order]) -> None:
    if not brought:
        return
    Words("h2", _("Orders"))
    with ui.element("div").classes("panel"):
        for order in brought:
            with ui.element("div").classes("item"), ui.element("div").classes("item-words"):
                with ui.element("div").classes("item-title"):
                    Words("span", _("Buy") if order.side is Side.BUY else _("Sell"))
                    Words("span", f"{formats.quantity(order.quantity or order.filled)} {order.symbol}")
                    word, tone = order_status_words(order.status)
                    Words("span", word, f"tag {tone}")
                    if order.dry_run:
                        Words("span", "DRY-RUN", "tag warn")
                ui.label(order_details(order)).classes("muted small")
                if order.reason:
                    ui.label(explain(order.reason, order.reason_facts)).classes("loss small")
