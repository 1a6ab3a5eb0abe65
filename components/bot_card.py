"""One strategy at work: what runs where, how it stands, what it holds, what it brings; and the hand on its switch."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import PricesUpdated
from aristobot.language import _
from aristobot.store import activations
from aristobot.store.activations import AT_WORK, Shown
from components import formats
from components.bot_words import decision_words, exit_words, no_entry_words, status_tag, why_words
from components.buttons import main_button, quiet_button
from components.confirm import complain, confirm, say
from components.notice import notice
from components.viewer import Viewer, for_traders
from components.words import Words, labelled

if TYPE_CHECKING:
    from services.app import App


class BotCard:
    """Drawn where it is made; `show` writes it anew. `on_open` gets its id when somebody wants to know more."""

    def __init__(self, app: App, user: Viewer, shown: Shown, on_open: Callable[[uuid.UUID], Awaitable[None]]) -> None:
        self._app, self._user, self._on_open = app, user, on_open
        self.shown = shown
        self._place = ui.element("section").classes("panel bot").mark("bot")
        self.show(shown)

    def show(self, shown: Shown) -> None:
        """How it stands now."""
        self.shown = shown
        self._place.clear()
        with self._place:
            self._head()
            with ui.element("div").classes("bot-body"):
                self._figures()
                self._reasons()
            self._foot()

    def choose(self, chosen: bool) -> None:
        """Mark it as the one whose details are shown."""
        self._place.classes(add="chosen") if chosen else self._place.classes(remove="chosen")

    def price(self, event: PricesUpdated) -> None:
        """Follow the market."""
        price = event.prices.get(self.shown.row.symbol)
        if price and event.exchange == self.shown.broker.exchange and self.shown.position is not None:
            self._show_gain(self.shown.position.unrealised(price))

    def delete(self) -> None:
        """It is gone."""
        self._place.delete()

    def _head(self) -> None:
        row, broker = self.shown.row, self.shown.broker
        halted = self._app.kill_switch.level(row.user_id, row.broker_id, activations.owner_of(row.id)) is not None
        word, tone = status_tag(row.status, halted)
        with ui.element("div").classes("panel-head"):
            with ui.element("button").classes("bot-name").props("type=button") as name:
                Words("h2", self.shown.posted.strategy.name)
                Words("span", f"v{self.shown.posted.version.number}", "faint")
            name.on("click", lambda: self._on_open(row.id)).mark("bot-name")
            Words("span", word, f"tag {tone}").mark("bot-status")
        Words("p", " · ".join((broker.name, row.symbol, row.timeframe)), "bot-where muted")

    def _figures(self) -> None:
        row, position = self.shown.row, self.shown.position
        quote = row.symbol.partition("/")[2]
        with ui.element("dl").classes("bot-figures"):
            self._figure(_("Allotted"), formats.money(row.allotted, quote))
            self._figure(_("Position"), formats.quantity(position.quantity) if position else _("none")).mark("bot-position")
            self._figure(_("Entry price"), formats.price(position.entry) if position else formats.NOTHING)
            self._open_gain = self._figure(_("Open gain"), formats.NOTHING).mark("bot-gain")
            gained = self._figure(_("Banked"), formats.money(self.shown.gained, quote, signed=True))
            gained.classes(formats.tone(self.shown.gained))
            self._figure(_("Last decision"), decision_words(row.view), "wide").mark("bot-decision")
        if position is not None:
            self._show_gain(position.unrealised(self._app.prices.last(self.shown.broker.exchange, row.symbol)))

    def _show_gain(self, gain: Decimal | None) -> None:
        self._open_gain.set_text(formats.money(gain, self.shown.row.symbol.partition("/")[2], signed=True))
        self._open_gain.classes(replace=f"figure {formats.tone(gain)}")

    def _figure(self, name: str, value: str, classes: str = "") -> Words:
        with ui.element("div").classes(f"bot-figure {classes}"):
            Words("dt", name, "muted")
            return Words("dd", value, "figure")

    def _reasons(self) -> None:
        if why := why_words(self.shown):
            notice(why, "bad")
        held = self.shown.position is not None
        with ui.element("div").classes("bot-why"):
            Words("h3", _("Exits") if held else _("Why no entry?"))
            for words in exit_words(self.shown) if held else no_entry_words(self.shown):
                Words("p", words, "muted")

    def _foot(self) -> None:
        with ui.element("div").classes("panel-foot actions"):
            if self.shown.row.status in AT_WORK:
                self._button(quiet_button(_("Let it rest"), "stop", self._stop), "bot-stop")
            else:
                self._button(main_button(_("Start"), "play_arrow", self._start), "bot-start")
            if self.shown.position is not None:
                self._button(quiet_button(_("Close the position"), "sell", self._close), "bot-close")
            quiet_button(_("Details"), "read_more", lambda: self._on_open(self.shown.row.id)).mark("bot-details")
            if self.shown.row.status not in AT_WORK:
                trash = ui.button(icon="delete", on_click=self._delete).props("flat round dense color=grey-6").classes("push")
                self._button(labelled(trash, _("Delete this activation")), "bot-delete")

    def _button(self, button: ui.button, mark: str) -> None:
        for_traders(button, self._user).mark(mark)

    # ------------------------------------------------------------------ deeds

    async def _start(self) -> None:
        name, row = self.shown.posted.strategy.name, self.shown.row
        words = _(
            "{name} will spend up to {money} on {symbol}, with {broker}, whenever it decides to.",
            name=name,
            money=formats.money(row.allotted, row.symbol.partition("/")[2]),
            symbol=row.symbol,
            broker=self.shown.broker.name,
        )
        if await confirm(_("Start this strategy?"), words, _("Start"), dangerous=False):
            await self._do(self._app.runner.start(self._user.id, row.id), _("{name} is at work.", name=name))

    async def _stop(self) -> None:
        name = self.shown.posted.strategy.name
        words = _("{name} decides nothing more. Waiting entries are taken back; what it holds keeps its exits.", name=name)
        if await confirm(_("Stop this strategy?"), words, _("Let it rest"), dangerous=False):
            await self._do(self._app.runner.stop(self._user.id, self.shown.row.id), _("{name} is stopped.", name=name))

    async def _close(self) -> None:
        position = self.shown.position
        if position is None:
            return
        words = _(
            "{quantity} {base} are sold at the market, now.", quantity=formats.quantity(position.quantity), base=position.base
        )
        if await confirm(_("Close this position?"), words, _("Sell it now")):
            deed = self._app.hand.close_position(self._user.id, position.id, uuid.uuid4())
            await self._do(deed, _("The position is sold."))

    async def _delete(self) -> None:
        words = _("Its log goes with it. Its orders and closed positions stay.")
        if await confirm(_("Delete this activation?"), words, _("Delete")):
            await self._do(self._app.runner.remove(self._user.id, self.shown.row.id), _("The activation is deleted."))

    async def _do(self, deed: Awaitable[object], done: str) -> None:
        try:
            await deed
        except AristobotError as error:
            complain(error)
        else:
            say(done)
