"""Orders that rest in our books and that their exchange knows no more: after a minute of that they are over.

Left as they were they would guard nothing, be taken back by nobody, and stand in the way of every exit. An order that was never
shown is not among them: where an exchange does not list what it took, others would be put beside it, one after the other.
"""

from __future__ import annotations

import uuid

from loguru import logger

from aristobot.orders import OrderReport, OrderStatus
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.order_records import OrderRecords
from services.trading_floor import TradingFloor

#: Seconds for which every answer must have been that there is no such order.
_CERTAIN_AFTER = 60.0
#: Orders of which it is remembered that they were shown; those that rest are shown again within a round.
_REMEMBERED = 10_000


class VanishedOrders:
    """Told of every look at an order; remembers which ones were shown, and since when they are not."""

    def __init__(self, floor: TradingFloor, records: OrderRecords) -> None:
        self._floor = floor
        self._records = records
        self._shown: set[uuid.UUID] = set()
        self._since: dict[uuid.UUID, float] = {}

    def seen(self, row: Order) -> None:
        """The exchange shows it."""
        if len(self._shown) > _REMEMBERED:
            self._shown.clear()
        self._shown.add(row.id)
        self._since.pop(row.id, None)

    async def not_seen(self, account: Account, row: Order) -> OrderStatus | None:
        """The exchange neither lists it nor knows its client id. What it has become, once that is certain."""
        now = self._floor.clock.monotonic()
        if row.id not in self._since:
            logger.error("Order {} is not known to its exchange any more", row.id.hex)
        if now - self._since.setdefault(row.id, now) < _CERTAIN_AFTER or row.id not in self._shown:
            return None
        logger.error("Order {} has been unknown to its exchange for a minute: it counts as cancelled", row.id.hex)
        recorded = await self._records.apply(account, _over(row, self._floor))
        self._since.pop(row.id, None)  # a round and a look after a reconnection may come to it together
        return recorded.order.status if recorded is not None else None


def _over(row: Order, floor: TradingFloor) -> OrderReport:
    """What the exchange would say of it, if it still said anything."""
    return OrderReport(
        client_order_id=row.client_order_id,
        exchange_order_id=row.exchange_order_id,
        symbol=row.symbol,
        side=row.side,
        type=row.type,
        status=OrderStatus.CANCELED,
        quantity=row.quantity,
        filled=row.filled,
        at=floor.clock.now(),
        price=row.price,
        stop_price=row.stop_price,
        quote_filled=row.quote_filled,
        reason="order_not_found",
    )
