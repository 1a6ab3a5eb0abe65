"""Below the editor: what the checks remark while it is written, and how the trial went."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.diagnostics import Diagnostic, Severity
from aristobot.errors import AristobotError
from aristobot.store.strategy_tables import StrategyVersion
from components.code_editor import CodeEditor
from components.confirm import complain
from components.findings import Findings, TrialResult
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App
    from services.strategy_review import Review


class BenchChecks:
    """What a trial found stands among the remarks for as long as the text is the one that was tried.

    `strategy_id` is the strategy that is open.
    """

    def __init__(self, app: App, user: Viewer, editor: CodeEditor) -> None:
        self._trials, self._user, self._editor = app.strategies.trials, user, editor
        self._tried: tuple[str, list[Diagnostic]] | None = None
        self.strategy_id: uuid.UUID | None = None
        with ui.element("div").classes("bench-below") as self._place:
            self._findings = Findings(editor.jump)
            self._result = TrialResult()

    def begin(self, newest: StrategyVersion) -> None:
        """Another strategy is open: show what its newest version's trial found, when the editor shows that version."""
        self._tried = None
        self.strategy_id = newest.strategy_id
        self._result.never()
        if newest.review is not None and newest.code == self._editor.text:
            found = [Diagnostic(**{**one, "severity": Severity(one["severity"])}) for one in newest.review["diagnostics"]]
            self._tried = newest.code, found
            self._result.show(newest.review)

    async def look(self) -> None:
        """Look the present text over."""
        text = self._editor.text
        found = await self._trials.look_over(text)
        if self._place.is_deleted or text != self._editor.text:
            return
        if self._tried is not None and self._tried[0] == text:
            found = self._tried[1]
        elif self._tried is not None:
            self._tried = None
            self._result.never()
        self._show(text, found)

    @property
    def text(self) -> str:
        """What stands in the editor."""
        return self._editor.text

    def take(self, code: str) -> None:
        """Put another text in, as if it had been typed."""
        self._editor.replace(code)

    async def remarks(self) -> Sequence[Diagnostic]:
        """What there is to remark of the present text: what its trial found, else what reading it tells."""
        text = self._editor.text
        if self._tried is not None and self._tried[0] == text:
            return self._tried[1]
        return await self._trials.look_over(text)

    async def run(self, version: StrategyVersion | None) -> None:
        """Try a saved version, which keeps what was found, or else what stands in the editor."""
        text = self._editor.text if version is None else version.code
        self._result.running()
        try:
            if version is None:
                review = await self._trials.try_out(self._user.id, text)
            else:
                review = await self._trials.try_version(self._user.id, version)
        except AristobotError as error:
            complain(error)
            self._result.never()
            return
        if not self._place.is_deleted:
            self._tell(text, review)

    def _tell(self, text: str, review: Review) -> None:
        if text != self._editor.text:  # it was changed meanwhile
            self._result.never()
            return
        self._tried = text, list(review.diagnostics)
        self._result.show(review.document())
        self._show(text, review.diagnostics)

    def _show(self, text: str, found: Sequence[Diagnostic]) -> None:
        self._findings.show(found)
        self._editor.mark(text, found)
