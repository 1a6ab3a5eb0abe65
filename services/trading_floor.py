"""What every trading service uses, wired once by the App and handed on as one value."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.store.database import Database
from aristobot.store.group_commit import GroupCommit
from services.account_book import AccountBook
from services.broker_book import BrokerBook
from services.conversion import Conversion
from services.exchange_gateway import ExchangeGateway
from services.fee_book import FeeBook
from services.kill_switch import KillSwitch
from services.market_catalog import MarketCatalog
from services.position_book import PositionBook
from services.price_book import PriceBook

_NOBODY = uuid.UUID(int=0)


@dataclass(slots=True)
class TradingFloor:
    """The shared parts of trading. `reconciled` holds the brokers whose orders were compared with their
    exchange since start; `ready` is set when start-up recovery is done; `urgent` are the commits of alerts and intents."""

    db: Database
    bus: Bus
    clock: Clock
    gateway: ExchangeGateway
    catalog: MarketCatalog
    brokers: BrokerBook
    accounts: AccountBook
    prices: PriceBook
    conversion: Conversion
    positions: PositionBook
    fees: FeeBook
    kill_switch: KillSwitch
    urgent: GroupCommit[Any, Any]
    dry_run: bool = False
    installation: uuid.UUID = _NOBODY
    epoch: int = 0
    reconciled: set[uuid.UUID] = field(default_factory=set)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _turns: WeakValueDictionary[tuple[uuid.UUID, str], asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def turn(self, broker_id: uuid.UUID, symbol: str) -> asyncio.Lock:
        """The turn of one market of a broker: alerts and strategies that trade there come one after the other."""
        return self._turn_of((broker_id, symbol))

    def only(self, cause: uuid.UUID) -> asyncio.Lock:
        """The turn of one cause: who must not order for it at two brokers looks and orders in it."""
        return self._turn_of((cause, ""))

    def _turn_of(self, key: tuple[uuid.UUID, str]) -> asyncio.Lock:
        lock = self._turns.get(key)
        if lock is None:
            lock = self._turns[key] = asyncio.Lock()
        return lock
