"""The draft that a model proposes: looked over by the same checks, compared with the editor, taken over or thrown away."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from nicegui import ui

from aristobot.code_diff import DiffRow, compared, counted
from aristobot.diagnostics import Diagnostic, Severity
from aristobot.language import _, explain
from components.buttons import main_button, quiet_button
from components.code_compare import CodeCompare
from components.confirm import dialog_card, take_away
from components.findings import ICONS, tally
from components.notice import notice
from components.words import Words
from services.assistant_drafts import Draft

if TYPE_CHECKING:
    from services.strategy_trials import StrategyTrials

_MOST_REMARKS = 8


class Desk(Protocol):
    """What the assistant needs to know of the bench, and can ask of it. `strategy_id` is the strategy that is open."""

    strategy_id: uuid.UUID | None

    @property
    def text(self) -> str:
        """What stands in the editor."""

    async def remarks(self) -> Sequence[Diagnostic]:
        """What the checks, or the last trial, say of it."""

    def take(self, code: str) -> None:
        """Put another text in."""


class DraftCard(ui.element):
    """Nothing of it is saved or run; `done` is called once it was taken or thrown away."""

    def __init__(self, draft: Draft, trials: StrategyTrials, desk: Desk, done: Callable[[], None]) -> None:
        super().__init__("div")
        self.classes("draft-card").mark("draft-card")
        self._draft, self._trials, self._desk, self._done = draft, trials, desk, done
        self._rows: list[DiffRow] = []
        with self:
            with ui.element("div").classes("line"):
                Words("h3", _("Draft"))
                self._count = Words("span", "", "tag quiet").mark("draft-count")
                self._verdict = Words("span", "", "tag quiet").mark("draft-verdict")
            if not draft.whole:
                notice(_("The answer broke off inside the code: the draft is incomplete."), "warn")
            self._remarks = ui.element("ul").classes("draft-remarks").mark("draft-remarks")
            self._compare = CodeCompare().classes("narrow").mark("draft-compare")
            self._foot = ui.element("div").classes("line draft-foot")
        with self._foot:
            self._take = main_button(_("Put it into the editor"), "input", self._taken).mark("take-draft")
            quiet_button(_("Enlarge"), "open_in_full", self._enlarge).mark("enlarge-draft")
            quiet_button(_("Throw away"), "delete_outline", self._thrown).mark("drop-draft")

    async def show(self) -> None:
        """Look the draft over, and compare it with what stands in the editor now."""
        found = await self._trials.look_over(self._draft.code)
        if self.is_deleted:
            return
        words, tone = tally(found)
        self._verdict.set_text(words)
        self._verdict.classes(replace=f"tag {tone}")
        self._remarks.clear()
        worst = sorted(found, key=lambda one: (list(Severity).index(one.severity), one.line))
        with self._remarks:
            for one in worst[:_MOST_REMARKS]:
                with ui.element("li").classes(one.severity.value):
                    ui.icon(ICONS[one.severity]).props("aria-hidden=true")
                    Words("span", f"{_('Line {line}', line=one.line)} · {explain(one.code, one.facts)}")
        await self.compare()

    async def compare(self) -> None:
        """The editor's text has changed: compare anew."""
        before = self._desk.text
        rows = await asyncio.to_thread(compared, before, self._draft.code)
        if self.is_deleted or before != self._desk.text:
            return
        self._rows = rows
        came, went = counted(rows)
        self._count.set_text(_("+{came} −{went} lines", came=came, went=went) if rows else _("Nothing differs."))
        self._take.set_enabled(bool(rows))
        self._compare.show(rows)

    def _taken(self) -> None:
        self._desk.take(self._draft.code)
        self._end(_("It stands in the editor: not saved, not run. Ctrl-Z in the editor takes it back."))

    def _thrown(self) -> None:
        self._end(_("Thrown away. The editor is as it was."))

    def _end(self, words: str) -> None:
        self.clear()
        with self:
            notice(words).props("role=status").mark("draft-end")
        self._done()

    def _enlarge(self) -> None:
        with dialog_card(_("Draft beside the editor"), wide=True) as dialog:
            dialog.props("full-width")
            with ui.element("div").classes("dialog-body compare-body"):
                Words("span", self._count.text, "muted")
                CodeCompare().show(self._rows)
            with ui.element("div").classes("dialog-foot"):
                quiet_button(_("Throw away"), "delete_outline", lambda: self._close(dialog, self._thrown))
                main_button(_("Put it into the editor"), "input", lambda: self._close(dialog, self._taken)).mark(
                    "take-draft-wide"
                )
        dialog.on("hide", lambda: take_away(dialog))
        dialog.open()

    def _close(self, dialog: ui.dialog, do: Callable[[], None]) -> None:
        dialog.close()
        if not self.is_deleted:
            do()
