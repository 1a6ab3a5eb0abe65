"""What a strategy buys: at the market, at a limit, or when the price comes up to a stop; only when everything allows it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from loguru import logger
from msgspec.structs import replace

from aristobot.errors import AristobotError, InvalidOrder, RiskRefused
from aristobot.kinds import Role
from aristobot.market import Instrument
from aristobot.money import HUNDRED, ZERO, divided, plain, round_up, times
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store import orders, users
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Order
from aristobot.strategy_orders import Decision, Intent, exact
from services.alerts import why_nothing
from services.order_draft import Exits, PlaceOrder, stop_form
from services.strategy_books import Books
from services.strategy_exits import StrategyExits
from services.strategy_plans import entry_plan
from services.strategy_turn import Said, Work, entry_refusal

#: A buy stop that can only rest as a limit order buys up to so far above its trigger.
_ABOVE = Decimal("1.01")


class StrategyEntries:
    """The buying hand, for one decision."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def cancel(self) -> list[Said]:
        """Take back the entries that rest, but for those of this decision itself."""
        work = self._work
        resting = [one for one in (await work.books()).entries if one.id != work.order_id(one.leg, one.attempt)]
        for one in resting:
            await work.desk.cancel(work.row.user_id, one.id)
        return [Said("reason.run_cancelled", {"count": len(resting)})] if resting else []

    async def enter(self, decision: Decision) -> list[Said]:
        """Send the entries; what is refused is said, and stops nothing else."""
        work, said = self._work, []
        refusal = entry_refusal(work.floor, work.account, work.owner)
        if decision.entries and refusal is None and not await self._owner_may_trade():
            refusal = RiskRefused("owner_may_not_trade")
        for number, intent in enumerate(decision.entries):
            try:
                if refusal is not None:
                    raise refusal
                said.append(await self._buy(decision, intent, f"e{number}"))
            except AristobotError as error:
                logger.warning("An entry of activation {} does not go out: {}", work.row.id, error)
                facts = {name: str(value)[:200] for name, value in error.facts.items()}
                said.append(Said("reason.run_entry_refused", {**facts, "why": f"error.{error.code}"}, "warning"))
        return said

    async def _owner_may_trade(self) -> bool:
        owner = await self._work.floor.db.read(SYSTEM, lambda s: users.get(s, self._work.row.user_id))
        return owner.is_active and owner.role is not Role.VIEWER

    async def _buy(self, decision: Decision, intent: Intent, leg: str) -> Said:
        work, books = self._work, await self._work.books()
        form = replace(work.wish(Side.BUY, leg), **_form(intent, work.instrument), note=intent.tag[:255], cut_to_funds=True)
        price = form.price or form.stop_price or await work.price()
        wanted = min(exact(intent.quantity), divided(books.balance, times(price, 1 + work.instrument.taker_fee)))
        if not work.instrument.quantity(wanted):
            return Said("reason.run_too_small", {"quantity": plain(wanted), "symbol": work.row.symbol}, "warning")
        row = await self._placed(replace(form, quantity=wanted), await self._listed(decision, intent, books))
        if row is None:
            return Said("reason.run_entry_void", {"symbol": work.row.symbol}, "warning")
        if row.position_id is not None and row.filled and not row.list_client_id:
            await StrategyExits(work).guard_new()
        return _told(row)

    async def _placed(self, wish: PlaceOrder, exits: Exits | None) -> Order | None:
        """The order's row; None for an entry that is not to be sent any more and was not sent before."""
        work, until = self._work, self._work.turn.expires_at
        if until is None or work.turn.overtaken or work.floor.clock.now() > until:
            return await self._sent_before(wish.leg)
        wish = replace(wish, expires_at=until)
        row = await work.desk.place(work.row.user_id, wish, exits=exits)
        if exits is not None and row.status is OrderStatus.REJECTED and row.reason == InvalidOrder.default_code:
            # A list that this market does not take: the entry alone, its exits right after it.
            row = await work.desk.place(work.row.user_id, replace(wish, attempt=2))
        return await work.desk.settled(row)

    async def _sent_before(self, leg: str) -> Order | None:
        """After a restart: the order that had left already for this leg, once nothing about it is in doubt any more."""
        ids = [self._work.order_id(leg, attempt) for attempt in (2, 1)]
        found = await self._work.floor.db.read(self._work.row.user_id, lambda s: [orders.find(s, one) for one in ids])
        sent = next((row for row in found if row is not None), None)
        return await self._work.desk.settled(sent) if sent is not None else None

    async def _listed(self, decision: Decision, intent: Intent, books: Books) -> Exits | None:
        """Stop and target that can go out with the entry itself; None when they cannot."""
        work = self._work
        client = work.floor.gateway.client_for(work.account.broker)
        able = client.capabilities.native_otoco and work.instrument.otoco_allowed
        plan = entry_plan(decision, ZERO, work.instrument)
        single = len(plan.targets) == 1 and plan.targets[0][0] == HUNDRED and bool(plan.stop)
        alone = len(decision.entries) == 1 and intent.type is OrderType.MARKET and books.position is None
        if not (able and single and alone):
            return None
        price = await work.price()
        return Exits(plan.stop, plan.first_target) if ZERO < plan.stop < price < plan.first_target else None


def _form(intent: Intent, instrument: Instrument) -> dict[str, Any]:
    """How an entry is ordered: at the market, at its limit, or when the market comes up to its stop."""
    price = instrument.price(exact(intent.price))
    if intent.type is OrderType.MARKET:
        return {}
    if intent.type is OrderType.LIMIT:
        return {"type": OrderType.LIMIT, "price": price}
    rests, _ = stop_form(instrument, price)
    if rests is OrderType.STOP_LOSS:
        return {"type": rests, "stop_price": price}
    return {"type": rests, "stop_price": price, "price": round_up(times(price, _ABOVE), instrument.tick)}


def _told(row: Order) -> Said:
    if row.status.is_refused or (row.status is OrderStatus.EXPIRED and not row.filled):
        facts = {name: str(value) for name, value in (row.reason_facts or {}).items()}
        return Said("reason.run_entry_refused", {**facts, "why": f"error.{why_nothing(row)}"}, "warning")
    base, _, quote = row.symbol.partition("/")
    if not row.filled:
        at = plain(row.price or row.stop_price)
        return Said("reason.run_entry_rests", {"quantity": plain(row.quantity), "base": base, "price": at, "quote": quote})
    average = plain(divided(row.quote_filled, row.filled, 8))
    return Said("reason.run_bought", {"quantity": plain(row.filled), "base": base, "price": average, "quote": quote})
