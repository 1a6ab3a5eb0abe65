"""Ask before something that cannot be taken back, and answer how it went."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from components.buttons import main_button, quiet_button
from components.words import Words, labelled


@contextmanager
def dialog_card(title: str, *, wide: bool = False) -> Iterator[ui.dialog]:
    """A dialog with a head and a way out; draw its body inside, then open it."""
    with labelled(ui.dialog(), title) as dialog, ui.card().classes("dialog wide" if wide else "dialog"):
        with ui.element("div").classes("dialog-head"):
            Words("h2", title)
            ui.button(icon="close", on_click=dialog.close).props(f'flat round dense aria-label="{_("Close")}"')
        yield dialog


async def confirm(title: str, words: str, action: str, *, dangerous: bool = True) -> bool:
    """Whether the user presses `action`; closing the dialog in any other way is a no."""
    with dialog_card(title) as dialog:
        with ui.element("div").classes("dialog-body"):
            ui.label(words)
        with ui.element("div").classes("dialog-foot"):
            quiet_button(_("Cancel"), on_click=lambda: dialog.submit(False)).props("autofocus")
            button = main_button(action, on_click=lambda: dialog.submit(True)).mark("confirm")
            if dangerous:
                button.props("color=negative text-color=white")
    return bool(await answer_of(dialog))


async def answer_of(dialog: ui.dialog) -> Any:
    """Open a dialog and wait for what it submits: None when it was closed, or went with its page."""
    answer = await dialog
    if not dialog.is_deleted:
        dialog.delete()
    return answer


def say(words: str) -> None:
    """A short message that something went well."""
    ui.notify(words, type="positive", position="bottom")


def complain(error: AristobotError | str) -> None:
    """Say in the user's language what went wrong and how to cure it."""
    words = explain(error) if isinstance(error, AristobotError) else error
    ui.notify(words, type="negative", position="bottom", multi_line=True, timeout=8000, close_button=_("Close"))
