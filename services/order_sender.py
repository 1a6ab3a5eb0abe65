"""Hands requests to an exchange and believes its answers: sent once, looked for when in doubt (reliability, 3.3)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import cast

from loguru import logger

from aristobot.errors import (
    AristobotError,
    DuplicateOrder,
    ExchangeError,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TryAgain,
    UnknownOrder,
)
from aristobot.exchange import Credentials, ExchangeClient, SendOrder, SupportsPreparing
from aristobot.kinds import OrderRole
from aristobot.money import ZERO
from aristobot.orders import OrderReport, OrderRequest, OrderStatus
from aristobot.store import orders
from aristobot.store.bookkeeping import Recorded
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.exit_plan import PATIENCE_FOR_EXITS
from services.order_records import OrderRecords
from services.order_resolver import OrderResolver, fence
from services.trading_floor import TradingFloor

_RESENDS = (0.05, 0.3, 1.0)
#: An exchange that asks for a longer silence than this gets no second try of the same order.
_LONGEST_WAIT = 2.0
#: Something asked of an exchange that answers with reports.
Ask = Callable[[ExchangeClient, Credentials], Awaitable[list[OrderReport]]]


class Departure:
    """One order on its way out: made ready while its intent is being committed, sent after the commit said yes, and not before.

    Whoever writes the intent has it prepared meanwhile and hands `ask` to the sender. What is not sent is forgotten.
    """

    def __init__(self, floor: TradingFloor, account: Account, request: OrderRequest) -> None:
        self._gateway = floor.gateway
        self._broker = account.broker
        self._request = request
        self._send: SendOrder | None = None

    @property
    def preparation(self) -> Callable[[], None] | None:
        """What can be done while the intent is being committed; None where the exchange's client prepares nothing."""
        return self._prepare if self._gateway.client_for(self._broker).capabilities.prepares_orders else None

    def _prepare(self) -> None:
        """Sign it and write it out; what hinders that is met again, and told, by `ask`."""
        client = cast(SupportsPreparing, self._gateway.client_for(self._broker))
        with suppress(AristobotError):
            self._send = client.prepare_order(self._gateway.keys_now(self._broker), self._request)

    async def ask(self, client: ExchangeClient, keys: Credentials) -> list[OrderReport]:
        """Send it. What was made ready serves once: a second try is made anew."""
        send, self._send = self._send, None
        return [await (client.place_order(keys, self._request) if send is None else send())]


class OrderSender:
    """The desk's hand. It never writes an order: the rows it is given are committed before it is called."""

    def __init__(self, floor: TradingFloor, records: OrderRecords, resolver: OrderResolver) -> None:
        self._clock = floor.clock
        self._gateway = floor.gateway
        self._records = records
        self._resolver = resolver

    def announce(self, row: Order) -> None:
        """Tell the bus of an order just written."""
        self._records.announce_new(row)

    async def send(self, account: Account, rows: list[Order], ask: Ask, expires_at: datetime | None = None) -> list[Order]:
        """Send until there is an answer or doubt; only what certainly had no effect is sent again, under the same id."""
        client = self._gateway.client_for(account.broker)
        for number, pause in enumerate((*_RESENDS, None)):
            if number:
                await self._records.sent_again(rows, fence(self._clock.now(), client.capabilities.request_window))
            try:
                reports = await ask(client, await self._gateway.keys(account.broker))
            except (OutcomeUnknown, DuplicateOrder) as doubt:
                return await self._doubt(rows, doubt)
            except TryAgain as error:
                wait = error.retry_after if isinstance(error, RateLimited) else pause
                if pause is None or wait is None or wait > _LONGEST_WAIT or self._expires(expires_at, wait):
                    return await self._refused(rows, error)
                await self._clock.sleep(wait)
            except Refused as error:
                self._gateway.noticed(account.broker, error)
                return await self._refused(rows, error)
            except AristobotError as error:
                return await self._doubt(rows, error)
            else:
                return await self._believe(account, rows, reports)
        raise AssertionError("the last try returns")

    def _expires(self, expires_at: datetime | None, wait: float) -> bool:
        return expires_at is not None and self._clock.now() + timedelta(seconds=wait) > expires_at

    async def _refused(self, rows: list[Order], error: ExchangeError) -> list[Order]:
        return [await self._records.settle(row, OrderStatus.REJECTED, error) for row in rows]

    async def _doubt(self, rows: list[Order], error: AristobotError) -> list[Order]:
        logger.warning("Order {} is in doubt: {}", rows[0].id.hex, error)
        doubtful = [await self._records.settle(row, OrderStatus.UNKNOWN, error) for row in rows]
        searches = [self._resolver.take_up(row) for row in doubtful]
        if any(row.role not in (OrderRole.STOP, OrderRole.TARGET) for row in rows):
            return list(await asyncio.gather(*(asyncio.shield(search) for search in searches)))
        patience = asyncio.ensure_future(self._clock.sleep(PATIENCE_FOR_EXITS))
        try:
            while not patience.done() and (going_on := {search for search in searches if not search.done()}):
                await asyncio.wait({patience, *going_on}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
        return [search.result() if search.done() else row for search, row in zip(searches, doubtful, strict=True)]

    async def _believe(self, account: Account, rows: list[Order], reports: list[OrderReport]) -> list[Order]:
        believed: dict[uuid.UUID, Order] = {}
        for report in reports:
            recorded = await self._believe_one(account, report)
            if recorded is not None:
                believed[recorded.order.id] = recorded.order
        strangers = [row for row in rows if row.id not in believed]
        if strangers:
            await self._doubt(strangers, OutcomeUnknown(detail="the answer names other orders"))
        return list(await asyncio.gather(*(self.settled(believed.get(row.id, row)) for row in rows)))

    async def _believe_one(self, account: Account, report: OrderReport) -> Recorded | None:
        recorded = await self._records.apply(account, report)
        if recorded is not None and recorded.missing > ZERO:
            self._resolver.complete(account, recorded.order)
        return recorded

    async def settled(self, row: Order) -> Order:
        """The order's row once nothing about it is in doubt any more."""
        return row if orders.is_settled(row) else await asyncio.shield(self._resolver.take_up(row))

    async def fills_known(self, broker_id: uuid.UUID, symbol: str, owner: str) -> bool:
        """Whether all that an owner of lots traded on a market is known; waits for it, though not for ever."""
        return await self._resolver.fills_known(broker_id, symbol, owner)

    async def insist(self, account: Account, rows: list[Order], ask: Ask) -> None:
        """Do a repeatable thing (a cancel) until it is answered, then believe the reports, or look at each order."""
        client = self._gateway.client_for(account.broker)
        for pause in (*_RESENDS, None):
            try:
                for report in await ask(client, await self._gateway.keys(account.broker)):
                    await self._believe_one(account, report)
                return
            except UnknownOrder:
                break
            except (OutcomeUnknown, TryAgain) as error:
                if pause is None:
                    raise
                logger.warning("Cancelling on {} is asked again: {}", rows[0].symbol, error)
                await self._clock.sleep(pause)
        await self.look(account, rows)

    async def look(self, account: Account, rows: list[Order]) -> None:
        """Ask the exchange what became of these orders and believe it. Raises ExchangeError when it cannot say."""
        client = self._gateway.client_for(account.broker)
        for row in rows:
            found = await client.find_order(await self._gateway.keys(account.broker), row.symbol, row.client_order_id)
            if found is not None:
                await self._believe_one(account, found)
            elif row.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN):
                self._resolver.take_up(row)
            else:
                raise ExchangeError("order_not_found", order=row.id.hex, symbol=row.symbol)
