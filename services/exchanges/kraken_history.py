"""What became of an account's orders on Kraken: found by client id, resting, ended, filled. Reads over REST only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from aristobot.clock import EPOCH
from aristobot.errors import RateLimited
from aristobot.exchange import Credentials
from aristobot.market import Symbol
from aristobot.orders import Fill, OrderReport
from services.exchanges.kraken_calls import KrakenCalls
from services.exchanges.kraken_sign import Form
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

#: How many executions one call asks for, and how many points such a call costs.
_FILLS_AT_ONCE = 20
_FILLS_POINTS = 2
#: What it costs to find orders: those that rest, those that ended, executions. Begun with less it would be cut short, every time.
_SEARCH_POINTS = 1 + 1 + _FILLS_POINTS
_SECOND = timedelta(seconds=1)


class Names(Protocol):
    """Finds our symbols for spellings of theirs; those the catalogue at hand does not know are looked for in a fresh one."""

    async def __call__(self, natives: Iterable[str], only: Symbol = "") -> Mapping[str, Symbol]:
        """The names of all of them, or, where `only` one listed symbol matters, of those that are known."""


class KrakenHistory:
    """Reads of past and present orders."""

    def __init__(self, calls: KrakenCalls, names: Names) -> None:
        self._calls = calls
        self._names = names

    async def open_orders(self, keys: Credentials, symbol: Symbol | None) -> list[OrderReport]:
        """What rests, on one pair or on all. Who asks while a question waits to leave shares its answer: one may ask per pair."""
        orders = await self._resting(keys)
        names = await self._names({one.descr.pair for one in orders.values()}, symbol or "")
        named = [(order_id, one, names.get(one.descr.pair)) for order_id, one in orders.items()]
        return [report_of(order_id, one, name) for order_id, one, name in named if name and symbol in (None, name)]

    async def find(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """One order with its fills: among those that rest, then among those that ended; None when it is in neither.

        An order that ends between the two questions is in the second answer.
        """
        self._calls.record_of(keys).limits.calls.require(_SEARCH_POINTS)
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

    async def find_several(
        self, keys: Credentials, wanted: Mapping[str, Symbol], since: datetime, until: datetime
    ) -> list[OrderReport]:
        """Of many orders those that rest, or were opened between the two moments and ended: each in one of the two lists.

        An order that ends between the two questions is in the second answer. Fills that cannot be afforded are left out.
        """
        self._calls.record_of(keys).limits.calls.require(_SEARCH_POINTS)
        found = {key: one for key, one in (await self._resting(keys)).items() if one.cl_ord_id in wanted}
        if {one.cl_ord_id for one in found.values()} != wanted.keys():
            window = {"start": _start(since), "end": _end(until), "closetime": "open"}
            async for page in self._closed_pages(keys, window):
                found |= {key: one for key, one in page.items() if one.cl_ord_id in wanted}
        wanted_fills = [fill_id for one in found.values() if one.filled for fill_id in one.fill_ids]
        fills: dict[str, OwnFill] = {}
        with suppress(RateLimited):
            fills = await self._fills_of(keys, wanted_fills)
        reports: list[OrderReport] = []
        for order_id, order in sorted(found.items(), key=lambda one: one[1].opened):
            client_id = order.cl_ord_id or ""
            own = [fill_of(key, fills[key], wanted[client_id], client_id) for key in order.fill_ids if key in fills]
            reports.append(report_of(order_id, order, wanted[client_id], own))
        return reports

    async def closed_orders(self, keys: Credentials, since: datetime, symbol: Symbol, *, fills: bool) -> list[OrderReport]:
        """Orders of one pair that ended after `since`, with their fills or without, oldest first."""
        ended: dict[str, NativeOrder] = {}
        async for page in self._closed_pages(keys, {"start": _start(since), "closetime": "close"}):
            ended |= page
        names = await self._names({one.descr.pair for one in ended.values()}, symbol)
        ours = {key: one for key, one in ended.items() if names.get(one.descr.pair) == symbol and seconds(one.closed) >= since}
        wanted = [fill_id for one in ours.values() for fill_id in one.fill_ids] if fills else []
        known = await self._fills_of(keys, wanted)
        found: list[OrderReport] = []
        for order_id in sorted(ours, key=lambda one: (ours[one].closed, ours[one].opened)):
            order = ours[order_id]
            own = [(one, known[one]) for one in order.fill_ids if one in known]
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
        names = await self._names({one.pair for one in found.values()}, symbol)
        ours = [fill_of(key, one, symbol) for key, one in found.items() if names.get(one.pair) == symbol]
        return sorted((one for one in ours if one.at >= since), key=lambda one: (one.at, one.trade_id))

    async def _resting(self, keys: Credentials) -> dict[str, NativeOrder]:
        """Everything that rests, asked for once by all who ask while the question waits to leave."""
        record, form = self._calls.record_of(keys), {"trades": "true"}
        body = await record.open_orders.ask(
            lambda leaves: self._calls.private("/0/private/OpenOrders", form, keys, leaves=leaves)
        )
        return result_of(OPEN_ORDERS, body).open

    async def _closed_pages(self, keys: Credentials, window: Form) -> AsyncIterator[dict[str, NativeOrder]]:
        """Pages of what ended in a window of time. What ends meanwhile shifts them: an order may come twice, none is left out."""
        offset = 0
        while True:
            form = {**window, "trades": "true", "ofs": str(offset)}
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


def _start(since: datetime) -> str:
    """The second before, since a start is itself left out."""
    return str((since - EPOCH) // _SECOND - 1)


def _end(until: datetime) -> str:
    """The second after."""
    return str((until - EPOCH) // _SECOND + 1)
