"""What is held, at the last prices; and fees in a third asset, at what they were worth when they were paid."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from loguru import logger

from aristobot.errors import DataError, ExchangeError, UnknownSymbol
from aristobot.events import PositionUpdated
from aristobot.market import Symbol, Timeframe
from aristobot.money import kept, times
from aristobot.store import bookkeeping, positions
from aristobot.store.bookkeeping import UnvaluedFee
from aristobot.store.positions import Repriced
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import PositionRow
from services.broker_book import Account
from services.conversion import OLDEST
from services.trading_floor import TradingFloor

#: More than there are assets that others are traded against.
_ALL = 1000
#: Fees valued in one round: each costs a question to the exchange.
_MOST = 10
_MINUTE = timedelta(minutes=1)
#: Fees older than this stay as they are.
_LOOK_BACK = timedelta(days=2)


class PositionPricer:
    """Works in the monitor's round, so that no fill waits for it."""

    def __init__(self, floor: TradingFloor) -> None:
        self._floor = floor
        self._without_price: set[uuid.UUID] = set()

    async def price(self) -> None:
        """Watch what is held and what limits are told by, and write what the last prices make of it."""
        for one in self._floor.brokers.all():
            self._floor.prices.watch(one.broker.exchange, await self._conversions(one))
        held = await self._floor.db.read(SYSTEM, positions.open_ones)
        by_broker = {account.id: account for account in self._floor.brokers.all()}
        priced = []
        for row in held:
            account = by_broker.get(row.broker_id)
            if account is None:
                continue
            self._floor.prices.watch(account.broker.exchange, [row.symbol])
            price = self._floor.prices.last(account.broker.exchange, row.symbol)
            if price is not None and price != row.current_price:
                instrument = self._floor.catalog.listed(account.broker.exchange, row.symbol)
                is_dust = instrument.is_dust(row.quantity, price) if instrument is not None else row.is_dust
                priced.append((row, Repriced(row.id, price, is_dust)))
        if priced:
            now = self._floor.clock.now()
            await self._floor.db.write(SYSTEM, lambda s: positions.reprice(s, [seen for _, seen in priced], now))
            for broker_id in {row.broker_id for row in held}:
                self._floor.positions.changed(broker_id)
            for row, seen in priced:
                if row.is_dust != seen.is_dust:
                    self._tell(row)

    async def ask_conversions(self, account: Account) -> None:
        """Ask for the prices that limits are told by where an account's money is of several kinds. Raises ExchangeError."""
        pairs = await self._conversions(account)
        if pairs:
            await self._floor.prices.several(self._floor.gateway.client_for(account.broker), pairs, OLDEST)

    async def _conversions(self, account: Account) -> set[Symbol]:
        """The pairs between the quotes of its positions and those that it has money in; a coin that we bought is no money."""
        exchange, held = account.broker.exchange, await self._floor.positions.of(account)
        bought = {row.base for row in held.rows}
        funds = {asset for asset in self._floor.accounts.held(account.id) if asset not in bought}
        if len(held.quotes | funds) < 2:
            return set()
        await self._floor.catalog.load(exchange)
        return self._floor.conversion.pairs(
            exchange, held.quotes | funds.intersection(self._floor.catalog.quotes(exchange, _ALL))
        )

    async def value_fees(self, account: Account) -> None:
        """Say what fees in a third asset were worth in quote, by the minute's close in which they were paid.

        Where no pair has a price they stay apart and are named so.
        """
        since = self._floor.clock.now() - _LOOK_BACK
        waiting = await self._floor.db.read(account.user_id, lambda s: bookkeeping.unvalued_fees(s, account.id, since))
        for one in [fee for fee in waiting if fee.fill_id not in self._without_price][:_MOST]:
            try:
                worth = await self._worth(account, one)
            except (ExchangeError, DataError) as error:
                logger.warning("The worth of a fee in {} cannot be read yet: {}", one.asset, error)
                return
            if worth is None:
                self._without_price.add(one.fill_id)
                continue
            now = self._floor.clock.now()
            await self._floor.db.write(account.user_id, partial(bookkeeping.value_fee, fee=one, worth=worth, now=now))
            told = PositionUpdated(
                at=now, user_id=account.user_id, position_id=one.position_id, broker_id=account.id, symbol=one.symbol
            )
            self._floor.bus.publish(told)

    def _tell(self, row: PositionRow) -> None:
        """What could be sold has become dust, or the other way round."""
        told = PositionUpdated(
            at=self._floor.clock.now(), user_id=row.user_id, position_id=row.id, broker_id=row.broker_id, symbol=row.symbol
        )
        self._floor.bus.publish(told)

    async def _worth(self, account: Account, fee: UnvaluedFee) -> Decimal | None:
        symbol = f"{fee.asset}/{fee.quote}"
        try:
            await self._floor.catalog.instrument(account.broker.exchange, symbol)
        except UnknownSymbol:
            return None
        price = await self._close_at(account, symbol, fee.at)
        return kept(times(fee.fee, price)) if price is not None else None

    async def _close_at(self, account: Account, symbol: Symbol, moment: datetime) -> Decimal | None:
        """The close of the minute that holds the moment."""
        client = self._floor.gateway.client_for(account.broker)
        found = await client.candles(symbol, Timeframe.M1, limit=1, before=moment + _MINUTE)
        return found[-1].close if found and moment - found[-1].open_time < 2 * _MINUTE else None
