"""The assistant beside the editor: ask, see what would leave, send it, watch the answer come, take its draft or leave it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError, InvalidInput
from aristobot.language import _, explain
from components import formats
from components.assistant_draft import Desk, DraftCard
from components.assistant_form import ACCOUNT, AssistantForm, nobody_to_ask
from components.assistant_outgoing import show_outgoing
from components.buttons import main_button, quiet_button
from components.live import Live
from components.notice import notice
from components.plain_markdown import rendered
from components.stream_text import StreamText
from components.viewer import Viewer
from components.words import Words, labelled
from services.ai_fault import AiFault
from services.assistant import Answer, Outgoing
from services.assistant_prompts import Task

if TYPE_CHECKING:
    from services.app import App

#: Below the editor, where there is no room beside it, it would open out of sight.
_IN_SIGHT = "if (innerWidth <= 1180) getHtmlElement(%d)?.scrollIntoView({ behavior: 'smooth' })"
_FOCUS = """setTimeout(() => {
    const found = getHtmlElement(%d);
    (found?.matches("button, textarea") ? found : found?.querySelector("textarea"))?.focus({ preventScroll: true });
}, 50)"""


class AssistantPanel(ui.element):
    """One thing at a time: the form, what would leave, the answer. It saves nothing and runs nothing."""

    def __init__(self, app: App, user: Viewer, live: Live, desk: Desk) -> None:
        super().__init__("aside")
        self._app, self._user, self._live, self._desk = app, user, live, desk
        self._asking: asyncio.Task[None] | None = None
        self._draft: DraftCard | None = None
        self._ready = False
        self.classes("panel assistant").mark("assistant").set_visibility(False)
        labelled(self, _("Assistant"))
        with self:
            with ui.element("div").classes("panel-head"):
                Words("h2", _("Assistant"))
                self._tag = Words("span", "", "tag quiet").mark("assistant-model")
                labelled(ui.button(icon="close", on_click=self.toggle).props("flat round dense"), _("Close"))
            with ui.element("div").classes("panel-body"):
                self._form = AssistantForm(self._look, self.look)
                self._stage = ui.element("div").classes("assistant-stage")

    async def toggle(self) -> None:
        """Show it, or put it away; an answer that is on its way is stopped then."""
        self.set_visibility(not self.visible)
        if not self.visible:
            self.reset()
            return
        self.client.run_javascript(_IN_SIGHT % self.id)
        await self._welcome()

    def reset(self) -> None:
        """Another strategy is open: what was answered belongs to the one before."""
        self._stop()
        if self._ready:
            self._turn_to_form()

    async def look(self) -> None:
        """The editor's text has changed."""
        if not self.visible:
            return
        if self._form.visible:
            self._form.tell_remarks(await self._desk.remarks())
        if self._draft is not None:
            await self._draft.compare()

    # ------------------------------------------------------------------ asking

    async def _welcome(self) -> None:
        """Say whom it would ask; without a provider lead to where one is chosen."""
        try:
            place = await self._app.accounts.profiles.ai.place(self._user.id)
            self._ready = True
        except InvalidInput:
            self._ready = False
            self._tag.set_text(_("not set up"))
            self._clear()
            self._form.set_visibility(False)
            with self._stage:
                nobody_to_ask()
            return
        self._tag.set_text(place.model)
        self._turn_to_form()
        self._form.tell_remarks(await self._desk.remarks())
        self._focus(self._form.words)

    def _turn_to_form(self) -> None:
        self._clear()
        self._form.set_visibility(True)

    def _clear(self) -> None:
        self._draft = None
        self._stage.clear()

    async def _look(self) -> None:
        """Show what would leave."""
        form = self._form
        form.words.error = None
        found = await self._desk.remarks() if form.task is Task.FIX else ()
        try:
            question = await form.question(self._desk.text, found, self._user.login.language)
            shown = await self._app.assistant.preview(self._user.id, question)
        except InvalidInput as error:
            if error.field != "words":  # the provider was taken away meanwhile
                await self._welcome()
                return
            form.words.error = explain(error)
            self._focus(form.words)
            return
        self._show(shown)

    def _show(self, shown: Outgoing) -> None:
        self._clear()
        self._form.set_visibility(False)
        self._tag.set_text(shown.place.model)
        with self._stage:
            notice(_("Nothing has left yet. This is what would."))
            show_outgoing(shown)
            with ui.element("div").classes("line assistant-foot stays"):
                quiet_button(_("Back"), "arrow_back", self._back).mark("assistant-back")
                send = main_button(_("Send"), "send", lambda: self._send(shown)).mark("assistant-send")
        self._focus(send)

    def _back(self) -> None:
        self._turn_to_form()
        self._focus(self._form.words)

    # ------------------------------------------------------------------ answering

    def _send(self, shown: Outgoing) -> None:
        """Exactly once, however often it is pressed."""
        if self._asking is not None:
            return
        self._clear()
        with self._stage:
            with ui.element("div").classes("line"):
                ui.spinner(size="20px").props("aria-hidden=true")
                words = _("{model} at {host} is answering…", model=shown.place.model, host=shown.place.host)
                Words("span", words, "grow").props("role=status").mark("assistant-asking")
                stop = quiet_button(_("Stop the answer"), "stop", lambda: self._stopped(shown, stream)).mark("assistant-stop")
            stream = StreamText().mark("assistant-stream")
        self._focus(stop)
        self._asking = self._live.beside(self._ask(shown, stream), "assistant")

    async def _ask(self, shown: Outgoing, stream: StreamText) -> None:
        try:
            answer = await self._app.assistant.answer(self._user.id, shown, stream.push)
        except AristobotError as error:
            self._asking = None
            self._failed(error, shown, stream.text)
            return
        self._asking = None
        await self._answered(answer)

    def _stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _stopped(self, shown: Outgoing, stream: StreamText) -> None:
        self._stop()
        self._end(shown, stream.text, _("Stopped. The line to the provider is cut."), "")

    def _failed(self, error: AristobotError, shown: Outgoing, heard: str) -> None:
        self._end(shown, heard, explain(error), "bad", cure=isinstance(error, AiFault))

    def _end(self, shown: Outgoing, heard: str, words: str, kind: str, *, cure: bool = False) -> None:
        """It came to no good end: why, what came so far, and what can be done."""
        self._clear()
        with self._stage:
            notice(words, kind).mark("assistant-fault")
            if heard:
                count = formats.number(len(heard))
                Words("h3", _("What came before that, {count} characters").format(count=count))
                Words("pre", heard, "code mono").props("tabindex=0").mark("assistant-heard")
            with ui.element("div").classes("line assistant-foot"):
                quiet_button(_("Change the question"), "edit", self._back).mark("assistant-again")
                if cure:
                    quiet_button(_("AI provider"), "settings", lambda: ui.navigate.to(ACCOUNT)).mark("assistant-cure")
                main_button(_("Send again"), "send", lambda: self._send(shown)).mark("assistant-resend")

    async def _answered(self, answer: Answer) -> None:
        self._clear()
        code = answer.draft.code.strip() if answer.draft is not None else ""
        here = _("The code of the draft stands below.")
        with self._stage:
            text = ui.html(rendered(answer.text, lambda block: here if code and block.text.strip() == code else None))
            text.classes("answer").props("role=status").mark("assistant-answer")
            if answer.draft is not None:
                self._draft = DraftCard(answer.draft, self._app.strategies.trials, self._desk, self._draft_done)
            with ui.element("div").classes("line assistant-foot"):
                quiet_button(_("Ask something else"), "edit", self._back).mark("assistant-again")
        if self._draft is not None:
            await self._draft.show()

    def _draft_done(self) -> None:
        self._draft = None

    def _focus(self, element: ui.element) -> None:
        """Put the keyboard there, once it is drawn."""
        self.client.run_javascript(_FOCUS % element.id)
