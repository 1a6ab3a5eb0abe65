"""After a start the limits count on from what was done before it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from aristobot.kinds import OrderRole
from aristobot.orders import OrderStatus
from aristobot.store.trading_tables import Order
from services.order_records import OrderRecords


def recall_activity(records: OrderRecords, broker_id: uuid.UUID, lately: Sequence[Order]) -> None:
    """Count the entries and ends of a broker's orders, of which the newest come first."""
    activity = records.new_activity(broker_id)
    for row in reversed(lately):
        if row.status is not OrderStatus.DENIED and row.role is OrderRole.ENTRY:
            activity.entered(row.created_at, row.symbol, row.side, row.quantity)
        activity.ended(row.status, row.list_client_id)
