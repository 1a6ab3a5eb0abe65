"""A new strategy: from a template, from nothing, or from a .py file."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from nicegui import events, ui

from aristobot.errors import AristobotError, InvalidInput
from aristobot.language import _
from aristobot.strategy_checks import LONGEST_TEXT
from aristobot.templates import TEMPLATES
from components.buttons import main_button, quiet_button
from components.confirm import complain, dialog_card, take_away
from components.form import submitting, text_field
from components.viewer import Viewer
from components.words import Words
from services.strategy_desk import LONGEST_NAME

if TYPE_CHECKING:
    from services.app import App

EMPTY = "empty"
_NOTHING = '''"""What it does, in a sentence."""


class MyStrategy(Strategy):
    timeframe = "1h"

    def should_long(self):
        return False

    def should_exit(self):
        return False

    def stop_loss_price(self):
        return self.price - 2 * ta.atr(self.candles, 14)
'''
Opened = Callable[[uuid.UUID], Awaitable[None]]


class NewStrategy:
    """The dialog; `opened(id)` is called with what was made."""

    def __init__(self, app: App, user: Viewer, opened: Opened) -> None:
        self._app = app
        self._user = user
        self._opened = opened
        self._chosen = TEMPLATES[0].name
        self._cards: dict[str, ui.element] = {}

    def open(self) -> None:
        """Show the templates, and a name to give."""
        with dialog_card(_("New strategy"), wide=True) as dialog:
            self._dialog = dialog
            with ui.element("div").classes("dialog-body"):
                self._name = text_field(_("Name"), _(TEMPLATES[0].title))
                self._name.props(f"maxlength={LONGEST_NAME} autofocus").mark("strategy-name")
                with ui.element("div").classes("templates").props("role=radiogroup"):
                    for one in TEMPLATES:
                        self._card(one.name, _(one.title), _(one.about))
                    about = _(
                        "A class with the hooks every strategy needs, and nothing in them. Everything else is yours to write."
                    )
                    self._card(EMPTY, _("Empty"), about)
            with ui.element("div").classes("dialog-foot"):
                upload = ui.upload(on_upload=self._import, auto_upload=True, max_file_size=LONGEST_TEXT * 4).props("accept=.py")
                upload.classes("hidden").mark("strategy-file")
                quiet_button(_("Import a .py file"), "upload_file", lambda: upload.run_method("pickFiles"))
                self._button = main_button(_("Create"), on_click=self._create).mark("create-strategy")
        self._choose(self._chosen)
        dialog.on("hide", lambda: take_away(dialog))
        dialog.open()

    def _card(self, name: str, title: str, about: str) -> None:
        card = ui.element("button").props("type=button role=radio").classes("template").mark(f"template-{name}")
        card.on("click", lambda: self._choose(name, title))
        self._cards[name] = card
        with card:
            Words("span", title, "template-title")
            Words("span", about, "template-about")

    def _choose(self, name: str, title: str = "") -> None:
        titles = {_(one.title) for one in TEMPLATES} | {_("Empty"), ""}
        if title and str(self._name.value or "") in titles:  # a name that the user gave stays
            self._name.set_value(title if name != EMPTY else "")
        self._chosen = name
        for one, card in self._cards.items():
            card.props["aria-checked"] = "true" if one == name else "false"

    async def _create(self) -> None:
        code = _NOTHING if self._chosen == EMPTY else next(one.text for one in TEMPLATES if one.name == self._chosen)
        async with submitting(self._button, {"name": self._name}):
            row = await self._app.strategies.create(self._user.id, str(self._name.value or ""), code)
            self._dialog.close()
            await self._opened(row.id)

    async def _import(self, event: events.UploadEventArguments) -> None:
        """The file as a strategy of its own; a name that is taken gets a number."""
        if event.file.size() > LONGEST_TEXT * 4:  # the browser's own limit is only the browser's
            complain(InvalidInput("too_long", field="code", maximum=LONGEST_TEXT))
            return
        try:
            code = (await event.file.read()).decode("utf-8-sig")
        except UnicodeDecodeError:
            complain(_("This file is not text in UTF-8."))
            return
        stem = PurePath(event.file.name).stem.replace("_", " ")[: LONGEST_NAME - 4] or _("Imported")
        taken = {one.row.name.casefold() for one in await self._app.strategies.mine(self._user.id)}
        names = (stem if not number else f"{stem} {number + 1}" for number in range(len(taken) + 1))
        name = next(one for one in names if one.casefold() not in taken)
        try:
            row = await self._app.strategies.create(
                self._user.id, name, code, _("imported from {file}", file=event.file.name)[:255]
            )
        except AristobotError as error:
            complain(error)
            return
        self._dialog.close()
        await self._opened(row.id)


async def ask_name(present: str) -> str | None:
    """Another name for a strategy; None when it stays."""
    with dialog_card(_("Rename")) as dialog:
        with ui.element("div").classes("dialog-body"):
            field = text_field(_("Name"), present).props(f"maxlength={LONGEST_NAME} autofocus").mark("new-name")
            field.on("keydown.enter", lambda: dialog.submit(str(field.value or "")))
        with ui.element("div").classes("dialog-foot"):
            quiet_button(_("Cancel"), on_click=dialog.close)
            main_button(_("Rename"), on_click=lambda: dialog.submit(str(field.value or ""))).mark("rename")
    answer = await dialog
    if not dialog.is_deleted:
        dialog.delete()
    return None if answer is None else str(answer)
