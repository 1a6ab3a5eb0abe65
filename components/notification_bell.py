"""The bell in the bar: how much is unread, the list behind it, and what pops up, sounds or shows outside the page."""

from __future__ import annotations

import json
import uuid
from collections import deque
from typing import TYPE_CHECKING

from nicegui import background_tasks, ui

from aristobot.events import NotificationAdded, NotificationsRead
from aristobot.language import _
from aristobot.notices import Outlet
from aristobot.store.notice_tables import Notification
from components import formats
from components.buttons import quiet_button
from components.empty_state import empty_state
from components.live import Live
from components.viewer import Viewer, viewing
from components.words import Words, labelled
from services.notice_words import kind_title, sentence_of, tone_of

if TYPE_CHECKING:
    from services.app import App

SHOWN = 50
#: What pops up stays so long, in milliseconds; something bad stays until it is closed.
_TOAST_MS = 6000
_ICONS = {"good": "check_circle", "warn": "warning_amber", "bad": "error", "": "notifications"}
#: So many pop up within so many seconds; then one says how many are unread.
_MOST_TOASTS, _TOAST_SECONDS = 3, 5.0
#: Two short tones; of several open pages only one plays them.
_SOUND = """(id) => { const key = 'aristobot-sound'; if (localStorage.getItem(key) === id) return; localStorage.setItem(key, id);
  const Audio = window.AudioContext || window.webkitAudioContext; if (!Audio) return; const audio = new Audio();
  [660, 880].forEach((tone, i) => {
    const source = audio.createOscillator(), loud = audio.createGain(), at = audio.currentTime + i * 0.14;
    source.frequency.value = tone; loud.gain.setValueAtTime(0.0001, at); loud.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, at + 0.13);
    source.connect(loud).connect(audio.destination); source.start(at); source.stop(at + 0.14); });
  setTimeout(() => audio.close(), 800); }"""
#: The system's own notification, where the user allowed it, and only while they look elsewhere. The tag keeps it single.
#: The desktop window has a way of its own to the desktop, and needs nobody's leave.
_OUTSIDE = """(id, title, body) => {
  const desktop = window.pywebview?.api?.tell;
  if (desktop) { if (document.hidden || !document.hasFocus()) desktop(title, body); return; }
  if (!('Notification' in window) || Notification.permission !== 'granted' || !document.hidden) return;
  const shown = new Notification(title, { body, tag: id }); shown.onclick = () => { window.focus(); shown.close(); }; }"""


