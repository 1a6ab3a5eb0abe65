"""Questions about orders in doubt, put once for all searches of a broker that one answer can serve.

An answer knows before which moment its question cannot have left, and which orders it was about. A search takes what others
asked when it is about its order and left after the moment that matters: after its own last look, or behind its own fence.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from aristobot.clock import Clock
from aristobot.exchange import Credentials, ExchangeClient, SupportsSearch
from aristobot.orders import OrderReport
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.exchange_gateway import ExchangeGateway

#: An exchange may stamp an order so much before we wrote it down, or after its fence.
_STAMPED_WITHIN = timedelta(seconds=60)
#: Orders written so close together are looked for in one stretch of history.
_NEIGHBOURS = timedelta(minutes=5)

Place = tuple[str, ...]
Question = Callable[[Iterable[Order]], Awaitable[Iterable[OrderReport]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of the orders `about`, by client id, to a question that left after `asked_at` (monotonic seconds)."""

    asked_at: float
    about: frozenset[str]
    reports: Mapping[str, OrderReport]

    def of(self, order: Order) -> OrderReport | None:
        """What it says of an order; None when that is not among what was shown."""
        return self.reports.get(order.client_order_id)


class DoubtQuestions:
    """Of one broker. Each method gives an answer about `order` to a question that left after the moment named.

    All of them raise ExchangeError; one that failed has failed for everybody who waited for it.
    """

    def __init__(self, clock: Clock, gateway: ExchangeGateway, account: Account) -> None:
        self._clock = clock
        self._gateway = gateway
        self._account = account
        self._sought: dict[str, Order] = {}
        self._askers: Counter[str] = Counter()
        self._answers: dict[Place, Answer] = {}
        self._waiting: dict[Place, asyncio.Task[Answer]] = {}

    @property
    def reads_lists(self) -> bool:
        """Whether `found` looks through all that rests and all that ended: then an absence is proven by it alone."""
        return self._client.capabilities.finds_many

    @property
    def in_use(self) -> bool:
        """Whether anything is looked for."""
        return bool(self._sought)

    @contextmanager
    def about(self, order: Order) -> Iterator[None]:
        """Questions are about this order too, as long as the context lasts for anybody."""
        self._sought[order.client_order_id] = order
        self._askers[order.client_order_id] += 1
        try:
            yield
        finally:
            self._askers[order.client_order_id] -= 1
            if not self._askers[order.client_order_id]:
                del self._askers[order.client_order_id], self._sought[order.client_order_id]
            if not self._sought:
                self._close()

    def renew(self, account: Account, order: Order) -> None:
        """The order's row as it stands now, and the account whose keys are to be used from now on."""
        self._account = account
        self._sought[order.client_order_id] = order

    def _close(self) -> None:
        """Forget what was answered, and ask no longer."""
        self._answers.clear()
        for task in self._waiting.values():
            task.cancel()

    async def found(self, order: Order, after: float) -> Answer:
        """By client id; of several orders together where the exchange rations questions."""
        if not self.reads_lists:
            asked_at = self._clock.monotonic()
            report = await self._client.find_order(await self._keys(), order.symbol, order.client_order_id)
            return _answer(asked_at, (order,), () if report is None else (report,))
        return await self._shared(("found",), order, after, self._find, self._neighbours(order))

    async def resting(self, order: Order, after: float) -> Answer:
        """Among all that rests on its symbol."""

        async def ask(_: Iterable[Order]) -> Iterable[OrderReport]:
            return await self._client.open_orders(await self._keys(), order.symbol)

        return await self._shared(("resting", order.symbol), order, after, ask, self._beside(order))

    async def ended(self, order: Order, after: float) -> Answer:
        """Among all that ended on its symbol since it was written down."""

        async def ask(orders: Iterable[Order]) -> Iterable[OrderReport]:
            since = min(one.created_at for one in orders) - _STAMPED_WITHIN
            return await self._client.closed_orders(await self._keys(), since, order.symbol)

        return await self._shared(("ended", order.symbol), order, after, ask, self._beside(order))

    @property
    def _client(self) -> ExchangeClient:
        return self._gateway.client_for(self._account.broker)

    async def _keys(self) -> Credentials:
        return await self._gateway.keys(self._account.broker)

    async def _find(self, orders: Iterable[Order]) -> Iterable[OrderReport]:
        rows = list(orders)
        since = min(one.created_at for one in rows) - _STAMPED_WITHIN
        until = max(one.fence_at or one.created_at for one in rows) + _STAMPED_WITHIN
        wanted = {one.client_order_id: one.symbol for one in rows}
        return await cast(SupportsSearch, self._client).find_orders(await self._keys(), wanted, since, until)

    def _neighbours(self, order: Order) -> Callable[[], list[Order]]:
        return lambda: [one for one in self._sought.values() if abs(one.created_at - order.created_at) <= _NEIGHBOURS]

    def _beside(self, order: Order) -> Callable[[], list[Order]]:
        return lambda: [one for one in self._sought.values() if one.symbol == order.symbol]

    async def _shared(
        self, place: Place, order: Order, after: float, ask: Question, company: Callable[[], list[Order]]
    ) -> Answer:
        """An answer that is there already, or the one to the next question: they are put one at a time, for all who wait."""
        while True:
            last = self._answers.get(place)
            if last is not None and last.asked_at > after and order.client_order_id in last.about:
                return last
            task = self._waiting.get(place)
            if task is not None and not task.done():
                await asyncio.shield(task)
                continue
            task = self._waiting[place] = asyncio.create_task(self._put(place, ask, company()))
            task.add_done_callback(lambda done: self._came(place, done))
            return await asyncio.shield(task)

    async def _put(self, place: Place, ask: Question, orders: list[Order]) -> Answer:
        asked_at = self._clock.monotonic()
        answer = _answer(asked_at, orders, await ask(orders))
        if self._sought:
            self._answers[place] = answer
        return answer

    def _came(self, place: Place, task: asyncio.Task[Answer]) -> None:
        if self._waiting.get(place) is task:
            del self._waiting[place]
        if not task.cancelled():
            task.exception()  # whoever waited for it knows


def _answer(asked_at: float, orders: Iterable[Order], reports: Iterable[OrderReport]) -> Answer:
    about = frozenset(one.client_order_id for one in orders)
    return Answer(asked_at, about, {one.client_order_id: one for one in reports if one.client_order_id in about})
