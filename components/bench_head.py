"""The head of the bench: which strategy, is it saved, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _
from components.buttons import main_button, quiet_button
from components.confirm import complain, confirm
from components.strategy_dialogs import ask_name
from components.strategy_versions import export
from components.viewer import Viewer, for_traders
from components.words import Words, labelled

if TYPE_CHECKING:
    from aristobot.store.strategy_tables import StrategyRow, StrategyVersion
    from services.app import App


class Bench(Protocol):
    """What the head needs to know of the bench, and can ask of it."""

    @property
    def row(self) -> StrategyRow | None:
        """The strategy that is open."""

    @property
    def newest(self) -> StrategyVersion | None:
        """Its newest version."""

    @property
    def text(self) -> str:
        """What stands in the editor."""

    @property
    def unsaved(self) -> bool:
        """Whether that is no version."""

    async def save(self) -> None:
        """Save it."""

    async def try_it(self) -> None:
        """Try it."""

    async def compare(self, number: int) -> None:
        """Show a version beside another."""

    async def assist(self) -> None:
        """Show the assistant, or put it away."""

    def close(self) -> None:
        """Show nothing any more."""


class BenchHead:
    """Name, state, buttons."""

    def __init__(self, app: App, user: Viewer, bench: Bench) -> None:
        self._app, self._user, self._bench = app, user, bench
        with ui.element("div").classes("panel-head bench-head"):
            self._name = Words("h2", "").mark("bench-name")
            self._state = Words("span", "", "tag quiet").mark("bench-state")
            with ui.element("div").classes("bench-actions"):
                self._assist = quiet_button(_("Assistant"), "auto_awesome", bench.assist)
                self._assist.classes("open-assistant").mark("open-assistant")
                self._try = ui.button(_("Try"), icon="science", on_click=bench.try_it).props("outline no-caps")
                self._try.mark("try-strategy")
                self._save = main_button(_("Save"), "save", bench.save).mark("save-strategy")
                self._menu()
            for button in (self._assist, self._try, self._save):
                for_traders(button, user)

    def _menu(self) -> None:
        with labelled(ui.button(icon="more_vert").props("flat round dense").mark("bench-menu"), _("More")), ui.menu():
            ui.menu_item(_("Compare versions"), self._compare).mark("menu-compare")
            ui.menu_item(_("Export as .py"), self._export).mark("menu-export")
            if self._user.may_trade:
                ui.menu_item(_("Rename"), self._rename).mark("menu-rename")
                ui.menu_item(_("Archive"), self._archive).mark("menu-archive")

    def show(self) -> None:
        """Write the present state."""
        row, newest = self._bench.row, self._bench.newest
        if row is None or newest is None:
            return
        self._name.set_text(row.name)
        unsaved = self._bench.unsaved
        self._state.set_text(_("not saved") if unsaved else _("version {number}", number=newest.number))
        self._state.classes(replace="tag warn" if unsaved else "tag quiet")

    @contextmanager
    def saving(self) -> Iterator[None]:
        """While it is being saved."""
        with _waiting(self._save):
            yield

    @contextmanager
    def trying(self) -> Iterator[None]:
        """While it is being tried."""
        with _waiting(self._try):
            yield

    async def _compare(self) -> None:
        newest = self._bench.newest
        if newest is not None:
            await self._bench.compare(newest.number)

    def _export(self) -> None:
        row, newest = self._bench.row, self._bench.newest
        if row is not None and newest is not None:
            export(row.name, self._bench.text, 0 if self._bench.unsaved else newest.number)

    async def _rename(self) -> None:
        row = self._bench.row
        name = await ask_name(row.name) if row is not None else None
        if row is None or name is None or name == row.name:
            return
        try:
            await self._app.strategies.rename(self._user.id, row.id, name)
        except AristobotError as error:
            complain(error)

    async def _archive(self) -> None:
        row = self._bench.row
        words = _("It leaves the list. Its versions stay, and it can be taken back from the archive.")
        if row is None or not await confirm(_("Archive {name}?", name=row.name), words, _("Archive"), dangerous=False):
            return
        try:
            await self._app.strategies.archive(self._user.id, row.id)
        except AristobotError as error:
            complain(error)
            return
        self._bench.close()


@contextmanager
def _waiting(button: ui.button) -> Iterator[None]:
    button.props("loading")
    try:
        yield
    finally:
        if not button.is_deleted:
            button.props(remove="loading")
