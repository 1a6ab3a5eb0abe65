"""What the user is told and by which ways: the switches, the channels out of the house, and how silent alerts may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.notices import NoticeKind, Outlet
from components.channel_list import OUTLET_ICONS, ChannelList
from components.confirm import complain, say
from components.live import Live
from components.page_head import Part, panel
from components.silence_list import SilenceList
from components.switch_table import SwitchTable
from components.viewer import Viewer
from services.notice_words import kind_title, outlet_name

if TYPE_CHECKING:
    from services.app import App

#: By which ways each kind of news goes.
Switches = Mapping[NoticeKind, frozenset[Outlet]]
#: Asks the browser whether it may show notifications of its own; what it answers.
_ASK = """if (window.pywebview?.api?.tell) return 'granted';
  if (!('Notification' in window)) return 'missing';
  return Notification.permission === 'default' ? await Notification.requestPermission() : Notification.permission"""


class NotificationSettings(Part[tuple[Any, Any, Switches]]):
    """The panel of the account page; `await show()` fills it."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app = app
        self._user = user
        self._ways: dict[NoticeKind, set[Outlet]] = {}
        with panel(_("Notifications")) as head:
            self._channels = ChannelList(app, user, live)
            self._silence = SilenceList(app, user, live)
            with ui.element("div").classes("notify-scroll"):
                ways = [(outlet.value, outlet_name(outlet), OUTLET_ICONS[outlet]) for outlet in Outlet]
                self._table = SwitchTable(_("Which news take which way"), _("News"), ways, self._switched).mark("ways")
        if not user.may_trade:
            self._table.refuse(explain("viewer_only_looks"))
        with head:
            allow = ui.button(_("Allow on this browser"), icon="desktop_windows", on_click=self._ask_browser)
            allow.props("outline no-caps").mark("allow-browser")

    @classmethod
    async def read(cls, app: App, user: Viewer) -> tuple[Any, Any, Switches]:
        """The channels, what is expected of brokers, and the switches."""
        return await ChannelList.read(app, user), await SilenceList.read(app, user), await app.news.settings.switches(user.id)

    def draw(self, found: tuple[Any, Any, Switches]) -> None:
        """Draw everything anew."""
        channels, silence, switches = found
        self._channels.draw(channels)
        self._silence.draw(silence)
        self._show_switches(switches)

    def _show_switches(self, chosen: Switches) -> None:
        self._ways = {kind: set(ways) for kind, ways in chosen.items()}
        self._table.show({kind.value: kind_title(kind) for kind in chosen}, {kind.value: ways for kind, ways in chosen.items()})

    async def _switched(self, row: str, column: str, on: bool) -> None:
        ways = self._ways[NoticeKind(row)]
        (ways.add if on else ways.discard)(Outlet(column))
        try:
            await self._app.news.settings.switch(self._user.id, NoticeKind(row), frozenset(ways))
        except AristobotError as error:
            complain(error)
            self._show_switches(await self._app.news.settings.switches(self._user.id))

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
