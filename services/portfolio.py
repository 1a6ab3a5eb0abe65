"""What a user's accounts are worth: every broker's balances, each asset at its last price, in one quote asset and in euros.

Balances come from memory where the account's stream keeps them true; what has no fresh price is asked for in one batch.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from aristobot.errors import AristobotError
from aristobot.market import Symbol
from aristobot.money import ZERO, kept, times
from aristobot.portfolio import Balance
from aristobot.store import brokers
from aristobot.store.tables import Broker
from services.broker_book import Account
from services.conversion import Path, rate_over
from services.trading_floor import TradingFloor

EURO = "EUR"
#: A price of the portfolio may be so old, in seconds: the book refreshes what is watched far more often.
_FRESH = 10.0

Paths = Mapping[tuple[str, str], Path]
Prices = Mapping[Symbol, Decimal]


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset of one broker. `value` is in the quote asset, `euros` in euros; None when nobody quotes it."""

    balance: Balance
    price: Decimal | None
    value: Decimal | None
    euros: Decimal | None
    #: Why it is too small to be sold, as a code with its facts; None when it can be sold, or is money itself.
    dust: tuple[str, Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """One broker's assets, the dearest first; `error` when the exchange did not tell."""

    broker: Broker
    holdings: tuple[Holding, ...] = ()
    error: AristobotError | None = None

    @property
    def total(self) -> Decimal | None:
        """What it is worth in the quote asset; None when that is not known. What nobody quotes counts for nothing."""
        return None if self.error is not None else _worth([one.value for one in self.holdings])

    @property
    def euros(self) -> Decimal | None:
        """The same in euros."""
        return None if self.error is not None else _worth([one.euros for one in self.holdings])


def together(worths: Iterable[Decimal | None]) -> Decimal | None:
    """What several brokers are worth: None when one of them is not known, for the rest alone would be too little."""
    listed = list(worths)
    known = [one for one in listed if one is not None]
    return sum(known, ZERO) if len(known) == len(listed) else None


def _worth(values: Sequence[Decimal | None]) -> Decimal | None:
    """The sum of what has a price: nothing held is worth zero, coins of which none has a price are worth nobody knows what."""
    known = [one for one in values if one is not None]
    return sum(known, ZERO) if known or not values else None


class Portfolio:
    """A broker that cannot be read stands there with its error, and stops no other."""

    def __init__(self, floor: TradingFloor) -> None:
        self._floor = floor

    async def of_user(self, user_id: uuid.UUID, quote: str) -> list[Holdings]:
        """All brokers with keys, valued in `quote` and in euros."""
        rows = [row for row in await self._floor.db.read(user_id, brokers.mine) if row.api_key_sealed]
        accounts = [await self._floor.brokers.owned(user_id, row.id) for row in rows]
        return list(await asyncio.gather(*(self._of_safely(account, quote) for account in accounts)))

    async def of_account(self, account: Account, quote: str) -> Holdings:
        """One broker. Raises ExchangeError."""
        held = [one for one in await self._floor.accounts.balances(account) if one.total]
        exchange = account.broker.exchange
        paths = self._paths(exchange, [one.asset for one in held], quote)
        wanted = {symbol for path in paths.values() for symbol, _ in path}
        client = self._floor.gateway.client_for(account.broker)
        prices = await self._floor.prices.several(client, wanted, _FRESH)
        return Holdings(account.broker, self._valued(exchange, held, quote, paths, prices))

    def repriced(self, found: Holdings, quote: str) -> Holdings:
        """The same balances at the last prices seen, from memory alone."""
        held = [one.balance for one in found.holdings]
        exchange = found.broker.exchange
        paths = self._paths(exchange, [one.asset for one in held], quote)
        symbols = {symbol for path in paths.values() for symbol, _ in path}
        known = {symbol: self._floor.prices.last(exchange, symbol) for symbol in symbols}
        prices = {symbol: price for symbol, price in known.items() if price}
        return Holdings(found.broker, self._valued(exchange, held, quote, paths, prices), found.error)

    async def _of_safely(self, account: Account, quote: str) -> Holdings:
        try:
            return await self.of_account(account, quote)
        except AristobotError as error:
            return Holdings(account.broker, error=error)

    def _valued(self, exchange: str, held: Collection[Balance], quote: str, paths: Paths, prices: Prices) -> tuple[Holding, ...]:
        def one(balance: Balance) -> Holding:
            path = paths.get((balance.asset, quote))
            price, euro = rate_over(path, prices), rate_over(paths.get((balance.asset, EURO)), prices)
            value = kept(times(balance.total, price)) if price is not None else None
            euros = kept(times(balance.total, euro)) if euro is not None else None
            return Holding(balance, price, value, euros, self._dust(exchange, balance, path, prices))

        return tuple(sorted((one(balance) for balance in held), key=lambda it: (-(it.value or ZERO), it.balance.asset)))

    def _dust(self, exchange: str, balance: Balance, path: Path | None, prices: Prices) -> tuple[str, Mapping[str, str]] | None:
        """Why a balance cannot be sold over the first pair of its way to the quote. What lies in orders is being sold."""
        if not path or path[0][1] or balance.locked:
            return None
        symbol = path[0][0]
        instrument, price = self._floor.catalog.listed(exchange, symbol), prices.get(symbol)
        if instrument is None or not price or not instrument.is_dust(balance.total, price):
            return None
        return instrument.why_dust(balance.total)

    def _paths(self, exchange: str, assets: Iterable[str], quote: str) -> dict[tuple[str, str], Path]:
        """How each asset becomes the quote, and euros; what nobody quotes is left out."""
        found: dict[tuple[str, str], Path] = {}
        for asset in assets:
            for target in {quote, EURO}:
                path = self._floor.conversion.path(exchange, asset, target)
                if path is not None:
                    found[asset, target] = path
        return found
