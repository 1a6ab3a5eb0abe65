"""Strategies at work."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import PositionUpdated, PricesUpdated, TradingHalted
from aristobot.language import _, explain
from aristobot.store.strategy_tables import Activation
from aristobot.strategy_events import ActivationUpdated
from components.bot_card import BotCard
from components.bot_detail import BotDetail
from components.bot_dialog import BotDialog
from components.buttons import main_button
from components.empty_state import empty_state, error_state
from components.live import Live
from components.page_head import page_head
from components.shell import page
from components.viewer import Viewer, for_traders

if TYPE_CHECKING:
    from services.app import App


@page("/trading-bot", title="Trading bot", icon="smart_toy", order=40)
async def trading_bot(app: App, user: Viewer, live: Live) -> None:
    """The list of activations, and the inside of one of them."""
    await _Desk(app, user, live).load()


class _Desk:
    """The parts of the page, and what each tells the others."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._cards: dict[uuid.UUID, BotCard] = {}
        with page_head(_("Trading bot"), _("Saved versions of your strategies, at work on closed candles.")):
            new = main_button(_("New activation"), "add", BotDialog(app, user, self._made).open)
            for_traders(new, user).mark("new-bot")
        with ui.element("div").classes("bots"):
            self._list = ui.element("div").classes("stack")
            self._detail = BotDetail(app, user)
        live.latest(ActivationUpdated, do=self._changed, max_fps=4)
        live.latest(PositionUpdated, TradingHalted, do=self._moved, max_fps=2)
        live.latest(PricesUpdated, do=self._priced, max_fps=4)

    async def load(self, chosen: uuid.UUID | None = None) -> None:
        """Draw everything; `chosen`, or the first one, is open."""
        try:
            listed = await self._app.runner.desk.mine(self._user.id)
        except AristobotError as error:
            self._list.clear()
            with self._list:
                error_state(_("This list could not be read"), explain(error), self.load)
            return
        self._list.clear()
        self._cards.clear()
        with self._list:
            for one in listed:
                self._cards[one.row.id] = BotCard(self._app, self._user, one, self._opened)
            if not listed:
                with ui.element("section").classes("panel"):
                    words = _("Choose a saved strategy, a broker, a pair and an amount: it then decides at each closed candle.")
                    empty_state("smart_toy", _("No strategy at work yet"), words)
        wanted = chosen or self._detail.shown_id
        if wanted not in self._cards:
            wanted = next(iter(self._cards), None)
        if wanted is None:
            self._detail.clear()
        else:
            await self._open(wanted)

    async def _open(self, activation_id: uuid.UUID) -> None:
        for one, card in self._cards.items():
            card.choose(one == activation_id)
        await self._detail.show(self._cards[activation_id].shown)

    async def _opened(self, activation_id: uuid.UUID) -> None:
        await self._open(activation_id)
        self._detail.reveal()

    async def _made(self, row: Activation) -> None:
        await self.load(row.id)

    async def _changed(self, event: ActivationUpdated) -> None:
        card = self._cards.get(event.activation_id)
        try:
            shown = await self._app.runner.desk.get(self._user.id, event.activation_id)
        except AristobotError:
            shown = None
        if card is None or shown is None:
            await self.load()
            return
        card.show(shown)
        if self._detail.shown_id == event.activation_id:
            await self._detail.show(shown)

    async def _moved(self, event: PositionUpdated | TradingHalted) -> None:
        for one in await self._app.runner.desk.mine(self._user.id):
            card = self._cards.get(one.row.id)
            concerned = isinstance(event, TradingHalted) or one.row.symbol == event.symbol
            if card is not None and concerned:
                card.show(one)

    def _priced(self, event: PricesUpdated) -> None:
        for card in self._cards.values():
            card.price(event)
