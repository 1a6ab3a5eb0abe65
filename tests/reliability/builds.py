"""How the house of the storm is built: the sound one, in which only waiting is shorter, and the broken ones (see `BUILDS`).

Each broken house leaves out one of the promises of the sound one. They exist to show that the checker would notice.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlmodel import col

from aristobot.clock import Clock
from aristobot.errors import ExchangeError, OutcomeUnknown
from aristobot.events import SignalReceived
from aristobot.exchange import ClientFactory, Credentials, Endpoints, ExchangeClient
from aristobot.orders import OrderReport, OrderStatus
from aristobot.store.inbox import Alert, AlertInbox, Stored
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order
from services import order_resolver, trading_engine
from services.app import App
from services.broker_book import Account
from services.exchanges.binance import BinanceClient
from services.exchanges.bitget import BitgetClient
from services.exchanges.kraken import KrakenClient
from services.exchanges.transport import Timeouts
from services.order_resolver import OrderResolver
from services.order_sender import Ask, OrderSender

#: The storm's exchanges hold a request or an answer back this long at most, in seconds; every wait below is beyond it.
LONGEST_DELAY = 0.25


#: Nothing that a house sent before it died arrives later than this, in seconds.
_LONGEST_WAY = 1.0
_PATIENCE = Timeouts(read=4 * LONGEST_DELAY)


class QuickBinance(BinanceClient):
    """Binance's client, with less patience for an exchange that is silent."""

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None) -> None:
        super().__init__(clock, endpoints, _PATIENCE)


class QuickKraken(KrakenClient):
    """The same of Kraken's client."""

    capabilities = replace(KrakenClient.capabilities, request_window=_LONGEST_WAY)

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None) -> None:
        super().__init__(clock, endpoints, _PATIENCE)


class QuickBitget(BitgetClient):
    """The same of Bitget's client, whose requests are valid for half a minute."""

    capabilities = replace(BitgetClient.capabilities, request_window=_LONGEST_WAY)

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None) -> None:
        super().__init__(clock, endpoints, _PATIENCE)


#: The clients that this storm is met with.
QUICK: dict[str, ClientFactory] = {"binance": QuickBinance, "bitget": QuickBitget, "kraken": QuickKraken}


def hurry(app: App) -> None:
    """Wait as long as this storm's exchanges need, not as long as real ones may: the same rules, sooner."""
    app.gateway._factories.update(QUICK)
    order_resolver.ENGINE_MAX = order_resolver.REPLICA_LAG = 2 * LONGEST_DELAY
    order_resolver.CLOCK_SKEW = 0.1
    trading_engine.MOST_CLAIMS = trading_engine.MOST_CLAIMS_WITH_ORDERS = 1000  # here it is never the alert that kills


class _HastyInbox(AlertInbox):
    """200 before commit: promises at once and stores a little later."""

    def __init__(self, app: App) -> None:
        super().__init__(app.db)
        self._app = app
        self._aside: set[asyncio.Task[None]] = set()

    async def add(self, alert: Alert) -> Stored:
        """Say that it is stored; said to be a duplicate, nobody rings the bell for it yet."""
        task = asyncio.create_task(self._store_later(alert))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        return Stored(alert.id, alert.trace_id, True)

    async def _store_later(self, alert: Alert) -> None:
        await self._app.clock.sleep(LONGEST_DELAY)
        stored = await super().add(alert)
        if not stored.duplicate:
            self._app.bus.publish(
                SignalReceived(
                    at=alert.received_at,
                    trace_id=stored.trace_id,
                    user_id=alert.user_id,
                    webhook_id=stored.id,
                    broker_id=alert.broker_id,
                    payload=alert.payload,
                )
            )


class _ForgetfulInbox(AlertInbox):
    """No dedupe: every alert is a new one, whatever its sender calls it."""

    async def add(self, alert: Alert) -> Stored:
        """Store it once more."""
        return await super().add(msgspec.structs.replace(alert, identity=uuid.uuid4().hex))


class _BlindSender(OrderSender):
    """Blind retry: an order without an answer is sent again."""

    async def send(self, account: Account, rows: list[Order], ask: Ask, expires_at: datetime | None = None) -> list[Order]:
        """Send until somebody answers."""

        async def again(client: ExchangeClient, keys: Credentials) -> list[OrderReport]:
            for _ in range(3):
                with suppress(OutcomeUnknown):
                    return await ask(client, keys)
            return await ask(client, keys)

        return await super().send(account, rows, again, expires_at)


class _LateSender(OrderSender):
    """Intent written after sending: the order's row is there once the exchange has answered."""

    def __init__(self, app: App) -> None:
        super().__init__(app.floor, app.records, app.resolver)
        self._db = app.db

    async def send(self, account: Account, rows: list[Order], ask: Ask, expires_at: datetime | None = None) -> list[Order]:
        """Send, then write."""
        kept = [row.model_dump() for row in rows]
        wanted = [row.id for row in rows]

        def forget(session: GuardedSession) -> None:
            session.exec(sa.delete(Order).where(col(Order.id).in_(wanted)))

        def write(session: GuardedSession) -> None:
            for values in kept:
                session.add(Order(**values))

        async def ask_first(client: ExchangeClient, keys: Credentials) -> list[OrderReport]:
            try:
                return await ask(client, keys)
            finally:
                await self._db.write(account.user_id, write)

        await self._db.write(account.user_id, forget)
        return await super().send(account, rows, ask_first, expires_at)


class _CredulousResolver(OrderResolver):
    """No fence: an order that is not found at the first look was never accepted."""

    async def _resolve(self, order: Order) -> Order:
        account = await self._brokers.get(order.broker_id)
        client = self._gateway.client_for(account.broker)
        while True:
            try:
                found = await client.find_order(await self._gateway.keys(account.broker), order.symbol, order.client_order_id)
            except ExchangeError:
                await self._clock.sleep(LONGEST_DELAY)
                continue
            if found is None:
                return await self._records.settle(order, OrderStatus.NOT_ACCEPTED)
            return await self._believe(account, order, found)


def _hasty(app: App) -> None:
    app.receiver._inbox = _HastyInbox(app)


def _forgetful(app: App) -> None:
    app.receiver._inbox = _ForgetfulInbox(app.db)


def _blind(app: App) -> None:
    _hasty(app)
    app.desk._sender = _BlindSender(app.floor, app.records, app.resolver)


def _late(app: App) -> None:
    app.desk._sender = _LateSender(app)


def _credulous(app: App) -> None:
    app.resolver.__class__ = _CredulousResolver


#: A house by its name: what is done to a sound one.
BUILDS: dict[str, Callable[[App], None]] = {
    "sound": lambda app: None,
    "memory queue and blind retry": _blind,
    "no fence": _credulous,
    "intent written after sending": _late,
    "200 before commit": _hasty,
    "no dedupe": _forgetful,
}
#: What the checker must find in a broken house, in its words.
FAULTS: dict[str, frozenset[str]] = {
    "memory queue and blind retry": frozenset({"was acknowledged and is gone", "was taken "}),
    "no fence": frozenset({"NOT_ACCEPTED here"}),
    "intent written after sending": frozenset({"is unknown to the house"}),
    "200 before commit": frozenset({"was acknowledged and is gone"}),
    "no dedupe": frozenset({"has 2 rows"}),
}
