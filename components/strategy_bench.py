"""Where one strategy is written: the editor, its remarks, its trial; what is typed is never lost."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicegui import background_tasks, ui

from aristobot.errors import AristobotError, Conflict, NotFound
from aristobot.language import _
from aristobot.store.strategy_tables import StrategyRow, StrategyVersion
from components.assistant_panel import AssistantPanel
from components.bench_checks import BenchChecks
from components.bench_head import BenchHead
from components.code_editor import CodeEditor
from components.confirm import complain, confirm, say
from components.draft_line import DraftLine
from components.live import Live
from components.strategy_versions import VersionsDialog
from components.viewer import Viewer
from components.words import Words

if TYPE_CHECKING:
    from services.app import App

#: Seconds of silence before a text is looked over, and before it is kept as a draft.
LOOK_AFTER, KEEP_AFTER = 0.3, 0.9


class StrategyBench(ui.element):
    """One strategy at a time. A draft is kept by the house a moment after the last key, and by the browser at once."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        super().__init__("div")
        self._app, self._user, self._live = app, user, live
        self._row: StrategyRow | None = None
        self._saved: list[StrategyVersion] = []
        self._of = 0
        self._revision = self._kept = 0
        self.classes("bench").set_visibility(False)
        with self:
            with ui.element("section").classes("panel editor-panel"):
                self._head = BenchHead(app, user, self)
                self._draft = DraftLine(self.discard)
                self._editor = CodeEditor(_("Code of the strategy"), self._typed, self._found_copy)
                if not user.may_trade:
                    self._editor.field.disable()
                keys = _("Ctrl-S saves · Ctrl-Space suggests · F8 next remark · Esc then Tab leaves the editor")
                Words("div", keys, "panel-foot key-hint")
            self._checks = BenchChecks(app, user, self._editor)
            self._assistant = AssistantPanel(app, user, live, self._checks)

    @property
    def row(self) -> StrategyRow | None:
        """The strategy that is open."""
        return self._row

    @property
    def text(self) -> str:
        """What stands in the editor."""
        return self._editor.text

    async def assist(self) -> None:
        """Show the assistant beside the editor, or put it away."""
        await self._assistant.toggle()

    @property
    def newest(self) -> StrategyVersion | None:
        """Its newest version."""
        return self._saved[0] if self._saved else None

    @property
    def unsaved(self) -> bool:
        """Whether the editor holds something that is no version."""
        return self._row is not None and self.newest is not None and self.text != _text_of(self._saved, self._of)

    async def open(self, strategy_id: uuid.UUID) -> bool:
        """Show a strategy, its draft if it has one; False when it is not there."""
        await self._keep()
        desk = self._app.strategies
        try:
            row = await desk.get(self._user.id, strategy_id)
            saved = await desk.versions(self._user.id, strategy_id)
        except NotFound as error:
            complain(error)
            return False
        other = self._row is None or self._row.id != row.id
        self._row, self._saved, newest = row, saved, saved[0]
        self._of = row.draft_of if row.draft is not None else newest.number
        text = row.draft if row.draft is not None else newest.code
        self._revision = self._kept = self._revision + 1
        self.set_visibility(True)
        self._editor.show(text, f"aristobot.draft.{self._user.id.hex}.{row.id.hex}")
        self._draft.show(self._row, newest)
        self._head.show()
        self._checks.begin(newest)
        if other:
            self._assistant.reset()
        await self._checks.look()
        await self._assistant.look()
        return True

    def close(self) -> None:
        """Nothing is open."""
        self._row, self._saved = None, []
        self._assistant.reset()
        self.set_visibility(False)

    async def refresh(self) -> None:
        """It was renamed, saved elsewhere, or tried: the head and the versions are read anew, the text stays."""
        asked = self._row
        if asked is None:
            return
        try:
            row = await self._app.strategies.get(self._user.id, asked.id)
            saved = await self._app.strategies.versions(self._user.id, asked.id)
        except NotFound:
            return
        if self._row is None or self._row.id != asked.id:
            return  # another one was opened meanwhile: its text must never stand under this name
        self._row, self._saved = row, saved
        self._head.show()

    # ------------------------------------------------------------------ what is typed

    def _typed(self) -> None:
        if self._row is None:
            return
        self._revision += 1
        self._head.show()
        self._live.beside(self._later(self._revision), "strategy draft")

    def take(self, code: str) -> None:
        """Put another text in, as if it had been typed."""
        self._editor.replace(code)

    def _found_copy(self, text: str) -> None:
        """The browser has a text that never reached the house."""
        if self._row is None or not self._user.may_trade:
            return
        self._editor.replace(text)
        say(_("What you had typed before the connection was lost is back."))

    async def _later(self, revision: int) -> None:
        await self._app.clock.sleep(LOOK_AFTER)
        if revision == self._revision:
            await self._checks.look()
            await self._assistant.look()
        await self._app.clock.sleep(KEEP_AFTER - LOOK_AFTER)
        if revision == self._revision:
            await self._keep()

    async def _keep(self) -> None:
        """Let the house remember what is not saved."""
        row, text, revision = self._row, self.text, self._revision
        if row is None or revision == self._kept or not self._user.may_trade:
            return
        try:
            if text == _text_of(self._saved, self._of):
                await self._app.strategies.drop_draft(self._user.id, row.id)
            else:
                await self._app.strategies.keep_draft(self._user.id, row.id, text, self._of)
        except AristobotError as error:
            complain(error)
            return
        self._kept = revision
        if not self.is_deleted:
            self._editor.settled(text)

    def _handle_delete(self) -> None:
        if self._row is not None and self._revision != self._kept:  # the page goes before the moment is over
            background_tasks.create(self._keep(), name="strategy draft")
        super()._handle_delete()

    async def discard(self) -> None:
        """Go back to the newest version, after asking."""
        row = self._row
        if row is None or not await confirm(_("Discard the draft?"), _("What is not saved is gone then."), _("Discard")):
            return
        await self._app.strategies.drop_draft(self._user.id, row.id)
        self._kept = self._revision
        self._editor.settled(self.text)
        await self.open(row.id)

    # ------------------------------------------------------------------ saving and trying

    async def save(self) -> None:
        """The text as the next version, tried at once. Saved elsewhere meanwhile: the user is asked."""
        row, text = self._row, self.text
        if row is None or not self._user.may_trade:
            return
        with self._head.saving():
            saved = await self._stored(row, text)
        if saved is None or self.is_deleted or self._row is None or self._row.id != row.id:
            return
        self._of, self._kept = saved.number, self._revision
        self._draft.hide()
        self._editor.settled(text)
        await self.refresh()
        say(_("Saved as version {number}.", number=saved.number))
        if saved.review is None:
            self._live.beside(self._try_saved(saved), "trial of a version")

    async def _stored(self, row: StrategyRow, text: str) -> StrategyVersion | None:
        desk = self._app.strategies
        try:
            return await desk.save(self._user.id, row.id, text, based_on=self._of)
        except Conflict:
            words = _("Another version was saved elsewhere since you began. Yours becomes the newest; the other one stays.")
            if not await confirm(_("Save all the same?"), words, _("Save"), dangerous=False):
                return None
            return await desk.save(self._user.id, row.id, text)
        except AristobotError as error:
            complain(error)
            return None

    async def try_it(self) -> None:
        """Try what stands in the editor; a saved version keeps what was found."""
        newest = self.newest
        with self._head.trying():
            await self._checks.run(newest if newest is not None and newest.code == self.text else None)

    async def _try_saved(self, version: StrategyVersion) -> None:
        with self._head.trying():
            await self._checks.run(version)

    async def compare(self, number: int) -> None:
        """Show a version beside what stands in the editor, or beside its neighbour when it is the newest, unchanged."""
        if self._row is None or not self._saved:
            return
        right = 0 if self.unsaved or number != self._saved[0].number else number
        left = number - 1 if right and number > 1 else number
        take = self.take if self._user.may_trade else None
        await VersionsDialog(self._row.name, self._saved, self.text, take).open(left, right)


def _text_of(saved: Sequence[StrategyVersion], number: int) -> str:
    """The text of the version that is being changed."""
    return next((one.code for one in saved if one.number == number), "")
