"""What became of an account's orders at Bitget: found by client id, resting, ended, filled; a plan and what it made as one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from aristobot.errors import UnknownOrder
from aristobot.money import ZERO
from aristobot.orders import Fill, OrderReport
from services.exchanges.bitget_plans import Plan, PlanBook, Stage
from services.exchanges.bitget_way import Ask, Way

#: How long before a moment the plan may have been placed whose order rests then.
_LONG_AGO = timedelta(days=89)


class History:
    """Reads of one key's orders in its protocol; `plans` is what is remembered of them."""

    def __init__(self, way: Way, ask: Ask, plans: PlanBook) -> None:
        self._way, self._ask, self._plans = way, ask, plans

    async def find(self, client_id: str) -> OrderReport | None:
        """One order or plan by its client id, with its fills; None when the exchange lists it nowhere."""
        known_plan = self._plans.is_plan(client_id)
        order = None if known_plan else await self._way.order(self._ask, client_id)
        if order is not None:
            maker = self._plans.maker_of(order.exchange_order_id)
            return await self._filled(order, self._ask) if maker is None else await self.whole(maker)
        plan = await self._way.plan(self._ask, client_id)
        if plan is not None:
            return await self.whole(plan)
        order = await self._way.order(self._ask, client_id) if known_plan else None
        order = order or await self._way.older_order(self._ask, client_id)
        return await self._filled(order, self._ask) if order is not None else None

    async def whole(self, plan: Plan) -> OrderReport:
        """A plan with the order that it made, if it made one, and that order's fills."""
        self._plans.note(plan.client_id, plan.order_id)
        if plan.stage is not Stage.TRIGGERED:
            return plan.report(self._ask.naming)
        child_id, ask = await self.child_of(plan), replace(self._ask, native=plan.native)
        child = await self._way.order(ask, "", child_id) if child_id else None
        return plan.report(self._ask.naming, await self._filled(child, ask) if child is not None else None)

    async def child_of(self, plan: Plan) -> str:
        """The id of the order that a triggered plan made; empty while there is none."""
        ask = replace(self._ask, native=plan.native)
        child_id = self._plans.child_of(plan) or await self._way.child_id(ask, plan)
        if child_id:
            self._plans.adopt(child_id, plan)
        return child_id

    async def resting(self) -> list[OrderReport]:
        """All that rests: orders, plans that wait, and the orders that plans have made, under the plans' names."""
        orders, waiting = await asyncio.gather(self._way.resting(self._ask), self._way.waiting(self._ask))
        for plan in waiting:
            self._plans.note(plan.client_id, plan.order_id)
        await self._trace([one for one in orders if self._plans.is_unknown(one.exchange_order_id)])
        found = [self._named(one) for one in orders]
        return found + [plan.report(self._ask.naming) for plan in waiting if plan.stage is Stage.WAITING]

    async def ended(self, since: datetime, *, fills: bool) -> list[OrderReport]:
        """Orders and plans that ended after `since`, with their fills or without, oldest first."""
        orders, plans = await asyncio.gather(self._way.ended(self._ask, since), self._way.ended_plans(self._ask, since))
        for plan in plans:
            if plan.stage is Stage.TRIGGERED:
                await self.child_of(plan)
        whole = await self._with_fills(orders, since) if fills else orders
        reports = [self._named(one) for one in whole]
        reports += [plan.report(self._ask.naming) for plan in plans if plan.stage is not Stage.TRIGGERED]
        return sorted(reports, key=lambda one: one.at)

    async def _with_fills(self, orders: list[OrderReport], since: datetime) -> list[OrderReport]:
        """The same orders with their fills, most of which one question tells."""
        by_order: dict[str, list[Fill]] = {}
        if any(one.filled for one in orders):
            for fill in await self._way.fills(self._ask, since):
                by_order.setdefault(fill.exchange_order_id, []).append(fill)
        whole = []
        for one in orders:
            fills = by_order.get(one.exchange_order_id, [])
            if sum((fill.quantity for fill in fills), ZERO) != one.filled:  # some are older than `since`
                fills = await self._way.fills(self._ask, order_id=one.exchange_order_id)
            whole.append(_with(one, fills))
        return whole

    async def fills(self, since: datetime) -> list[Fill]:
        """Executions since a moment, oldest first; those of a plan's order under the plan's client id, when it is known."""
        found = await self._way.fills(self._ask, since)
        makers = [self._plans.maker_of(one.exchange_order_id) for one in found]
        return [one if maker is None else maker.fill(one) for one, maker in zip(found, makers, strict=True)]

    async def cancel_wherever(self, client_id: str) -> None:
        """Have it cancelled, be it an order, a plan, or the order that a plan has made. Raises UnknownOrder when it is none."""
        calls = [self._way.cancel, self._way.cancel_plan]
        for call in reversed(calls) if self._plans.is_plan(client_id) else calls:
            try:
                return await call(self._ask, client_id)
            except UnknownOrder as refusal:
                unknown = refusal
        plan = await self._way.plan(self._ask, client_id)
        if plan is None or plan.stage is not Stage.TRIGGERED or not (child_id := await self.child_of(plan)):
            raise unknown
        await self._way.cancel(self._ask, "", child_id)

    async def _trace(self, strangers: list[OrderReport]) -> None:
        """Find out which of these orders were made by plans, once for each."""
        if not strangers:
            return
        made: set[str] = set()
        for plan in await self._way.ended_plans(self._ask, min(one.at for one in strangers) - _LONG_AGO):
            if plan.stage is Stage.TRIGGERED and plan.may_rest:
                made.add(await self.child_of(plan))
        for one in strangers:
            if one.exchange_order_id not in made:
                self._plans.note_ordinary(one.exchange_order_id)

    def _named(self, order: OrderReport) -> OrderReport:
        maker = self._plans.maker_of(order.exchange_order_id)
        return order if maker is None else maker.report(self._ask.naming, order)

    async def _filled(self, order: OrderReport, ask: Ask) -> OrderReport:
        """The order with its fills."""
        return _with(order, await self._way.fills(ask, order_id=order.exchange_order_id)) if order.filled else order


def _with(order: OrderReport, fills: list[Fill]) -> OrderReport:
    return replace(order, fills=tuple(replace(one, client_order_id=order.client_order_id) for one in fills)) if fills else order
