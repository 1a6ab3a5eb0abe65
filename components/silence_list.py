"""What is expected of each broker's alerts, and when their silence is told."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.events import BrokerUpdated
from aristobot.kinds import BrokerMode, RhythmMode
from aristobot.language import _
from aristobot.store import brokers
from aristobot.store.notice_tables import SilenceWatch
from aristobot.store.tables import Broker
from components import formats
from components.handlers import within
from components.live import Live
from components.page_head import Part
from components.silence_dialog import SilenceDialog
from components.viewer import Viewer, for_traders
from components.words import Words

if TYPE_CHECKING:
    from services.app import App


class SilenceList(Part[tuple[Sequence[Broker], Mapping[uuid.UUID, SilenceWatch]]]):
    """One line per broker that listens to alerts; `await show()` fills it."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        self._list = ui.element("div")
        live.each(BrokerUpdated, do=lambda _event: self.show())

    @classmethod
    async def read(cls, app: App, user: Viewer) -> tuple[Sequence[Broker], Mapping[uuid.UUID, SilenceWatch]]:
        """The brokers, and what is expected of each."""
        rows = await app.db.read(user.id, brokers.mine)
        return rows, await app.news.watchdog.settings(user.id)

    def draw(self, found: tuple[Sequence[Broker], Mapping[uuid.UUID, SilenceWatch]]) -> None:
        """Draw what holds now."""
        rows, watches = found
        self._list.clear()
        with self._list:
            for row in rows:
                if row.mode is BrokerMode.WEBHOOKS:
                    self._draw(row, watches.get(row.id))

    def _draw(self, broker: Broker, watch: SilenceWatch | None) -> None:
        with ui.element("div").classes("channel-item"):
            ui.icon("hearing").props("aria-hidden=true")
            with ui.element("div").classes("item-words"):
                Words("span", _("Silence of {name}", name=broker.name), "item-title")
                ui.label(self._words(broker, watch)).classes("muted small")
            with ui.element("div").classes("item-actions"):
                change = ui.button(_("Change"), on_click=within(self._list, partial(self._change, broker)))
                for_traders(change, self._user).props("outline no-caps").mark("change-silence")

    def _words(self, broker: Broker, watch: SilenceWatch | None) -> str:
        pulse = self._app.news.watchdog.pulse(broker.id)
        if watch is not None and watch.pings is RhythmMode.OFF:
            words = _("PINGs are not waited for.")
        elif pulse.rhythm is None:
            words = _("No rhythm of PINGs is known yet.")
        else:
            minutes = formats.number(max(1, round(pulse.rhythm.total_seconds() / 60)))
            words = _("A PING is expected every {minutes} min; two missing ones are told.", minutes=minutes)
        expected = len(watch.expected or []) if watch is not None else 0
        return words + (" " + _("Alerts expected after each candle: {count}.", count=expected) if expected else "")

    async def _change(self, broker: Broker) -> None:
        watches = await self._app.news.watchdog.settings(self._user.id)
        await SilenceDialog(self._app, self._user, broker, watches.get(broker.id)).open()
        await self.show()
