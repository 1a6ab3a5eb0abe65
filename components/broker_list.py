"""The user's accounts at exchanges, each with what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import BrokerUpdated, CatalogProgressed
from aristobot.language import _
from components.alert_builder import AlertBuilder
from components.broker_dialog import BrokerDialog
from components.broker_row import BrokerRow
from components.confirm import complain, confirm, say
from components.connection_dialog import try_broker
from components.empty_state import empty_state
from components.handlers import within
from components.live import Live
from components.page_head import Part, panel
from components.reauth import reauthenticated
from components.viewer import Viewer, for_traders
from components.webhook_address import WebhookAddress
from components.words import labelled

if TYPE_CHECKING:
    from aristobot.store.tables import Broker
    from services.app import App


class BrokerList(Part[list["Broker"]]):
    """The panel; it follows every change of a broker, wherever it was made."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        with panel(_("Brokers")) as head:
            self._list = ui.element("div")
        self._head = head
        with head:
            add = ui.button(_("Add a broker"), icon="add", on_click=self._add).props("outline no-caps")
            for_traders(add, user).mark("add-broker")
        self._rows: list[BrokerRow] = []
        live.latest(BrokerUpdated, do=self.show, max_fps=4)
        live.latest(CatalogProgressed, do=self._follow, max_fps=10)

    @classmethod
    async def read(cls, app: App, user: Viewer) -> list[Broker]:
        """The brokers as they are now."""
        return await app.brokers.mine(user.id)

    def draw(self, found: list[Broker]) -> None:
        """Draw them."""
        self._list.clear()
        self._rows.clear()
        with self._list:
            if not found:
                empty_state("account_balance", _("No broker yet"), _("Add your account at an exchange to trade with it."))
            for broker in found:
                self._draw(broker)

    def _draw(self, broker: Broker) -> None:
        row = BrokerRow(self._app, self._user, broker, self._head)
        self._rows.append(row)
        with row.actions:
            self._actions(broker)

    def _follow(self, event: CatalogProgressed) -> None:
        for row in self._rows:
            row.follow(event)

    def _actions(self, broker: Broker) -> None:
        actions = (
            ("link", _("Webhook address"), WebhookAddress(self._app, self._user, broker).open, "webhook-address"),
            ("add_alert", _("Build an alert"), AlertBuilder(self._app, self._user, broker).open, "build-alert"),
            ("network_check", _("Try the connection"), lambda: try_broker(self._app, self._user, broker), "test-broker"),
            ("edit", _("Change"), BrokerDialog(self._app, self._user, broker).ask, "edit-broker"),
            ("delete_outline", _("Delete"), lambda: self._remove(broker), "delete-broker"),
        )
        for icon, name, do, marker in actions:
            button = ui.button(icon=icon, on_click=within(self._head, do)).props("flat round dense color=white").mark(marker)
            labelled(button, f"{name}: {broker.name}").tooltip(name)
            for_traders(button, self._user)

    async def _add(self) -> None:
        broker = await BrokerDialog(self._app, self._user).ask()
        if broker is not None:
            await try_broker(self._app, self._user, broker)

    async def _remove(self, broker: Broker) -> None:
        words = _("Its keys and its webhook address are wiped at once; its history stays.")
        if not await confirm(_("Delete {name}?", name=broker.name), words, _("Delete")):
            return
        if not await reauthenticated(self._app, self._user):
            return
        try:
            await self._app.brokers.remove(self._user.id, broker.id, self._user.actor)
            say(_("{name} is deleted.", name=broker.name))
        except AristobotError as error:
            complain(error)
