"""What the desk asks before it writes an order: instrument, price, funds, limits, kill switch."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

import msgspec
from loguru import logger
from msgspec.structs import replace

from aristobot.errors import AristobotError, InsufficientFunds, RiskRefused
from aristobot.events import CatalogDoubted
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.market import Instrument
from aristobot.money import ZERO, plain, times
from aristobot.orders import OrderStatus, Side
from aristobot.risk import Proposal, Situation, check
from aristobot.store.holdings import Holdings
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.order_draft import Draft, PlaceOrder, draft
from services.order_records import OrderRecords
from services.trading_floor import TradingFloor

#: Refusals that stop the broker until a human looks: an alarm acts (reliability, 3.6).
_STOPS_BROKER = frozenset({"repeated_entries", "too_many_refusals", "daily_loss"})


class Priced(msgspec.Struct, frozen=True):
    """A draft with what it was made from: market price, free funds of the asset it takes, free quote, what is held."""

    draft: Draft
    instrument: Instrument
    reference: Decimal
    free: Decimal
    free_quote: Decimal
    holdings: Holdings


class OrderChecks:
    """May this order go? From memory where it can be, inside the intent's own transaction where it must be."""

    def __init__(self, floor: TradingFloor, records: OrderRecords) -> None:
        self._floor = floor
        self._records = records

    async def account(self, user_id: uuid.UUID, broker_id: uuid.UUID) -> Account:
        """The user's broker; NotFound when it is not theirs."""
        return await self._floor.brokers.owned(user_id, broker_id)

    async def draft(self, account: Account, wish: PlaceOrder) -> Priced:
        """Size and round a wish at the present price and funds. Raises InvalidInput, UnknownSymbol, ExchangeError."""
        floor = self._floor
        instrument = await floor.fees.instrument(account, wish.symbol)
        client = floor.gateway.client_for(account.broker)
        reference = await floor.prices.price(client, wish.symbol)
        asset = instrument.quote if wish.side is Side.BUY else instrument.base
        free = await floor.accounts.free(account, asset)
        on_top = instrument.taker_fee if client.capabilities.fees_in_quote and wish.side is Side.BUY else ZERO
        made = draft(wish, instrument, reference, free, account.limits.collar_percent, on_top)
        equity = free if wish.side is Side.BUY else await floor.accounts.free(account, instrument.quote)
        held = await floor.positions.of(account)
        return Priced(made, instrument, reference, free, equity, held.summed(wish.symbol))

    def refusal(self, account: Account, wish: PlaceOrder, priced: Priced) -> AristobotError | None:
        """Why the order must not go, or None. The caller holds the broker's lock from the draft to the written row."""
        if self._floor.dry_run:
            return RiskRefused("dry_run")
        now = self._floor.clock.now()
        if not wish.reducing and priced.draft.reserve > priced.free:
            return InsufficientFunds(
                asset=priced.draft.reserve_asset, needed=plain(priced.draft.reserve), free=plain(priced.free)
            )
        level = self._floor.kill_switch.level(account.user_id, account.id, wish.owner)
        held = priced.holdings
        situation = Situation(
            access=account.broker.access,
            halt=level,
            reconciled=account.id in self._floor.reconciled,
            clock_certain=self._floor.gateway.clock_certain(account.broker.exchange),
            equity=priced.free_quote + held.total_notional,
            position_notional=held.symbol_notional,
            total_notional=held.total_notional,
            open_positions=held.open_positions,
            realised_today=held.realised_today,
            unknown_on_symbol=self._records.in_doubt(account.id, wish.symbol),
        )
        if held.elsewhere and not wish.reducing:
            situation = self._with_elsewhere(account, situation, held, priced.instrument.quote)
        refused = check(self._proposal(wish, priced, now), situation, account.limits, self._records.activity(account.id))
        if refused is not None and refused.code == "market_closed":
            self._floor.bus.publish(CatalogDoubted(at=now, exchange=account.broker.exchange))
        return refused

    def _with_elsewhere(self, account: Account, situation: Situation, held: Holdings, quote: str) -> Situation:
        """The situation with what is held, won and lost in other quotes, told in the quote of the order."""
        floor, exchange, elsewhere = self._floor, account.broker.exchange, held.elsewhere
        rates = {other: floor.conversion.rate(exchange, other, quote) for other in elsewhere}
        known = {other: rate for other, rate in rates.items() if rate is not None}
        whole = held.converted(known)
        moved = [other for other, found in elsewhere.items() if found.realised_today]
        lost_of = (times(floor.accounts.known_free(account.id, other), known[other]) for other in moved if other in known)
        return replace(
            situation,
            equity=situation.equity - held.total_notional + whole.total_notional,
            total_notional=whole.total_notional,
            realised_today=whole.realised_today,
            free_elsewhere=sum(lost_of, ZERO),
            untold_held=tuple(sorted(other for other, found in whole.elsewhere.items() if found.holds)),
            untold_results=tuple(sorted(other for other in moved if other not in known)),
        )

    def _proposal(self, wish: PlaceOrder, priced: Priced, now: datetime) -> Proposal:
        made = priced.draft
        return Proposal(
            instrument=priced.instrument,
            side=wish.side,
            reducing=wish.reducing,
            quantity=made.request.quantity,
            notional=made.notional,
            price=made.worst_price,
            reference=priced.reference,
            at=now,
            replacing=wish.replaces,
        )

    def set_aside(self, account: Account, row: Order, priced: Priced) -> None:
        """Set aside what an order will take, and count it, unless it is refused."""
        if row.status is not OrderStatus.PENDING:
            return
        made = priced.draft
        self._floor.accounts.reserve(account.id, row.id, made.reserve_asset, made.reserve)
        if row.side is Side.BUY:
            self._records.activity(account.id).entered(row.created_at, row.symbol, row.side, row.quantity)

    def withdraw(self, account: Account, row: Order, *, free: bool) -> None:
        """Forget an order that was set aside and then did not go out; `free` unless another one under its id still may."""
        if row.status is not OrderStatus.PENDING:
            return
        if free:
            self._floor.accounts.settle(account.id, row.id, had_effect=False)
        if row.side is Side.BUY:
            self._records.activity(account.id).withdrawn(row.created_at, row.symbol, row.side, row.quantity)

    async def act_on_refusal(self, account: Account, row: Order) -> None:
        """Stop the broker's entries after a refusal that says something is wrong with whoever sends them."""
        if row.reason not in _STOPS_BROKER or self._floor.kill_switch.level(account.user_id, account.id) is not None:
            return
        logger.error("Entries of broker {} are halted: {}", account.id, row.reason)
        await self._floor.kill_switch.set(HaltScope.BROKER, account.id, HaltLevel.HALT, by="risk", reason=row.reason)


def mark_refused(row: Order, refusal: AristobotError, now: datetime) -> None:
    """Turn an intent into a DENIED row that says why."""
    row.status, row.done_at = OrderStatus.DENIED, now
    row.reason = refusal.code
    row.reason_facts = {name: str(value) for name, value in refusal.facts.items()}
    row.dry_run = refusal.code == "dry_run"
