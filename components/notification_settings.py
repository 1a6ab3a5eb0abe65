"""What the user is told and by which ways: the switches, the channels out of the house, and how silent alerts may be."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import NotificationChannelChanged
from aristobot.language import _, explain
from aristobot.notices import OUTSIDE, NoticeKind, Outlet
from components import formats
from components.channel_dialog import ChannelDialog
from components.confirm import complain, confirm, say
from components.handlers import within
from components.live import Live
from components.page_head import panel
from components.reauth import reauthenticated
from components.silence_list import SilenceList
from components.switch_table import SwitchTable
from components.viewer import Viewer, for_traders
from components.words import Words, labelled
from services.channel_view import ChannelView
from services.notice_words import kind_title, outlet_name

if TYPE_CHECKING:
    from services.app import App

_ICONS = {
    Outlet.TOAST: "web_asset",
    Outlet.SOUND: "volume_up",
    Outlet.BROWSER: "desktop_windows",
    Outlet.TELEGRAM: "send",
    Outlet.EMAIL: "mail",
    Outlet.WEBHOOK: "webhook",
}
#: Asks the browser whether it may show notifications of its own; what it answers.
_ASK = """if (window.pywebview?.api?.tell) return 'granted';
  if (!('Notification' in window)) return 'missing';
  return Notification.permission === 'default' ? await Notification.requestPermission() : Notification.permission"""


class NotificationSettings:
    """The panel of the account page; `await show()` fills it."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        self._ways: dict[NoticeKind, set[Outlet]] = {}
        with panel(_("Notifications")) as head:
            self._channels = ui.element("div")
            self._silence = SilenceList(app, user, live)
            with ui.element("div").classes("notify-scroll"):
                ways = [(outlet.value, outlet_name(outlet), _ICONS[outlet]) for outlet in Outlet]
                self._table = SwitchTable(_("Which news take which way"), _("News"), ways, self._switched).mark("ways")
        if not user.may_trade:
            self._table.refuse(explain("viewer_only_looks"))
        with head:
            allow = ui.button(_("Allow on this browser"), icon="desktop_windows", on_click=self._ask_browser)
            allow.props("outline no-caps").mark("allow-browser")
        self._head = head
        live.each(NotificationChannelChanged, do=lambda _event: self._show_channels())

    async def show(self) -> None:
        """Draw everything anew."""
        await self._show_channels()
        await self._silence.show()
        await self._show_switches()

    async def _show_channels(self) -> None:
        known = await self._app.news.settings.channels(self._user.id)
        self._channels.clear()
        with self._channels:
            for outlet in OUTSIDE:
                self._channel(outlet, known.get(outlet))

    def _channel(self, outlet: Outlet, view: ChannelView | None) -> None:
        with ui.element("div").classes("channel-item"):
            ui.icon(_ICONS[outlet]).props("aria-hidden=true")
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
                set_up = ui.button(words, on_click=within(self._head, partial(self._set_up, outlet)))
                for_traders(set_up, self._user).props("outline no-caps").mark(f"set-up-{outlet}")

    def _actions(self, outlet: Outlet, view: ChannelView) -> None:
        name = outlet_name(outlet)
        trial = ui.button(icon="send", on_click=within(self._head, partial(self._test, outlet)))
        labelled(trial, _("Send a test by {channel}", channel=name)).props("flat round dense").mark(f"test-{outlet}")
        for_traders(trial, self._user).tooltip(_("Send a test"))
        switch = ui.switch(value=view.enabled, on_change=lambda event: self._enable(outlet, event.value))
        labelled(for_traders(switch, self._user), _("{channel} switched on", channel=name)).props("dense")
        bin_button = ui.button(icon="delete_outline", on_click=within(self._head, partial(self._remove, outlet)))
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

    async def _show_switches(self) -> None:
        chosen = await self._app.news.settings.switches(self._user.id)
        self._ways = {kind: set(ways) for kind, ways in chosen.items()}
        self._table.show({kind.value: kind_title(kind) for kind in chosen}, {kind.value: ways for kind, ways in chosen.items()})

    async def _switched(self, row: str, column: str, on: bool) -> None:
        ways = self._ways[NoticeKind(row)]
        (ways.add if on else ways.discard)(Outlet(column))
        try:
            await self._app.news.settings.switch(self._user.id, NoticeKind(row), frozenset(ways))
        except AristobotError as error:
            complain(error)
            await self._show_switches()

    async def _ask_browser(self) -> None:
        try:
            answer = await ui.run_javascript(_ASK, timeout=60)
        except TimeoutError:
            return
        words = {
            "granted": _("This browser shows notifications, also while the page is in the background."),
            "denied": _("This browser refuses notifications: allow them in its settings for this site."),
            "missing": _("This browser shows notifications only on a secure address (https or this machine)."),
        }
        if answer == "granted":
            say(words[answer])
        elif answer in words:
            complain(words[answer])


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
