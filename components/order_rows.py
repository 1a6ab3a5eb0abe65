"""Orders that have ended, as rows of a table and as lines of a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from aristobot.language import _
from aristobot.money import divided, plain
from aristobot.orders import Side
from aristobot.store.trading_tables import Order
from components import formats
from components.live_grid import chip, column
from components.order_words import order_status_words, type_words
from components.trading_toasts import why_refused


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
        "status_tip": why_refused(one) if one.status.is_refused else "",
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


def history_columns() -> list[dict[str, Any]]:
    """The columns of the table; those that say the least go first when it is narrow."""
    return [
        column("at", _("Ended"), 104, grows=1),
        column("symbol", _("Symbol"), 80, grows=1),
        chip("side", _("Side"), 62, grows=1, least=340),
        column("type", _("Kind"), 196, grows=2, least=765),
        chip("status", _("Status"), 94, grows=1),
        column("quantity", _("Quantity"), 90, grows=1, number=True, least=950),
        column("filled", _("Filled"), 84, grows=1, number=True, least=600),
        column("price", _("Price"), 90, grows=1, number=True, least=860),
        column("average", _("Average"), 100, grows=1, number=True, least=515),
    ]
