"""The orders that have ended, filtered, and as a CSV file."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.events import OrderUpdated
from aristobot.language import _
from aristobot.market import Symbol
from aristobot.money import divided, plain
from aristobot.orders import OrderStatus, Side
from aristobot.store import orders
from aristobot.store.trading_tables import Order
from components import formats
from components.live import Live
from components.live_grid import LiveGrid, chip, column
from components.order_words import order_status_words, type_words
from components.page_head import panel
from components.stateful_list import StatefulList
from components.trading_toasts import why_refused
from components.viewer import Viewer
from components.words import labelled
from services.manual_trading import REFUSED

if TYPE_CHECKING:
    from services.app import App

MOST, MOST_IN_FILE = 100, 5_000
ALL, FILLED, CANCELED, NO = "all", "filled", "canceled", "refused"
_GROUPS = {
    FILLED: (OrderStatus.FILLED,),
    CANCELED: (OrderStatus.CANCELED, OrderStatus.EXPIRED),
    NO: REFUSED,
}


class OrderHistory:
    """The panel under the columns. What it shows and what the file holds are chosen by the same filters."""

    def __init__(self, app: App, user: Viewer, live: Live) -> None:
        self._app, self._user = app, user
        self._broker_id: uuid.UUID | None = None
        self._symbol: Symbol = ""
        with panel(_("Order history"), "history") as head:
            with head:
                self._here = ui.checkbox(_("This pair only")).props("dense").mark("history-here")
                choices = {ALL: _("All of them"), FILLED: _("Filled"), CANCELED: _("Canceled"), NO: _("Refused ones")}
                self._group = ui.toggle(choices, value=ALL).props("no-caps unelevated").classes("small-toggle")
                labelled(self._group, _("Which orders")).mark("history-group")
                ui.button("CSV", icon="download", on_click=self._download).props("flat dense no-caps").mark("csv")
            self._list = StatefulList(
                icon="history",
                empty=_("No order has ended yet"),
                empty_words=_("Filled, cancelled and refused orders stand here."),
            )
            self._grid = self._list.hold(lambda: LiveGrid(_columns(), name=_("Order history"), most=MOST))
        self._here.on_value_change(self._read)
        self._group.on_value_change(self._read)
        live.latest(OrderUpdated, do=self._changed, max_fps=2)

    async def show(self, broker_id: uuid.UUID, symbol: Symbol) -> None:
        """Show the orders of this broker; `symbol` is the pair that may be filtered for."""
        self._broker_id, self._symbol = broker_id, symbol
        await self._read()

    async def _changed(self, event: OrderUpdated) -> None:
        if event.broker_id == self._broker_id and OrderStatus(event.status).is_final:
            await self._read()

    async def _read(self, _event: object = None) -> None:
        try:
            found = await self._chosen(MOST)
        except AristobotError as error:
            self._list.failed(error, self._read)
            return
        shown = [row_of(one) for one in found]
        if not self._grid.rows:
            self._grid.fill(shown)
        elif [one["id"] for one in shown[1:]] == [one["id"] for one in self._grid.rows[: len(shown) - 1]]:
            self._grid.upsert(shown[0])
        elif shown != self._grid.rows:
            self._grid.fill(shown)
        self._list.show(self._grid)

    async def _chosen(self, most: int) -> list[Order]:
        """The newest orders that have ended and answer the filters."""
        broker_id, symbol = self._broker_id, self._symbol if self._here.value else None
        wanted = _GROUPS.get(str(self._group.value))
        found = await self._app.db.read(self._user.id, lambda s: orders.ended(s, broker_id, symbol, wanted, most))
        return list(found)

    async def _download(self) -> None:
        found = await self._chosen(MOST_IN_FILE)
        ui.download.content(csv_of(found).encode("utf-8-sig"), f"aristobot-{_('orders')}.csv", "text/csv")


def row_of(one: Order) -> dict[str, Any]:
    """An order as a row of the table."""
    status, tone = order_status_words(one.status)
    bought = one.side is Side.BUY
    average = divided(one.quote_filled, one.filled) if one.filled else None
    return {
        "id": str(one.id),
        "at": formats.moment(one.done_at or one.updated_at),
        "symbol": one.symbol,
        "side": _("Buy") if bought else _("Sell"),
        "side_tone": "good" if bought else "bad",
        "type": type_words(one.type),
        "quantity": formats.quantity(one.quantity),
        "filled": formats.quantity(one.filled),
        "price": formats.price(one.stop_price or one.price),
        "average": formats.price(average),
        "status": status,
        "status_tone": tone,
        "status_tip": why_refused(one) if one.status in REFUSED else "",
    }


def csv_of(rows: Iterable[Order]) -> str:
    """The orders as a CSV file: exact amounts, moments in UTC, semicolons as French spreadsheets expect."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(
        ["created_at", "done_at", "symbol", "side", "type", "quantity", "filled", "price", "stop_price", "average_price",
         "status", "reason", "origin", "exchange_order_id", "client_order_id"]
    )  # fmt: skip
    for one in rows:
        average = divided(one.quote_filled, one.filled) if one.filled else None
        writer.writerow(
            [
                one.created_at.isoformat(), one.done_at.isoformat() if one.done_at else "", one.symbol, one.side.value,
                one.type.value, plain(one.quantity), plain(one.filled), plain(one.price), plain(one.stop_price),
                plain(average) if average is not None else "", one.status.value, one.reason, one.origin.value,
                one.exchange_order_id, one.client_order_id,
            ]
        )  # fmt: skip
    return out.getvalue()


def _columns() -> list[dict[str, Any]]:
    return [
        column("at", _("Ended"), 126, grows=1),
        column("symbol", _("Symbol"), 90, grows=1),
        chip("side", _("Side"), 78, grows=1),
        column("type", _("Kind"), 90, grows=1, least=700),
        chip("status", _("Status"), 112, grows=1),
        column("quantity", _("Quantity"), 90, grows=1, number=True, least=860),
        column("filled", _("Filled"), 84, grows=1, number=True, least=560),
        column("price", _("Price"), 90, grows=1, number=True, least=760),
        column("average", _("Average"), 90, grows=1, number=True, least=470),
    ]
