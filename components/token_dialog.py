"""Make a token of the API: what it is for, how far it reaches, how long it counts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.kinds import TokenScope
from aristobot.language import _
from components.buttons import main_button, quiet_button
from components.confirm import answer_of, dialog_card
from components.form import submitting, text_field
from components.shown_once import show_once
from components.viewer import Viewer
from services.api_tokens import reaches

if TYPE_CHECKING:
    from services.app import App

_NEVER = 0


async def make_token(app: App, user: Viewer) -> None:
    """Ask, and show the token that was made, this once."""
    with dialog_card(_("Make a token")) as dialog:
        with ui.element("div").classes("dialog-body"):
            name = text_field(_("What it is for")).props("maxlength=64 autofocus").mark("token-name")
            names = {scope.value: scope_names()[scope.value] for scope in reaches(user.login.role)}
            scope = ui.select(names, value=TokenScope.READ.value, label=_("What it may do"))
            scope.props("outlined options-dense").mark("token-scope")
            lives = {30: _("30 days"), 90: _("90 days"), 365: _("One year"), _NEVER: _("For ever")}
            life = ui.select(lives, value=90, label=_("How long it counts")).props("outlined options-dense").mark("token-life")

        async def save() -> None:
            async with submitting(button, {"name": name, "scope": scope, "expires": life}):
                lasting = timedelta(days=life.value) if life.value else None
                wanted, tokens = TokenScope(scope.value), app.accounts.tokens
                token, _row = await tokens.create(user.id, wanted, user.actor, name=name.value, life=lasting)
                dialog.submit(token)

        with ui.element("div").classes("dialog-foot"):
            quiet_button(_("Cancel"), on_click=dialog.close)
            button = main_button(_("Make"), on_click=save).mark("save-token")
    token = await answer_of(dialog)
    if token:
        words = _("Copy it now: it is shown only once. Whoever has it acts in your name.")
        await show_once(_("The token"), words, token)


def scope_names() -> dict[str, str]:
    """How far a token reaches, in the reader's language."""
    return {
        TokenScope.READ.value: _("Read"),
        TokenScope.TRADE.value: _("Read and trade"),
        TokenScope.ADMIN.value: _("Everything, the household too"),
    }
