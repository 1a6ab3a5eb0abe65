"""A secret that is shown this once: large, copied with one click, gone when the dialog closes."""

from __future__ import annotations

from nicegui import ui

from aristobot.language import _
from components.buttons import main_button
from components.confirm import answer_of, dialog_card
from components.notice import notice
from components.webhook_address import copy_button
from components.words import Words


async def show_once(title: str, words: str, secret: str) -> None:
    """Show it until the user says that it is kept."""
    with dialog_card(title) as dialog:
        dialog.props("persistent")
        with ui.element("div").classes("dialog-body"):
            notice(words, "warn")
            with ui.element("div").classes("copyable"):
                Words("pre", secret, "code mono").mark("shown-once")
                copy_button(secret, _("Copy")).mark("copy-once")
        with ui.element("div").classes("dialog-foot"):
            main_button(_("I have kept it"), on_click=dialog.close).mark("kept-once")
    await answer_of(dialog)
