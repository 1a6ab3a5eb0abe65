"""One user in the list of administrators."""

from __future__ import annotations

from datetime import datetime

from nicegui import ui

from aristobot.language import _
from aristobot.store.tables import User
from components import formats
from components.viewer import beyond_reach
from components.words import Words, labelled
from services.rights import role_names


class UserRow:
    """Drawn where it is made; `role`, `reset` and `switch` wait for somebody who listens. One's own cannot be used."""

    def __init__(self, one: User, seen: datetime | None, now: datetime, *, mine: bool) -> None:
        with ui.element("div").classes("item user-item").mark("user"):
            ui.icon("person" if one.is_active else "person_off").classes("faint").props("size=24px aria-hidden=true")
            with ui.element("div").classes("item-words"):
                with ui.element("div").classes("item-title"):
                    Words("span", one.name)
                    _tags(one, now, mine=mine)
                since = _("since {moment}", moment=formats.day_and_hour(one.created_at))
                last = _("last visit {ago}", ago=formats.how_long_ago(seen, now)) if seen else _("never logged in")
                ui.label(f"{since} · {last}").classes("muted small")
            self.role = ui.select(role_names(), value=one.role.value).props("outlined dense options-dense").classes("user-role")
            labelled(self.role, _("What {name} may do", name=one.name)).mark("user-role")
            with ui.element("div").classes("item-actions"):
                self.reset = _action("key", _("New password"), one, "reset-password")
                icon, words = ("block", _("Disable")) if one.is_active else ("how_to_reg", _("Enable"))
                self.switch = _action(icon, words, one, "switch-user")
        if mine:
            reason = _("Another administrator can change this for you.")
            beyond_reach(self.role, reason)
            beyond_reach(self.switch, reason)
            beyond_reach(self.reset, _("Change your own password further up."))


def _action(icon: str, words: str, one: User, marker: str) -> ui.button:
    button = ui.button(icon=icon).props("flat round dense color=white").mark(marker)
    return labelled(button, f"{words}: {one.name}").tooltip(words)


def _tags(one: User, now: datetime, *, mine: bool) -> None:
    if mine:
        Words("span", _("You"), "tag primary")
    if not one.is_active:
        Words("span", _("Disabled"), "tag bad")
    elif one.must_choose_password:
        until = one.password_expires_at
        if until is not None and now >= until:
            Words("span", _("One-time password expired"), "tag bad")
        else:
            tag = Words("span", _("Has to choose a password"), "tag warn")
            tag.tooltip(_("valid until {moment}", moment=formats.day_and_hour(until)))
    if one.totp_sealed is not None:
        Words("span", _("Codes of the phone"), "tag good")
