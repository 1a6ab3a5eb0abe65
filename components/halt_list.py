"""What is stopped now: how far, whom, by whom, since when and why; each with its way back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import TradingHalted
from aristobot.kinds import HaltLevel
from aristobot.language import _
from aristobot.store.tables import Halt
from components import formats
from components.buttons import quiet_button
from components.confirm import answer_of, complain, confirm, dialog_card
from components.halt_words import level_meaning, level_words, reason_words, scope_words, setter_words
from components.live import Live
from components.reauth import reauthenticated
from components.viewer import Viewer, for_traders
from components.words import Words
from services.halt_desk import Hand

if TYPE_CHECKING:
    from services.app import App

_TONES = {HaltLevel.HALT: "warn", HaltLevel.REDUCE: "warn", HaltLevel.FLATTEN: "bad"}


class HaltList:
    """The dialog behind the red button."""

    def __init__(self, app: App, viewer: Viewer, hand: Hand) -> None:
        self._app = app
        self._viewer = viewer
        self._hand = hand

    async def open(self) -> bool:
        """Show it until it is closed; whether the user wants to stop more."""
        names = await self._names()
        with dialog_card(_("What is stopped")) as dialog:
            self._dialog = dialog
            with ui.element("div").classes("dialog-body halts"):
                self._list = ui.element("div").classes("halt-list")
            with ui.element("div").classes("dialog-foot"):
                more = quiet_button(_("Stop something else"), "power_settings_new", lambda: dialog.submit(True))
                for_traders(more, self._viewer).mark("halt-more")
                quiet_button(_("Close"), on_click=dialog.close)
            live = Live(self._app.bus, self._viewer)
            live.each(TradingHalted, do=lambda _event: self._draw(names))
        await self._draw(names)
        return bool(await answer_of(dialog))

    async def _names(self) -> dict[uuid.UUID, str]:
        people, accounts = await self._app.halts.targets(self._hand)
        whole, active = await self._app.halts.robots(self._hand)
        mine = {self._viewer.id: self._viewer.name} | whole | active
        return mine | {user.id: user.name for user in people} | {broker.id: broker.name for broker in accounts}

    async def _draw(self, names: dict[uuid.UUID, str]) -> None:
        halts = await self._app.halts.concerning(self._hand)
        if not halts:
            self._dialog.submit(False)
            return
        self._list.clear()
        with self._list:
            for halt in halts:
                self._item(halt, scope_words(halt, names))

    def _item(self, halt: Halt, scope: str) -> None:
        with ui.element("div").classes("halt-item"):
            with ui.element("div").classes("item-words"):
                with ui.element("div").classes("item-title"):
                    Words("span", level_words(halt.level), f"tag {_TONES[halt.level]}")
                    Words("span", scope)
                    if halt.level is HaltLevel.FLATTEN:
                        Words("span", _("done") if halt.completed_at else _("under way"), "muted small")
                ui.label(level_meaning(halt.level)).classes("muted small")
                moment = formats.day_and_hour(halt.set_at)
                ui.label(_("By {by}, {moment}", by=setter_words(halt), moment=moment)).classes("small")
                if reason := reason_words(halt):
                    ui.label(reason).classes("small halt-reason")
            if self._app.halts.may_release(self._hand, halt):
                release = ui.button(_("Release"), on_click=lambda: self._release(halt, scope))
                release.props("outline no-caps color=positive").mark("release-halt")

    async def _release(self, halt: Halt, scope: str) -> None:
        words = _("Alerts, strategies and manual orders will reach the exchanges again: {scope}.", scope=scope)
        with self._dialog:
            if not await confirm(_("Let trading go on?"), words, _("Resume trading"), dangerous=False):
                return
            if not await reauthenticated(self._app, self._viewer):
                return
            try:
                await self._app.halts.release(self._hand, halt.id)
            except AristobotError as error:
                complain(error)
