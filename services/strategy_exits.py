"""What a strategy sells, and the exits that rest for it: parts and the whole at the market, stops and targets at the keeper."""

from __future__ import annotations

from decimal import Decimal

from loguru import logger
from msgspec.structs import replace

from aristobot.errors import DataError, ExchangeError
from aristobot.money import HUNDRED, ZERO, divided, plain, times
from aristobot.orders import Side
from aristobot.store import brackets
from aristobot.store.trading_tables import Order, PositionRow
from aristobot.strategy_orders import Decision, Intent, exact
from services.alerts import NOTHING_DONE, SOLD_TOO_LITTLE, why_nothing
from services.exit_plan import ExitPlan, kept_plan
from services.order_draft import PlaceOrder
from services.strategy_books import share_of
from services.strategy_plans import moved_plan, stored_plan, told_exits
from services.strategy_turn import Said, Work

#: Seconds between the rounds of an exit that the exchange does not take: an outage must not cost it.
_EXIT_PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 30.0)


class StrategyExits:
    """The selling hand, for one decision."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def sell_part(self, intent: Intent, leg: str) -> list[Said]:
        """Sell so much of what is held, no more than there is."""
        position = (await self._work.books()).position
        if position is None:
            return []
        return await self.sell(share_of(exact(intent.quantity), position.quantity), leg, intent.tag)

    async def sell(self, share: Decimal, leg: str, tag: str) -> list[Said]:
        """Sell a share of what is held. A sale that is not taken, or only in part, is gone on with; the stop rests in between."""
        position, symbol = (await self._work.books()).position, self._work.row.symbol
        if position is None:
            return []
        said: list[Said] = []
        left = ZERO
        for round_, pause in enumerate((*_EXIT_PAUSES, None)):
            wish = replace(self._work.wish(Side.SELL, leg), attempt=round_ + 1, note=tag[:255])
            try:
                row = await self._sell_once(position, share, wish, left)
            except (ExchangeError, DataError) as error:
                if pause is None:
                    raise
                logger.error("The exit of {} cannot be carried out yet: {}", symbol, error)
            else:
                if row is None:
                    return said
                if row.filled:
                    said.append(_told(row, tag))
                    left = row.quantity - row.filled
                if row.status not in SOLD_TOO_LITTLE or pause is None:
                    return said or [_told(row, tag)]
                logger.error("The exit of {} sold {} of {} and is tried again: {}", symbol, row.filled, row.quantity, row.reason)
            await self._work.floor.clock.sleep(pause)
        raise AssertionError("the last round returns")

    async def _sell_once(self, position: PositionRow, share: Decimal, wish: PlaceOrder, left: Decimal) -> Order | None:
        """One attempt, over what an earlier one has `left`; None when nothing is held any more, or less than a lot is to be sold.

        The same attempt asked again returns the order of the first time.
        """
        work = self._work
        async with work.keeper.standing_down(work.row.user_id, position.id) as sellable:
            if sellable <= ZERO:
                return None
            part = min(left, sellable) if left else work.instrument.quantity(divided(times(sellable, share), HUNDRED))
            quantity = sellable if share == HUNDRED else part
            if not quantity:
                return None
            row = await work.desk.place(work.row.user_id, replace(wish, quantity=quantity, position_id=position.id))
        if row.status in NOTHING_DONE:
            await work.floor.accounts.refresh(work.account)
        return row

    async def guard(self, decision: Decision) -> list[Said]:
        """Move the exits of what is held to where the decision wants them."""
        if decision.stops is None and decision.targets is None and not decision.exits:
            return []
        work, books = self._work, await self._work.books()
        if books.position is None or (decision.entries and books.bracket is None):
            return []
        wanted = moved_plan(decision, books.held(work.instrument), work.instrument, await self._kept(books.position))
        if wanted is None:
            return []
        held = books.held(work.instrument)

        def now_wanted(guarded: brackets.Guarded) -> ExitPlan:
            kept = kept_plan(guarded)
            return moved_plan(decision, held, work.instrument, kept) or kept

        await work.keeper.guard(work.row.user_id, books.position.id, now_wanted)
        return [Said("reason.run_exits", told_exits(wanted, work.row.symbol))]

    async def guard_new(self) -> None:
        """The exits that were planned with an entry, over what it brought."""
        books = await self._work.books()
        plan = stored_plan(books.row.plan)
        if books.position is not None and books.bracket is None and not plan.empty:
            await self._work.keeper.guard(self._work.row.user_id, books.position.id, plan)

    async def _kept(self, position: PositionRow) -> ExitPlan:
        """What guards the position now, without the targets already reached."""
        work = self._work
        guarded = await work.floor.db.read(work.row.user_id, lambda s: brackets.guarded(s, position.id))
        return kept_plan(guarded)


def _told(row: Order, tag: str) -> Said:
    base, _, quote = row.symbol.partition("/")
    if not row.filled:
        return Said("reason.run_exit_refused", {"why": f"error.{why_nothing(row)}", "tag": tag}, "error")
    price = plain(divided(row.quote_filled, row.filled, 8))
    return Said("reason.run_sold", {"quantity": plain(row.filled), "base": base, "price": price, "quote": quote, "tag": tag})
