"""The orders that have ended, filtered, and as a CSV file."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import OrderUpdated
from aristobot.language import _
from aristobot.market import Symbol
from aristobot.orders import REFUSED, OrderStatus
from aristobot.store import orders
from aristobot.store.trading_tables import Order
from components.confirm import complain
from components.live import Live
from components.live_grid import LiveGrid, Row
from components.order_rows import csv_of, history_columns, row_of
from components.page_head import panel
from components.stateful_list import StatefulList
from components.viewer import Viewer
from components.words import labelled

if TYPE_CHECKING:
    from services.app import App

MOST, MOST_IN_FILE = 100, 5_000
ALL, FILLED, CANCELED, NO = "all", "filled", "canceled", "refused"
_GROUPS = {
    FILLED: (OrderStatus.FILLED,),
    CANCELED: (OrderStatus.CANCELED, OrderStatus.EXPIRED),
    NO: tuple(REFUSED),
}


class OrderHistory:
    """The panel under the columns. What it shows and what the file holds are chosen by the same filters."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._broker_id: uuid.UUID | None = None
        self._symbol: Symbol = ""
        self._asked = 0
        with panel(_("Order history"), "history") as head:
            with head:
                self._here = ui.checkbox(_("This pair only")).props("dense").mark("history-here")
                choices = {ALL: _("All"), FILLED: _("Filled"), CANCELED: _("Cancelled"), NO: _("Refused ones")}
                self._group = ui.toggle(choices, value=ALL).props("no-caps unelevated").classes("small-toggle")
                labelled(self._group, _("Which orders")).mark("history-group")
                ui.button("CSV", icon="download", on_click=self._download).props("flat dense no-caps").mark("csv")
            self._list = StatefulList(
                icon="history",
                empty=_("No order has ended yet"),
                empty_words=_("Filled, cancelled and refused orders stand here."),
            )
        self._grid: LiveGrid | None = None
        self._here.on_value_change(self._read)
        self._group.on_value_change(self._read)
        live.latest(OrderUpdated, do=self._changed, max_fps=2)

    async def show(self, broker_id: uuid.UUID, symbol: Symbol) -> None:
        """Show the orders of this broker; `symbol` is the pair that may be filtered for."""
        if broker_id != self._broker_id:
            self._list.loading()
        self._broker_id, self._symbol = broker_id, symbol
        await self._read()

    async def _changed(self, event: OrderUpdated) -> None:
        if event.broker_id == self._broker_id and OrderStatus(event.status).is_final:
            await self._read()

    async def _read(self, _event: object = None) -> None:
        self._asked += 1
        mine = self._asked
        try:
            found = await self._chosen(MOST)
        except AristobotError as error:
            if mine == self._asked:
                self._list.failed(error, self._read)
            return
        if mine != self._asked:
            return
        shown = [row_of(one) for one in found]
        if shown or self._grid is not None:
            self._show(self._grid or self._drawn(), shown)
        else:
            self._list.nothing()

    def _drawn(self) -> LiveGrid:
        """The table: made when there is something to show in it, for nothing on this page takes longer."""
        self._grid = self._list.hold(lambda: LiveGrid(history_columns(), name=_("Order history"), most=MOST))
        return self._grid

    def _show(self, grid: LiveGrid, shown: list[Row]) -> None:
        if not grid.rows:
            grid.fill(shown)
        elif [one["id"] for one in shown[1:]] == [one["id"] for one in grid.rows[: len(shown) - 1]]:
            grid.upsert(shown[0])
        elif shown != grid.rows:
            grid.fill(shown)
        self._list.show(grid)

    async def _chosen(self, most: int) -> list[Order]:
        """The newest orders that have ended and answer the filters."""
        broker_id, symbol = self._broker_id, self._symbol if self._here.value else None
        wanted = _GROUPS.get(str(self._group.value))
        found = await self._app.db.read(self._user.id, lambda s: orders.ended(s, broker_id, symbol, wanted, most))
        return list(found)

    async def _download(self) -> None:
        try:
            found = await self._chosen(MOST_IN_FILE)
        except AristobotError as error:
            complain(error)
            return
        ui.download.content(csv_of(found).encode("utf-8-sig"), f"aristobot-{_('orders')}.csv", "text/csv")
