"""What became of an account's orders on Binance: found by client id, ended since, filled since. Reads over REST only."""

from __future__ import annotations

from datetime import datetime, timedelta

from aristobot.clock import from_milliseconds, to_milliseconds
from aristobot.errors import UnknownOrder
from aristobot.exchange import Credentials
from aristobot.market import Symbol
from aristobot.orders import Fill, OrderReport
from services.exchanges.binance_calls import BinanceCalls
from services.exchanges.binance_errors import NO_SUCH_ORDER
from services.exchanges.binance_orders import Params
from services.exchanges.binance_wire import (
    ORDER,
    ORDERS,
    OWN_FILLS,
    NativeOrder,
    OwnFill,
    decoded,
    fill_of,
    has_ended,
    moment,
    report_of,
)

#: The longest time window these calls take, and the longest page.
_DAY = timedelta(days=1)
_PAGE = 1000


class BinanceHistory:
    """Reads of past and present orders."""

    def __init__(self, calls: BinanceCalls) -> None:
        self._calls = calls

    async def find(self, keys: Credentials, native: str, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """One order with its fills; None when the exchange says in so many words that it does not exist."""
        try:
            body = await self._calls.signed("/api/v3/order", {"symbol": native, "origClientOrderId": client_order_id}, keys, 4)
        except UnknownOrder as error:
            if error.facts.get("native_code") == NO_SUCH_ORDER:
                return None
            raise
        order = decoded(ORDER, body)
        fills: tuple[Fill, ...] = ()
        if order.executed_qty:
            page = await self._fill_page(keys, {"symbol": native, "orderId": order.order_id}, weight=5)
            fills = tuple(fill_of(one, symbol, client_order_id) for one in page)
        return report_of(order, symbol, fills)

    async def closed_orders(
        self, keys: Credentials, native: str, symbol: Symbol, since: datetime, *, fills: bool
    ) -> list[OrderReport]:
        """Orders that ended after `since`, with their fills or without, oldest first."""
        orders = await self._orders(keys, native, since)
        ended = [one for one in orders if one.update_time >= to_milliseconds(since) and has_ended(one)]
        filled_since = min((one.time for one in ended if one.executed_qty), default=None)
        by_order: dict[int, list[Fill]] = {}
        if fills and filled_since is not None:
            names = {one.order_id: one.client_order_id for one in ended}
            for own in await self._own_fills(keys, native, moment(filled_since)):
                by_order.setdefault(own.order_id, []).append(fill_of(own, symbol, names.get(own.order_id, "")))
        return [report_of(one, symbol, tuple(by_order.get(one.order_id, ()))) for one in ended]

    async def fills(self, keys: Credentials, native: str, symbol: Symbol, since: datetime) -> list[Fill]:
        """Executions from `since` on, oldest first."""
        return [fill_of(one, symbol) for one in await self._own_fills(keys, native, since)]

    async def _orders(self, keys: Credentials, native: str, since: datetime) -> list[NativeOrder]:
        """The last thousand orders and, when these do not reach back to `since`, those created between."""
        params: Params = {"symbol": native, "limit": _PAGE}
        page = await self._order_page(keys, params)
        found = {one.order_id: one for one in page}
        start, oldest = since, moment(page[0].time) if len(page) == _PAGE else since
        while start < oldest:
            until = min(start + _DAY, oldest)
            window = {**params, "startTime": to_milliseconds(start), "endTime": to_milliseconds(until)}
            found |= {one.order_id: one for one in await self._order_page(keys, window)}
            start = until
        return [found[order_id] for order_id in sorted(found)]

    async def _own_fills(self, keys: Credentials, native: str, since: datetime) -> list[OwnFill]:
        """Days without any are walked through, a day being the longest window; from the first one on, ids lead the way."""
        params: Params = {"symbol": native, "limit": _PAGE}
        now = from_milliseconds(self._calls.link.server_clock.timestamp())
        found: list[OwnFill] = []
        start = since
        while not found and start <= now:
            window = {**params, "startTime": to_milliseconds(start), "endTime": to_milliseconds(start + _DAY)}
            found = await self._fill_page(keys, window)
            start += _DAY
        complete = len(found) < _PAGE and start > now
        while not complete:
            page = await self._fill_page(keys, {**params, "fromId": found[-1].id + 1})
            found += page
            complete = len(page) < _PAGE
        return found

    async def _order_page(self, keys: Credentials, params: Params) -> list[NativeOrder]:
        return decoded(ORDERS, await self._calls.signed("/api/v3/allOrders", params, keys, 20))

    async def _fill_page(self, keys: Credentials, params: Params, weight: int = 20) -> list[OwnFill]:
        return decoded(OWN_FILLS, await self._calls.signed("/api/v3/myTrades", params, keys, weight))
