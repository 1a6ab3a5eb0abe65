"""What was earned in a stretch of time: gains, hits, fees and turnover, per quote asset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import groupby

from aristobot.kinds import CostMethod
from aristobot.money import HUNDRED, WIDE, ZERO, divided, kept, times
from aristobot.orders import Fill, Side
from aristobot.performance import gains
from aristobot.portfolio import Movement, Position


@dataclass(frozen=True, slots=True)
class Holding:
    """One position with everything that ever moved it. `held` is what it is now; `price` the last one seen."""

    symbol: str
    base: str
    quote: str
    held: Position
    price: Decimal
    opened_at: datetime
    closed_at: datetime | None
    is_dust: bool
    movements: Sequence[Movement]
    method: CostMethod = CostMethod.AVERAGE


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC) on which something was realised or closed."""

    day: date
    realised: Decimal
    closed: int


@dataclass(slots=True)
class Earned:
    """What positions in one quote asset came to; amounts in it, fees deducted. `symbol` when they are all of one pair.

    realised      gained by sales in this time               unrealised  open now, at the last prices; None if one has none
    fees          of the fills, paid in quote or worth that  other_fees  those whose worth nobody knows, by asset
    bought, sold  turnover, before fees                      closed      positions that ended; dust that was left does not count
    won, lost     of these, by all that they brought; even ones are neither
    won_amount    the sum of the won ones                    lost_amount the sum of the lost ones, not negative
    held          how long the closed ones were open, in all
    """

    quote: str
    symbol: str = ""
    realised: Decimal = ZERO
    unrealised: Decimal | None = ZERO
    fees: Decimal = ZERO
    other_fees: dict[str, Decimal] = field(default_factory=dict)
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    fills: int = 0
    open_positions: int = 0
    closed: int = 0
    won: int = 0
    lost: int = 0
    won_amount: Decimal = ZERO
    lost_amount: Decimal = ZERO
    best: Decimal | None = None
    worst: Decimal | None = None
    held: timedelta = timedelta()
    days: list[Day] = field(default_factory=list)

    @property
    def hit_rate(self) -> Decimal | None:
        """Won ones of the closed ones, in per cent."""
        return divided(HUNDRED * self.won, Decimal(self.closed), 2) if self.closed else None

    @property
    def profit_factor(self) -> Decimal | None:
        """What the won ones brought for each unit that the lost ones cost; None when none was lost."""
        return divided(self.won_amount, self.lost_amount, 4) if self.lost_amount else None

    @property
    def mean_won(self) -> Decimal | None:
        """What a won one brought on average."""
        return divided(self.won_amount, Decimal(self.won)) if self.won else None

    @property
    def mean_lost(self) -> Decimal | None:
        """What a lost one cost on average."""
        return divided(self.lost_amount, Decimal(self.lost)) if self.lost else None

    @property
    def mean_held_seconds(self) -> int | None:
        """How long a closed one was open on average."""
        return round(self.held.total_seconds() / self.closed) if self.closed else None


def earned(holdings: Iterable[Holding], since: datetime | None = None) -> list[Earned]:
    """The sums per quote asset since a moment, by name; of all time without one."""
    ordered = sorted(holdings, key=lambda one: one.quote)
    return [_sum(Earned(quote), group, since) for quote, group in groupby(ordered, key=lambda one: one.quote)]


def per_symbol(holdings: Iterable[Holding], since: datetime | None = None) -> list[Earned]:
    """The same per pair, by name."""
    ordered = sorted(holdings, key=_pair)
    return [_sum(Earned(quote, symbol), group, since) for (symbol, quote), group in groupby(ordered, key=_pair)]


def _pair(one: Holding) -> tuple[str, str]:
    return one.symbol, one.quote


def _sum(sums: Earned, holdings: Iterable[Holding], since: datetime | None) -> Earned:
    days: dict[date, Day] = {}
    with localcontext(WIDE):
        for one in holdings:
            _add_fills(sums, one, since)
            _add_gains(sums, days, one, since)
            _add_end(sums, days, one, since)
    for name in ("realised", "fees", "bought", "sold"):
        setattr(sums, name, kept(getattr(sums, name)))
    sums.days = [Day(day, kept(found.realised), found.closed) for day, found in sorted(days.items())]
    return sums


def _add_fills(sums: Earned, one: Holding, since: datetime | None) -> None:
    for fill in one.movements:
        if not isinstance(fill, Fill) or not _counts(fill.at, since):
            continue
        sums.fills += 1
        if fill.side is Side.BUY:
            sums.bought += fill.value
        else:
            sums.sold += fill.value
        worth = fee_worth(fill, one.base, one.quote)
        if worth is None:
            sums.other_fees[fill.fee_asset] = sums.other_fees.get(fill.fee_asset, ZERO) + fill.fee
        else:
            sums.fees += worth


def fee_worth(fill: Fill, base: str, quote: str) -> Decimal | None:
    """A fee in quote, one in base at the price of its fill; None when nobody knows what it was worth."""
    if not fill.fee:
        return ZERO
    return {quote: fill.fee, base: times(fill.fee, fill.price)}.get(fill.fee_asset, fill.fee_value)


def _add_gains(sums: Earned, days: dict[date, Day], one: Holding, since: datetime | None) -> None:
    for at, gained in gains(one.movements, one.base, one.quote, one.method):
        if _counts(at, since):
            sums.realised += gained
            _add_to(days, at, gained, 0)


def _add_end(sums: Earned, days: dict[date, Day], one: Holding, since: datetime | None) -> None:
    """A closed position counts by all that it brought, a held one by what it would bring."""
    if one.closed_at is None:
        gain = one.held.unrealised(one.price)
        sums.unrealised = None if sums.unrealised is None or gain is None else sums.unrealised + gain
        sums.open_positions += not one.is_dust
        return
    if not _counts(one.closed_at, since):
        return
    brought = one.held.realised
    sums.closed += 1
    sums.held += one.closed_at - one.opened_at
    sums.best = brought if sums.best is None else max(sums.best, brought)
    sums.worst = brought if sums.worst is None else min(sums.worst, brought)
    if brought > ZERO:
        sums.won, sums.won_amount = sums.won + 1, sums.won_amount + brought
    elif brought < ZERO:
        sums.lost, sums.lost_amount = sums.lost + 1, sums.lost_amount - brought
    _add_to(days, one.closed_at, ZERO, 1)


def _add_to(days: dict[date, Day], at: datetime, gained: Decimal, closed: int) -> None:
    before = days.get(at.date(), Day(at.date(), ZERO, 0))
    days[at.date()] = Day(before.day, before.realised + gained, before.closed + closed)


def _counts(at: datetime, since: datetime | None) -> bool:
    return since is None or at >= since
