"""Orders of ours that rest at their exchange although we believe them over: taken up again, or taken back.

None should exist. An exchange may do late what it said it would not, or do twice what it was asked once; what then rests
unseen would be executed one day, for nobody.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from loguru import logger

from aristobot.errors import UnknownOrder, UnknownSymbol
from aristobot.exchange import Credentials, ExchangeClient
from aristobot.orders import OrderReport, OrderStatus
from aristobot.store import orders
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.order_records import OrderRecords
from services.trading_floor import TradingFloor

#: What we said of an order ourselves, and were wrong: the exchange's word counts more.
_OUR_OWN_WORDS = (OrderStatus.NOT_ACCEPTED, OrderStatus.DENIED)
#: Seconds for which a list may still show what has ended, before an order in it is looked at by itself.
_LISTS_LAG = 15.0


class ReturnedOrders:
    """Looks at what rests, after a list of it was read; remembers since when something should not be there."""

    def __init__(self, floor: TradingFloor, records: OrderRecords) -> None:
        self._floor = floor
        self._records = records
        self._since: dict[uuid.UUID, float] = {}

    async def look_at(
        self, account: Account, client: ExchangeClient, keys: Credentials, resting: Iterable[OrderReport]
    ) -> list[tuple[Order, OrderReport]]:
        """Those among `resting`, none of which is known to be alive, that are ours and were taken up again.

        What the exchange itself had called over is taken back, once it is certain that it rests. Raises AristobotError.
        """
        reports = {one.client_order_id: one for one in resting if one.client_order_id and one.status.is_working}
        if not reports:
            return []
        rows = await self._floor.db.read(account.user_id, lambda s: orders.by_client_ids(s, account.id, reports.keys()))
        taken_up: list[tuple[Order, OrderReport]] = []
        for row in rows:
            report = reports[row.client_order_id]
            if row.status in _OUR_OWN_WORDS:
                logger.error("Order {} rests although it was given up ({}): it is taken up again", row.id.hex, row.status)
                try:
                    await self._records.apply(account, report)
                except UnknownSymbol as error:
                    logger.error("Order {} cannot be taken up: {}", row.id.hex, error)
                    continue
                taken_up.append((row, report))
            elif row.status.is_final:
                await self._doubt(account, client, keys, row)
        return taken_up

    async def _doubt(self, account: Account, client: ExchangeClient, keys: Credentials, row: Order) -> None:
        now = self._floor.clock.monotonic()
        if now - self._since.setdefault(row.id, now) < _LISTS_LAG:
            return
        del self._since[row.id]
        found = await client.find_order(keys, row.symbol, row.client_order_id)
        if found is None or not found.status.is_working:
            return
        logger.error("Order {} rests although it is {}: it is taken back", row.id.hex, row.status)
        try:
            await self._records.apply(account, await client.cancel_order(keys, row.symbol, row.client_order_id))
        except UnknownOrder:
            logger.info("Order {} was gone before it could be taken back", row.id.hex)
