"""Stopping: whom and how far, with what it will do told before; selling out needs a word typed by hand."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.language import _, explain
from components import formats
from components.buttons import quiet_button
from components.confirm import answer_of, complain, dialog_card
from components.halt_words import level_meaning, level_words
from components.notice import notice
from services.halt_desk import Hand, Outlook, Wish

if TYPE_CHECKING:
    from services.app import App


class KillDialog:
    """Asks what to stop, and stops it. The server decides once more whether it may."""

    def __init__(self, app: App, hand: Hand) -> None:
        self._app = app
        self._hand = hand
        self._scopes: dict[str, tuple[HaltScope, uuid.UUID | None]] = {}

    async def open(self) -> None:
        """Show it, and do what is asked."""
        options = await self._options()
        with dialog_card(_("Stop trading?")) as dialog:
            with ui.element("div").classes("dialog-body"):
                self._scope = ui.select(options, value=next(iter(options)), label=_("What shall stop"), on_change=self._changed)
                self._scope.props("outlined options-dense").mark("kill-scope")
                levels = {level.value: f"{level_words(level)} – {level_meaning(level)}" for level in HaltLevel}
                self._level = ui.radio(levels, value=HaltLevel.HALT.value, on_change=self._changed).props("color=negative")
                self._level.classes("kill-levels").mark("kill-level")
                self._told = ui.element("div").classes("kill-outlook").props("aria-live=polite")
                self._reason = ui.input(_("Why (for whoever looks later)")).props("outlined maxlength=200").mark("kill-reason")
                self._typed = ui.input(on_change=self._weigh).props("outlined autocomplete=off").mark("kill-word")
                self._typed.props["label"] = _("Type {word} to confirm", word=_("SELL"))
            with ui.element("div").classes("dialog-foot"):
                quiet_button(_("Cancel"), on_click=dialog.close)
                self._stop = ui.button(_("Stop now"), color="negative", on_click=lambda: self._submit(dialog))
                self._stop.props("unelevated no-caps").mark("kill-now")
        self._weigh()
        await self._foresee()
        if await answer_of(dialog):
            await self._do()

    async def _options(self) -> dict[str, str]:
        """Whom the user may stop, their own account first."""
        people, accounts = await self._app.halts.targets(self._hand)
        self._scopes = {"me": (HaltScope.USER, self._hand.user_id)}
        options = {"me": _("My account: alerts, strategies and manual orders")}
        if self._hand.runs_the_house:
            self._scopes["all"], options["all"] = (HaltScope.ALL, None), _("The whole house, everybody")
        names = {user.id: user.name for user in people}
        for broker in accounts:
            key, owner = f"broker:{broker.id}", names.get(broker.user_id, "")
            whose = f" ({owner})" if broker.user_id != self._hand.user_id and owner else ""
            self._scopes[key], options[key] = (HaltScope.BROKER, broker.id), _("Broker {name}", name=broker.name) + whose
        whole, _active = await self._app.halts.robots(self._hand)
        for strategy_id, name in whole.items():
            key = f"strategy:{strategy_id}"
            self._scopes[key], options[key] = (HaltScope.STRATEGY, strategy_id), _("Strategy {name}", name=name)
        for user in people:
            if user.id != self._hand.user_id:
                key = f"user:{user.id}"
                self._scopes[key], options[key] = (HaltScope.USER, user.id), _("Account of {name}", name=user.name)
        return options

    def _wish(self) -> Wish:
        scope, scope_id = self._scopes[self._scope.value]
        reason = (self._reason.value or "").strip() or "screen"
        return Wish(scope, scope_id, HaltLevel(self._level.value), reason)

    @property
    def _sells(self) -> bool:
        return bool(self._level.value == HaltLevel.FLATTEN.value)

    @property
    def _agreed(self) -> bool:
        """Selling out waits for the word; a click may be quicker than the button's change."""
        return not self._sells or (self._typed.value or "").strip().upper() == _("SELL")

    def _submit(self, dialog: ui.dialog) -> None:
        if self._agreed:
            dialog.submit(True)

    def _weigh(self) -> None:
        self._typed.set_visibility(self._sells)
        self._stop.set_enabled(self._agreed)

    async def _changed(self) -> None:
        self._weigh()
        await self._foresee()

    async def _foresee(self) -> None:
        """Say what it will do to what is there now."""
        wish = self._wish()
        try:
            outlook = await self._app.halts.outlook(self._hand, wish)
        except AristobotError as error:
            outlook, fault = None, explain(error)
        if self._told.is_deleted:
            return
        self._told.clear()
        with self._told:
            if outlook is None:
                notice(fault, "bad")
            else:
                notice(_consequence(wish.level, outlook), "bad" if self._sells else "warn")

    async def _do(self) -> None:
        try:
            await self._app.halts.halt(self._hand, self._wish())
        except AristobotError as error:
            complain(error)


def _consequence(level: HaltLevel, outlook: Outlook) -> str:
    """One sentence or two about entries and positions of the scope."""
    worth = " + ".join(formats.money(value, quote) for quote, value in sorted(outlook.value.items())) or formats.money(None)
    entries, held = formats.number(outlook.entries), formats.number(outlook.positions)
    if level is not HaltLevel.FLATTEN:
        words = _("Waiting entries: {entries}; they stay at the exchange until you cancel them.", entries=entries)
        return f"{words} " + _("Open positions: {positions}; their stops and targets go on working.", positions=held)
    if not outlook.entries and not outlook.positions:
        return _("There is nothing to sell or to cancel; no new entry goes out.")
    words = _("Cancels the waiting entries: {entries}.", entries=entries)
    words += " " + _("Sells the open positions at the market price: {positions}, about {worth}.", positions=held, worth=worth)
    return f"{words} " + _("Their stops are withdrawn last. This cannot be undone.")
