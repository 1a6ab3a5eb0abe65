"""After a start the limits count on from what was done before it."""

from __future__ import annotations

from datetime import datetime

from aristobot.kinds import OrderRole
from aristobot.orders import OrderStatus
from aristobot.store import orders
from services.broker_book import Account
from services.order_records import OrderRecords
from services.trading_floor import TradingFloor


async def recall_activity(floor: TradingFloor, records: OrderRecords, account: Account, since: datetime) -> None:
    """Count the entries and ends of a broker's orders since a moment."""
    rows = await floor.db.read(account.user_id, lambda s: orders.lately(s, account.id, since))
    activity = records.new_activity(account.id)
    for row in reversed(rows):
        if row.status is not OrderStatus.DENIED and row.role is OrderRole.ENTRY:
            activity.entered(row.created_at, row.symbol, row.side, row.quantity)
        activity.ended(row.status, row.list_client_id)
