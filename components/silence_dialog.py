"""How silent a broker's alerts may be: PINGs learned, set or not waited for; alerts that must come after every candle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.kinds import RhythmMode
from aristobot.language import _
from aristobot.store.notice_tables import SilenceWatch
from aristobot.store.tables import Broker
from components.buttons import main_button, quiet_button
from components.confirm import dialog_card, say
from components.form import submitting, text_field
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


class SilenceDialog:
    """The form of one broker."""

    def __init__(self, app: App, user: Viewer, broker: Broker, watch: SilenceWatch | None) -> None:
        self._app = app
        self._user = user
        self._broker = broker
        self._watch = watch or SilenceWatch(user_id=user.id, broker_id=broker.id)

    async def open(self) -> None:
        """Show it until it is saved or closed."""
        watch = self._watch
        modes = {
            RhythmMode.LEARN.value: _("Learn the rhythm from the PINGs that come"),
            RhythmMode.FIXED.value: _("Expect one every so many minutes"),
            RhythmMode.OFF.value: _("Do not wait for PINGs"),
        }
        with dialog_card(_("Silence of {name}", name=self._broker.name)) as dialog:
            with ui.element("div").classes("dialog-body"):
                words = _("An alert of TradingView with the action PING, sent regularly, shows that everything still works.")
                ui.label(words).classes("muted")
                self._pings = ui.radio(modes, value=watch.pings.value, on_change=self._weigh).mark("ping-mode")
                self._minutes = text_field(_("Minutes"), str(watch.ping_seconds // 60 or 60)).props("inputmode=numeric")
                self._minutes.mark("ping-minutes")
                words = _("Notice alerts that came after several candles and then stay away")
                self._learn = ui.checkbox(words, value=watch.learn_bars)
                written = ", ".join(f"{symbol} {int(seconds) // 60}" for symbol, seconds in watch.expected or [])
                self._expected = text_field(_("Alerts expected after every candle"), written).mark("expected-alerts")
                self._expected.props["hint"] = _("Symbol and interval, as in TradingView: BTCUSDT 60, ETHUSDT 240")
            with ui.element("div").classes("dialog-foot"):
                quiet_button(_("Cancel"), on_click=dialog.close)
                self._button = main_button(_("Save"), on_click=lambda: self._save(dialog)).mark("save-silence")
        self._weigh()
        await dialog
        if not dialog.is_deleted:
            dialog.delete()

    def _weigh(self) -> None:
        self._minutes.set_visibility(self._pings.value == RhythmMode.FIXED.value)

    async def _save(self, dialog: ui.dialog) -> None:
        async with submitting(self._button, {"ping_seconds": self._minutes, "expected": self._expected}):
            text = (self._minutes.value or "").strip()
            await self._app.news.watchdog.save(
                self._user.id,
                self._broker.id,
                pings=RhythmMode(self._pings.value),
                ping_seconds=int(text) * 60 if text.isdecimal() else 0,
                learn_bars=bool(self._learn.value),
                expected=self._expected.value or "",
            )
            dialog.close()
            say(_("Saved."))
