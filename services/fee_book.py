"""What each account pays for its orders: its own rates where its exchange tells them, the catalogue's until then.

They are asked for beside whatever is going on and kept for hours: no order waits for them.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import cast

from loguru import logger

from aristobot.clock import Clock
from aristobot.errors import AristobotError, TryAgain
from aristobot.exchange import Fees, SupportsFees
from aristobot.market import Instrument, Symbol
from aristobot.money import ZERO
from services.broker_book import Account
from services.exchange_gateway import ExchangeGateway
from services.market_catalog import MarketCatalog

#: Seconds for which rates are believed, and after which they are asked for again when they could not be read.
BELIEVED = 6 * 3600.0
AGAIN_AFTER = 600.0
SOON_AFTER = 30.0
#: Seconds for which a form waits to show an account's own rates.
PATIENCE = 2.0

_Key = tuple[uuid.UUID, str, Symbol]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was heard of one market's rates: None when they could not be read. Good until then (monotonic seconds)."""

    fees: Fees | None
    until: float


class FeeBook:
    """One question per account and market every few hours; new keys are another account."""

    def __init__(self, clock: Clock, gateway: ExchangeGateway, catalog: MarketCatalog) -> None:
        self._clock = clock
        self._gateway = gateway
        self._catalog = catalog
        self._known: dict[_Key, _Known] = {}
        self._asking: dict[_Key, asyncio.Task[None]] = {}
        self._warned: set[uuid.UUID] = set()

    async def instrument(self, account: Account, symbol: Symbol) -> Instrument:
        """A market with the rates of this account, as far as they are known; never waits for them.

        Raises UnknownSymbol, ExchangeError, of the catalogue.
        """
        listed = await self._catalog.instrument(account.broker.exchange, symbol)
        self._refresh(account, symbol)
        fees = self._fees(account, symbol)
        return listed if fees is None else listed.paying(fees.maker, max(fees.taker, ZERO))

    async def learn(self, account: Account, symbol: Symbol) -> None:
        """Wait until the rates are known, though not for long: for who shows them."""
        task = self._refresh(account, symbol)
        if task is None or self.are_own(account, symbol):
            return
        patience = asyncio.ensure_future(self._clock.sleep(PATIENCE))
        try:
            await asyncio.wait({task, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()

    def are_own(self, account: Account, symbol: Symbol) -> bool:
        """Whether the rates are the account's own, or only the catalogue's."""
        return self._fees(account, symbol) is not None

    def believe(self, account: Account, symbol: Symbol, fees: Fees) -> None:
        """Count with these rates from now on, for as long as rates are believed."""
        self._known[_key(account, symbol)] = _Known(fees, self._clock.monotonic() + BELIEVED)

    def _fees(self, account: Account, symbol: Symbol) -> Fees | None:
        known = self._known.get(_key(account, symbol))
        return known.fees if known is not None else None

    def _refresh(self, account: Account, symbol: Symbol) -> asyncio.Task[None] | None:
        """The question about these rates that is under way, put now when it is due."""
        key = _key(account, symbol)
        known, task = self._known.get(key), self._asking.get(key)
        if task is None and (known is None or self._clock.monotonic() >= known.until) and self._can_ask(account):
            task = self._asking[key] = asyncio.create_task(self._ask(account, symbol))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return task

    def _can_ask(self, account: Account) -> bool:
        return bool(account.broker.api_key_sealed) and self._gateway.client_for(account.broker).capabilities.tells_fees

    async def _ask(self, account: Account, symbol: Symbol) -> None:
        client = cast(SupportsFees, self._gateway.client_for(account.broker))
        key = _key(account, symbol)
        before = self._known.get(key)
        try:
            fees = await client.fees(await self._gateway.keys(account.broker), symbol)
        except AristobotError as error:
            wait = SOON_AFTER if isinstance(error, TryAgain) else AGAIN_AFTER
            self._known[key] = _Known(before.fees if before else None, self._clock.monotonic() + wait)
            if account.id not in self._warned:
                words = "The fees of broker {} cannot be read, those of the catalogue are counted with: {}"
                logger.warning(words, account.id, error)
            self._warned.add(account.id)
        else:
            self.believe(account, symbol, fees)
            self._warned.discard(account.id)


def _key(account: Account, symbol: Symbol) -> _Key:
    return account.id, account.broker.api_key_sealed, symbol
