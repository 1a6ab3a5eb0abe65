"""What a broker holds and earned today, as the limits need it."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.kinds import UNDONE, LotStatus
from aristobot.money import ZERO, kept, times
from aristobot.orders import Side
from aristobot.store import bookkeeping
from aristobot.store.orders import ALIVE, is_untold
from aristobot.store.questions import Question
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Bracket, Order, PositionRow


@dataclass(frozen=True, slots=True)
class InQuote:
    """The positions of one broker in one quote, in it: the open ones at their last prices, and what was realised today."""

    notional: Decimal = ZERO
    realised_today: Decimal = ZERO
    #: Whether more is open than dust, which may be forgotten where nobody knows what it is worth.
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Holdings:
    """Open positions of one broker valued at their last prices, and what was realised today, in the quote of one symbol.

    `elsewhere` are the sums in other quotes, each in its own: they are not in these ones.
    """

    symbol_notional: Decimal
    total_notional: Decimal
    open_positions: int
    realised_today: Decimal
    elsewhere: Mapping[str, InQuote] = field(default_factory=dict)

    def converted(self, rates: Mapping[str, Decimal]) -> "Holdings":
        """The same with what is `elsewhere` added at what one unit of its quote is in this one; what has no rate stays there."""
        told = [(found, rates[quote]) for quote, found in self.elsewhere.items() if quote in rates]
        return replace(
            self,
            total_notional=sum((kept(times(one.notional, rate)) for one, rate in told), self.total_notional),
            realised_today=sum((kept(times(one.realised_today, rate)) for one, rate in told), self.realised_today),
            elsewhere={quote: found for quote, found in self.elsewhere.items() if quote not in rates},
        )


def since(session: GuardedSession, broker_id: uuid.UUID, midnight: datetime) -> list[PositionRow]:
    """The open positions of a broker, and those closed since `midnight`."""
    return _SINCE.all(session, broker_id=broker_id, midnight=midnight)


def guarded(session: GuardedSession, broker_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The positions of a broker that have exits asked for, or sales that may still happen or whose fills are not all known.

    Before another sale one has to look at them.
    """
    questions = (_ASKED_FOR_EXITS, _SELLING, _SOLD_UNTOLD)
    found = [one for question in questions for one in question.all(session, broker_id=broker_id)]
    return frozenset(one for one in found if one is not None)


_BROKER: sa.BindParameter[uuid.UUID] = sa.bindparam("broker_id")
_SINCE = Question[PositionRow](
    select(PositionRow)
    .where(PositionRow.broker_id == _BROKER)
    .where(sa.or_(col(PositionRow.closed_at).is_(None), col(PositionRow.closed_at) >= sa.bindparam("midnight")))
)
_ASKED_FOR_EXITS = Question[uuid.UUID](
    select(Bracket.position_id).where(Bracket.broker_id == _BROKER, col(Bracket.status).in_(UNDONE))
)
_SELLING = Question[uuid.UUID | None](
    select(Order.position_id)
    .where(Order.broker_id == _BROKER, Order.side == Side.SELL, col(Order.status).in_(ALIVE))
    .where(col(Order.position_id).is_not(None))
)
#: What such sales took is still counted among what is held.
_SOLD_UNTOLD = Question[uuid.UUID | None](
    select(Order.position_id)
    .where(Order.side == Side.SELL, is_untold())
    .where(
        col(Order.position_id).in_(
            select(PositionRow.id).where(PositionRow.broker_id == _BROKER, PositionRow.status == LotStatus.OPEN)
        )
    )
)


@dataclass(frozen=True, slots=True)
class Known:
    """The positions of `since`, which of them are `guarded`, and what they had brought `before` midnight."""

    rows: Sequence[PositionRow]
    guarded: frozenset[uuid.UUID]
    before: Mapping[uuid.UUID, Decimal]


def known(session: GuardedSession, *, broker_id: uuid.UUID, midnight: datetime) -> Known:
    """All that the limits need of a broker's positions."""
    rows = since(session, broker_id, midnight)
    return Known(rows, guarded(session, broker_id), brought_before(session, rows, midnight))


def brought_before(session: GuardedSession, rows: Iterable[PositionRow], midnight: datetime) -> dict[uuid.UUID, Decimal]:
    """What those of these positions that were open at midnight had realised by then: it is nothing of today's."""
    older = [row for row in rows if row.opened_at < midnight and (row.sold or row.realised)]
    return {row.id: kept(bookkeeping.told_by_fills(session, row, until=midnight).realised) for row in older}


def summed(rows: Iterable[PositionRow], symbol: str, before: Mapping[uuid.UUID, Decimal] = MappingProxyType({})) -> Holdings:
    """The sums over such rows in the quote of a symbol; `symbol_notional` over those of this symbol alone.

    `before` is what was realised before today.
    """
    listed = tuple(rows)
    opened = [row for row in listed if row.status is LotStatus.OPEN]
    symbol_notional = sum((worth(row) for row in opened if row.symbol == symbol), ZERO)
    by_quote = per_quote(listed, before)
    return replace(by_quote.get(quote_of(symbol), by_quote[""]), symbol_notional=symbol_notional)


def per_quote(rows: Sequence[PositionRow], before: Mapping[uuid.UUID, Decimal]) -> dict[str, Holdings]:
    """The sums over such rows, in each of their quotes; under "" those of a quote in which there is none of them."""
    of_quote: defaultdict[str, list[PositionRow]] = defaultdict(list)
    for row in rows:
        of_quote[row.quote].append(row)
    sums = {quote: _in_quote(some, before) for quote, some in of_quote.items()}
    number = sum(not row.is_dust for row in rows if row.status is LotStatus.OPEN)
    found: dict[str, Holdings] = {}
    for quote in ("", *sums):
        here = sums.get(quote, InQuote())
        elsewhere = {name: one for name, one in sums.items() if name != quote and (one.notional or one.realised_today)}
        found[quote] = Holdings(ZERO, here.notional, number, here.realised_today, elsewhere)
    return found


def quote_of(symbol: str) -> str:
    """In what a symbol is paid."""
    return symbol.partition("/")[2]


def _in_quote(rows: Sequence[PositionRow], before: Mapping[uuid.UUID, Decimal]) -> InQuote:
    opened = [row for row in rows if row.status is LotStatus.OPEN]
    return InQuote(
        notional=sum((worth(row) for row in opened), ZERO),
        realised_today=sum((row.realised - before.get(row.id, ZERO) for row in rows), ZERO),
        holds=any(not row.is_dust for row in opened),
    )


def worth(row: PositionRow) -> Decimal:
    """What an open position would bring at its last price, in quote; before the first one, what it was bought at."""
    return times(row.quantity, row.current_price or row.entry)
