"""Everything that is held through our orders, whoever bought it: what guards it, what selling now would bring, and *Close*."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import OrderUpdated, PositionUpdated, PricesUpdated
from aristobot.language import _
from aristobot.store.trading_tables import PositionRow
from components import formats
from components.confirm import complain, confirm
from components.handlers import within
from components.instead import Instead, attempt
from components.live import Live
from components.page_head import panel
from components.sold_words import tell_sold
from components.trading_position_line import Held, draw_position, held_at, write_gain
from components.trading_toasts import why_refused
from components.viewer import Viewer, for_traders
from components.words import Words, labelled

if TYPE_CHECKING:
    from services.app import App


class TradingPositions:
    """The panel with the open positions of one broker; gains follow the prices. What is drawn in `foot` stands below them."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._broker_id: uuid.UUID | None = None
        self._exchange = ""
        self._held: list[Held] = []
        self._gains: dict[uuid.UUID, Words] = {}
        with panel(_("Positions"), "positions") as self._head:
            with self._head:
                self._all = ui.button(_("Close all"), icon="logout", on_click=within(self._head, self._close_all))
                self._all.props("flat dense no-caps color=negative").classes("warned-button").mark("close-all")
                for_traders(self._all, user).set_visibility(False)
            with labelled(ui.element("div").classes("order-list"), _("Positions")):
                words = _("What you buy stands here until it is sold.")
                self._instead = Instead(icon="account_balance_wallet", empty=_("No open position"), empty_words=words)
                self._place = ui.element("div")
            self.foot = ui.element("div")
        live.latest(PositionUpdated, OrderUpdated, do=self._changed, max_fps=4)
        live.latest(PricesUpdated, do=self._priced, max_fps=2)

    async def show(self, broker_id: uuid.UUID, exchange: str) -> None:
        """Show what is held at this broker."""
        if broker_id != self._broker_id:
            self._broker_id, self._exchange = broker_id, exchange
            self._take([])
            self._instead.waiting()
        await self._read()

    async def _changed(self, event: PositionUpdated | OrderUpdated) -> None:
        if event.broker_id == self._broker_id:
            await self._read()

    async def _read(self) -> None:
        broker_id = self._broker_id
        held, fault = await attempt(self._app.db.read(self._user.id, lambda s: held_at(s, broker_id)))
        if broker_id == self._broker_id:
            self._app.prices.watch(self._exchange, {one.row.symbol for one in held})
            self._take(held)
            self._instead.of(held, fault, self._read)

    def _take(self, held: list[Held]) -> None:
        """Draw the lines anew: only when there are others."""
        if held == self._held:
            return
        self._held = held
        self._all.set_visibility(bool(held))
        self._place.clear()
        self._gains.clear()
        with self._place:
            for one in held:
                self._line(one)

    def _line(self, one: Held) -> None:
        close = within(self._head, partial(self._close, one.row)) if self._user.may_trade else None
        self._gains[one.row.id] = draw_position(one, close)
        self._write(one.row)

    def _write(self, row: PositionRow) -> None:
        price = self._app.prices.last(self._exchange, row.symbol) or row.current_price
        write_gain(self._gains[row.id], row, price)

    def _priced(self, event: PricesUpdated) -> None:
        if event.exchange == self._exchange:
            for one in self._held:
                self._write(one.row)

    async def _close(self, row: PositionRow) -> None:
        cause = uuid.uuid4()
        what = f"{formats.quantity(row.quantity)} {row.base}"
        words = _("{what} is sold at the market, at once; its stop and target are taken back first.", what=what)
        if not await confirm(_("Close {symbol}?", symbol=row.symbol), words, _("Close out")):
            return
        try:
            sold = await self._app.hand.close_position(self._user.id, row.id, cause)
            if sold.status.is_refused:
                complain(why_refused(sold))
        except AristobotError as error:
            complain(error)

    async def _close_all(self) -> None:
        cause = uuid.uuid4()
        words = _("{count} positions are sold at the market, at once; their stops and targets are taken back first.")
        if not await confirm(_("Close every position?"), words.format(count=len(self._held)), _("Close all")):
            return
        done = await self._app.hand.close_all(self._user.id, self._broker_id, cause)
        for one in done:
            if one.error is not None:
                complain(one.error)
        tell_sold(done)
