"""What is held and too small to be sold: shown with the reason, and swept when its owner asks.

No exchange that we speak to has a call for it that we could rely on. So dust joins a position of the same pair that is
open, and is sold with it; dust that adds up is sold; what does neither is written off: the coins stay where they are, the
books forget them, and what they had cost becomes a loss.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from aristobot.errors import Conflict, NotFound
from aristobot.events import PositionUpdated
from aristobot.kinds import LotStatus
from aristobot.market import Instrument, Symbol
from aristobot.money import ZERO, kept, plain, times
from aristobot.store import bookkeeping, dust, orders, positions
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import PositionRow
from services.audit_trail import Actor, AuditTrail
from services.broker_book import Account
from services.manual_trading import ManualTrading
from services.order_ticket import OWNER
from services.rights import for_traders
from services.trading_floor import TradingFloor


class Sweep(StrEnum):
    """What can be done with dust: sell it with what is open, sell it by itself, or write it off."""

    JOIN = "join"
    SELL = "sell"
    WRITE_OFF = "write_off"


@dataclass(frozen=True, slots=True)
class Dust:
    """The dust of one pair at one broker. `value` is in quote; `reason` is a code that says why it cannot be sold."""

    symbol: Symbol
    base: str
    quote: str
    quantity: Decimal
    cost: Decimal
    value: Decimal
    reason: str
    facts: Mapping[str, Any]
    sweep: Sweep


@for_traders("of_broker", memory="_floor.db")
class DustSweeper:
    """Every method is for one user, and answers NotFound for what is another's."""

    def __init__(self, floor: TradingFloor, hand: ManualTrading, trail: AuditTrail) -> None:
        self._floor = floor
        self._hand = hand
        self._trail = trail

    async def of_broker(self, user_id: uuid.UUID, broker_id: uuid.UUID) -> list[Dust]:
        """The dust of a broker's books by pair, the dearest first. Raises NotFound."""
        account = await self._floor.brokers.owned(user_id, broker_id)

        def work(session: GuardedSession) -> tuple[list[PositionRow], list[PositionRow]]:
            return dust.crumbs(session, account.id), positions.open_ones(session, account.id)

        crumbs, opened = await self._floor.db.read(user_id, work)
        found = []
        for symbol in dict.fromkeys(row.symbol for row in crumbs):
            instrument = self._floor.catalog.listed(account.broker.exchange, symbol)
            if instrument is not None:
                rows = [row for row in crumbs if row.symbol == symbol]
                whole = any(row.symbol == symbol and not row.is_dust for row in opened)
                found.append(self._heap(account, instrument, rows, joins=whole))
        return sorted(found, key=lambda one: one.value, reverse=True)

    async def sweep(self, user_id: uuid.UUID, broker_id: uuid.UUID, symbol: Symbol, way: Sweep, by: Actor) -> None:
        """Do with the dust of a pair what was offered; writing it off is always possible.

        Raises NotFound, Conflict when that is not the way any more, when orders of it still rest or the coins are gone from
        the account; and ExchangeError.
        """
        account = await self._floor.brokers.owned(user_id, broker_id)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, symbol)
        if way is not Sweep.WRITE_OFF:
            await self._look_whether_there(account, instrument, way)
        price = self._floor.prices.last(account.broker.exchange, symbol)

        def work(session: GuardedSession) -> list[PositionRow]:
            rows = [row for row in dust.crumbs(session, account.id) if row.symbol == symbol]
            if not rows:
                raise NotFound(kind="dust")
            self._refuse_resting(session, account, rows)
            whole = [one for one in positions.open_ones(session, account.id) if one.symbol == symbol and not one.is_dust]
            if way not in (self._heap(account, instrument, rows, joins=bool(whole)).sweep, Sweep.WRITE_OFF):
                raise Conflict("changed_meanwhile", kind="dust")
            before = {"quantity": plain(_held(rows)), "cost": plain(sum((row.cost for row in rows), ZERO))}
            self._trail.record(session, f"dust.{way}", by, subject=f"broker:{account.id}", before=before | {"symbol": symbol})
            if way is Sweep.WRITE_OFF:
                whole = []
            elif way is Sweep.SELL:
                whole = [_gathered(session, rows, price or rows[-1].current_price)]
            now = self._floor.clock.now()
            for row in rows:
                into = _into(row, whole)
                if row is not into:
                    bookkeeping.move_dust(session, row, into, instrument, now)
            return [*rows, *whole]

        changed = await self._floor.db.write(user_id, work)
        for row in changed:
            self._tell(row)
        if way is Sweep.SELL:
            await self._hand.close_position(user_id, changed[-1].id, uuid.uuid4())

    def _heap(self, account: Account, instrument: Instrument, rows: Sequence[PositionRow], *, joins: bool) -> Dust:
        price = self._floor.prices.last(account.broker.exchange, instrument.symbol) or rows[-1].current_price
        quantity = _held(rows)
        sells = not instrument.is_dust(quantity, price)
        reason, facts = instrument.why_dust(quantity)
        return Dust(
            symbol=instrument.symbol,
            base=instrument.base,
            quote=instrument.quote,
            quantity=quantity,
            cost=sum((row.cost for row in rows), ZERO),
            value=kept(times(quantity, price)),
            reason="reason.dust_adds_up" if sells else reason,
            facts=facts,
            sweep=Sweep.JOIN if joins else Sweep.SELL if sells else Sweep.WRITE_OFF,
        )

    async def _look_whether_there(self, account: Account, instrument: Instrument, way: Sweep) -> None:
        """What our books call dust may have been converted or sent away on the exchange's own site.

        What joins a position has to be there beside all that is open: else neither its stop nor its exit finds coins enough.
        """

        def work(session: GuardedSession) -> tuple[list[PositionRow], list[PositionRow]]:
            return dust.crumbs(session, account.id), positions.open_ones(session, account.id)

        crumbs, opened = await self._floor.db.read(account.user_id, work)
        heap = [row for row in crumbs if row.symbol == instrument.symbol]
        if way is Sweep.SELL:
            wanted, there = _held(heap), await self._floor.accounts.free(account, instrument.base)
        else:
            counted = {row.id for row in heap}
            beside = [row for row in opened if row.base == instrument.base and row.id not in counted]
            balances = await self._floor.accounts.balances(account)
            there = sum((one.total for one in balances if one.asset == instrument.base), ZERO)
            wanted = _held([*heap, *beside])
        if there < instrument.quantity(wanted):
            raise Conflict("dust_gone", asset=instrument.base, needed=plain(wanted), free=plain(there))

    def _refuse_resting(self, session: GuardedSession, account: Account, rows: Sequence[PositionRow]) -> None:
        concerned = {row.id for row in rows}
        if any(one.position_id in concerned for one in orders.alive(session, account.id)):
            raise Conflict("dust_has_orders", symbol=rows[0].symbol)

    def _tell(self, row: PositionRow) -> None:
        told = PositionUpdated(
            at=self._floor.clock.now(), user_id=row.user_id, position_id=row.id, broker_id=row.broker_id, symbol=row.symbol
        )
        self._floor.bus.publish(told)


def _held(rows: Sequence[PositionRow]) -> Decimal:
    return sum((row.quantity for row in rows), ZERO)


def _into(row: PositionRow, whole: Sequence[PositionRow]) -> PositionRow | None:
    """The open position that dust joins: its owner's own where there is one."""
    return next((one for one in whole if one.owner == row.owner), whole[0] if whole else None)


def _gathered(session: GuardedSession, rows: Sequence[PositionRow], price: Decimal) -> PositionRow:
    """The position in which dust that adds up comes together to be sold: one that is open already, else a new one."""
    opened = next((row for row in rows if row.status is LotStatus.OPEN), None)
    if opened is not None:
        return opened
    first = rows[0]
    made = PositionRow(
        user_id=first.user_id,
        broker_id=first.broker_id,
        symbol=first.symbol,
        base=first.base,
        quote=first.quote,
        owner=OWNER,
        current_price=price,
        opened_at=first.opened_at,
    )
    session.add(made)
    session.flush()
    return made
