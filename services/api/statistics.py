"""`/api/statistics/`: what was earned, by period, broker and strategy."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query

from aristobot.earnings import Earned, earned, per_symbol
from aristobot.store import earnings
from aristobot.store.tenancy import GuardedSession
from services.api.auth import House, Reader
from services.api.values import Moment, Money, Out

router = APIRouter(prefix="/api", tags=["statistics"])


class Span(StrEnum):
    """How far back to look."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    YEAR = "365d"
    EVER = "all"

    @property
    def length(self) -> timedelta | None:
        """As a length of time; None for all of it."""
        hours = {"24h": 24, "7d": 7 * 24, "30d": 30 * 24, "90d": 90 * 24, "365d": 365 * 24}.get(self.value)
        return None if hours is None else timedelta(hours=hours)


class DayOut(Out):
    """One day (UTC) on which something was realised or closed."""

    day: date
    realised: Money
    closed: int


class SumsOut(Out):
    """What positions came to, in the quote asset and after fees.

    `realised` was gained by the sales of this time; `closed`, `won`, `lost` and what they brought count positions that ended in
    it by all that they ever brought. `fees` in base are counted at the price of their fill; those whose worth nobody knows stand
    in `other_fees`, by asset. `profit_factor` is null when nothing was lost, `unrealised` when something held has no price.
    """

    realised: Money
    unrealised: Money | None
    fees: Money
    other_fees: dict[str, Money]
    bought: Money
    sold: Money
    fills: int
    open_positions: int
    closed: int
    won: int
    lost: int
    hit_rate: Money | None
    mean_won: Money | None
    mean_lost: Money | None
    profit_factor: Money | None
    best: Money | None
    worst: Money | None
    mean_held_seconds: int | None
    days: list[DayOut]


class SymbolOut(SumsOut):
    """The sums of one pair."""

    symbol: str
    quote: str


class QuoteOut(SumsOut):
    """The sums of all pairs in one quote asset; different ones are never added up."""

    quote: str


class StatisticsOut(Out):
    """What was earned since `since` (null: ever)."""

    period: Span
    since: Moment | None
    quotes: list[QuoteOut]
    symbols: list[SymbolOut]


@router.get("/statistics/")
async def statistics(
    house: House,
    who: Reader,
    period: Annotated[Span, Query()] = Span.MONTH,
    broker_id: uuid.UUID | None = None,
    strategy_id: uuid.UUID | None = None,
) -> StatisticsOut:
    """The user's gains, hits, fees and turnover, by quote asset and by pair."""
    since = None if period.length is None else house.clock.now() - period.length
    wanted = earnings.Wanted(since, broker_id, strategy_id)

    def work(session: GuardedSession) -> tuple[list[Earned], list[Earned]]:
        found = earnings.holdings(session, wanted)  # summed here as well: years of fills would hold up the loop
        return earned(found, since), per_symbol(found, since)

    quotes, symbols = await house.db.read(who.user_id, work)
    return StatisticsOut(
        period=period,
        since=since,
        quotes=[QuoteOut.model_validate(one) for one in quotes],
        symbols=[SymbolOut.model_validate(one) for one in symbols],
    )
