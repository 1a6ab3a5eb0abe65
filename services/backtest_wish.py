"""What a user wants to try, the row that remembers it, and the run that plays it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aristobot.market import timeframe_of
from aristobot.store.backtest_tables import Backtest
from services.backtest_legs import LegWish, check_legs, kept, legs_of
from services.wish_checks import check_cash, check_span, check_text, checked_costs

if TYPE_CHECKING:  # the house starts without numpy
    from services.backtest_run import Run


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user wants to try. `text` is pinned; `version_id` or `template` say where it came from.

    `further` are the legs that play beside this one over one balance, of which this one may spend what it is `allotted`.

    `costs`: maker, taker as fractions in text or None for the pair's own, slippage_bps, slippage_range, latency in seconds,
    fee_asset. `fetch` has missing candles downloaded first; with `detail` orders follow the minutes inside larger candles.
    """

    strategy: str
    text: str
    exchange: str
    symbol: str
    timeframe: str
    since: datetime
    until: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, Any] = field(default_factory=dict)
    cash: Decimal = Decimal(10_000)
    seed: int = 0
    fetch: bool = False
    detail: bool = False
    version_id: uuid.UUID | None = None
    template: str = ""
    allotted: Decimal | None = None
    further: tuple[LegWish, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run under way is: queued, candles, playing or checking."""

    stage: str = "queued"
    done: float = 0.0
    seconds_left: float | None = None


def row_of(user_id: uuid.UUID, wish: Wish, now: datetime) -> Backtest:
    """The row of a wish. Raises InvalidInput for what cannot be played."""
    check_text(wish.text)
    check_span(wish.since, wish.until, wish.until)
    check_cash(wish.cash)
    checked_costs(wish.costs)
    check_legs(wish, wish.further, wish.cash)
    return Backtest(
        user_id=user_id,
        strategy_version_id=wish.version_id,
        strategy=wish.strategy[:64],
        template=wish.template,
        exchange=wish.exchange,
        symbol=wish.symbol,
        timeframe=timeframe_of(wish.timeframe).value,
        since=wish.since,
        until=wish.until,
        code=wish.text,
        parameters=dict(wish.parameters),
        costs=dict(wish.costs),
        cash=wish.cash,
        seed=wish.seed,
        fetch=wish.fetch,
        detail=wish.detail,
        allotted=wish.allotted,
        further=[kept(one) for one in wish.further] or None,
        fingerprint=_fingerprint(wish),
        created_at=now,
    )


def _fingerprint(wish: Wish) -> str:
    """The same for the same texts with the same parameters."""
    every: list[Wish | LegWish] = [wish, *wish.further]
    legs = [(one.text, json.dumps(dict(one.parameters), sort_keys=True, default=str)) for one in every]
    places = [f"\0{one.symbol}\0{one.timeframe}\0{one.allotted}" for one in every if wish.further]
    told = "".join(f"\0{text}\0{parameters}" for text, parameters in legs).removeprefix("\0") + "".join(places)
    return hashlib.sha256(told.encode()).hexdigest()


def run_of(row: Backtest) -> Run:
    """What is to be played for a row."""
    from aristobot.candle_series import CandleSeries
    from services.backtest_run import Costs, Leg, Run

    given = row.costs or {}
    fees = {name: None if given.get(name) is None else Decimal(str(given[name])) for name in ("maker", "taker")}
    bps, latency, share = (float(given.get(name) or 0) for name in ("slippage_bps", "latency", "slippage_range"))
    legs = [
        Leg(
            text=one["code"],
            series=CandleSeries(row.exchange, one["symbol"], timeframe_of(one["timeframe"])),
            parameters=one["parameters"],
            allotted=None if one["allotted"] is None else Decimal(one["allotted"]),
            name=one["strategy"],
        )
        for one in legs_of(row)
    ]
    return Run(
        legs=tuple(legs),
        since=row.since,
        until=row.until,
        cash=row.cash,
        costs=Costs(fees["maker"], fees["taker"], bps, latency, share, str(given.get("fee_asset") or "quote")),
        seed=row.seed,
        variants=row.variants,
        detail=row.detail,
    )
