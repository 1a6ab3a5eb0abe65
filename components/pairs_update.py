"""[MAJ Paires]: read an exchange's pairs afresh, and watch how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import CatalogProgressed
from aristobot.language import _, explain
from components import formats
from components.confirm import complain, say
from components.handlers import within
from components.viewer import Viewer, for_traders
from components.words import labelled

if TYPE_CHECKING:
    from services.app import App

_AT_WORK = ("asking", "storing")


class PairsUpdate(ui.element):
    """A button with a thin bar and a line under it; all three keep their room whatever happens."""

    def __init__(self, app: App, user: Viewer, exchange: str, place: ui.element) -> None:
        super().__init__("div")
        self.classes("pairs")
        self._app, self._user = app, user
        self.exchange = exchange
        with self:
            self._button = ui.button(_("Update pairs"), icon="sync", on_click=within(place, self._refresh))
            self._button.props("outline no-caps dense").mark("load-markets")
            labelled(for_traders(self._button, user), f"{_('Update pairs')}: {exchange.capitalize()}")
            self._bar = ui.linear_progress(0, show_value=False, size="3px").props("instant-feedback")
            self._words = ui.label("").classes("muted small").props("role=status")
        self.show()

    def show(self, _event: CatalogProgressed | None = None) -> None:
        """Draw what the catalogue says now."""
        state = self._app.catalog.state(self.exchange)
        now = state.progress
        busy = now is not None and now.stage in _AT_WORK
        self._button.set_enabled(not busy and self._user.may_trade)
        self._bar.style(f"visibility: {'visible' if busy else 'hidden'}")
        if now is not None and now.stage == "storing":
            self._bar.props(remove="indeterminate")
            self._bar.set_value(now.written / max(now.total, 1))
            counts = {"written": formats.number(now.written), "total": formats.number(now.total)}
            self._words.set_text(_("{written} of {total} written", **counts))
        elif busy:
            self._bar.props("indeterminate")
            self._words.set_text(_("Asking {exchange} …", exchange=self.exchange.capitalize()))
        else:
            self._words.set_text(self._at_rest())
        failed = now is not None and now.stage == "failed"
        self._words.classes(replace="warned small" if failed else "muted small")

    def _at_rest(self) -> str:
        state = self._app.catalog.state(self.exchange)
        if state.progress is not None and state.progress.stage == "failed":
            return _("{total} pairs, not refreshed", total=formats.number(state.total))
        if state.at is None:
            return _("{total} pairs", total=formats.number(state.total)) if state.total else _("No pair known yet")
        ago = formats.how_long_ago(state.at, self._app.clock.now())
        return _("{total} pairs · {ago}", total=formats.number(state.total), ago=ago)

    async def _refresh(self) -> None:
        try:
            news = await self._app.catalog.refresh(self.exchange)
        except AristobotError as error:
            words = _("The pairs of {exchange} could not be read.", exchange=self.exchange.capitalize())
            complain(f"{words} {explain(error)}")
        else:
            counts = {name: formats.number(getattr(news, name)) for name in ("total", "added", "changed", "removed")}
            title = self.exchange.capitalize()
            say(_("{exchange}: {total} pairs, {added} new, {changed} changed, {removed} gone.", exchange=title, **counts))
