"""An account's pushes at Bitget, told as changes of its orders and balances.

Orders, executions and plans come over channels of their own, in any order. A plan that was triggered makes an order of its own
ids: both are told as one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from loguru import logger

from aristobot.errors import DataError, ExchangeError
from aristobot.exchange import AccountUpdate, BalanceChanged, StreamReset
from aristobot.money import ZERO, times
from aristobot.orders import Fill, OrderReport
from services.exchanges.answers import UnlistedSymbol
from services.exchanges.bitget_errors import NAME
from services.exchanges.bitget_history import History
from services.exchanges.bitget_plans import Plan, PlanBook, Stage
from services.exchanges.bitget_way import Push

#: Orders whose executions are put together; those of older ones are asked for over REST.
_REMEMBERED = 2000


@dataclass(slots=True)
class _Thread:
    """One order as pushed so far: its last report and all its executions."""

    report: OrderReport | None = None
    fills: dict[str, Fill] = field(default_factory=dict)


class Follower:
    """Puts the pushes of one account together."""

    def __init__(self, history: History, plans: PlanBook) -> None:
        self._history, self._plans = history, plans
        self._threads: OrderedDict[str, _Thread] = OrderedDict()
        self._orphans: dict[str, Plan] = {}

    async def updates(self, pushed: Push) -> AsyncIterator[AccountUpdate]:
        """What one push makes known. Raises ExchangeError when a question about a triggered plan fails."""
        match pushed:
            case BalanceChanged():
                yield pushed
            case Plan():
                async for update in self._plan(pushed):
                    yield update
            case Fill():
                thread = self._thread(pushed.exchange_order_id)
                if pushed.trade_id not in thread.fills:
                    thread.fills[pushed.trade_id] = pushed
                    if thread.report is not None:
                        yield self._told(thread.report, thread, (pushed,))
            case OrderReport():
                await self._seek_maker(pushed)
                thread = self._thread(pushed.exchange_order_id)
                news = thread.fills if thread.report is None else {}
                news = news | {one.trade_id: one for one in pushed.fills if one.trade_id not in thread.fills}
                thread.fills |= news
                thread.report = pushed
                yield self._told(pushed, thread, tuple(news.values()))

    def _told(self, report: OrderReport, thread: _Thread, news: tuple[Fill, ...]) -> OrderReport:
        """A report with executions not yet told; what it spent is known when none is missing."""
        own = [replace(one, client_order_id=report.client_order_id) for one in news]
        filled = max(report.filled, sum((one.quantity for one in thread.fills.values()), ZERO))
        spent = report.quote_filled
        if filled and filled == sum((one.quantity for one in thread.fills.values()), ZERO):
            spent = sum((times(one.price, one.quantity) for one in thread.fills.values()), ZERO)
        whole = replace(report, filled=filled, quote_filled=spent, fills=tuple(own))
        maker = self._plans.maker_of(report.exchange_order_id)
        return whole if maker is None else maker.report(lambda _: report.symbol, whole)

    async def _plan(self, plan: Plan) -> AsyncIterator[AccountUpdate]:
        if plan.stage is Stage.TRIGGERED and not self._plans.child_of(plan) and not await self._history.child_of(plan):
            self._orphans[plan.order_id] = plan
        yield await self._history.whole(plan)

    async def _seek_maker(self, report: OrderReport) -> None:
        """An order that nobody placed may be what a triggered plan was waiting for."""
        if self._plans.maker_of(report.exchange_order_id) is not None:
            return
        for plan in list(self._orphans.values()):
            if plan.side is report.side and await self._history.child_of(plan):
                del self._orphans[plan.order_id]

    def _thread(self, order_id: str) -> _Thread:
        thread = self._threads.setdefault(order_id, _Thread())
        self._threads.move_to_end(order_id)
        if len(self._threads) > _REMEMBERED:
            self._threads.popitem(last=False)
        return thread


async def told(follower: Follower, pushes: list[Push]) -> AsyncIterator[AccountUpdate]:
    """What a frame makes known; where that cannot be found out, that something may have been missed."""
    try:
        for pushed in pushes:
            async for update in follower.updates(pushed):
                yield update
    except UnlistedSymbol:
        raise
    except (ExchangeError, DataError) as problem:
        logger.warning("{} pushed something that cannot be followed up: {}", NAME, problem)
        yield StreamReset()