class NotificationBell(ui.element):
    """One per page; follows the user's news by push."""

    def __init__(self, app: App, viewer: Viewer, live: Live) -> None:
        super().__init__("div")
        self._app = app
        self._viewer = viewer
        self._open = False
        self._popped: deque[float] = deque(maxlen=_MOST_TOASTS)
        self.classes("bell-holder")
        with self:
            self._button = ui.button(icon="notifications").props("flat round color=white").mark("bell")
            with self._button:
                self._badge = ui.badge("").props("floating color=negative").classes("bell-count")
                self._menu = (
                    ui.menu()
                    .props("anchor='bottom right' self='top right' max-height='80dvh' no-parent-event")
                    .classes("bell-menu")
                )
        with self._menu:
            self._draw_frame()
        self._menu.on_value_change(self._toggled)
        self._button.on_click(self._menu.toggle)
        self._count(0)
        live.each(NotificationAdded, do=self._added)
        live.each(NotificationsRead, do=lambda event: self._read(event.unread))
        background_tasks.create(self._first_look(), name="unread notifications", context=self)

    def _draw_frame(self) -> None:
        with ui.element("div").classes("bell-panel"):
            with ui.element("div").classes("bell-head"):
                Words("h2", _("Notifications"))
                quiet_button(_("Mark all as read"), "done_all", self._mark_all).props("dense").mark("read-all")
                settings = ui.button(icon="tune", on_click=lambda: self._go("/account")).props("flat round dense color=white")
                labelled(settings, _("Choose what you are told"))
            self._list = ui.element("div").classes("bell-list")

    async def _first_look(self) -> None:
        unread = await self._app.news.book.unread(self._viewer.id)
        if not self.is_deleted:
            with viewing(self._viewer):
                self._count(unread)

    def _count(self, unread: int) -> None:
        self._badge.set_text(formats.number(unread) if unread < 100 else "99+")
        self._badge.set_visibility(unread > 0)
        words = _("Notifications, {count} unread", count=unread) if unread else _("Notifications")
        labelled(self._button, words)

    async def _toggled(self) -> None:
        self._open = bool(self._menu.value)
        if self._open:
            await self._show()

    async def _show(self) -> None:
        rows = await self._app.news.book.recent(self._viewer.id, SHOWN)
        if self.is_deleted:
            return
        self._list.clear()
        with self._list:
            if not rows:
                empty_state(
                    "notifications_none", _("No news"), _("What happens to your orders, alerts and brokers appears here.")
                )
            for row in rows:
                self._item(row)

    def _item(self, row: Notification) -> None:
        tone = tone_of(row.kind, row.code)
        classes = f"bell-item {'unread' if row.read_at is None else ''} {tone}"
        with ui.element("button").classes(classes).props("type=button").mark("news-line") as item:
            ui.icon(_ICONS[tone]).props("aria-hidden=true")
            with ui.element("span").classes("bell-words"):
                with ui.element("span").classes("bell-title"):
                    Words("span", kind_title(row.kind))
                    Words("span", formats.how_long_ago(row.last_at, self._app.clock.now()), "faint small")
                Words("span", sentence_of(row), "bell-text")
        item.on("click", lambda: self._chosen(row.id, row.page))

    async def _chosen(self, notification_id: uuid.UUID, page: str) -> None:
        with self:  # the line itself is drawn anew when it is read
            if page:
                self._go(page)
            await self._app.news.book.mark_read(self._viewer.id, [notification_id])

    async def _mark_all(self) -> None:
        await self._app.news.book.mark_read(self._viewer.id)

    def _go(self, page: str) -> None:
        self._menu.close()
        ui.navigate.to(page)

    async def _read(self, unread: int) -> None:
        self._count(unread)
        if self._open:
            await self._show()

    async def _added(self, event: NotificationAdded) -> None:
        self._count(event.unread)
        if event.outlets:
            row = await self._app.news.book.get(self._viewer.id, event.notification_id)
            if not self.is_deleted:
                self._ring(row, event)
        if self._open:
            await self._show()

    def _ring(self, row: Notification, event: NotificationAdded) -> None:
        """Pop up, sound, and show outside the page, as the user chose. What repeats itself replaces its own pop-up."""
        title, text, row_id = kind_title(row.kind), sentence_of(row), str(row.id)
        if Outlet.TOAST in event.outlets:
            self._pop_up(tone_of(row.kind, row.code), title, text, row_id, event.unread)
        if Outlet.SOUND in event.outlets:
            _call(_SOUND, row_id)
        if Outlet.BROWSER in event.outlets:
            _call(_OUTSIDE, row_id, f"Aristobot – {title}", text)

    def _pop_up(self, tone: str, title: str, text: str, group: str, unread: int) -> None:
        now = self._app.clock.monotonic()
        if len(self._popped) == _MOST_TOASTS and now - self._popped[0] < _TOAST_SECONDS:
            tone, title, group, text = "", "", "many", _("Notifications, {count} unread", count=unread)
        else:
            self._popped.append(now)
        ui.notify(
            text,
            caption=title,
            icon=_ICONS[tone],
            color="dark",
            classes=f"news-toast {tone}",
            position="bottom-right",
            timeout=0 if tone == "bad" else _TOAST_MS,
            close_button=_("Close"),
            group=group,
        )


def _call(function: str, *arguments: str) -> None:
    """Run a function of the browser; texts reach it as values, never as code."""
    ui.run_javascript(f"({function})(...{json.dumps(arguments)})")
