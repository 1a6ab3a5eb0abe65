"""Questions in the unified protocol (v3) of Bitget. Rules: Bitget API, "UTA / Trade", "UTA / Strategy", "UTA / Account"."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from aristobot.clock import from_milliseconds, to_milliseconds
from aristobot.errors import UnknownOrder
from aristobot.exchange import Fees, KeyRights
from aristobot.orders import Fill, OrderReport, OrderType, Side
from aristobot.portfolio import Balance
from services.exchanges import bitget_v3_wire as wire
from services.exchanges.bitget_calls import BitgetCalls
from services.exchanges.bitget_plans import Plan
from services.exchanges.bitget_sign import Signer
from services.exchanges.bitget_way import PAGE, WELL_SEEN, Ask, walked
from services.exchanges.bitget_wire import decoded, fees_of, moment

TRADE = "/api/v3/trade"
_ACCOUNT = "/api/v3/account"
#: Both kinds of strategy; which of them a list without a kind would hold is not documented.
_KINDS = ("tpsl", "trigger")
#: The longest window these lists take, and how far back they reach.
_WINDOW, _REACH = timedelta(days=30), timedelta(days=90)
#: A triggered strategy's order is made within so long of it.
_AT_ONCE = timedelta(seconds=5)


class UnifiedReads:
    """What a unified account answers."""

    def __init__(self, calls: BitgetCalls) -> None:
        self._calls = calls

    async def balances(self, signer: Signer) -> list[Balance]:
        """All that is held."""
        return wire.balances_of(decoded(wire.HOLDINGS, await self._calls.read(signer, f"{_ACCOUNT}/assets", {})).data.assets)

    async def rights(self, signer: Signer) -> KeyRights:
        """What this key may do."""
        return wire.rights_of(decoded(wire.ACCOUNT, await self._calls.read(signer, f"{_ACCOUNT}/info", {})).data)

    async def fees(self, ask: Ask) -> Fees:
        """What this account pays on the symbol."""
        return fees_of(await self._calls.read(ask.signer, f"{_ACCOUNT}/fee-rate", {"category": wire.SPOT, "symbol": ask.native}))

    async def resting(self, ask: Ask) -> list[OrderReport]:
        """Orders in the book."""
        return [wire.report_of(one, ask.naming) for one in await self._orders(ask, "unfilled-orders", {})]

    async def waiting(self, ask: Ask) -> list[Plan]:
        """Strategies that were not triggered yet."""
        return [wire.plan_of(one) for one in await self._unfilled_strategies(ask)]

    async def order(self, ask: Ask, client_id: str, order_id: str = "") -> OrderReport | None:
        """One order."""
        named = {"orderId": order_id} if order_id else {"clientOid": client_id}
        try:
            found = decoded(wire.ORDER, await self._calls.read(ask.signer, f"{TRADE}/order-info", named)).data
        except UnknownOrder:
            return None
        return wire.report_of(found, ask.naming) if found is not None else None

    async def older_order(self, ask: Ask, client_id: str) -> OrderReport | None:
        """Nothing more: this protocol finds orders of any age by their client id."""
        return None

    async def plan(self, ask: Ask, client_id: str) -> Plan | None:
        """One strategy, among those that wait and those that ended."""

        def is_there(found: list[wire.NativeStrategy]) -> bool:
            return any(one.client_oid == client_id for one in found[-PAGE:])

        found = await self._unfilled_strategies(ask)
        if not is_there(found):
            found = await self._history_strategies(ask, is_there)
        return next((wire.plan_of(one) for one in found if one.client_oid == client_id), None)

    async def child_id(self, ask: Ask, plan: Plan) -> str:
        """The order that a triggered strategy made.

        The exchange does not link them: it is the order with the strategy's client id or, when that names none, the first
        one of the same side and size that was made when the strategy was triggered.
        """
        named = await self.order(ask, plan.client_id)
        if named is not None and named.exchange_order_id != plan.order_id:
            return named.exchange_order_id
        window = _times(plan.at - _AT_ONCE, plan.at + 2 * _AT_ONCE)
        listed = [*await self._orders(ask, "unfilled-orders", {}), *await self._orders(ask, "history-orders", window)]
        made = [one for one in listed if _fits(one, plan)]
        return min(made, key=lambda one: moment(one.created_time)).order_id if made else ""

    async def ended(self, ask: Ask, since: datetime) -> list[OrderReport]:
        """Orders that ended after `since`: all of the last 90 days are looked through, since they may have rested for long."""
        now = from_milliseconds(self._calls.link.server_clock.timestamp())
        windows = _windows(now - _REACH, now)
        pages = await asyncio.gather(*(self._orders(ask, "history-orders", window) for window in windows))
        reports = {one.order_id: wire.report_of(one, ask.naming) for page in pages for one in page}
        return [one for one in reports.values() if one.status.is_final and one.at >= since]

    async def ended_plans(self, ask: Ask, since: datetime) -> list[Plan]:
        """Strategies that ended after `since`, among the last thousand at least."""

        def reached(found: list[wire.NativeStrategy]) -> bool:
            return len(found) >= WELL_SEEN and moment(found[-1].created_time) < since

        found = await self._history_strategies(ask, reached)
        return [one for one in map(wire.plan_of, found) if one.at >= since]

    async def fills(self, ask: Ask, since: datetime | None = None, order_id: str = "") -> list[Fill]:
        """Executions of one symbol after `since`, or of one order, oldest first."""
        now = from_milliseconds(self._calls.link.server_clock.timestamp())
        windows = [{"orderId": order_id}] if order_id else _windows(since or now - _REACH, now)
        found = {one.exec_id: one for window in windows for one in await self._fills(ask, window)}
        ours = [wire.fill_of(one, ask.naming) for one in found.values() if one.symbol.upper() == ask.native]
        return sorted(ours, key=lambda one: (one.at, one.trade_id))

    async def _fills(self, ask: Ask, window: dict[str, str]) -> list[wire.NativeFill]:
        async def page(mark: str) -> tuple[list[wire.NativeFill], str]:
            asked = _listed(ask, {**window, "cursor": mark} if mark else window)
            found = decoded(wire.FILLS, await self._calls.read(ask.signer, f"{TRADE}/fills", asked)).data
            return found.entries or [], found.cursor or ""

        return await walked(page, lambda found: False)

    async def _orders(self, ask: Ask, path: str, window: dict[str, str]) -> list[wire.NativeOrder]:
        async def page(mark: str) -> tuple[list[wire.NativeOrder], str]:
            asked = _listed(ask, {**window, "cursor": mark} if mark else window)
            found = decoded(wire.ORDERS, await self._calls.read(ask.signer, f"{TRADE}/{path}", asked)).data
            return found.entries or [], found.cursor or ""

        return await walked(page, lambda found: False)

    async def _unfilled_strategies(self, ask: Ask) -> list[wire.NativeStrategy]:
        path = f"{TRADE}/unfilled-strategy-orders"
        bodies = [await self._calls.read(ask.signer, path, {"category": wire.SPOT, "type": kind}) for kind in _KINDS]
        listed = [one for body in bodies for one in wire.strategies_in(body)[0]]
        return _of(ask, listed)

    async def _history_strategies(
        self, ask: Ask, enough: Callable[[list[wire.NativeStrategy]], bool]
    ) -> list[wire.NativeStrategy]:
        async def walk(kind: str) -> list[wire.NativeStrategy]:
            async def page(mark: str) -> tuple[list[wire.NativeStrategy], str]:
                asked = {"category": wire.SPOT, "type": kind, "limit": str(PAGE)} | ({"cursor": mark} if mark else {})
                return wire.strategies_in(await self._calls.read(ask.signer, f"{TRADE}/history-strategy-orders", asked))

            return await walked(page, enough)

        return _of(ask, [one for kind in _KINDS for one in await walk(kind)])


def _listed(ask: Ask, window: dict[str, str]) -> dict[str, str]:
    named = {"symbol": ask.native} if ask.native else {}
    return {"category": wire.SPOT, "limit": str(PAGE), **named, **window}


def _of(ask: Ask, listed: list[wire.NativeStrategy]) -> list[wire.NativeStrategy]:
    """Those of the symbol asked for, each once."""
    unique = {one.order_id: one for one in listed if one.category.upper() == wire.SPOT}
    return [one for one in unique.values() if not ask.native or one.symbol.upper() == ask.native]


def _fits(order: wire.NativeOrder, plan: Plan) -> bool:
    """Whether a strategy may have made this order."""
    report = wire.report_of(order, str)
    in_base = not (report.side is Side.BUY and report.type is OrderType.MARKET)
    made = moment(order.created_time)
    same_size = report.quantity == plan.quantity or not in_base
    return report.side is plan.side and same_size and plan.at - _AT_ONCE <= made <= plan.at + 2 * _AT_ONCE


def _times(start: datetime, end: datetime) -> dict[str, str]:
    return {"startTime": str(to_milliseconds(start)), "endTime": str(to_milliseconds(end))}


def _windows(start: datetime, now: datetime) -> list[dict[str, str]]:
    """The time from `start` on, in pieces that the lists take, the latest first."""
    found: list[dict[str, str]] = []
    start, end = max(start, now - _REACH), now + timedelta(milliseconds=1)
    while end > start:
        begin = max(start, end - _WINDOW)
        found.append(_times(begin, end))
        end = begin
    return found
