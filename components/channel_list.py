"""The ways by which news leave the house: how each is, set up, tried, switched off, removed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import NotificationChannelChanged
from aristobot.language import _, explain
from aristobot.notices import OUTSIDE, Outlet
from components import formats
from components.channel_dialog import ChannelDialog
from components.confirm import complain, confirm, say
from components.handlers import within
from components.live import Live
from components.page_head import Part
from components.reauth import reauthenticated
from components.viewer import Viewer, for_traders
from components.words import Words, labelled
from services.channel_view import ChannelView
from services.notice_words import outlet_name

if TYPE_CHECKING:
    from services.app import App

OUTLET_ICONS = {
    Outlet.TOAST: "web_asset",
    Outlet.SOUND: "volume_up",
    Outlet.BROWSER: "desktop_windows",
    Outlet.TELEGRAM: "send",
    Outlet.EMAIL: "mail",
    Outlet.WEBHOOK: "webhook",
}


class ChannelList(Part[Mapping[Outlet, ChannelView]]):
    """One line per way; `await show()` fills it."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        with ui.element("div") as self._place:  # dialogs open beside the list, which is drawn anew while they stand
            self._list = ui.element("div")
        live.each(NotificationChannelChanged, do=lambda _event: self.show())

    @classmethod
    async def read(cls, app: App, user: Viewer) -> Mapping[Outlet, ChannelView]:
        """What is kept now."""
        return await app.news.settings.channels(user.id)

    def draw(self, found: Mapping[Outlet, ChannelView]) -> None:
        """Draw it."""
        self._list.clear()
        with self._list:
            for outlet in OUTSIDE:
                self._channel(outlet, found.get(outlet))

    def _channel(self, outlet: Outlet, view: ChannelView | None) -> None:
        with ui.element("div").classes("channel-item"):
            ui.icon(OUTLET_ICONS[outlet]).props("aria-hidden=true")
            with ui.element("div").classes("item-words"):
                with ui.element("div").classes("item-title"):
                    Words("span", outlet_name(outlet))
                    words, tone = _state(view)
                    Words("span", words, f"tag {tone}")
                ui.label(_about(outlet, view, self._app)).classes("muted small")
            with ui.element("div").classes("item-actions"):
                if view is not None:
                    self._actions(outlet, view)
                words = _("Change") if view else _("Set up")
                set_up = ui.button(words, on_click=within(self._place, partial(self._set_up, outlet)))
                for_traders(set_up, self._user).props("outline no-caps").mark(f"set-up-{outlet}")

    def _actions(self, outlet: Outlet, view: ChannelView) -> None:
        name = outlet_name(outlet)
        trial = ui.button(icon="send", on_click=within(self._place, partial(self._test, outlet)))
        labelled(trial, _("Send a test by {channel}", channel=name)).props("flat round dense").mark(f"test-{outlet}")
        for_traders(trial, self._user).tooltip(_("Send a test"))
        switch = ui.switch(value=view.enabled, on_change=lambda event: self._enable(outlet, event.value))
        labelled(for_traders(switch, self._user), _("{channel} switched on", channel=name)).props("dense")
        bin_button = ui.button(icon="delete_outline", on_click=within(self._place, partial(self._remove, outlet)))
        labelled(for_traders(bin_button, self._user), _("Remove {channel}", channel=name)).props("flat round dense color=white")

    async def _set_up(self, outlet: Outlet) -> None:
        if await reauthenticated(self._app, self._user):
            known = await self._app.news.settings.channels(self._user.id)
            await ChannelDialog(self._app, self._user, outlet, known.get(outlet)).open()

    async def _test(self, outlet: Outlet) -> None:
        try:
            await self._app.news.settings.test(self._user.id, outlet)
            say(_("The test has left by {channel}.", channel=outlet_name(outlet)))
        except AristobotError as error:
            complain(error)

    async def _enable(self, outlet: Outlet, enabled: bool) -> None:
        try:
            await self._app.news.settings.enable(self._user.id, outlet, enabled=enabled, by=self._user.actor)
        except AristobotError as error:
            complain(error)

    async def _remove(self, outlet: Outlet) -> None:
        name = outlet_name(outlet)
        words = _("Its settings and secrets are deleted, and what waits for it is dropped.")
        if await confirm(_("Remove {channel}?", channel=name), words, _("Remove")):
            try:
                await self._app.news.settings.remove(self._user.id, outlet, self._user.actor)
            except AristobotError as error:
                complain(error)


def _state(view: ChannelView | None) -> tuple[str, str]:
    """One word for how a channel is, and its tone."""
    if view is None:
        return _("Not set up"), "quiet"
    if not view.enabled:
        return _("Off"), "quiet"
    if view.fault:
        return _("Fails"), "bad"
    return (_("Ready"), "good") if view.ready else (_("To be linked"), "warn")


def _about(outlet: Outlet, view: ChannelView | None, app: App) -> str:
    """Where messages go, or why they do not."""
    if view is None:
        return {
            Outlet.TELEGRAM: _("A bot of your own that writes to you, and that you may tell to stop trading."),
            Outlet.EMAIL: _("By your own mail server."),
            Outlet.WEBHOOK: _("A signed JSON document to an address of yours."),
        }[outlet]
    if view.fault:
        return explain(view.fault, view.fault_facts)
    bot, chat = view.settings.get("bot", "?"), view.settings.get("chat_name") or formats.NOTHING
    places = {
        Outlet.TELEGRAM: _("@{bot}, chat with {name}", bot=bot, name=chat),
        Outlet.EMAIL: str(view.settings.get("recipient", "")),
        Outlet.WEBHOOK: str(view.settings.get("host", "")),
    }
    worked = _("last message {ago}", ago=formats.how_long_ago(view.worked_at, app.clock.now())) if view.worked_at else ""
    return " · ".join(filter(None, (places[outlet], worked)))
