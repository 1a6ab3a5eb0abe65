"""One of the user's brokers: what it is, how its key is, how far its orders may go, and its pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.events import CatalogProgressed
from aristobot.kinds import BrokerAccess
from aristobot.language import _
from aristobot.risk import Limits
from components import formats
from components.access_switch import AccessSwitch
from components.broker_words import access_names, mode_tag
from components.key_badges import key_badges
from components.pairs_update import PairsUpdate
from components.viewer import Viewer
from components.words import Words
from services.key_state import KeyState

if TYPE_CHECKING:
    from aristobot.store.tables import Broker
    from services.app import App


class BrokerRow:
    """Drawn where it is made; `actions` is the room for its buttons. Messages appear at `place`, which outlives the row."""

    def __init__(self, app: App, user: Viewer, broker: Broker, place: ui.element) -> None:
        with ui.element("div").classes("item broker").mark("broker"):
            ui.icon("account_balance").classes("faint").props("size=24px aria-hidden=true")
            with ui.element("div").classes("item-words"):
                with ui.element("div").classes("item-title"):
                    Words("span", broker.name)
                    _tags(broker)
                key = _("key …{last}", last=broker.key_last_four) if broker.key_last_four else _("no key")
                ui.label(" · ".join((broker.exchange.capitalize(), key, _market(broker)))).classes("muted small")
                if broker.key_last_four:
                    key_badges(KeyState.of(broker), app.clock.now())
            with ui.element("div").classes("broker-controls"):
                AccessSwitch(app, user, broker, place)
                self._pairs = PairsUpdate(app, user, broker.exchange, place)
            self.actions = ui.element("div").classes("item-actions")

    def follow(self, event: CatalogProgressed) -> None:
        """Show how far the reading of its exchange's pairs is."""
        if self._pairs.exchange == event.exchange:
            self._pairs.show(event)


def _tags(broker: Broker) -> None:
    word, tone = mode_tag(broker)
    Words("span", word, f"tag {tone}")
    if broker.access is not BrokerAccess.TRADE:
        Words("span", access_names()[broker.access.value], "tag warn")
    if broker.is_default:
        Words("span", _("DEFAULT"), "tag primary")
    if broker.endpoints:
        addresses = ", ".join(broker.endpoints.values())
        Words("span", _("NOT THE OFFICIAL ADDRESS"), "tag bad").tooltip(addresses)


def _market(broker: Broker) -> str:
    """In which money alerts are traded, and how far two markets of one coin may lie apart."""
    if not broker.quote:
        return _("trades what each alert says")
    most = formats.percent(Limits.read(broker.limits).remap_divergence_percent, 2)
    return _("trades against {quote}, at most {percent} apart", quote=broker.quote, percent=most)
