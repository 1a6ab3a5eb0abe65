"""The orders that rest: cancelled one by one or all at once, edited where they stand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.events import OrderUpdated
from aristobot.language import _
from aristobot.store import orders
from aristobot.store.trading_tables import Order
from components.confirm import complain, confirm, say
from components.handlers import within
from components.instead import Instead, attempt
from components.live import Live
from components.order_line import EXITS, OrderLine
from components.page_head import panel
from components.viewer import Viewer, for_traders
from components.words import labelled

if TYPE_CHECKING:
    from services.app import App


class OrderTable:
    """The panel with the resting orders of one broker, the newest first."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._broker_id: uuid.UUID | None = None
        self._lines: dict[uuid.UUID, OrderLine] = {}
        with panel(_("Open orders"), "open-orders") as head:
            with head:
                self._all = ui.button(_("Cancel all"), icon="clear_all", on_click=within(head, self._cancel_all))
                self._all.props("flat dense no-caps").mark("cancel-all")
                for_traders(self._all, user).set_visibility(False)
            self._place = labelled(ui.element("div").classes("order-list"), _("Open orders"))
            with self._place:
                words = _("What rests at the exchange stands here until it is filled.")
                self._instead = Instead(icon="receipt_long", empty=_("No open order"), empty_words=words)
        live.latest(OrderUpdated, do=self._changed, max_fps=5)

    async def show(self, broker_id: uuid.UUID) -> None:
        """Show the resting orders of this broker."""
        if broker_id != self._broker_id:
            self._broker_id = broker_id
            self._take([])
            self._instead.waiting()
        await self._read()

    async def edit(self, row: Order, price: Decimal, quantity: Decimal) -> None:
        """Give an order another price and quantity. Raises AristobotError."""
        await self._app.hand.resting.edit(self._user.id, row.id, price, quantity)

    async def cancel(self, row: Order) -> None:
        """Cancel an order. Raises AristobotError."""
        await self._app.hand.resting.cancel(self._user.id, row.id)

    async def _changed(self, event: OrderUpdated) -> None:
        if event.broker_id == self._broker_id:
            await self._read()

    async def _read(self) -> None:
        """Lines come, change and go one by one: what is being typed in another stays."""
        broker_id = self._broker_id
        found, fault = await attempt(self._app.db.read(self._user.id, lambda s: orders.alive(s, broker_id)))
        if broker_id == self._broker_id:
            self._take(found)
            self._instead.of(found, fault, self._read)

    def _take(self, found: Sequence[Order]) -> None:
        for gone in self._lines.keys() - {one.id for one in found}:
            self._lines.pop(gone).delete()
        for one in found:
            if one.id in self._lines:
                self._lines[one.id].update_row(one)
                continue
            with self._place:
                self._lines[one.id] = OrderLine(one, self if self._user.may_trade else None)
            self._lines[one.id].move(target_index=0)
        self._all.set_visibility(any(one.role not in EXITS for one in found))

    async def _cancel_all(self) -> None:
        words = _("Every order of this broker that rests is cancelled. Stops and targets that guard a position stay.")
        if not await confirm(_("Cancel all orders?"), words, _("Cancel all")):
            return
        done = await self._app.hand.resting.cancel_all(self._user.id, self._broker_id)
        faults = [one.error for one in done if one.error is not None]
        for fault in faults:
            complain(fault)
        say(_("{count} orders cancelled", count=len(done) - len(faults)))
