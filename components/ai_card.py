"""Whom the assistant asks: OpenRouter, Ollama at home, or any address that speaks OpenAI's protocol; its key only goes in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.store.tables import User
from components import formats
from components.buttons import main_button, quiet_button
from components.confirm import complain, say
from components.form import submitting, text_field
from components.notice import notice
from components.page_head import Part, panel
from components.reauth import reauthenticated
from components.viewer import Viewer, for_traders
from components.words import Words
from services.ai_provider import PROVIDERS, AiTrial

if TYPE_CHECKING:
    from services.app import App

NOBODY = ""
#: Models offered while one is typed; OpenRouter has hundreds.
_MOST_MODELS = 400


class AiCard(Part[User]):
    """The panel; `await show()` fills in what is kept."""

    def __init__(self, app: App, user: Viewer) -> None:
        self._app = app
        self._user = user
        with panel(_("AI provider")) as head, ui.element("div").classes("panel-body"):
            words = _("Helps to write strategies; what you ask leaves for this address, and nothing else does.")
            ui.label(words).classes("muted")
            self._draw_fields()
            self._result = ui.element("div").props("aria-live=polite").mark("ai-result")
            with ui.element("div").classes("line"):
                self._save = for_traders(main_button(_("Save"), on_click=self._keep), user).mark("save-ai")
                self._test = for_traders(quiet_button(_("Try it"), "network_check", self._try), user).mark("test-ai")
                self._forget = for_traders(quiet_button(_("Forget the key"), "key_off", self._forget_key), user)
                self._forget.mark("forget-ai-key").set_visibility(False)
        with head:
            self._tag = Words("span", "", "tag quiet")

    def _draw_fields(self) -> None:
        choices = {NOBODY: _("Nobody")} | {name: one.title for name, one in PROVIDERS.items()}
        choices["compatible"] = _("Another that speaks OpenAI's protocol")
        with ui.element("div").classes("fields"):
            self._provider = ui.select(choices, value=NOBODY, label=_("Provider"), on_change=self._chosen)
            self._provider.props("outlined options-dense").mark("ai-provider")
            self._model = ui.input(_("Model"), autocomplete=[]).props("outlined hide-bottom-space autocomplete=off maxlength=128")
            self._model.mark("ai-model")
            self._url = text_field(_("Address")).props("maxlength=255").classes("whole").mark("ai-url")
            self._key = text_field(_("Key"), secret=True, autocomplete="new-password").classes("whole").mark("ai-key")
        for field in (self._provider, self._model, self._url, self._key):
            for_traders(field, self._user)

    @classmethod
    async def read(cls, app: App, user: Viewer) -> User:
        """What is kept."""
        return await app.accounts.household.get(user.id)

    def draw(self, found: User) -> None:
        """Draw what is kept; of the key only that there is one."""
        self._provider.set_value(found.ai_provider or NOBODY)
        self._url.set_value(found.ai_url or "")
        self._model.set_value(found.ai_model or "")
        self._kept(found)
        self._chosen()

    def _kept(self, row: User) -> None:
        self._key.set_value("")
        there = row.ai_key_sealed is not None
        words = _("A key is stored; leave this empty to keep it.") if there else _("It is sealed, and never shown.")
        self._key.props["hint"] = words
        self._forget.set_visibility(there)
        provider = PROVIDERS.get(row.ai_provider or "")
        self._tag.set_text(provider.title if provider is not None else _("Not set up"))
        self._tag.classes(replace="tag good" if provider is not None else "tag quiet")

    def _chosen(self) -> None:
        provider = PROVIDERS.get(str(self._provider.value))
        for field in (self._url, self._model, self._key):
            field.set_visibility(provider is not None)
        self._test.set_visibility(provider is not None)
        self._url.props["placeholder"] = provider.url if provider is not None else ""
        self._url.props["stack-label"] = bool(provider is not None and provider.url)
        self._result.clear()

    def _form(self) -> dict[str, Any]:
        chosen = bool(self._provider.value)
        form = {"ai_provider": self._provider.value or None, "ai_url": self._url.value if chosen else None}
        form["ai_model"] = self._model.value if chosen else None
        return form | ({"ai_key": self._key.value} if chosen and self._key.value else {})

    def _fields(self) -> dict[str, Any]:
        return {"ai_provider": self._provider, "ai_url": self._url, "ai_model": self._model, "ai_key": self._key}

    async def _keep(self) -> None:
        if not await reauthenticated(self._app, self._user):
            return
        async with submitting(self._save, self._fields()):
            self._kept(await self._app.accounts.profiles.update(self._user.id, self._form(), self._user.actor))
            say(_("Saved."))

    async def _forget_key(self) -> None:
        try:
            self._kept(await self._app.accounts.profiles.update(self._user.id, {"ai_key": None}, self._user.actor))
        except AristobotError as error:
            complain(error)

    async def _try(self) -> None:
        """Try what stands in the form, saved or not."""
        self._result.clear()
        async with submitting(self._test, self._fields()):
            trial = await self._app.accounts.profiles.ai.try_out(self._user.id, self._form())
            self._model.set_autocomplete(list(trial.models[:_MOST_MODELS]))
            with self._result:
                _tell(trial, asked=bool(self._model.value))


def _tell(trial: AiTrial, *, asked: bool) -> None:
    if not trial.ok:
        notice(explain(trial.reason, trial.facts), "bad")
        return
    took = formats.number(round(trial.milliseconds))
    if asked:
        notice(_("The model answers, in {milliseconds} ms.", milliseconds=took))
    else:
        words = _("The provider answers in {milliseconds} ms and offers {count} models: choose one.")
        notice(words.format(milliseconds=took, count=formats.number(len(trial.models))))
