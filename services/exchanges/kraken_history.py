"""What became of an account's orders on Kraken: found by client id, resting, ended, filled. Reads over REST only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime

from aristobot.clock import EPOCH
from aristobot.exchange import Credentials
from aristobot.market import Symbol
from aristobot.orders import Fill, OrderReport
from services.exchanges.kraken_calls import KrakenCalls
from services.exchanges.kraken_wire import (
    CLOSED_ORDERS,
    OPEN_ORDERS,
    OWN_FILLS,
    QUERIED_FILLS,
    NativeOrder,
    OwnFill,
    fill_of,
    report_of,
    result_of,
    seconds,
)

#: Finds our symbols for spellings of theirs; those the catalogue at hand does not know are looked for in a fresh one.
Names = Callable[[Iterable[str]], Awaitable[Mapping[str, Symbol]]]

#: How many executions one call asks for, and how many points such a call costs.
_FILLS_AT_ONCE = 20
_FILLS_POINTS = 2


class KrakenHistory:
    """Reads of past and present orders."""

    def __init__(self, calls: KrakenCalls, names: Names) -> None:
        self._calls = calls
        self._names = names

    async def open_orders(self, keys: Credentials) -> list[OrderReport]:
        """Everything that rests. Who asks while a question waits to leave shares its answer: one may ask per pair."""
        record = self._calls.record_of(keys)
        body = await record.open_orders.ask(lambda leaves: self._calls.private("/0/private/OpenOrders", {}, keys, leaves=leaves))
        return await self._reports(result_of(OPEN_ORDERS, body).open)

    async def find(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """One order with its fills: among those that rest, then among those that ended; None when it is in neither.

        An order that ends between the two questions is in the second answer.
        """
        form = {"cl_ord_id": client_order_id, "trades": "true"}
        found = result_of(OPEN_ORDERS, await self._calls.private("/0/private/OpenOrders", form, keys)).open
        if client_order_id not in {one.cl_ord_id for one in found.values()}:
            found = result_of(CLOSED_ORDERS, await self._calls.private("/0/private/ClosedOrders", form, keys)).closed
        ours = {order_id: one for order_id, one in found.items() if one.cl_ord_id == client_order_id}
        if not ours:
            return None
        order_id = max(ours, key=lambda one: ours[one].opened)
        order = ours[order_id]
        fills = await self._fills_of(keys, order.fill_ids) if order.filled else {}
        return report_of(order_id, order, symbol, [fill_of(key, one, symbol, client_order_id) for key, one in fills.items()])

    async def closed_orders(self, keys: Credentials, since: datetime, symbol: Symbol) -> list[OrderReport]:
        """Orders of one pair that ended after `since`, with their fills, oldest first."""
        ended: dict[str, NativeOrder] = {}
        async for page in self._closed_pages(keys, since):
            ended |= page
        names = await self._names({one.descr.pair for one in ended.values()})
        ours = {key: one for key, one in ended.items() if names[one.descr.pair] == symbol and seconds(one.closed) >= since}
        wanted = [fill_id for one in ours.values() for fill_id in one.fill_ids]
        fills = await self._fills_of(keys, wanted)
        found: list[OrderReport] = []
        for order_id in sorted(ours, key=lambda one: (ours[one].closed, ours[one].opened)):
            order = ours[order_id]
            own = [(one, fills[one]) for one in order.fill_ids if one in fills]
            found.append(
                report_of(order_id, order, symbol, [fill_of(key, one, symbol, order.cl_ord_id or "") for key, one in own])
            )
        return found

    async def fills(self, keys: Credentials, symbol: Symbol, since: datetime) -> list[Fill]:
        """Executions of one pair from `since` on, oldest first."""
        found: dict[str, OwnFill] = {}
        offset = 0
        while True:
            form = {"start": _start(since), "ofs": str(offset)}
            body = await self._calls.private("/0/private/TradesHistory", form, keys, points=_FILLS_POINTS)
            page = result_of(OWN_FILLS, body)
            found |= page.fills
            offset += len(page.fills)
            if not page.fills or offset >= page.count:
                break
        names = await self._names({one.pair for one in found.values()})
        ours = [fill_of(key, one, symbol) for key, one in found.items() if names[one.pair] == symbol]
        return sorted((one for one in ours if one.at >= since), key=lambda one: (one.at, one.trade_id))

    async def _closed_pages(self, keys: Credentials, since: datetime) -> AsyncIterator[dict[str, NativeOrder]]:
        """Pages of what ended since then. What ends meanwhile shifts them: an order may come twice, none is left out."""
        offset = 0
        while True:
            form = {"start": _start(since), "closetime": "close", "trades": "true", "ofs": str(offset)}
            page = result_of(CLOSED_ORDERS, await self._calls.private("/0/private/ClosedOrders", form, keys))
            yield page.closed
            offset += len(page.closed)
            if not page.closed or offset >= page.count:
                return

    async def _fills_of(self, keys: Credentials, fill_ids: list[str]) -> dict[str, OwnFill]:
        found: dict[str, OwnFill] = {}
        for start in range(0, len(fill_ids), _FILLS_AT_ONCE):
            form = {"txid": ",".join(fill_ids[start : start + _FILLS_AT_ONCE])}
            page = result_of(QUERIED_FILLS, await self._calls.private("/0/private/QueryTrades", form, keys, points=_FILLS_POINTS))
            found |= page
        return found

    async def _reports(self, orders: Mapping[str, NativeOrder]) -> list[OrderReport]:
        names = await self._names({one.descr.pair for one in orders.values()})
        return [report_of(order_id, one, names[one.descr.pair]) for order_id, one in orders.items()]


def _start(since: datetime) -> str:
    """The second before, since a start is itself left out."""
    passed = since - EPOCH
    return str(passed.days * 86_400 + passed.seconds - 1)
