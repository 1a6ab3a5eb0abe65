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


#: A dialog that is taken away cannot do this itself. For pages from now on; and once, when one has gone. While one is open,
#: the focus passes by the page on its way round, and by lists that open out of the dialog.
REMEMBER_FOCUS = (
    "document.addEventListener('focusin', e => {"
    " if (!document.querySelector('.q-dialog')) window.focusBeforeDialog = e.target; })"
)
#: What had the focus may have been drawn anew meanwhile: then to what bears its name.
_GIVE_FOCUS_BACK = """setTimeout(() => { const before = window.focusBeforeDialog, name = before?.ariaLabel;
  const now = before?.isConnected ? before : name && document.querySelector(`[aria-label="${CSS.escape(name)}"]`);
  if (document.activeElement === document.body) now?.focus(); }, 100)"""


async def answer_of(dialog: ui.dialog) -> Any:
    """Open a dialog and wait for what it submits: None when it was closed, or went with its page."""
    answer = await dialog
    take_away(dialog)
    return answer


def take_away(dialog: ui.dialog) -> None:
    """Delete a dialog that was closed, unless it is gone, and give the focus back to whom it took it from."""
    if not dialog.is_deleted:
        client = dialog.client
        dialog.delete()
        client.run_javascript(_GIVE_FOCUS_BACK)


def say(words: str) -> None:
    """A short message that something went well."""
    ui.notify(words, type="positive", position="bottom")


def complain(error: AristobotError | str) -> None:
    """Say in the user's language what went wrong and how to cure it."""
    words = explain(error) if isinstance(error, AristobotError) else error
    ui.notify(words, type="negative", position="bottom", multi_line=True, timeout=8000, close_button=_("Close"))
