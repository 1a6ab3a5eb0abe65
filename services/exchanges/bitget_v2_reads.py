"""Questions in the classic protocol (v2) of Bitget. Rules: Bitget API, "Spot / Trade" and "Spot / Trigger"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aristobot.clock import to_milliseconds
from aristobot.errors import UnknownOrder
from aristobot.exchange import Fees, KeyRights
from aristobot.orders import Fill, OrderReport
from aristobot.portfolio import Balance
from services.exchanges import bitget_v2_wire as wire
from services.exchanges.bitget_calls import BitgetCalls
from services.exchanges.bitget_plans import Plan
from services.exchanges.bitget_sign import Signer
from services.exchanges.bitget_way import PAGE, WELL_SEEN, Ask, walked
from services.exchanges.bitget_wire import decoded, fees_of, moment

TRADE = "/api/v2/spot/trade"
_ACCOUNT = "/api/v2/spot/account"


class ClassicReads:
    """What a classic account answers."""

    def __init__(self, calls: BitgetCalls) -> None:
        self._calls = calls

    async def balances(self, signer: Signer) -> list[Balance]:
        """All that is held."""
        body = await self._calls.read(signer, f"{_ACCOUNT}/assets", {"assetType": "hold_only"})
        return wire.balances_of(decoded(wire.HOLDINGS, body).data)

    async def rights(self, signer: Signer) -> KeyRights:
        """What this key may do."""
        return wire.rights_of(decoded(wire.ACCOUNT, await self._calls.read(signer, f"{_ACCOUNT}/info", {})).data)

    async def fees(self, ask: Ask) -> Fees:
        """What this account pays on the symbol."""
        asked = {"symbol": ask.native, "businessType": "spot"}
        return fees_of(await self._calls.read(ask.signer, "/api/v2/common/trade-rate", asked))

    async def resting(self, ask: Ask) -> list[OrderReport]:
        """Orders in the book."""
        found = await self._orders(ask, "unfilled-orders", _never)
        return [wire.report_of(one, ask.naming, resting=True) for one in found]

    async def waiting(self, ask: Ask) -> list[Plan]:
        """Plans that were not triggered yet."""
        return [wire.plan_of(one) for one in await self._plans(ask, "current-plan-order", _never)]

    async def order(self, ask: Ask, client_id: str, order_id: str = "") -> OrderReport | None:
        """One order; by client id the exchange looks back two hours only."""
        named = {"orderId": order_id} if order_id else {"clientOid": client_id}
        try:
            found = decoded(wire.ORDERS, await self._calls.read(ask.signer, f"{TRADE}/orderInfo", named)).data
        except UnknownOrder:
            return None
        return wire.report_of(found[0], ask.naming) if found else None

    async def older_order(self, ask: Ask, client_id: str) -> OrderReport | None:
        """One order among all that rest and all of the last 90 days."""

        def is_there(found: list[wire.NativeOrder]) -> bool:
            return any(one.client_oid == client_id for one in found[-PAGE:])

        for path in ("unfilled-orders", "history-orders"):
            for one in await self._orders(ask, path, is_there):
                if one.client_oid == client_id:
                    return wire.report_of(one, ask.naming, resting=path == "unfilled-orders")
        return None

    async def plan(self, ask: Ask, client_id: str) -> Plan | None:
        """One plan, among those that wait and those that ended."""

        def is_there(found: list[wire.NativePlan]) -> bool:
            return any(one.client_oid == client_id for one in found[-PAGE:])

        for path in ("current-plan-order", "history-plan-order"):
            for one in await self._plans(ask, path, is_there):
                if one.client_oid == client_id:
                    return wire.plan_of(one)
        return None

    async def child_id(self, ask: Ask, plan: Plan) -> str:
        """The order that a triggered plan made, as the exchange lists it."""
        body = await self._calls.read(ask.signer, f"{TRADE}/plan-sub-order", {"planOrderId": plan.order_id})
        made = decoded(wire.SUB_ORDERS, body).data
        return made[0].order_id if made else ""

    async def ended(self, ask: Ask, since: datetime) -> list[OrderReport]:
        """Orders that ended after `since`, among the last thousand at least."""
        found = await self._orders(ask, "history-orders", _reaches(since))
        reports = (wire.report_of(one, ask.naming) for one in found)
        return [one for one in reports if one.status.is_final and one.at >= since]

    async def ended_plans(self, ask: Ask, since: datetime) -> list[Plan]:
        """Plans that ended after `since`, among the last thousand at least."""
        found = await self._plans(ask, "history-plan-order", _reaches(since))
        return [one for one in map(wire.plan_of, found) if one.at >= since]

    async def fills(self, ask: Ask, since: datetime | None = None, order_id: str = "") -> list[Fill]:
        """Executions of one symbol after `since`, or of one order, oldest first."""
        params = {"symbol": ask.native, "limit": str(PAGE)}
        if order_id:
            params["orderId"] = order_id
        if since is not None:
            now = self._calls.link.server_clock.timestamp()
            params |= {"startTime": str(max(to_milliseconds(since), now - _NINETY_DAYS_MS)), "endTime": str(now + 1)}

        async def page(mark: str) -> tuple[list[wire.NativeFill], str]:
            asked = {**params, "idLessThan": mark} if mark else params
            found = decoded(wire.FILLS, await self._calls.read(ask.signer, f"{TRADE}/fills", asked)).data or []
            return found, found[-1].trade_id if found else ""

        found = await walked(page, _never)
        return sorted((wire.fill_of(one, ask.naming) for one in found), key=lambda one: (one.at, one.trade_id))

    async def _orders(self, ask: Ask, path: str, enough: Callable[[list[wire.NativeOrder]], bool]) -> list[wire.NativeOrder]:
        params = {"limit": str(PAGE)} | ({"symbol": ask.native} if ask.native else {})

        async def page(mark: str) -> tuple[list[wire.NativeOrder], str]:
            asked = {**params, "idLessThan": mark} if mark else params
            found = decoded(wire.ORDERS, await self._calls.read(ask.signer, f"{TRADE}/{path}", asked)).data or []
            return found, found[-1].order_id if found else ""

        return await walked(page, enough)

    async def _plans(self, ask: Ask, path: str, enough: Callable[[list[wire.NativePlan]], bool]) -> list[wire.NativePlan]:
        params = {"limit": str(PAGE)} | ({"symbol": ask.native} if ask.native else {})
        if path == "history-plan-order":
            now = self._calls.link.server_clock.timestamp()
            params |= {"startTime": str(now - _NINETY_DAYS_MS), "endTime": str(now + 1)}

        async def page(mark: str) -> tuple[list[wire.NativePlan], str]:
            asked = {**params, "idLessThan": mark} if mark else params
            listed = decoded(wire.PLANS, await self._calls.read(ask.signer, f"{TRADE}/{path}", asked)).data
            found = listed.order_list or []
            return found, found[-1].order_id if found else ""

        return await walked(page, enough)


_NINETY_DAYS_MS = 89 * 86_400_000


def _never(found: object) -> bool:
    return False


def _reaches(since: datetime) -> Callable[[list[wire.NativeOrder] | list[wire.NativePlan]], bool]:
    """Enough once a thousand entries were seen and the oldest was made before `since`."""
    return lambda found: len(found) >= WELL_SEEN and moment(found[-1].c_time) < since
