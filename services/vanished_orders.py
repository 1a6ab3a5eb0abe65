"""Orders that rest in our books and that their exchange knows no more: after a minute of that they are over.

Left as they were they would guard nothing, be taken back by nobody, and stand in the way of every exit. An order of this run
that was never shown is not among them: where an exchange does not list what it took, others would be put beside it, one after
the other. One that was left resting by an earlier run is: it may have vanished while nobody looked.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from loguru import logger

from aristobot.orders import OrderReport, OrderStatus
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.order_records import OrderRecords
from services.trading_floor import TradingFloor

#: Seconds for which every answer must have been that there is no such order.
_CERTAIN_AFTER = 60.0
#: From so long before an order was written its market's ended orders are read: clocks differ.
_BEFORE = timedelta(minutes=1)
#: Orders of which it is remembered that they were shown; those that rest are shown again within a round.
_REMEMBERED = 10_000


class VanishedOrders:
    """Told of every look at an order; remembers which ones were shown, and since when they are not."""

    def __init__(self, floor: TradingFloor, records: OrderRecords) -> None:
        self._floor = floor
        self._records = records
        self._began = floor.clock.now()
        self._shown: set[uuid.UUID] = set()
        self._since: dict[uuid.UUID, float] = {}

    def seen(self, row: Order) -> None:
        """The exchange shows it."""
        if len(self._shown) > _REMEMBERED:
            self._shown.clear()
        self._shown.add(row.id)
        self._since.pop(row.id, None)

    async def not_seen(self, account: Account, row: Order) -> OrderStatus | None:
        """The exchange neither lists it nor knows its client id. What it has become, once that is certain.

        Nor may it be among what ended: that is asked last, and is believed where it says something. Raises AristobotError.
        """
        now = self._floor.clock.monotonic()
        if row.id not in self._since:
            logger.error("Order {} is not known to its exchange any more", row.id.hex)
        known = row.id in self._shown or row.created_at < self._began
        if now - self._since.setdefault(row.id, now) < _CERTAIN_AFTER or not known:
            return None
        end = await self._end_of(account, row)
        if end is None:
            logger.error("Order {} has been unknown to its exchange for a minute: it counts as cancelled", row.id.hex)
        recorded = await self._records.apply(account, end or _over(row, self._floor))
        self._since.pop(row.id, None)  # a round and a look after a reconnection may come to it together
        return recorded.order.status if recorded is not None else None

    async def _end_of(self, account: Account, row: Order) -> OrderReport | None:
        """What the exchange's list of ended orders says of it."""
        client, keys = self._floor.gateway.client_for(account.broker), await self._floor.gateway.keys(account.broker)
        ended = await client.closed_orders(keys, row.created_at - _BEFORE, row.symbol)
        return next((one for one in ended if one.client_order_id == row.client_order_id), None)


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
