"""The answer of a model: how it comes, how it ends, and what can be done with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from components import formats
from components.assistant_draft import Desk, DraftCard
from components.assistant_form import ACCOUNT
from components.buttons import main_button, quiet_button
from components.focus import focus
from components.live import Live
from components.notice import notice
from components.plain_markdown import rendered
from components.stream_text import StreamText
from components.viewer import Viewer
from components.words import Words
from services.ai_fault import AiFault
from services.assistant import Answer, Outgoing

if TYPE_CHECKING:
    from services.app import App


class AssistantTalk(ui.element):
    """Where what is sent, and what comes back, is shown; `back` leads to the next question."""

    def __init__(self, app: App, user: Viewer, live: Live, desk: Desk, back: Callable[[], None]) -> None:
        super().__init__("div")
        self._app, self._user, self._live, self._desk, self._back = app, user, live, desk, back
        self._asking: asyncio.Task[None] | None = None
        self._draft: DraftCard | None = None
        self._turn = 0
        self.classes("assistant-stage")

    def empty(self) -> None:
        """Show nothing; an answer that is on its way is stopped."""
        self.stop()
        self._turn += 1
        self._draft = None
        self.clear()

    async def compare(self) -> None:
        """The editor's text has changed: compare the draft anew."""
        if self._draft is not None:
            await self._draft.compare()

    def send(self, shown: Outgoing) -> None:
        """Exactly once, however often it is pressed."""
        if self._asking is not None:
            return
        self.empty()
        with self:
            with ui.element("div").classes("line"):
                ui.spinner(size="20px").props("aria-hidden=true")
                words = _("{model} at {host} is answering…", model=shown.place.model, host=shown.place.host)
                Words("span", words, "grow").props("role=status").mark("assistant-asking")
                halt = quiet_button(_("Stop the answer"), "stop", lambda: self._stopped(shown, stream)).mark("assistant-stop")
            stream = StreamText().mark("assistant-stream")
        focus(halt)
        self._asking = self._live.beside(self._ask(shown, stream), "assistant")

    def stop(self) -> None:
        """Cut the line to the provider, if there is one."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    async def _ask(self, shown: Outgoing, stream: StreamText) -> None:
        try:
            answer = await self._app.assistant.answer(self._user.id, shown, stream.push, self._desk.strategy_id)
        except AristobotError as error:
            self._asking = None
            self._end(shown, stream.text, explain(error), "bad", cure=isinstance(error, AiFault))
            return
        self._asking = None
        await self.show(answer)

    def _stopped(self, shown: Outgoing, stream: StreamText) -> None:
        self.stop()
        self._end(shown, stream.text, _("Stopped. The line to the provider is cut."), "")

    def _end(self, shown: Outgoing, heard: str, words: str, kind: str, *, cure: bool = False) -> None:
        """It came to no good end: why, what came so far, and what can be done."""
        self.empty()
        with self:
            notice(words, kind).mark("assistant-fault")
            if heard:
                count = formats.number(len(heard))
                Words("h3", _("What came before that, {count} characters").format(count=count))
                Words("pre", heard, "code mono").props("tabindex=0").mark("assistant-heard")
            with ui.element("div").classes("line assistant-foot"):
                quiet_button(_("Change the question"), "edit", self._back).mark("assistant-again")
                if cure:
                    quiet_button(_("AI provider"), "settings", lambda: ui.navigate.to(ACCOUNT)).mark("assistant-cure")
                main_button(_("Send again"), "send", lambda: self.send(shown)).mark("assistant-resend")

    async def show(self, answer: Answer) -> None:
        """What the model said, and its draft."""
        code, turn = answer.draft.code.strip() if answer.draft is not None else "", self._turn
        here = _("The code of the draft stands below.")
        drawn = await asyncio.to_thread(
            rendered, answer.text, lambda block: here if code and block.text.strip() == code else None
        )
        if self.is_deleted or turn != self._turn:
            return  # something else is shown by now, of another strategy even
        self.empty()
        with self:
            text = ui.html(drawn)
            text.classes("answer").props("role=status").mark("assistant-answer")
            if answer.draft is not None:
                self._draft = DraftCard(answer.draft, self._app.strategies.trials, self._desk, self._draft_done)
            with ui.element("div").classes("line assistant-foot"):
                quiet_button(_("Ask something else"), "edit", self._back).mark("assistant-again")
        if self._draft is not None:
            await self._draft.show()

    def _draft_done(self) -> None:
        self._draft = None
