"""Single keys that do something on a page, and the list of them behind `?`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping

from nicegui import events, ui

from aristobot.language import _
from components.buttons import main_button
from components.confirm import dialog_card, take_away
from components.words import Words

Do = Callable[[], Awaitable[object] | object]


class Shortcuts(ui.element, component="shortcuts.js"):
    """`Shortcuts({"p": (_("Pause"), pause)})`: keys that act while this element is there.

    They are silent while the user writes or a dialog is open.
    """

    def __init__(self, entries: Mapping[str, tuple[str, Do]]) -> None:
        super().__init__()
        self.entries = dict(entries)
        self._props["keys"] = list(self.entries)
        self.on("pressed", self._pressed)

    async def _pressed(self, event: events.GenericEventArguments) -> None:
        known = self.entries.get(event.args["key"])
        if known is not None:
            pending = known[1]()
            if inspect.isawaitable(pending):
                await pending


def show_shortcuts() -> None:
    """Open the list of every key that acts now: those of the house, then those of the page."""
    here = [one for one in ui.context.client.elements.values() if isinstance(one, Shortcuts)]
    with dialog_card(_("Keyboard")) as dialog:
        with ui.element("div").classes("dialog-body"), ui.element("dl").classes("facts short keys"):
            _line(_("Go anywhere, do anything"), _("Ctrl"), "K")
            for shortcuts in here:
                for key, (words, _do) in shortcuts.entries.items():
                    _line(words, key)
        with ui.element("div").classes("dialog-foot"):
            main_button(_("Close"), on_click=dialog.close)
    dialog.on("hide", lambda: take_away(dialog))
    dialog.open()


def _line(words: str, *keys: str) -> None:
    with ui.element("dt"):
        for key in keys:
            Words("kbd", key.upper() if len(key) == 1 else _("Esc") if key == "Escape" else key)
    Words("dd", words)
