"""Orders on markets that their exchange lists no more: set apart and named, so that the rest of their broker trades on.

Nobody can ask about such an order. It stays as it was last seen, nothing more is bought on its market; every round asks again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from loguru import logger

from aristobot.errors import AristobotError, UnknownSymbol
from aristobot.exchange import Credentials, ExchangeClient
from aristobot.market import Symbol
from aristobot.orders import OrderReport
from aristobot.store.trading_tables import Order
from services.order_records import OrderRecords

#: What a client says of a market that is not in its exchange's catalogue.
_NOT_IN_CATALOGUE = "unlisted_symbol"


def is_about_market(error: AristobotError) -> bool:
    """Whether an error says that a market is unknown at its exchange: that concerns this market, and no other."""
    return isinstance(error, UnknownSymbol) or error.code == _NOT_IN_CATALOGUE


class UnlistedOrders:
    """Told of every look at an order; remembers which could not be looked at."""

    def __init__(self, records: OrderRecords) -> None:
        self._records = records
        self._apart: set[uuid.UUID] = set()

    @property
    def apart(self) -> frozenset[uuid.UUID]:
        """The orders that cannot be compared."""
        return frozenset(self._apart)

    def set_apart(self, row: Order, error: AristobotError) -> None:
        """Its market is unknown. Raises what is not about its market."""
        if not is_about_market(error):
            raise error
        if row.id not in self._apart:
            logger.error("Order {} cannot be compared, nothing more is bought on {}: {}", row.id.hex, row.symbol, error)
        self._apart.add(row.id)
        self._records.doubt(row)

    def compared(self, row: Order) -> None:
        """Its exchange speaks of it (again)."""
        if row.id in self._apart:
            self._apart.discard(row.id)
            self._records.believe_again(row)
            logger.info("Order {} can be compared again", row.id.hex)

    async def resting(
        self, client: ExchangeClient, keys: Credentials, ours: Sequence[Order], *, whole: bool
    ) -> tuple[list[OrderReport], bool]:
        """What rests, and whether that is the whole account, as `whole` asks for; else what rests on the markets of our orders.

        One market that nobody lists spoils the list of the whole. Of it nothing is told: its orders are asked for one by one.
        """
        if whole:
            try:
                return await client.open_orders(keys), True
            except AristobotError as error:
                if not is_about_market(error):
                    raise
                logger.debug("What rests cannot be read as a whole, but market by market: {}", error)
        answers = await asyncio.gather(*(_resting_on(client, keys, symbol) for symbol in sorted({row.symbol for row in ours})))
        return [one for answer in answers for one in answer], False


async def _resting_on(client: ExchangeClient, keys: Credentials, symbol: Symbol) -> list[OrderReport]:
    try:
        return await client.open_orders(keys, symbol)
    except AristobotError as error:
        if not is_about_market(error):
            raise
        return []
