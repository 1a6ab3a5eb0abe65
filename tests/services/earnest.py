"""A house on a clock that leaps, in front of every exchange, with clients that are as patient as in earnest."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from aristobot.market import Symbol
from aristobot.orders import OrderType, Side
from services.exchanges.binance import BinanceClient
from services.household import NewUser
from services.simulator.records import Order
from services.simulator.server import SimulatorServer
from tests.services.leaping import LoopClock
from tests.services.trading import HAND, WIDE, Trader, TradingHouse, furnish

_STOPS = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
_MONEY = {"USDT": Decimal(10_000)}


class Venue(NamedTuple):
    """An exchange, and the kind of account there."""

    exchange: str
    mode: str = "classic"


@dataclass
class _Form:
    """What is filled in to trade there."""

    venue: Venue
    key: str
    secret: str

    def values(self) -> dict[str, object]:
        """By field."""
        limits: dict[str, object] = {**WIDE, "pyramiding": True}
        form: dict[str, object] = {"exchange": self.venue.exchange, "name": self.key[:20], "mode": "WEBHOOKS"}
        if self.venue.exchange == "bitget":
            form["passphrase"] = "open sesame"
            limits["collar_percent"] = "1.5"
        return form | {"api_key": self.key, "api_secret": self.secret, "limits": limits}


class EarnestHouse(TradingHouse):
    """Its users trade at several exchanges."""

    client = BinanceClient

    async def traders(self, *venues: Venue) -> list[Trader]:
        """A new user with an account at each of these."""
        name = f"trader-{uuid.uuid4().hex[:8]}"
        user = await self.app.accounts.household.add_without_password(NewUser(name, ""), HAND)
        return [await self._trader(user.id, venue) for venue in venues]

    async def _trader(self, user_id: uuid.UUID, venue: Venue) -> Trader:
        form = _Form(venue, uuid.uuid4().hex * 2, self.simulator.dialects[venue.exchange].secret(uuid.uuid4().hex))
        opened = self.simulator.venue.open_account(venue.exchange, form.key, form.secret, _MONEY)
        opened.mode, opened.passphrase = venue.mode, "open sesame" if venue.exchange == "bitget" else None
        broker = await self.app.brokers.add(user_id, form.values(), HAND)
        token = await self.app.brokers.webhooks.rotate(user_id, broker.id, HAND)
        await self.until(lambda: broker.id in self.app.floor.reconciled and bool(opened.listeners))
        return Trader(user_id, broker.id, opened, token)


def resting_stops(trader: Trader, symbol: Symbol) -> list[Order]:
    """What guards one position at the exchange."""
    orders = trader.account.open_orders.values()
    return [one for one in orders if one.symbol == symbol and one.side is Side.SELL and one.type in _STOPS]


@asynccontextmanager
async def an_earnest_house(folder: Path, template: Path) -> AsyncIterator[EarnestHouse]:
    """Open and ready; to be run on a leaping loop."""
    furnish(folder, template)
    clock = LoopClock()
    simulator = SimulatorServer(clock)
    await simulator.start()
    house = EarnestHouse(folder, clock, simulator)
    try:
        await house.open()
        yield house
    finally:
        await house.close()
        await simulator.stop()
