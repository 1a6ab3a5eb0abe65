"""The assistant beside the editor: ask, see what would leave, send it, watch the answer come, take its draft or leave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import InvalidInput
from aristobot.language import _, explain
from components.assistant_draft import Desk
from components.assistant_form import AssistantForm, nobody_to_ask
from components.assistant_outgoing import show_outgoing
from components.assistant_talk import AssistantTalk
from components.buttons import main_button, quiet_button
from components.focus import focus
from components.live import Live
from components.notice import notice
from components.viewer import Viewer
from components.words import Words, labelled
from services.assistant import Answer, Outgoing
from services.assistant_prompts import Task

if TYPE_CHECKING:
    from aristobot.diagnostics import Diagnostic
    from services.app import App
    from services.assistant_runs import Fall

#: Below the editor, where there is no room beside it, it would open out of sight.
_IN_SIGHT = "if (innerWidth <= 1180) getHtmlElement(%d)?.scrollIntoView({ behavior: 'smooth' })"


class AssistantPanel(ui.element):
    """One thing at a time: the form, what would leave, the answer. It saves nothing and runs nothing."""

    def __init__(self, app: App, user: Viewer, live: Live, desk: Desk) -> None:
        super().__init__("aside")
        self._app, self._user, self._desk = app, user, desk
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
                with self._form:
                    self._again = quiet_button(_("The last answer"), "history", self._show_again).mark("assistant-last")
                self._talk = AssistantTalk(app, user, live, desk, self._back)

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
        if self._ready:
            self._turn_to_form()

    async def look(self) -> None:
        """The editor's text has changed, or the task."""
        if not self.visible:
            return
        if self._form.visible:
            self._form.tell_remarks(*await self._trouble())
        await self._talk.compare()

    async def _welcome(self) -> None:
        """Say whom it would ask; without a provider lead to where one is chosen."""
        try:
            place = await self._app.accounts.profiles.ai.place(self._user.id)
            self._ready = True
        except InvalidInput:
            self._ready = False
            self._tag.set_text(_("not set up"))
            self._talk.empty()
            self._form.set_visibility(False)
            with self._talk:
                nobody_to_ask()
            return
        self._tag.set_text(place.model)
        self._turn_to_form()
        self._form.tell_remarks(*await self._trouble())
        focus(self._form.words)

    def _turn_to_form(self) -> None:
        self._talk.empty()
        self._form.set_visibility(True)
        self._again.set_visibility(self._last() is not None)

    def _last(self) -> Answer | None:
        strategy_id = self._desk.strategy_id
        return self._app.assistant.last_answer(self._user.id, strategy_id) if strategy_id is not None else None

    async def _show_again(self) -> None:
        """What came back before: it outlives a reload of the page."""
        last = self._last()
        if last is not None:
            self._form.set_visibility(False)
            await self._talk.show(last)

    def _back(self) -> None:
        self._turn_to_form()
        focus(self._form.words)

    async def _trouble(self) -> tuple[Sequence[Diagnostic], Fall | None]:
        """What is known to go wrong, when that is to be mended."""
        if self._form.task is not Task.FIX or self._desk.strategy_id is None:
            return (), None
        return await self._desk.remarks(), await self._app.assistant.last_fall(self._user.id, self._desk.strategy_id)

    async def _look(self) -> None:
        """Show what would leave."""
        form = self._form
        form.words.error = None
        try:
            question = form.question(self._desk.text, *await self._trouble(), self._user.login.language)
            shown = await self._app.assistant.preview(self._user.id, question)
        except InvalidInput as error:
            if error.field != "words":  # the provider was taken away meanwhile
                await self._welcome()
                return
            form.words.error = explain(error)
            focus(form.words)
            return
        self._show(shown)

    def _show(self, shown: Outgoing) -> None:
        self._talk.empty()
        self._form.set_visibility(False)
        self._tag.set_text(shown.place.model)
        with self._talk:
            notice(_("Nothing has left yet. This is what would."))
            show_outgoing(shown)
            with ui.element("div").classes("line assistant-foot stays"):
                quiet_button(_("Back"), "arrow_back", self._back).mark("assistant-back")
                send = main_button(_("Send"), "send", lambda: self._talk.send(shown)).mark("assistant-send")
        focus(send)
