"""What the assistant is asked for: the task, the user's words, and whether the editor's code goes along."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from aristobot.diagnostics import Diagnostic
from aristobot.language import _
from components.buttons import main_button
from components.empty_state import empty_state
from components.words import Words, labelled
from services.assistant_prompts import Question, Task
from services.assistant_runs import Fall

ACCOUNT = "/account"


def nobody_to_ask() -> None:
    """What stands in place of the form until a provider is chosen."""
    words = _("Choose an AI provider first: OpenRouter, Ollama on a machine of yours, or another. Until then nothing leaves.")
    with empty_state("smart_toy", _("Nobody to ask yet"), words):
        main_button(_("Choose a provider"), "settings", lambda: ui.navigate.to(ACCOUNT)).mark("choose-provider")


class AssistantForm(ui.element):
    """What is typed stays from one question to the next, for each task its own. `look` and `chosen` are told what was pressed."""

    def __init__(self, look: Callable[[], Awaitable[None]], chosen: Callable[[], Awaitable[None]]) -> None:
        super().__init__("div")
        self.classes("assistant-form").mark("assistant-form")
        self._chosen = chosen
        self._task = Task.WRITE
        self._typed: dict[Task, str] = {}
        self._cards: dict[Task, ui.element] = {}
        with self:
            with labelled(ui.element("div").classes("tasks").props("role=radiogroup"), _("What should the assistant do?")):
                for task, (title, icon) in _tasks().items():
                    self._card(task, title, icon)
            self._about = Words("p", "", "muted small")
            self.words = ui.textarea().props("outlined autogrow hide-bottom-space maxlength=60000").classes("assistant-words")
            self.words.mark("assistant-words").on("keydown.ctrl.enter", look).on("keydown.meta.enter", look)
            self._with_code = ui.switch(_("Send the editor's code along"), value=True).mark("assistant-with-code")
            self._remarks = Words("p", "", "muted small").mark("assistant-remarks")
            self.button = main_button(_("See what would leave"), "visibility", look).mark("assistant-look")
        self._choose(self._task)

    def question(self, code: str, found: Sequence[Diagnostic], fell: Fall | None, language: str) -> Question:
        """What is asked for now."""
        task, words = self._task, str(self.words.value or "")
        if task is Task.FIX:
            return Question(task, words, code, tuple(found), fell, language)
        along = task is Task.EXPLAIN or (task is Task.WRITE and bool(self._with_code.value))
        return Question(task, words, code if along else "", language=language)

    @property
    def task(self) -> Task:
        """The task that is chosen."""
        return self._task

    def tell_remarks(self, found: Sequence[Diagnostic], fell: Fall | None) -> None:
        """Say which remarks would go along, and whether the error of a run does."""
        count, parts = len(found), list[str]()
        if count:
            parts.append(_("One remark goes along.") if count == 1 else _("{count} remarks go along.", count=count))
        if fell is not None:
            parts.append(_("So does the error of the last run, without its figures."))
        words = " ".join(parts) or _("No remark stands below the editor: write what goes wrong, or try the strategy first.")
        self._remarks.set_text(words if self._task is Task.FIX else "")

    def _card(self, task: Task, title: str, icon: str) -> None:
        card = ui.element("button").props("type=button role=radio").classes("task").mark(f"task-{task.value}")
        card.on("click", lambda: self._pressed(task))
        self._cards[task] = card
        with card:
            ui.icon(icon).props("aria-hidden=true")
            Words("span", title)

    async def _pressed(self, task: Task) -> None:
        self._typed[self._task] = str(self.words.value or "")
        self._choose(task)
        self.words.set_value(self._typed.get(task, ""))
        await self._chosen()

    def _choose(self, task: Task) -> None:
        self._task = task
        for one, card in self._cards.items():
            card.props["aria-checked"] = "true" if one is task else "false"
        about, label = _words_of(task)
        self._about.set_text(about)
        self.words.props["label"] = label
        self.words.error = None
        self._with_code.set_visibility(task is Task.WRITE)
        self._remarks.set_visibility(task is Task.FIX)


def _tasks() -> dict[Task, tuple[str, str]]:
    return {
        Task.WRITE: (_("Write"), "edit_note"),
        Task.EXPLAIN: (_("Explain"), "school"),
        Task.FIX: (_("Mend"), "build"),
        Task.PINE: (_("Pine to Python"), "translate"),
    }


def _words_of(task: Task) -> tuple[str, str]:
    """What a task does, and what its field is called."""
    return {
        Task.WRITE: (_("Writes a strategy from your words, or changes the one in the editor."), _("What should it do?")),
        Task.EXPLAIN: (_("Explains the code in the editor, its weaknesses too."), _("Your question, if you have one")),
        Task.FIX: (_("Mends what the remarks below the editor say."), _("What goes wrong, if you know more")),
        Task.PINE: (_("Turns a script of TradingView into a strategy."), _("Pine script")),
    }[task]
