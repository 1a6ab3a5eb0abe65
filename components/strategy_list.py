"""The user's strategies, and under the chosen one its versions."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.store.strategy_tables import StrategyVersion
from components import formats
from components.buttons import main_button
from components.confirm import complain, say
from components.empty_state import empty_state, error_state, waiting_lines
from components.page_head import panel
from components.strategy_dialogs import NewStrategy
from components.viewer import Viewer, for_traders
from components.words import Words, labelled
from services.strategy_desk import Listed

if TYPE_CHECKING:
    from services.app import App

Chosen = Callable[[uuid.UUID], Awaitable[None]]


class StrategyList:
    """`chosen(id)` opens a strategy, `compare(number)` shows one of its versions."""

    def __init__(self, app: App, user: Viewer, chosen: Chosen, compare: Callable[[int], Awaitable[None]]) -> None:
        self._app = app
        self._user = user
        self._chosen = chosen
        self._compare = compare
        self.current: uuid.UUID | None = None
        with panel(_("Strategies"), "strategy-list") as head:
            with head:
                new = ui.button(icon="add", on_click=self.new).props("flat round dense").mark("new-strategy")
                labelled(for_traders(new, user), _("New strategy"))
            with labelled(ui.element("nav"), _("Strategies")) as self._body:
                waiting_lines()
            self._archive = ui.element("div")

    def new(self) -> None:
        """Open the dialog for a new one."""
        NewStrategy(self._app, self._user, self._chosen).open()

    async def show(self) -> list[Listed]:
        """Read and draw them; answers those that live."""
        desk = self._app.strategies
        try:
            living = await desk.mine(self._user.id)
            archived = await desk.mine(self._user.id, archived=True)
            saved = await desk.versions(self._user.id, self.current) if self.current is not None else []
        except AristobotError as error:
            self._body.clear()
            with self._body:
                error_state(_("This list could not be read"), explain(error), self.show)
            return []
        self._body.clear()
        with self._body:
            if not living:
                self._nothing()
            for one in living:
                self._line(one, saved)
        self._draw_archive(archived)
        return living

    def _nothing(self) -> None:
        with empty_state(
            "code", _("No strategy yet"), _("Begin with a template: it runs as it is, and every line can be changed.")
        ):
            for_traders(main_button(_("New strategy"), "add", self.new).mark("first-strategy"), self._user)

    def _line(self, one: Listed, saved: Sequence[StrategyVersion]) -> None:
        here = one.row.id == self.current
        button = ui.element("button").props("type=button").classes("strategy-item").mark("strategy-item")
        button.on("click", lambda: self._chosen(one.row.id))
        if here:
            button.props("aria-current=true")
        with button:
            Words("span", one.row.name, "strategy-name")
            now = self._app.clock.now()
            when = formats.how_long_ago(one.row.updated_at, now)
            Words("span", _("version {number} · {when}", number=one.versions, when=when), "faint small")
            if one.row.draft is not None:
                Words("span", _("draft"), "tag warn")
        if here:
            with ui.element("ul").classes("version-list"):
                for version in saved:
                    self._version(version)

    def _version(self, version: StrategyVersion) -> None:
        sound = None if version.review is None else bool(version.review["sound"])
        icon, tone, words = {
            True: ("check_circle", "gain", _("passed its trial")),
            False: ("error", "loss", _("failed its trial")),
            None: ("radio_button_unchecked", "faint", _("not tried")),
        }[sound]
        with ui.element("li"):
            button = ui.element("button").props("type=button").classes("version-item").mark("version-item")
            button.on("click", lambda: self._compare(version.number))
            with button:
                labelled(ui.icon(icon).classes(tone), words)
                Words("span", _("Version {number}", number=version.number))
                Words("span", formats.moment(version.created_at), "faint small push")
            if version.note:
                ui.label(version.note).classes("faint small version-note")

    def _draw_archive(self, archived: Sequence[Listed]) -> None:
        self._archive.clear()
        if not archived:
            return
        with self._archive, ui.expansion(_("Archive ({count})", count=len(archived))).classes("dust-fold"):
            for one in archived:
                with ui.element("div").classes("item"):
                    Words("span", one.row.name, "grow")
                    back = ui.button(icon="unarchive", on_click=lambda _e, row=one.row.id: self._restore(row))
                    labelled(for_traders(back.props("flat round dense"), self._user), _("Take back: {name}", name=one.row.name))

    async def _restore(self, strategy_id: uuid.UUID) -> None:
        try:
            row = await self._app.strategies.restore(self._user.id, strategy_id)
        except AristobotError as error:
            complain(error)
            return
        say(_("{name} is back.", name=row.name))
