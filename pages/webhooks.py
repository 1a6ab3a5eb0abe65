"""TradingView's alerts and what they opened, as it happens."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import BrokerUpdated, PositionUpdated, SignalReceived, WebhookUpdated
from aristobot.language import _
from aristobot.store import webhooks as alerts
from aristobot.store.webhooks import WebhookStats
from components import formats
from components.live import Live
from components.page_head import page_head
from components.position_table import PositionTable
from components.shell import page
from components.stat_card import StatCard
from components.viewer import Viewer
from components.webhook_detail import show_webhook
from components.webhook_table import Choice, WebhookTable

if TYPE_CHECKING:
    from services.app import App

PERIODS = {"24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
ALL = "all"


@page("/webhooks", title="Webhooks", icon="webhook", order=10)
async def webhooks(app: App, user: Viewer, live: Live) -> None:
    """Four figures, the alerts, the open positions; one filter for all of them."""
    with page_head(_("Webhooks"), _("TradingView's alerts, and the positions they hold open.")):
        brokers = ui.select({ALL: _("All brokers")}, value=ALL, label=_("Broker")).props("outlined dense").classes("filter")
        periods = {"24h": _("24 h"), "7d": _("7 days"), "30d": _("30 days")}
        period = ui.toggle(periods, value="24h").props("no-caps unelevated").mark("period")
    brokers.mark("broker-filter")
    figures = _Figures()
    with ui.element("div").classes("two"):
        table = WebhookTable(app, user, live, lambda row: show_webhook(app, user, uuid.UUID(row)))
        positions = PositionTable(app, user, live)
    exchanges: dict[uuid.UUID, str] = {}

    def choice() -> Choice:
        chosen = None if brokers.value == ALL else uuid.UUID(brokers.value)
        return Choice(PERIODS[period.value], chosen, exchanges)

    async def count(_event: object = None) -> None:
        await figures.show(app, user, choice())

    async def show(_event: object = None) -> None:
        await count()
        await table.show(choice())
        await positions.show(choice().broker_id, exchanges)

    async def know_brokers(_event: object = None) -> None:
        known = await app.brokers.mine(user.id)
        exchanges.update((one.id, one.exchange) for one in known)
        brokers.set_options({ALL: _("All brokers")} | {str(one.id): one.name for one in known})

    brokers.on_value_change(show)
    period.on_value_change(show)
    live.latest(SignalReceived, WebhookUpdated, PositionUpdated, do=count, max_fps=4)
    live.each(BrokerUpdated, do=know_brokers)
    await know_brokers()
    await show()


class _Figures:
    """The four cards on top."""

    def __init__(self) -> None:
        with ui.element("div").classes("cards"):
            self._total = StatCard(_("Alerts received"), "webhook")
            self._rate = StatCard(_("Success rate"), "verified", "good")
            self._errors = StatCard(_("Errors"), "error_outline", "bad")
            self._open = StatCard(_("Open positions"), "account_balance_wallet", "primary")

    async def show(self, app: App, user: Viewer, choice: Choice) -> None:
        since = choice.since(app.clock.now())
        try:
            stats = await app.db.read(user.id, lambda s: alerts.stats(s, since, choice.broker_id))
        except AristobotError:
            return  # the lists below say what is wrong, with a button to try again
        self._write(stats)

    def _write(self, stats: WebhookStats) -> None:
        finished = stats.succeeded + stats.errors
        waiting = stats.total - finished
        self._total.show(formats.number(stats.total), _("{count} under way", count=waiting) if waiting else "")
        of_all = _("{count} of {total}", count=stats.succeeded, total=finished) if finished else ""
        self._rate.show(formats.percent(stats.success_rate), of_all)
        self._errors.show(formats.number(stats.errors), "", "loss" if stats.errors else "")
        self._open.show(formats.number(stats.open_positions))
