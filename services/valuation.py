"""What a user's accounts are worth: balances of every broker, each asset at its last price in one quote asset."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from aristobot.errors import AristobotError, ExchangeError
from aristobot.money import ZERO, divided, times
from aristobot.portfolio import Balance
from aristobot.store import brokers, instruments
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from services.exchange_gateway import ExchangeGateway


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset of one broker. `value` is in the quote asset; None when nobody quotes it."""

    balance: Balance
    price: Decimal | None
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Holdings:
    """One broker's assets, the dearest first; `error` when the exchange did not tell."""

    broker: Broker
    holdings: tuple[Holding, ...] = ()
    error: AristobotError | None = None

    @property
    def total(self) -> Decimal:
        """The sum of what has a price."""
        return sum((one.value for one in self.holdings if one.value is not None), ZERO)


class Valuation:
    """Asks every exchange at once; a broker that cannot be read stands there with its error, and stops no other."""

    def __init__(self, db: Database, gateway: ExchangeGateway) -> None:
        self._db = db
        self._gateway = gateway

    async def of_user(self, user_id: uuid.UUID, quote: str) -> list[Holdings]:
        """All brokers with keys, valued in `quote`."""
        rows = [row for row in await self._db.read(user_id, brokers.mine) if row.api_key_sealed]
        return list(await asyncio.gather(*(self._of_broker(row, quote) for row in rows)))

    async def _of_broker(self, row: Broker, quote: str) -> Holdings:
        client = self._gateway.client_for(row)
        try:
            held = await client.balances(await self._gateway.keys(row))
            prices = await self._prices(row, [one.asset for one in held], quote)
        except ExchangeError as error:
            return Holdings(row, error=error)
        valued = [_valued(balance, prices.get(balance.asset)) for balance in held]
        return Holdings(row, tuple(sorted(valued, key=lambda one: (-(one.value or ZERO), one.balance.asset))))

    async def _prices(self, row: Broker, assets: Iterable[str], quote: str) -> dict[str, Decimal]:
        wanted = {f"{asset}/{quote}": asset for asset in assets} | {f"{quote}/{asset}": asset for asset in assets}
        known = await self._db.read(row.user_id, lambda s: [one for one in wanted if instruments.get(s, row.exchange, one)])
        tickers = await self._gateway.client_for(row).tickers(known) if known else []
        prices = {quote: Decimal(1)}
        for ticker in tickers:
            asset = wanted[ticker.symbol]
            if ticker.last:
                prices[asset] = ticker.last if ticker.symbol.startswith(f"{asset}/") else divided(Decimal(1), ticker.last)
        return prices


def _valued(balance: Balance, price: Decimal | None) -> Holding:
    return Holding(balance, price, times(balance.total, price) if price is not None else None)
